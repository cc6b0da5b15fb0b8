//! Connections: accepted within limits, TLS where it is on, HTTP/1.1 or HTTP/2, ended in order. Knows no paths.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::uri::{Authority, PathAndQuery};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::app::{App, stopped};
use super::auth::Peer;
use super::followed::Followed;
use super::limits::Limits;
use super::secure;
use super::slots::{Full, Slot, Slots};
use super::tls::{self, TlsError};
use super::watched::{Activity, Watched};
use crate::access::network;

/// Connections the system holds for us to accept.
const BACKLOG: u32 = 4096;

/// Wait after a connection could not be accepted: the system has no descriptors, and gives no sign when it has.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// First byte of a TLS record that carries a handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// Silence after which the system asks whether a peer is still there, and between such questions.
const KEEPALIVE: TcpKeepalive =
    TcpKeepalive::new().with_time(Duration::from_secs(45)).with_interval(Duration::from_secs(15));

/// Why the server does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// No TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}; choose another HTTP_ADDRESS or HTTP_PORT, or end what uses it")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A server that listens.
pub struct Server {
    app: Arc<App>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens where the settings say and answers by `router`.
    ///
    /// # Errors
    /// The address or the certificate is not to be had.
    pub async fn start(app: Arc<App>, router: Router, limits: Limits) -> Result<Server, ListenError> {
        let settings = &app.settings;
        let names = certificate_names(settings.http.ip());
        let tls = tls::config(&settings.tls, &settings.state_dir, &names, app.clock.now())?;
        let (listener, address) =
            listen(settings.http).map_err(|source| ListenError::Bind { address: settings.http, source })?;
        tracing::info!(%address, tls = tls.is_some(), "listening");
        let serving = Arc::new(Serving {
            connections: Slots::new(limits.connections, limits.per_address),
            stopping: app.stopping(),
            tls,
            app: app.clone(),
            router,
            limits,
        });
        Ok(Server { app, address, task: tokio::spawn(serving.accept(listener)) })
    }

    /// Where it listens: the port that was given, or the one the system chose for port 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts nothing more, lets running requests end (for a while), and returns when all connections are closed.
    pub async fn stop(self) {
        self.app.stop();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the listener ended with an error");
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// What an own certificate is for.
fn certificate_names(address: IpAddr) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !address.is_unspecified() && !address.is_loopback() {
        names.push(address.to_string());
    }
    names
}

struct Serving {
    app: Arc<App>,
    router: Router,
    limits: Limits,
    tls: Option<Arc<Followed<TlsAcceptor>>>,
    connections: Arc<Slots<IpAddr>>,
    stopping: watch::Receiver<bool>,
}

impl Serving {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut tasks = JoinSet::new();
        let mut stopping = self.stopping.clone();
        loop {
            tokio::select! {
                () = stopped(&mut stopping) => break,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => {
                        if let Some(slot) = self.admit(address.ip()) {
                            tasks.spawn(self.clone().connection(stream, address, slot));
                        }
                    }
                    Err(error) => {
                        self.app.counters.accept_errors.add();
                        tracing::warn!(%error, "a connection could not be accepted; raise the limit of open files if this stays");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        let all = async { while tasks.join_next().await.is_some() {} };
        if timeout(self.limits.grace, all).await.is_err() {
            tracing::warn!(connections = tasks.len(), "closed although requests were running");
            tasks.shutdown().await;
        }
    }

    /// A place for a connection; none where there are too many.
    fn admit(&self, address: IpAddr) -> Option<Slot<IpAddr>> {
        let counters = &self.app.counters;
        let address = address.to_canonical();
        let proxy = self.app.settings.trusted_proxies.iter().any(|proxy| proxy.contains(&address));
        match self.connections.take((!proxy).then(|| network(address))) {
            Ok(slot) => {
                counters.connections.add();
                Some(slot)
            }
            Err(Full::All) => {
                counters.refused_all.add();
                None
            }
            Err(Full::Key) => {
                counters.refused_address.add();
                None
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, address: SocketAddr, slot: Slot<IpAddr>) {
        let _slot = slot;
        let socket = SockRef::from(&stream);
        // A connection without these works as well.
        drop(socket.set_tcp_keepalive(&KEEPALIVE));
        drop(socket.set_tcp_nodelay(true));
        let mut stopping = self.stopping.clone();
        let tls = match &self.tls {
            None => None,
            Some(certificate) => {
                let mut first = [0];
                let peek = tokio::select! {
                    () = stopped(&mut stopping) => return,
                    peek = timeout(self.limits.handshake, stream.peek(&mut first)) => peek,
                };
                match peek {
                    Ok(Ok(1..)) if first == [TLS_HANDSHAKE] => certificate.get().await,
                    Ok(Ok(1..)) => return self.redirect(stream).await,
                    _ => return self.app.counters.handshakes_failed.add(),
                }
            }
        };
        let activity = Arc::new(Activity::default());
        let stream = Watched::new(stream, activity.clone(), &self.limits);
        let peer = Peer { address, tls: tls.is_some() };
        let Some(acceptor) = tls else { return self.serve(stream, peer, activity).await };
        let handshake = tokio::select! {
            () = stopped(&mut stopping) => return,
            handshake = timeout(self.limits.handshake, acceptor.accept(stream)) => handshake,
        };
        match handshake {
            Ok(Ok(stream)) => self.serve(stream, peer, activity).await,
            _ => self.app.counters.handshakes_failed.add(),
        }
    }

    fn builder(&self) -> auto::Builder<TokioExecutor> {
        let limits = &self.limits;
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(limits.head_bytes.max(8192))
            .max_headers(limits.fields);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX));
        builder
    }

    async fn serve<IO>(&self, io: IO, peer: Peer, activity: Arc<Activity>)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = self.router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            let running = activity.begin();
            request.extensions_mut().insert(peer);
            let router = router.clone();
            async move {
                let response = router.oneshot(request.map(Body::new)).await?;
                Ok::<_, std::convert::Infallible>(response.map(|body| held(body, running)))
            }
        });
        self.until_end(io, service).await;
    }

    /// Serves a connection until it ends, or until the server stops and its running requests are answered.
    async fn until_end<IO, S, F>(&self, io: IO, service: S)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: hyper::service::Service<Request<Incoming>, Response = Response<Body>, Future = F>,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        F: Future<Output = Result<Response<Body>, S::Error>> + Send + 'static,
    {
        let builder = self.builder();
        let connection = builder.serve_connection(TokioIo::new(io), service);
        tokio::pin!(connection);
        let mut stopping = self.stopping.clone();
        // An error ends this connection alone: time-outs, resets, what is no HTTP.
        tokio::select! {
            ended = connection.as_mut() => {
                drop(ended);
                return;
            }
            () = stopped(&mut stopping) => connection.as_mut().graceful_shutdown(),
        }
        drop(connection.await);
    }

    /// Plain HTTP where TLS is spoken: says where to go.
    async fn redirect(&self, stream: TcpStream) {
        self.app.counters.redirected.add();
        let activity = Arc::new(Activity::default());
        let stream = Watched::new(stream, activity.clone(), &self.limits);
        let service = service_fn(move |request: Request<Incoming>| {
            let running = activity.begin();
            async move { Ok::<_, std::convert::Infallible>(elsewhere(&request).map(|body| held(body, running))) }
        });
        self.until_end(stream, service).await;
    }
}

/// The body, and with it what says that its request still runs.
fn held(body: Body, running: super::watched::Running) -> Body {
    use http_body_util::BodyExt as _;
    Body::new(body.map_frame(move |frame| {
        let _held = &running;
        frame
    }))
}

fn elsewhere<B>(request: &Request<B>) -> Response<Body> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.parse::<Authority>().ok()).filter(|host| !host.as_str().contains('@'));
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    if let Some(host) = host {
        let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        if let Ok(location) = HeaderValue::try_from(format!("https://{host}{path}")) {
            let safe = matches!(*request.method(), Method::GET | Method::HEAD);
            // A body that was sent in the clear is not asked for again.
            *response.status_mut() = if safe { StatusCode::PERMANENT_REDIRECT } else { StatusCode::FORBIDDEN };
            if safe {
                response.headers_mut().insert(header::LOCATION, location);
            }
        }
    }
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    secure::headers(response.headers_mut(), false);
    response
}
