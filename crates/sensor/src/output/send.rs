//! Events to other machines over UDP: a central server, syslog (CEF), collectors of JSON.
//!
//! What the system takes for sending counts as delivered: UDP promises no more. Where a host is not reachable, events
//! wait in the queue as for any other output.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::Arc;

use event::{Event, collector};
use jiff::tz::TimeZone;

use super::queue::Writer;
use crate::settings::{Destination, SeverityPattern, Wire};

/// The largest payload of a datagram over IPv4 (65,535 less the headers of IP and UDP), bytes.
const LARGEST: usize = 65_507;

/// Sends every event as a datagram.
pub(super) struct Datagrams {
    destination: Destination,
    severity: Option<Arc<SeverityPattern>>,
    zone: TimeZone,
    socket: Option<UdpSocket>,
}

impl Datagrams {
    pub(super) fn new(destination: Destination, severity: Option<Arc<SeverityPattern>>) -> Self {
        Datagrams { destination, severity, zone: TimeZone::system(), socket: None }
    }

    fn text(&self, event: &Event) -> String {
        let told = self.severity.as_ref().and_then(|pattern| pattern.of(event));
        let severity = told.unwrap_or(event.severity);
        match self.destination.wire {
            Wire::Line => collector::datagram(event, &self.zone),
            Wire::Cef => collector::cef(event, severity, &self.zone, env!("CARGO_PKG_VERSION")),
            // An event has no part that JSON cannot hold.
            Wire::Json => collector::flat_json(event, severity).unwrap_or_default(),
        }
    }

    fn send(&mut self, event: &Event) -> io::Result<()> {
        let mut text = self.text(event);
        cut(&mut text);
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => connect(&self.destination)?,
        };
        // An answer to an earlier datagram ("nobody listens") is told at the next one, which is not sent then.
        let sent = match socket.send(text.as_bytes()) {
            Err(e) if e.kind() == ErrorKind::ConnectionRefused => socket.send(text.as_bytes()),
            sent => sent,
        };
        match sent {
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::ConnectionRefused => {}
            Err(e) => return Err(self.explain(&e)),
        }
        self.socket = Some(socket);
        Ok(())
    }

    fn explain(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("cannot send to {}: {error}", self.destination))
    }
}

/// A longer text is cut at a character: the head says what happened.
fn cut(text: &mut String) {
    if text.len() > LARGEST {
        let end = (0..=LARGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(end);
    }
}

/// Asks for the name anew each time: an address may change while a sensor runs.
fn connect(destination: &Destination) -> io::Result<UdpSocket> {
    let explain = |e: io::Error| io::Error::new(e.kind(), format!("cannot send to {destination}: {e}"));
    let host = destination.host.trim_matches(['[', ']']);
    let mut found = (host, destination.port).to_socket_addrs().map_err(explain)?;
    let address = found.next().ok_or_else(|| explain(ErrorKind::NotFound.into()))?;
    let any: SocketAddr =
        if address.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any).map_err(explain)?;
    socket.connect(address).map_err(explain)?;
    Ok(socket)
}

impl Writer for Datagrams {
    fn write(&mut self, events: &[Arc<Event>]) -> (usize, io::Result<()>) {
        for (done, event) in events.iter().enumerate() {
            if let Err(error) = self.send(event) {
                return (done, Err(error));
            }
        }
        (events.len(), Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use event::Severity;

    use super::*;

    fn event(info: &str) -> Arc<Event> {
        let text = format!(
            r#"{{"v":1,"id":"e","time":"2026-01-02T03:04:05Z","last":"2026-01-02T03:04:05Z","sensor":"gw","src":["10.0.0.5"],"dst":["192.0.2.1"],"protocol":6,"kind":"IP","observed":{{"text":"192.0.2.1","matched":[]}},"info":"{info}","severity":"low"}}"#
        );
        Arc::new(event::journal::parse(&text).unwrap())
    }

    fn listener(address: &str) -> (UdpSocket, Destination) {
        let socket = UdpSocket::bind((address, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let port = socket.local_addr().unwrap().port();
        (socket, Destination { wire: Wire::Line, host: address.to_owned(), port })
    }

    fn receive(socket: &UdpSocket) -> String {
        let mut bytes = vec![0; 70_000];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[test]
    fn each_form_arrives() {
        let (socket, line) = listener("127.0.0.1");
        let pattern = Arc::new(SeverityPattern::new("(?P<high>worm)|(?P<medium>scan)").unwrap());
        for (wire, begins) in [(Wire::Line, "1767323045 "), (Wire::Cef, "<129>"), (Wire::Json, "{\"timestamp\"")] {
            let mut sender = Datagrams::new(Destination { wire, ..line.clone() }, Some(pattern.clone()));
            assert!(matches!(sender.write(&[event("a worm"), event("b")]), (2, Ok(()))));
            let first = receive(&socket);
            assert!(first.starts_with(begins), "{first}");
            assert!(receive(&socket).contains('b'));
        }
        assert_eq!(pattern.of(&event("a worm")), Some(Severity::High));
        assert_eq!(pattern.of(&event("port scan")), Some(Severity::Medium));
        assert_eq!(pattern.of(&event("else")), None);
    }

    #[test]
    fn nobody_listening_is_no_failure_and_whoever_comes_is_served() {
        let (socket, destination) = listener("127.0.0.1");
        drop(socket);
        let mut sender = Datagrams::new(destination.clone(), None);
        for _ in 0..5 {
            assert!(matches!(sender.write(&[event("x")]), (1, Ok(()))));
        }
        let socket = UdpSocket::bind(("127.0.0.1", destination.port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert!(matches!(sender.write(&[event("back")]), (1, Ok(()))));
        assert!(receive(&socket).contains("back"));
    }

    #[test]
    fn a_host_that_is_not_there_is_said_and_the_events_wait() {
        let destination = Destination { wire: Wire::Line, host: "no.such.host.invalid".to_owned(), port: 9 };
        let (written, result) = Datagrams::new(destination, None).write(&[event("x")]);
        assert_eq!(written, 0);
        assert!(result.unwrap_err().to_string().contains("no.such.host.invalid:9"));
    }

    #[test]
    fn the_largest_datagram() {
        let (socket, destination) = listener("127.0.0.1");
        let mut sender = Datagrams::new(destination, None);
        assert!(matches!(sender.write(&[event(&"é".repeat(40_000))]), (1, Ok(()))));
        assert!(receive(&socket).len() > LARGEST - 4);
        for (length, want) in [(LARGEST - 1, LARGEST - 1), (LARGEST, LARGEST), (LARGEST + 1, LARGEST)] {
            let mut text = "x".repeat(length);
            cut(&mut text);
            assert_eq!(text.len(), want);
        }
    }
}
