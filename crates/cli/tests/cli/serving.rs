//! A server as a process of its own, and a client of it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Nothing in these tests takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// What a server says last at its first start.
pub(crate) const FIRST: &str = "log in as";
/// What it says at every start.
pub(crate) const READY: &str = "the page is on";
pub(crate) const PASSWORD: &str = "a better one";

/// A port that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Asks until the answer is what it should be in the end.
pub(crate) fn until<T>(mut ask: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match ask() {
            Ok(done) => return done,
            Err(last) => assert!(start.elapsed() < PATIENCE, "{last}"),
        }
    }
}

pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) port: u16,
    said: Arc<Mutex<Vec<String>>>,
    reading: Option<JoinHandle<()>>,
    tls: Option<PathBuf>,
}

/// The program as a server of `directory/log` and `directory/state`.
pub(crate) fn command(directory: &Path, settings: &str, port: u16) -> Command {
    let file = directory.join("server.conf");
    let (log, state) = (directory.join("log"), directory.join("state"));
    let text = format!("HTTP_PORT {port}\nLOG_DIR {}\nSTATE_DIR {}\n{settings}\n", log.display(), state.display());
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_maltrail"));
    command.args(["server", "-c"]).arg(file);
    command.current_dir(directory).env_clear().env("HOME", directory).env("TZ", "UTC").env("NO_COLOR", "1");
    command
}

impl Server {
    /// Starts one; returns when it has said `word`.
    pub(crate) fn start(directory: &Path, settings: &str, word: &str) -> Server {
        let port = free_port();
        let tls = settings.contains("USE_SSL true").then(|| directory.join("state/tls.pem"));
        Server::run(command(directory, settings, port), port, tls, word)
    }

    pub(crate) fn run(mut command: Command, port: u16, tls: Option<PathBuf>, word: &str) -> Server {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let said = Arc::new(Mutex::new(Vec::new()));
        loop {
            let Some(line) = lines.next() else { panic!("it ended: {:?}", said.lock().unwrap()) };
            said.lock().unwrap().push(line.clone());
            if line.contains(word) {
                break;
            }
        }
        let more = Arc::clone(&said);
        let reading = std::thread::spawn(move || lines.for_each(|line| more.lock().unwrap().push(line)));
        Server { child, port, said, reading: Some(reading), tls }
    }

    /// What it says, up to its end.
    pub(crate) fn log(&self) -> Arc<Mutex<Vec<String>>> {
        Arc::clone(&self.said)
    }

    /// All that it has said.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    pub(crate) fn connect(&self) -> io::Result<Connection> {
        connect(self.port, self.tls.as_deref())
    }

    /// One request on a connection of its own.
    pub(crate) fn ask(&self, method: &str, target: &str, fields: &str, body: &str) -> Answer {
        let mut connection = self.connect().unwrap();
        connection.ask(method, target, fields, body.as_bytes()).unwrap()
    }

    /// The field that says who asks, after the first login of all.
    pub(crate) fn log_in(&self) -> String {
        let login = |password: &str| {
            let body = format!(r#"{{"name":"admin","password":"{password}"}}"#);
            let answer = self.ask("POST", "/login", "content-type: application/json\r\n", &body);
            let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: "))?.to_owned();
            Some(format!("cookie: {}\r\ncontent-type: application/json\r\n", cookie.split(';').next()?))
        };
        login(PASSWORD).unwrap_or_else(|| {
            let cookie = login("changeme!").unwrap();
            let change = format!(r#"{{"current":"changeme!","new":"{PASSWORD}"}}"#);
            assert_eq!(self.ask("POST", "/api/v1/account/password", &cookie, &change).status, 204);
            cookie
        })
    }

    /// The field of a new sensor.
    pub(crate) fn sensor(&self, name: &str) -> String {
        let body = format!(r#"{{"label":"{name}","purpose":"sensor"}}"#);
        let made = self.ask("POST", "/api/v1/tokens", &self.log_in(), &body);
        let made: serde_json::Value = serde_json::from_slice(&made.body).unwrap();
        format!("authorization: Bearer {}\r\n", made["token"].as_str().unwrap())
    }

    /// Ends it as a service manager does.
    pub(crate) fn end(mut self) -> i32 {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        self.reading.take().unwrap().join().unwrap();
        status.code().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // `kill -9`, where it did not end before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// To a port of this machine; over TLS where there is a certificate to trust.
pub(crate) fn connect(port: u16, tls: Option<&Path>) -> io::Result<Connection> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(Connection(BufReader::new(match tls {
        None => Box::new(stream),
        Some(file) => Box::new(StreamOwned::new(client(file), stream)),
    })))
}

/// Trusts the certificate that a server made for itself.
fn client(file: &Path) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&std::fs::read(file).unwrap()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap()
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// Requests one after another.
pub(crate) struct Connection(BufReader<Box<dyn Stream>>);

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

impl Connection {
    pub(crate) fn ask(&mut self, method: &str, target: &str, fields: &str, body: &[u8]) -> io::Result<Answer> {
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: same-origin\r\ncontent-length: {length}\r\n{fields}\r\n"
        );
        let stream = self.0.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        stream.flush()?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let head = head.replace("\r\n", "\n");
        let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        let mut answer = Answer { status, head, body: Vec::new() };
        if answer.field("transfer-encoding") == Some("chunked") {
            answer.body = self.chunks()?;
        } else {
            answer.body.resize(answer.field("content-length").map_or(0, |length| length.parse().unwrap()), 0);
            self.0.read_exact(&mut answer.body)?;
        }
        Ok(answer)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let mut size = String::new();
            self.0.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim_end(), 16).map_err(io::Error::other)?;
            let start = body.len();
            body.resize(start + size + 2, 0);
            self.0.read_exact(&mut body[start..])?;
            body.truncate(start + size);
            if size == 0 {
                return Ok(body);
            }
        }
    }
}
