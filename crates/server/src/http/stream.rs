//! Bodies that are written or read while the client takes them: bounded memory, ended when the client goes or takes
//! nothing for a while. What was cut short is never taken for the whole: its connection breaks.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Bytes that are sent at once.
const PART: usize = 64 * 1024;

/// Parts that wait for the client.
const PARTS: usize = 4;

/// A part of a body; none is its end. A channel that closes without it was cut short.
type Part = Option<Bytes>;

/// Takes bytes from a blocking thread.
pub(super) struct Pipe {
    to: mpsc::Sender<Part>,
    buffer: Vec<u8>,
    runtime: Handle,
    /// How long a part waits for the client before the body is given up.
    stall: Duration,
    failed: bool,
}

impl Pipe {
    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let part = std::mem::replace(&mut self.buffer, Vec::with_capacity(PART));
        self.put(Some(part.into()))
    }

    fn put(&mut self, part: Part) -> io::Result<()> {
        if !self.failed {
            let sent = self.runtime.block_on(timeout(self.stall, self.to.send(part)));
            self.failed = !matches!(sent, Ok(Ok(())));
        }
        if self.failed { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }

    fn end(&mut self) -> io::Result<()> {
        self.send()?;
        self.put(None)
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

/// A body that `write` writes on a blocking thread, which holds `place` meanwhile, and gives up when the client takes
/// nothing for as long as `stall`.
pub(super) fn body<P, F>(place: P, stall: Duration, write: F) -> Body
where
    P: Send + 'static,
    F: FnOnce(Pipe) -> io::Result<Pipe> + Send + 'static,
{
    let (to, from) = mpsc::channel(PARTS);
    let pipe = Pipe { to, buffer: Vec::with_capacity(PART), runtime: Handle::current(), stall, failed: false };
    tokio::task::spawn_blocking(move || {
        let _place = place;
        if let Err(error) = write(pipe).and_then(|mut pipe| pipe.end())
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            tracing::error!(%error, "an answer was cut short");
        }
    });
    received(from)
}

/// A file as a body. Holds `place`, and a thread only while it reads.
pub(super) fn file<P: Send + 'static>(place: P, stall: Duration, file: File) -> Body {
    let (to, from) = mpsc::channel(PARTS);
    tokio::spawn(async move {
        let _place = place;
        let mut file = file;
        loop {
            let read = tokio::task::spawn_blocking(move || part(&mut file).map(|part| (part, file))).await;
            let part = match read.map_err(io::Error::other).flatten() {
                Ok((part, rest)) => {
                    file = rest;
                    part
                }
                Err(error) => return tracing::error!(%error, "an answer was cut short"),
            };
            let end = part.is_none();
            if !matches!(timeout(stall, to.send(part)).await, Ok(Ok(()))) || end {
                return;
            }
        }
    });
    received(from)
}

fn part(file: &mut File) -> io::Result<Part> {
    let mut part = Vec::with_capacity(PART);
    file.take(PART as u64).read_to_end(&mut part)?;
    Ok((!part.is_empty()).then(|| part.into()))
}

fn received(from: mpsc::Receiver<Part>) -> Body {
    Body::from_stream(stream::unfold(Some(from), async |from| {
        let mut from = from?;
        match from.recv().await {
            Some(part) => Some((Ok(part?), Some(from))),
            None => Some((Err(io::Error::other("cut short")), None)),
        }
    }))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    const STALL: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn everything_arrives_in_order() {
        let wanted: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
        let source = wanted.clone();
        let written = body((), STALL, move |mut pipe| {
            for part in source.chunks(1000) {
                pipe.write_all(part)?;
            }
            Ok(pipe)
        });
        assert_eq!(written.collect().await.unwrap().to_bytes(), wanted);
        for length in [0, 1, PART - 1, PART, PART + 1, wanted.len()] {
            let mut source = tempfile::tempfile().unwrap();
            source.write_all(&wanted[..length]).unwrap();
            io::Seek::rewind(&mut source).unwrap();
            let read = file((), STALL, source);
            assert_eq!(read.collect().await.unwrap().to_bytes(), wanted[..length]);
        }
    }

    #[tokio::test]
    async fn an_error_is_no_end() {
        let body = body((), STALL, |mut pipe| {
            pipe.write_all(b"some")?;
            Err(io::Error::other("damaged"))
        });
        assert!(body.collect().await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_goes_ends_the_work() {
        let (ended, told) = tokio::sync::oneshot::channel();
        let mut body = body((), STALL, move |mut pipe| {
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

    /// Something that is held, and says when it is given back.
    struct Place(Option<tokio::sync::oneshot::Sender<()>>);

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up_and_what_it_got_is_not_the_whole() {
        let stall = Duration::from_millis(50);
        let (given, back) = tokio::sync::oneshot::channel();
        let written = body(Place(Some(given)), stall, |mut pipe| {
            for _ in 0..PARTS + 2 {
                pipe.write_all(&vec![7; PART])?;
            }
            Ok(pipe)
        });
        back.await.unwrap();
        assert!(written.collect().await.is_err());
        let (given, back) = tokio::sync::oneshot::channel();
        let mut source = tempfile::tempfile().unwrap();
        source.write_all(&vec![7; PART * (PARTS + 2)]).unwrap();
        io::Seek::rewind(&mut source).unwrap();
        let read = file(Place(Some(given)), stall, source);
        back.await.unwrap();
        assert!(read.collect().await.is_err());
    }
}
