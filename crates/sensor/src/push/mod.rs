//! Events and observables to a server over HTTPS, so that each arrives once whatever happens in between.
//!
//! ```text
//! output "spool", observables -> Spool: files, each a batch -> Sender: one batch after another, oldest first
//!                                  ^ removed when the server has acknowledged it  |
//!                                  +----------------------------------------------+
//! ```
//!
//! Who fills the spool waits for the disk only. Nothing here looks at packets.

mod sender;
mod spool;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use event::Event;
use feeds::fetch::{Client, ClientSettings, FetchError};
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::SensorError;
use crate::hooks::{Level, MessageHook};
use crate::output::{LineLog, Writer, encode};
use crate::settings::PushSettings;
use crate::summary::PushCounts;
use sender::Sender;
pub(crate) use spool::{Spool, SpoolSettings};

/// Longest token, bytes.
const MAX_TOKEN: u64 = 4_096;
/// Until there is a connection, and for an answer: a server that is busy takes 10 s to say so.
const PATIENCE: Duration = Duration::from_secs(30);
/// A batch in all.
const WHOLE: Duration = Duration::from_secs(60);
/// How long the end waits for a request that was told to end.
const ENDING: Duration = Duration::from_secs(1);

/// Why a batch is sent again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No connection, no trust in it, or no answer.
    Unreachable,
    /// The server asks for patience (408, 429, 503).
    Busy,
    /// The server fails (other 5xx).
    Failing,
    /// The server does not take the token (401, 403).
    Denied,
    /// Whoever answers takes no batches.
    Foreign,
    /// The token or the batch cannot be read here.
    Local,
}

impl Reason {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Reason::Unreachable => "unreachable",
            Reason::Busy => "busy",
            Reason::Failing => "failing",
            Reason::Denied => "denied",
            Reason::Foreign => "foreign",
            Reason::Local => "local",
        }
    }
}

/// Whether a sensor could send with these settings: what lies on this machine is looked at, nothing is sent.
///
/// # Errors
/// The token or the certificates cannot be used; says why.
pub fn check(settings: &PushSettings) -> Result<(), SensorError> {
    token(&settings.token_file).and_then(|_| client(settings)).map(|_| ()).map_err(|what| refusal(settings, what))
}

fn refusal(settings: &PushSettings, what: String) -> SensorError {
    SensorError::Push { server: settings.server.clone(), what }
}

/// The near end of the spool, for outputs.
#[derive(Clone)]
pub(crate) struct Spooling(Arc<Spool>);

impl LineLog for Spooling {
    fn append(&mut self, lines: &[u8]) -> (usize, io::Result<()>) {
        self.0.append(lines, Timestamp::now())
    }
}

impl Writer for Spooling {
    fn write(&mut self, events: &[Arc<Event>]) -> (usize, io::Result<()>) {
        let (mut lines, mut ends) = (Vec::new(), Vec::new());
        for event in events {
            encode::json(event, &mut lines);
            ends.push(lines.len());
        }
        let (bytes, result) = self.append(&lines);
        (ends.iter().take_while(|end| **end <= bytes).count(), result)
    }
}

/// The spool and the thread that empties it.
pub(crate) struct Push {
    spool: Arc<Spool>,
    client: Client,
    thread: JoinHandle<()>,
    /// Closed when the thread ends.
    ended: Receiver<()>,
    message: MessageHook,
}

impl Push {
    /// Takes over the spool and begins to send what waits in it.
    ///
    /// # Errors
    /// The spool, the token or the certificates cannot be used.
    pub(crate) fn start(settings: &PushSettings, message: MessageHook) -> Result<Push, SensorError> {
        check(settings)?;
        let client = client(settings).map_err(|what| refusal(settings, what))?;
        let PushSettings { server, directory, limit_bytes, seed, .. } = settings;
        let wanted = SpoolSettings { server, directory, limit_bytes: *limit_bytes, process: *seed };
        let spool = Spool::open(&wanted).map_err(|source| SensorError::Spool { path: directory.clone(), source })?;
        let spool = Arc::new(spool);
        let sender = Sender::new(settings, spool.clone(), client.clone(), message.clone());
        let (end, ended) = bounded(0);
        let work = move || {
            let _end: crossbeam_channel::Sender<()> = end;
            sender.run();
        };
        let thread = std::thread::Builder::new().name("push".into()).spawn(work)?;
        Ok(Push { spool, client, thread, ended, message })
    }

    /// For outputs.
    pub(crate) fn near_end(&self) -> Spooling {
        Spooling(self.spool.clone())
    }

    /// For metrics.
    pub(crate) fn spool(&self) -> Arc<Spool> {
        self.spool.clone()
    }

    /// Sends what it can within a time, as long as the server takes it; the rest stays for the next start.
    pub(crate) fn finish(self, time: Duration) -> PushCounts {
        self.spool.close(time);
        if self.ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
            self.client.shutdown();
        }
        // A thread that hangs in a look-up of a name is left: what it had on its way is sent again, and recognised.
        let gone = self.ended.recv_timeout(ENDING) == Err(RecvTimeoutError::Disconnected);
        if gone && self.thread.join().is_err() {
            (self.message)(
                Level::Error,
                "nothing was sent to the server after a failure in the program; please report it",
            );
        }
        let counts = self.spool.counts(Timestamp::now());
        if counts.waiting_batches > 0 {
            let (server, bytes, place) = (&counts.server, counts.waiting_bytes, self.spool.directory().display());
            let text = format!(
                "{bytes} bytes of events and observables wait for {server} in {place}: the next start sends them"
            );
            (self.message)(Level::Warning, &text);
        }
        counts
    }
}

fn client(settings: &PushSettings) -> Result<Client, String> {
    let authorities = settings.authorities.as_deref().map(authorities).transpose()?;
    let settings = ClientSettings {
        whole: WHOLE,
        system: authorities.is_none(),
        authorities: authorities.unwrap_or_default(),
        ..ClientSettings::default()
    };
    Client::new(&settings).map_err(|error| match error {
        FetchError::Authority(_) => format!("LOG_SERVER_CA: {error}"),
        error => error.to_string(),
    })
}

/// Certificates of a file, DER.
fn authorities(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let said = |why: String| format!("LOG_SERVER_CA {}: {why}; give a file of certificates (PEM)", path.display());
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| said(error.to_string()))?;
    let certificates: Result<Vec<_>, _> = certificates.map(|one| one.map(|der| der.as_ref().to_vec())).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(said("it holds no certificate".into())),
        other => other.map_err(|error| said(error.to_string())),
    }
}

/// The token of a file. What is said of it never tells it.
fn token(path: &Path) -> Result<String, String> {
    let said = |why: String| format!("SENSOR_TOKEN_FILE {}: {why}", path.display());
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_TOKEN + 1).read_to_string(&mut text));
    read.map_err(|error| said(format!("{error}; give a file that this user may read")))?;
    let token = text.trim();
    match token.len() as u64 {
        0 => Err(said("it is empty; put the token in it that the server gave for this sensor".into())),
        length if length > MAX_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(said("it holds something else than a token".into()))
        }
        _ => Ok(token.to_owned()),
    }
}
