//! A server on loopback that answers as it is told, and remembers what it was asked.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rcgen::CertifiedKey;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Bytes at a time of a slow answer.
const SLOW: usize = 64;

/// What a path is answered with.
#[derive(Clone, Debug)]
pub enum Answer {
    /// 200 and a body; with an entity tag, by which 304 is answered.
    Body(Vec<u8>, Option<&'static str>),
    /// A status, and header lines.
    Status(u16, &'static str),
    /// Fewer bytes than announced.
    Cut(Vec<u8>, usize),
    /// A body in pieces, that long after each other.
    Slow(Vec<u8>, Duration),
    /// A body that never ends.
    Endless,
    /// The head, and nothing more until the client goes.
    Silent,
    /// The connection is closed.
    Nothing,
}

/// One request as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Its target.
    pub path: String,
    /// Its fields, their names in lower case.
    pub headers: HashMap<String, String>,
}

/// What all connections share.
#[derive(Default)]
struct Known {
    answers: Mutex<HashMap<String, Vec<Answer>>>,
    closed: Mutex<bool>,
    opened: Condvar,
}

/// The server; it ends with the test.
pub struct Web {
    address: SocketAddr,
    scheme: &'static str,
    known: Arc<Known>,
    asked: Mutex<Receiver<Asked>>,
    /// The certificate that it shows.
    pub certificate: Option<Shown>,
}

/// A certificate that nobody trusts who is not told to.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its bytes.
    pub der: Vec<u8>,
    /// The same as text.
    pub pem: String,
}

impl Default for Web {
    fn default() -> Web {
        Web::new()
    }
}

impl Web {
    /// One without TLS. It is a proxy as well: what is asked through it it answers itself.
    #[must_use]
    pub fn new() -> Web {
        Web::start(None)
    }

    /// One with TLS.
    #[must_use]
    pub fn with_tls() -> Web {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
        let shown = Shown { der: cert.der().to_vec(), pem: cert.pem() };
        Web { certificate: Some(shown), ..Web::start(Some(Arc::new(config))) }
    }

    fn start(tls: Option<Arc<ServerConfig>>) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let known = Arc::new(Known::default());
        let (tell, asked) = channel();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = known.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (known, tell, tls) = (shared.clone(), tell.clone(), tls.clone());
                std::thread::spawn(move || match tls {
                    None => serve(&mut BufReader::new(stream), &known, &tell),
                    Some(tls) => {
                        let connection = ServerConnection::new(tls).unwrap();
                        serve(&mut BufReader::new(StreamOwned::new(connection, stream)), &known, &tell);
                    }
                });
            }
        });
        Web { address, scheme, known, asked: Mutex::new(asked), certificate: None }
    }

    /// Where a path of it is.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.address.port())
    }

    /// What a path is answered with, one after the other; the last for good.
    pub fn answers(&self, path: &str, answers: &[Answer]) {
        self.known.answers.lock().unwrap().insert(path.into(), answers.to_vec());
    }

    /// Answers nothing until it is opened again.
    pub fn close(&self) {
        *self.known.closed.lock().unwrap() = true;
    }

    /// Answers again.
    pub fn open(&self) {
        *self.known.closed.lock().unwrap() = false;
        self.known.opened.notify_all();
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().try_iter().collect()
    }
}

fn serve<S: Read + Write>(stream: &mut BufReader<S>, known: &Known, tell: &Sender<Asked>) {
    let Some((method, asked)) = request(stream) else { return };
    if method == "CONNECT" {
        drop(tell.send(asked));
        if stream.get_mut().write_all(b"HTTP/1.1 200 x\r\n\r\n").is_ok() {
            serve(stream, known, tell);
        }
        return;
    }
    let tagged = asked.headers.get("if-none-match").cloned();
    let answer = {
        let mut answers = known.answers.lock().unwrap();
        match answers.get_mut(&asked.path) {
            None => Answer::Status(404, ""),
            Some(list) if list.len() > 1 => list.remove(0),
            Some(list) => list[0].clone(),
        }
    };
    drop(tell.send(asked));
    drop(known.opened.wait_while(known.closed.lock().unwrap(), |closed| *closed).unwrap());
    // The client may have had enough at any time.
    drop(reply(stream.get_mut(), answer, tagged.as_deref()));
}

/// The method and the rest of a request.
fn request<S: Read>(stream: &mut BufReader<S>) -> Option<(String, Asked)> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let (method, rest) = line.split_once(' ')?;
    let path = rest.split(' ').next()?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.trim().to_owned()),
            None => return Some((method.to_owned(), Asked { path, headers })),
        };
    }
}

fn reply(stream: &mut (impl Read + Write), answer: Answer, tagged: Option<&str>) -> std::io::Result<()> {
    let head = |status: u16, length: usize, more: &str| {
        format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n")
    };
    match answer {
        Answer::Body(_, Some(tag)) if tagged == Some(tag) => stream.write_all(head(304, 0, "").as_bytes())?,
        Answer::Body(body, tag) => {
            let tag = tag.map(|tag| format!("ETag: {tag}\r\n")).unwrap_or_default();
            stream.write_all(head(200, body.len(), &tag).as_bytes())?;
            stream.write_all(&body)?;
        }
        Answer::Status(status, more) => stream.write_all(head(status, 0, more).as_bytes())?,
        Answer::Cut(body, length) => {
            stream.write_all(head(200, length, "").as_bytes())?;
            stream.write_all(&body)?;
        }
        Answer::Slow(body, pause) => {
            stream.write_all(head(200, body.len(), "").as_bytes())?;
            for piece in body.chunks(SLOW) {
                stream.write_all(piece)?;
                stream.flush()?;
                std::thread::sleep(pause);
            }
        }
        Answer::Endless => {
            stream.write_all(b"HTTP/1.1 200 x\r\nConnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[b'a'; 4096])?;
            }
        }
        Answer::Silent => {
            stream.write_all(head(200, 10, "").as_bytes())?;
            stream.flush()?;
            // Ends when the client goes.
            let _ = stream.read(&mut [0])?;
        }
        Answer::Nothing => {}
    }
    stream.flush()
}
