//! What stands before a server and does with each request as it is told: passes it on, or fails in one of the ways in
//! which networks and proxies do.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::serving::{Connection, PATIENCE, connect, free_port};

/// What is done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// The server's answer is given back.
    Pass,
    /// It is answered with a status, and the server never sees it.
    Answer(u16),
    /// It is answered with a status and that it may come again at once.
    Busy(u16),
    /// It is not read to its end, and the connection dropped.
    Cut,
    /// The server takes it, but its answer is lost.
    Lose,
    /// The server takes it, and its answer never comes, nor an end of the connection.
    Hold,
    /// As `Hold`, but the server never sees it.
    Hang,
}

/// One request, told when it was dealt with.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) act: Act,
    pub(crate) batch: String,
    /// The status and body of the server's answer.
    pub(crate) answer: Option<(u16, String)>,
}

pub(crate) struct Front {
    pub(crate) port: u16,
    acts: Arc<Mutex<VecDeque<Act>>>,
    pub(crate) seen: Receiver<Seen>,
}

struct Desk {
    /// Port of the server and its certificate.
    server: (u16, PathBuf),
    acts: Arc<Mutex<VecDeque<Act>>>,
    tell: Sender<Seen>,
    held: Mutex<Vec<StreamOwned<ServerConnection, TcpStream>>>,
}

impl Front {
    /// Before the server on a port, with its key and certificate. Without acts requests are passed on.
    pub(crate) fn start(server: u16, pem: &Path, acts: &[Act]) -> Front {
        let listener = TcpListener::bind(("127.0.0.1", free_port())).unwrap();
        let port = listener.local_addr().unwrap().port();
        let acts = Arc::new(Mutex::new(acts.iter().copied().collect::<VecDeque<_>>()));
        let (tell, seen) = channel();
        let desk = Desk { server: (server, pem.to_owned()), acts: acts.clone(), tell, held: Mutex::default() };
        let (desk, config) = (Arc::new(desk), config(pem));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (desk, config) = (desk.clone(), config.clone());
                std::thread::spawn(move || {
                    let stream = stream.unwrap();
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    desk.serve(StreamOwned::new(ServerConnection::new(config).unwrap(), stream));
                });
            }
        });
        Front { port, acts, seen }
    }

    pub(crate) fn act(&self, acts: &[Act]) {
        self.acts.lock().unwrap().extend(acts);
    }

    /// The next request that was dealt with.
    pub(crate) fn next(&self) -> Seen {
        self.seen.recv_timeout(PATIENCE).unwrap()
    }
}

impl Seen {
    /// Whether the server knew the batch.
    pub(crate) fn repeated(&self) -> bool {
        self.answer.as_ref().is_some_and(|(_, text)| text.contains("\"repeated\":true"))
    }
}

fn config(pem: &Path) -> Arc<ServerConfig> {
    let pem = std::fs::read(pem).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let chain = vec![CertificateDer::from_pem_slice(&pem).unwrap()];
    Arc::new(builder.with_single_cert(chain, PrivateKeyDer::from_pem_slice(&pem).unwrap()).unwrap())
}

impl Desk {
    fn serve(&self, stream: StreamOwned<ServerConnection, TcpStream>) {
        let mut stream = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                match stream.read_line(&mut head) {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
            let act = self.acts.lock().unwrap().pop_front().unwrap_or(Act::Pass);
            let mut answer = None;
            if act != Act::Cut {
                let mut body = vec![0; field(&head, "content-length").parse().unwrap()];
                stream.read_exact(&mut body).unwrap();
                answer = matches!(act, Act::Pass | Act::Lose | Act::Hold).then(|| self.forward(&head, &body));
            }
            let reply = match act {
                Act::Pass => answer.clone(),
                Act::Answer(status) => Some((status, String::new())),
                Act::Busy(status) => Some((status, "busy".into())),
                _ => None,
            };
            let batch = field(&head, "maltrail-batch").to_owned();
            if let Some((status, body)) = reply {
                let more = if matches!(act, Act::Busy(_)) { "retry-after: 0\r\n" } else { "" };
                let length = body.len();
                let text = format!("HTTP/1.1 {status} x\r\n{more}content-length: {length}\r\n\r\n{body}");
                let stream = stream.get_mut();
                // It may be gone.
                let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
                let _ = self.tell.send(Seen { act, batch, answer });
            } else {
                if matches!(act, Act::Hold | Act::Hang) {
                    self.held.lock().unwrap().push(stream.into_inner());
                }
                let _ = self.tell.send(Seen { act, batch, answer });
                return;
            }
        }
    }

    fn forward(&self, head: &str, body: &[u8]) -> (u16, String) {
        let (port, certificate) = &self.server;
        let mut connection: Connection = connect(*port, Some(certificate)).unwrap();
        let wanted = ["authorization", "maltrail-batch", "content-encoding", "content-type"];
        let fields: String = wanted.iter().map(|name| format!("{name}: {}\r\n", field(head, name))).collect();
        let answer = connection.ask("POST", "/api/v1/intake", &fields, body).unwrap();
        (answer.status, answer.text())
    }
}

fn field<'h>(head: &'h str, name: &str) -> &'h str {
    let is = |line: &&str| line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name));
    head.lines().find(is).and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
}
