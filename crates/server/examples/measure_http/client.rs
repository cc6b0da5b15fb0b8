//! A client of HTTP/1.1 that costs little: it sends bytes that were made before, and looks for the length of the answer.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Where the server is, and how it is spoken to.
#[derive(Clone)]
pub struct Way {
    pub address: SocketAddr,
    pub tls: Option<TlsConnector>,
}

/// A connection that is kept.
pub struct Connection {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// A client's side of TLS that trusts one certificate.
pub fn trusting(pem: &[u8]) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem).unwrap()).unwrap();
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// A request without a body.
pub fn get(target: &str, token: &str) -> Vec<u8> {
    let token = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{token}\r\n").into_bytes()
}

impl Connection {
    pub async fn open(way: &Way) -> Connection {
        let stream = TcpStream::connect(way.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let stream: Box<dyn Stream> = match &way.tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = ServerName::try_from("localhost").unwrap();
                Box::new(tls.connect(name, stream).await.unwrap())
            }
        };
        Connection { stream, buffer: Vec::with_capacity(16 << 10) }
    }

    /// Sends a request and reads its answer, which must tell its length. The status, and the body.
    pub async fn ask(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).await.unwrap();
        self.stream.flush().await.unwrap();
        self.buffer.clear();
        let (head, length) = loop {
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "closed: {}", self.text());
            if let Some(head) = find(&self.buffer, b"\r\n\r\n") {
                break (head + 4, length(&self.buffer[..head + 2]));
            }
        };
        while self.buffer.len() < head + length {
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "closed: {}", self.text());
        }
        assert_eq!(self.buffer.len(), head + length, "one answer to a request");
        (status(&self.buffer), &self.buffer[head..])
    }

    /// Sends a request with `connection: close` and reads all that comes: status, and bytes behind the head.
    pub async fn whole(mut self, request: &[u8]) -> (u16, Vec<u8>) {
        let end = request.len() - 2;
        let request = [&request[..end], b"connection: close\r\n\r\n"].concat();
        self.stream.write_all(&request).await.unwrap();
        self.stream.flush().await.unwrap();
        // The end without a word of TLS's own is an error and an end.
        let _ = self.stream.read_to_end(&mut self.buffer).await;
        let head = find(&self.buffer, b"\r\n\r\n").expect("a whole head") + 4;
        (status(&self.buffer), self.buffer.split_off(head))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.buffer).into_owned()
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}

fn status(bytes: &[u8]) -> u16 {
    std::str::from_utf8(&bytes[9..12]).unwrap().parse().unwrap()
}

fn length(head: &[u8]) -> usize {
    const FIELD: &[u8] = b"content-length: ";
    let at = find(head, FIELD).expect("a length") + FIELD.len();
    let digits = head[at..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}
