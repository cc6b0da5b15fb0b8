//! Bodies that blocking work writes while the client reads: bounded memory, ended when the client goes or stalls.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

/// Bytes that are sent at once.
const PART: usize = 64 * 1024;

/// Parts that wait for the client.
const PARTS: usize = 4;

/// How long a part waits for the client before it is given up.
const STALL: Duration = Duration::from_secs(30);

/// Takes bytes from a blocking thread.
pub(super) struct Pipe {
    to: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
    runtime: Handle,
    failed: bool,
}

impl Pipe {
    fn send(&mut self) -> io::Result<()> {
        if self.failed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if self.buffer.is_empty() {
            return Ok(());
        }
        let part = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(PART)));
        let sent = self.runtime.block_on(timeout(STALL, self.to.send(Ok(part))));
        if matches!(sent, Ok(Ok(()))) {
            return Ok(());
        }
        self.failed = true;
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() >= PART {
            self.send()?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

/// A body that `write` writes on a blocking thread, which holds `place` meanwhile. An error breaks the connection:
/// what was cut short is never taken for the whole.
pub(super) fn body<F>(place: OwnedSemaphorePermit, write: F) -> Body
where
    F: FnOnce(Pipe) -> io::Result<Pipe> + Send + 'static,
{
    let (to, from) = mpsc::channel(PARTS);
    let pipe = Pipe { to: to.clone(), buffer: Vec::with_capacity(PART), runtime: Handle::current(), failed: false };
    tokio::task::spawn_blocking(move || {
        let _place = place;
        if let Err(error) = write(pipe).and_then(|mut pipe| pipe.flush())
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            tracing::error!(%error, "an answer was cut short");
            // Nobody may be there to be told.
            drop(to.blocking_send(Err(error)));
        }
    });
    Body::from_stream(stream::unfold(from, |mut from| async { Some((from.recv().await?, from)) }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::BodyExt as _;
    use tokio::sync::Semaphore;

    use super::*;

    async fn place() -> OwnedSemaphorePermit {
        Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap()
    }

    #[tokio::test]
    async fn everything_arrives_in_order() {
        let wanted: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
        let source = wanted.clone();
        let body = body(place().await, move |mut pipe| {
            for part in source.chunks(1000) {
                pipe.write_all(part)?;
            }
            Ok(pipe)
        });
        assert_eq!(body.collect().await.unwrap().to_bytes(), wanted);
    }

    #[tokio::test]
    async fn an_error_is_no_end() {
        let body = body(place().await, |mut pipe| {
            pipe.write_all(b"some")?;
            Err(io::Error::other("damaged"))
        });
        assert!(body.collect().await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_goes_ends_the_work() {
        let (ended, told) = tokio::sync::oneshot::channel();
        let mut body = body(place().await, move |mut pipe| {
            loop {
                if let Err(error) = pipe.write_all(&[0; 4096]) {
                    ended.send(error.kind()).unwrap();
                    return Err(error);
                }
            }
        });
        body.frame().await.unwrap().unwrap();
        drop(body);
        assert_eq!(told.await.unwrap(), io::ErrorKind::BrokenPipe);
    }
}
