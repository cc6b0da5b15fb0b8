//! A server on loopback that answers as it is told, and remembers what it was asked.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use rcgen::CertifiedKey;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a path is answered with.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// 200 and a body; with an entity tag, by which 304 is answered.
    Body(Vec<u8>, Option<&'static str>),
    /// A status, and header lines.
    Status(u16, &'static str),
    /// Fewer bytes than announced.
    Cut(Vec<u8>, usize),
    /// A body that never ends.
    Endless,
    /// The head, and nothing more until the client goes.
    Silent,
    /// The connection is closed.
    Nothing,
}

/// One request as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
}

type Answers = Arc<Mutex<HashMap<String, Vec<Answer>>>>;

pub(crate) struct Web {
    address: SocketAddr,
    scheme: &'static str,
    answers: Answers,
    asked: Mutex<Receiver<Asked>>,
    /// The certificate that it shows.
    pub(crate) certificate: Option<Vec<u8>>,
}

impl Web {
    pub(crate) fn new() -> Web {
        Web::start(None)
    }

    pub(crate) fn with_tls() -> Web {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
        Web { certificate: Some(cert.der().to_vec()), ..Web::start(Some(Arc::new(config))) }
    }

    fn start(tls: Option<Arc<ServerConfig>>) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Answers::default();
        let (tell, asked) = channel();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let known = answers.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (known, tell, tls) = (known.clone(), tell.clone(), tls.clone());
                std::thread::spawn(move || match tls {
                    None => serve(&mut BufReader::new(stream), &known, &tell),
                    Some(tls) => {
                        let connection = ServerConnection::new(tls).unwrap();
                        serve(&mut BufReader::new(StreamOwned::new(connection, stream)), &known, &tell);
                    }
                });
            }
        });
        Web { address, scheme, answers, asked: Mutex::new(asked), certificate: None }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.address.port())
    }

    /// What a path is answered with, one after the other; the last for good.
    pub(crate) fn answers(&self, path: &str, answers: &[Answer]) {
        self.answers.lock().unwrap().insert(path.into(), answers.to_vec());
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().try_iter().collect()
    }
}

fn serve<S: Read + Write>(stream: &mut BufReader<S>, answers: &Answers, tell: &Sender<Asked>) {
    let Some(asked) = request(stream) else { return };
    let tagged = asked.headers.get("if-none-match").cloned();
    let answer = {
        let mut answers = answers.lock().unwrap();
        match answers.get_mut(&asked.path) {
            None => Answer::Status(404, ""),
            Some(list) if list.len() > 1 => list.remove(0),
            Some(list) => list[0].clone(),
        }
    };
    drop(tell.send(asked));
    // The client may have had enough at any time.
    drop(reply(stream.get_mut(), answer, tagged.as_deref()));
}

fn request<S: Read>(stream: &mut BufReader<S>) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.trim().to_owned()),
            None => return Some(Asked { path, headers }),
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
