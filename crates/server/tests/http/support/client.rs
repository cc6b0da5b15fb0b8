//! A small client: one request, one connection; and raw bytes where a request is to be wrong.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// No test waits longer for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Someone who asks.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    token: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub fn text_lossy(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Client {
    /// With the token of a reader; none for a stranger.
    pub fn new(address: SocketAddr, token: &str) -> Client {
        Client { address, token: token.to_owned() }
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.with(Method::GET, target, &[]).await
    }

    pub async fn with(&self, method: Method, target: &str, fields: &[(&str, &str)]) -> Answer {
        let mut response = self.begin(method, target, fields).await;
        let body = tokio::time::timeout(PATIENCE, response.body_mut().collect()).await.expect("a body in time");
        let body = body.unwrap().to_bytes();
        Answer { status: response.status(), headers: response.headers().clone(), body }
    }

    /// The head of an answer; its body can be read as it comes.
    pub async fn begin(
        &self,
        method: Method,
        target: &str,
        fields: &[(&str, &str)],
    ) -> axum::http::Response<hyper::body::Incoming> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(target).header("host", self.address.to_string());
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        tokio::time::timeout(PATIENCE, sender.send_request(request)).await.expect("an answer in time").unwrap()
    }

    /// Sends bytes as they are and gives back all that comes until the server closes.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // The server may close before it has read everything.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        let _ = read.unwrap_or_else(|_| panic!("not closed after {:?}", String::from_utf8_lossy(&answer)));
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends JSON.
    pub async fn send(
        &self,
        method: Method,
        target: &str,
        fields: &[(&str, &str)],
        body: &serde_json::Value,
    ) -> Answer {
        let fields = [&[("content-type", "application/json")], fields].concat();
        self.bytes((method, target), &fields, Body::from(body.to_string())).await
    }

    /// Sends a body.
    pub async fn bytes(&self, (method, target): (Method, &str), fields: &[(&str, &str)], body: Body) -> Answer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(target).header("host", self.address.to_string());
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(body).unwrap();
        let mut response =
            tokio::time::timeout(PATIENCE, sender.send_request(request)).await.expect("an answer in time").unwrap();
        let body = tokio::time::timeout(PATIENCE, response.body_mut().collect()).await.expect("a body in time");
        let body = body.unwrap().to_bytes();
        Answer { status: response.status(), headers: response.headers().clone(), body }
    }
}
