//! One request: what was fetched, that nothing changed, or why not.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ureq::config::ConfigBuilder;
use ureq::http::header::{DATE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER};
use ureq::http::{HeaderMap, StatusCode};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::typestate::RequestScope;
use ureq::{Agent, Proxy};

/// Redirects that are followed.
const REDIRECTS: u32 = 5;
/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;
/// Longest header value that is kept as a validator, bytes.
const MAX_VALIDATOR: usize = 1_024;

/// What a client is told.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// PROXY_ADDRESS: `http://`, `https://` or `socks5://` with host and port.
    pub proxy: Option<String>,
    /// What it calls itself.
    pub user_agent: String,
    /// For a request in all.
    pub whole: Duration,
    /// Whether the authorities of the system are trusted.
    pub system: bool,
    /// Certificates (DER) of authorities that are trusted besides.
    pub authorities: Vec<Vec<u8>>,
}

impl Default for ClientSettings {
    fn default() -> ClientSettings {
        ClientSettings {
            proxy: None,
            user_agent: concat!("maltrail/", env!("CARGO_PKG_VERSION")).to_owned(),
            whole: Duration::from_secs(300),
            system: true,
            authorities: Vec::new(),
        }
    }
}

/// What a server said of a version of its answer, to be asked with the next time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// Its entity tag (RFC 9110 8.8.3).
    pub etag: Option<String>,
    /// When it was last changed (RFC 9110 8.8.2), as the server wrote it.
    pub last_modified: Option<String>,
}

/// What an answer may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time until there is a connection, until an answer begins, and between two pieces of it.
    pub patience: Duration,
    /// Bytes, unpacked.
    pub bytes: u64,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// What one has is what there is.
    Unchanged,
    /// Another version was written.
    Body {
        /// What to ask with the next time.
        validators: Validators,
        /// Bytes that were written.
        bytes: u64,
    },
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server answered something else.
    #[error("the server answered {status}")]
    Status {
        /// What.
        status: u16,
        /// Seconds that it wants to be left alone for.
        after: Option<u64>,
    },
    /// There was no answer, or not the whole of it.
    #[error("{0}")]
    Transport(String),
    /// The answer is larger than it may be.
    #[error("more than {0} bytes")]
    Large(u64),
    /// It ended before it was whole.
    #[error("the answer ended after {had} of {wanted} bytes")]
    Cut {
        /// Bytes that came.
        had: u64,
        /// Bytes that were announced.
        wanted: u64,
    },
    /// It cannot be written here.
    #[error("cannot write it: {0}")]
    Write(io::Error),
    /// PROXY_ADDRESS.
    #[error("PROXY_ADDRESS is no proxy: {0}")]
    Proxy(String),
    /// One of the further authorities.
    #[error("a certificate cannot be used: {0}")]
    Authority(String),
    /// No certificates.
    #[error("there are no certificates of authorities on this system; install the package ca-certificates")]
    NoAuthorities,
}

impl FetchError {
    /// Seconds that the server wants to be left alone for.
    #[must_use]
    pub fn after(&self) -> Option<u64> {
        match self {
            FetchError::Status { after, .. } => *after,
            _ => None,
        }
    }

    /// Whether it may be otherwise a little later.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            FetchError::Status { status, .. } => *status == 408 || *status == 429 || *status >= 500,
            FetchError::Transport(_) | FetchError::Cut { .. } => true,
            FetchError::Large(_)
            | FetchError::Write(_)
            | FetchError::Proxy(_)
            | FetchError::Authority(_)
            | FetchError::NoAuthorities => false,
        }
    }
}

/// Fetches; one for all feeds, used by several threads.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// The proxy is none, a certificate cannot be used, or no authority is trusted.
    pub fn new(settings: &ClientSettings) -> Result<Client, FetchError> {
        let proxy = settings.proxy.as_deref().map(Proxy::new).transpose();
        let proxy = proxy.map_err(|error| FetchError::Proxy(error.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::Specific(Arc::new(authorities(settings)?)));
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(REDIRECTS)
            .user_agent(settings.user_agent.as_str())
            .proxy(proxy)
            .tls_config(tls.build())
            .timeout_global(Some(settings.whole));
        Ok(Client { agent: config.build().new_agent() })
    }

    /// Fetches an answer into `out` unless it is still the version of `known`. A redirect never leads from https to
    /// http, and is not followed with a header. `header`: a name and a value that the feed wants.
    ///
    /// # Errors
    /// See [`FetchError`]; `out` may have been written to.
    pub fn get(
        &self,
        url: &str,
        header: Option<(&str, &str)>,
        known: &Validators,
        limits: Limits,
        out: &mut dyn Write,
    ) -> Result<Fetched, FetchError> {
        // A key is for those whom the feed names, and goes nowhere else.
        let redirects = if header.is_some() { 0 } else { REDIRECTS };
        let request = self.agent.get(url).config().https_only(url.starts_with("https://"));
        let request = request.max_redirects(redirects).max_redirects_will_error(false);
        let mut request = within(request, limits.patience).build();
        if let Some(etag) = &known.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(changed) = &known.last_modified {
            request = request.header(IF_MODIFIED_SINCE, changed);
        }
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let mut answer = request.call().map_err(|error| FetchError::Transport(error.to_string()))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if *known != Validators::default() => return Ok(Fetched::Unchanged),
            status => return Err(refused(status, answer.headers())),
        }
        let validators = Validators {
            etag: text(answer.headers(), ETAG.as_str()),
            last_modified: text(answer.headers(), LAST_MODIFIED.as_str()),
        };
        let packed = answer.headers().contains_key(ureq::http::header::CONTENT_ENCODING);
        let wanted = answer.body().content_length().filter(|_| !packed);
        let bytes = copy(&mut answer.body_mut().with_config().limit(u64::MAX).reader(), out, limits.bytes)?;
        match wanted {
            Some(wanted) if wanted != bytes => Err(FetchError::Cut { had: bytes, wanted }),
            _ => Ok(Fetched::Body { validators, bytes }),
        }
    }

    /// Posts a body over https and gives back what was answered with 200. No redirect is followed.
    ///
    /// # Errors
    /// See [`FetchError`]; the body may have arrived all the same.
    pub fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        limits: Limits,
    ) -> Result<Vec<u8>, FetchError> {
        let request = self.agent.post(url).config().https_only(true);
        let request = request.max_redirects(0).max_redirects_will_error(false);
        let mut request = within(request, limits.patience).build();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.send(body).map_err(|error| FetchError::Transport(error.to_string()))?;
        if answer.status() != StatusCode::OK {
            return Err(refused(answer.status(), answer.headers()));
        }
        let mut out = Vec::new();
        copy(&mut answer.body_mut().with_config().limit(u64::MAX).reader(), &mut out, limits.bytes)?;
        Ok(out)
    }

    /// Ends all requests of this client and its clones, also those under way.
    pub fn shutdown(&self) {
        self.agent.clone().shutdown();
    }
}

/// A request that waits no longer than that for a connection, an answer, and more of it.
fn within<Any>(request: ConfigBuilder<RequestScope<Any>>, patience: Duration) -> ConfigBuilder<RequestScope<Any>> {
    let patience = Some(patience);
    request.timeout_connect(patience).timeout_recv_response(patience).timeout_per_read(patience)
}

fn refused(status: StatusCode, headers: &HeaderMap) -> FetchError {
    FetchError::Status { status: status.as_u16(), after: retry_after(headers) }
}

fn authorities(settings: &ClientSettings) -> Result<Vec<Certificate<'static>>, FetchError> {
    let system = if settings.system { rustls_native_certs::load_native_certs().certs } else { Vec::new() };
    let system = system.iter().map(|certificate| Certificate::from_der(certificate.as_ref()).to_owned());
    // Later it would only be missing.
    let mut tried = rustls::RootCertStore::empty();
    for der in &settings.authorities {
        tried.add(der.clone().into()).map_err(|error| FetchError::Authority(error.to_string()))?;
    }
    let more = settings.authorities.iter().map(|der| Certificate::from_der(der).to_owned());
    let all: Vec<_> = system.chain(more).collect();
    if all.is_empty() { Err(FetchError::NoAuthorities) } else { Ok(all) }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    (value.len() <= MAX_VALIDATOR).then(|| value.to_owned())
}

/// Retry-After in seconds (RFC 9110 10.2.3): a number, or a date, which is seen from the server's own.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let after = text(headers, RETRY_AFTER.as_str())?;
    let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp());
    after.parse().ok().or_else(|| {
        let seconds = date(&after)?.duration_since(date(&text(headers, DATE.as_str())?)?).as_secs();
        u64::try_from(seconds).ok()
    })
}

fn copy(from: &mut dyn Read, to: &mut dyn Write, most: u64) -> Result<u64, FetchError> {
    let mut room = vec![0; PIECE];
    let mut bytes = 0;
    loop {
        let read = match from.read(&mut room) {
            Ok(0) => return Ok(bytes),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(FetchError::Transport(format!("after {bytes} bytes: {error}"))),
        };
        bytes += read as u64;
        if bytes > most {
            return Err(FetchError::Large(most));
        }
        to.write_all(room.get(..read).unwrap_or_default()).map_err(FetchError::Write)?;
    }
}
