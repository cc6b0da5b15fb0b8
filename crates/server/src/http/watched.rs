//! A connection that ends when its peer is silent or takes nothing, so that such a peer costs a socket and no more.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::limits::Limits;

/// Requests of one connection. Shared with what serves them.
#[derive(Debug, Default)]
pub(super) struct Activity {
    running: AtomicUsize,
    seen: AtomicUsize,
}

impl Activity {
    /// A request has begun; it runs until this is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        self.seen.fetch_add(1, Ordering::Relaxed);
        Running(self.clone())
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Running(Arc<Activity>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream with time limits.
pub(super) struct Watched<IO> {
    io: IO,
    activity: Arc<Activity>,
    /// By when the first request must have come.
    first: Instant,
    idle: Duration,
    stall: Duration,
    last: Instant,
    read_timer: Pin<Box<Sleep>>,
    /// Runs while the peer takes nothing.
    write_timer: Option<Pin<Box<Sleep>>>,
}

impl<IO> Watched<IO> {
    pub(super) fn new(io: IO, activity: Arc<Activity>, limits: &Limits) -> Self {
        let now = Instant::now();
        let first = now + limits.first_request;
        Watched {
            io,
            activity,
            first,
            idle: limits.idle,
            stall: limits.stall,
            last: now,
            read_timer: Box::pin(sleep_until(first)),
            write_timer: None,
        }
    }

    fn silent(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            ready!(self.read_timer.as_mut().poll(context));
            let now = Instant::now();
            let deadline = if self.activity.seen.load(Ordering::Relaxed) == 0 {
                self.first
            } else if self.activity.running.load(Ordering::Relaxed) > 0 {
                now + self.idle
            } else {
                self.last + self.idle
            };
            if deadline <= now {
                return Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the peer is silent"));
            }
            self.read_timer.as_mut().reset(deadline);
        }
    }

    /// Passes on what writing came to, unless the peer takes nothing for too long.
    fn written<T>(&mut self, context: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.write_timer = None;
            self.last = Instant::now();
            return result;
        }
        let stall = self.stall;
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + stall)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing")))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_read(context, buffer) {
            Poll::Ready(result) => {
                self.last = Instant::now();
                Poll::Ready(result)
            }
            Poll::Pending => self.silent(context).map(Err),
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(context, bytes);
        self.written(context, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.io).poll_flush(context);
        self.written(context, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.io).poll_shutdown(context);
        self.written(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write_vectored(context, parts);
        self.written(context, result)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    fn limits() -> Limits {
        Limits {
            first_request: Duration::from_secs(20),
            idle: Duration::from_secs(60),
            stall: Duration::from_secs(30),
            ..Limits::default()
        }
    }

    async fn seconds_until_end(watched: &mut Watched<tokio::io::DuplexStream>) -> u64 {
        let begin = Instant::now();
        let mut buffer = [0; 8];
        while watched.read(&mut buffer).await.is_ok() {}
        begin.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_nothing_is_left_soon() {
        let (io, _peer) = duplex(64);
        let mut watched = Watched::new(io, Arc::default(), &limits());
        assert_eq!(seconds_until_end(&mut watched).await, 20);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_asked_may_be_idle_for_longer_and_a_running_request_for_ever() {
        let (io, mut peer) = duplex(64);
        let activity = Arc::new(Activity::default());
        let mut watched = Watched::new(io, activity.clone(), &limits());
        let running = activity.begin();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1000)).await;
            drop(running);
            peer.write_all(b"x").await.unwrap();
            std::future::pending::<()>().await;
        });
        assert_eq!(seconds_until_end(&mut watched).await, 1060);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_left() {
        let (io, _peer) = duplex(64);
        let mut watched = Watched::new(io, Arc::default(), &limits());
        let begin = Instant::now();
        let error = watched.write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!((error.kind(), begin.elapsed().as_secs()), (io::ErrorKind::TimedOut, 30));
    }
}
