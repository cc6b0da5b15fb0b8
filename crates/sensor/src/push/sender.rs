//! One batch after another to the server, oldest first, each until it is known what became of it.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use feeds::fetch::{Client, FetchError, Limits, Patience};
use foldhash::fast::FixedState;
use serde::Deserialize;

use super::spool::{Batch, Spool};
use super::{Reason, token};
use crate::hooks::{Level, MessageHook};
use crate::settings::PushSettings;

/// Batches that are not full come this far apart at least, so that single events make no batch each.
const LINGER: Duration = Duration::from_millis(250);
/// Attempts go on for ever: after half a second at first, after a minute in the end, and then as the server asks, within
/// that.
const PATIENCE: Patience =
    Patience { attempts: u32::MAX, first: Duration::from_millis(500), longest: Duration::from_secs(60) };
/// Compression of a batch: zstd's default.
const LEVEL: i32 = 3;
/// Longest answer that is read, bytes.
const MAX_ANSWER: u64 = 64 << 10;

/// An acknowledgement.
#[derive(Debug, Deserialize)]
struct Taken {
    refused: BTreeMap<String, u64>,
    repeated: bool,
}

/// What came of an attempt.
enum Verdict {
    /// The server has it.
    Taken(Taken),
    /// The server never takes it.
    Refused(u16),
    /// It is sent again.
    Later { reason: Reason, text: String, wait: Duration },
    /// Its file is gone.
    Gone,
}

/// What the thread works with.
pub(super) struct Sender {
    spool: Arc<Spool>,
    client: Client,
    server: String,
    url: String,
    token_file: PathBuf,
    jitter: FixedState,
    message: MessageHook,
    /// Failures since the last success, and what was last said of them.
    failed: u32,
    told: Option<Reason>,
    /// Whether it was told that the server leaves out lines.
    told_rejected: bool,
    /// Lines dropped at the limit, as they were last told.
    told_dropped: u64,
}

impl Sender {
    pub(super) fn new(settings: &PushSettings, spool: Arc<Spool>, client: Client, message: MessageHook) -> Sender {
        Sender {
            spool,
            client,
            server: settings.server.clone(),
            url: format!("{}/api/v1/intake", settings.server),
            token_file: settings.token_file.clone(),
            jitter: FixedState::with_seed(settings.seed),
            message,
            failed: 0,
            told: None,
            told_rejected: false,
            told_dropped: 0,
        }
    }

    /// Until the spool is closed and there is nothing more to send, or sending fails.
    pub(super) fn run(mut self) {
        let mut full_only_until = Instant::now();
        let mut last = false;
        while let Some(batch) = self.spool.next(full_only_until) {
            let (lines, verdict) = self.attempt(batch);
            self.tell_dropped();
            full_only_until = Instant::now() + LINGER;
            match verdict {
                Verdict::Taken(taken) => self.taken(lines, &taken),
                Verdict::Refused(status) => {
                    self.spool.refuse();
                    let (server, place) = (&self.server, self.spool.directory().display());
                    let text = format!(
                        "{server} refuses a batch for good ({status}): {lines} lines are kept in {place}/{}.refused, and not sent",
                        batch.name
                    );
                    self.say(Level::Error, &text);
                }
                Verdict::Gone => {
                    self.spool.done(|counts, bytes| {
                        counts.dropped_batches += 1;
                        counts.dropped_bytes += bytes;
                    });
                    let text =
                        format!("{} is gone from {}: it is not sent", batch.name, self.spool.directory().display());
                    self.say(Level::Error, &text);
                }
                Verdict::Later { reason, text, wait } => {
                    self.spool.postpone(reason);
                    self.failed = self.failed.saturating_add(1);
                    self.tell_failure(reason, &text);
                    if last {
                        return;
                    }
                    // At the end once more, at once.
                    last = self.spool.pause(wait);
                }
            }
        }
    }

    fn say(&self, level: Level, text: &str) {
        (self.message)(level, text);
    }

    fn taken(&mut self, lines: u64, taken: &Taken) {
        let rejected = taken.refused.values().sum::<u64>();
        self.spool.done(|counts, bytes| {
            counts.acknowledged_batches += 1;
            counts.acknowledged_lines += lines;
            counts.acknowledged_bytes += bytes;
            counts.repeated_batches += u64::from(taken.repeated);
            counts.rejected_lines += rejected;
        });
        self.failed = 0;
        if self.told.take().is_some() {
            self.say(Level::Info, &format!("{} takes events again", self.server));
        }
        if rejected > 0 && !std::mem::replace(&mut self.told_rejected, true) {
            let reasons: Vec<String> =
                taken.refused.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
            let text = format!(
                "{} does not take some lines ({}); further ones are counted in metrics only",
                self.server,
                reasons.join(", ")
            );
            self.say(Level::Warning, &text);
        }
    }

    fn tell_failure(&mut self, reason: Reason, text: &str) {
        if self.told.replace(reason) != Some(reason) {
            let (server, place) = (&self.server, self.spool.directory().display());
            let text = format!("{server}: {text}; events and observables wait in {place} and are sent once it works");
            self.say(Level::Error, &text);
        }
    }

    /// Said at the first, and whenever they have doubled.
    fn tell_dropped(&mut self) {
        let dropped = self.spool.dropped_lines();
        if dropped > 0 && dropped >= self.told_dropped.saturating_mul(2) {
            self.told_dropped = dropped;
            let text = format!("the spool is full (SPOOL_SIZE): {dropped} lines were dropped so far, the oldest first");
            self.say(Level::Error, &text);
        }
    }

    /// Sends a batch; how many lines it has, and what came of it.
    fn attempt(&mut self, batch: Batch) -> (u64, Verdict) {
        let local =
            |sender: &Sender, text: String| sender.later(Reason::Local, text, &FetchError::Transport(String::new()));
        let lines = match self.spool.read(batch) {
            Ok(lines) => lines,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (0, Verdict::Gone),
            Err(error) => return (0, local(self, format!("cannot read the batch {}: {error}", batch.name))),
        };
        let count = lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        let token = match token(&self.token_file) {
            Ok(token) => token,
            Err(text) => return (count, local(self, text)),
        };
        let packed = match zstd::bulk::compress(&lines, LEVEL) {
            Ok(packed) => packed,
            Err(error) => return (count, local(self, format!("cannot compress the batch {}: {error}", batch.name))),
        };
        let (authorization, name) = (format!("Bearer {token}"), batch.name.to_string());
        let headers = [
            ("authorization", authorization.as_str()),
            ("maltrail-batch", &name),
            ("content-type", "application/x-ndjson"),
            ("content-encoding", "zstd"),
        ];
        let answer = self.client.post(&self.url, &headers, &packed, Limits { bytes: MAX_ANSWER });
        (count, self.verdict(answer))
    }

    fn verdict(&self, answer: Result<Vec<u8>, FetchError>) -> Verdict {
        let error = match answer {
            Ok(body) => match serde_json::from_slice(&body) {
                Ok(taken) => return Verdict::Taken(taken),
                Err(_) => FetchError::Transport("the answer is no acknowledgement".to_owned()),
            },
            Err(FetchError::Status { status: status @ (400 | 413 | 415 | 422), .. }) => {
                return Verdict::Refused(status);
            }
            Err(error) => error,
        };
        let (reason, advice) = match &error {
            FetchError::Status { status: 401 | 403, .. } => {
                (Reason::Denied, ": it does not take the token of SENSOR_TOKEN_FILE; make one for this sensor there")
            }
            FetchError::Status { status: 408 | 429 | 503, .. } => (Reason::Busy, ""),
            FetchError::Status { status: 500.., .. } => (Reason::Failing, ""),
            FetchError::Status { .. } => (Reason::Foreign, ": LOG_SERVER names no maltrail server"),
            _ => (Reason::Unreachable, ""),
        };
        self.later(reason, format!("{error}{advice}"), &error)
    }

    /// Each further attempt comes later, and not at the same time as that of other sensors.
    fn later(&self, reason: Reason, text: String, error: &FetchError) -> Verdict {
        let attempt = self.failed.saturating_add(1);
        let most = PATIENCE.after(attempt, error).unwrap_or(PATIENCE.longest);
        let random = self.jitter.hash_one(attempt) % 1_000;
        let wait = most / 2 + most / 2 * u32::try_from(random).unwrap_or(0) / 1_000;
        Verdict::Later { reason, text, wait }
    }
}
