//! Logins in the syslog of this machine, where fail2ban, auditors and collectors look for them. Local datagrams (RFC
//! 3164 without time and host, which the daemon knows); nothing waits for it, and where there is none nothing is said.
//!
//! ```text
//! <36>maltrail[4711]: login.failed from 203.0.113.7 of "admin"
//! ```
//!
//! The address stands before the name: what somebody typed as their name cannot pass for an address.

use std::net::IpAddr;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

/// Where daemons of syslog listen.
const SOCKET: &str = "/dev/log";

/// Facility of security and authorization.
const AUTH: u8 = 4;
const WARNING: u8 = 4;
const INFORMATIONAL: u8 = 6;

/// What is said of a login.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'s> {
    /// `login`, `login.failed` ...
    pub(super) action: &'static str,
    pub(super) failed: bool,
    pub(super) from: IpAddr,
    /// What was typed, shortened.
    pub(super) name: &'s str,
}

impl Said<'_> {
    /// The name is data: no control characters, and quotes are written so that they end nothing.
    pub(super) fn text(&self) -> String {
        let name = event::line::clean(self.name).replace('\\', "\\\\").replace('"', "\\\"");
        format!("{} from {} of \"{name}\"", self.action, self.from)
    }
}

/// The way to the daemon.
#[derive(Clone, Debug)]
pub struct Syslog(PathBuf);

impl Default for Syslog {
    fn default() -> Syslog {
        Syslog(SOCKET.into())
    }
}

impl Syslog {
    /// To a socket.
    #[must_use]
    pub fn at(socket: PathBuf) -> Syslog {
        Syslog(socket)
    }

    /// Says it if somebody listens and has room for it.
    pub(super) fn say(&self, said: Said<'_>) {
        let severity = if said.failed { WARNING } else { INFORMATIONAL };
        let message = format!("<{}>maltrail[{}]: {}", AUTH * 8 + severity, std::process::id(), said.text());
        let sent = UnixDatagram::unbound().and_then(|socket| {
            socket.set_nonblocking(true)?;
            socket.send_to(message.as_bytes(), &self.0)
        });
        if let Err(error) = sent {
            tracing::debug!(socket = %self.0.display(), %error, "no syslog");
        }
    }
}
