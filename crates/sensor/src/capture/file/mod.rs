//! Capture files: pcap, pcapng and snoop, plain or gzipped, from a path or from standard input.
//!
//! Frames are borrowed from one reused buffer that is filled by large reads; a file is never mapped, so one that
//! is cut while it is read is a [`Damage`] like any other. Whatever lies before the damage has been handed over.

mod buffer;
mod gzip;
pub mod list;
mod pcap;
mod pcapng;
mod pipe;
mod snoop;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::packet::{Frame, LinkType, Micros};

use crate::hooks::Control;
use buffer::Buffer;
use gzip::Gzip;
use pcap::Pcap;
use pcapng::Pcapng;
use pipe::Pipe;
pub(crate) use pipe::is_pipe;
use snoop::Snoop;

/// Longest record or block that is believed, bytes. The longest that libpcap writes are below 256 KiB but for USB.
pub(crate) const MAX_RECORD: usize = 16 << 20;

/// What is wrong with a capture file.
#[derive(Debug, thiserror::Error)]
pub enum DamageKind {
    /// The first bytes are of no known format.
    #[error("is no capture file (it begins with {0}); pcap, pcapng, snoop and gzip of these are read")]
    Unknown(String),
    /// A compression that is not read.
    #[error("is compressed by {0}, which is not read; unpack it first")]
    Compression(&'static str),
    /// Nothing in it.
    #[error("is empty; was the capture stopped before it was written?")]
    Empty,
    /// The file ends inside a record.
    #[error("ends inside a record: it was cut, or is still being written; copy it again if the rest matters")]
    Cut,
    /// A length that cannot be.
    #[error("says that a record is {0} bytes long, which cannot be; try to repair it with pcapfix or editcap")]
    Length(u64),
    /// A block that contradicts itself.
    #[error("has {0}; try to repair it with pcapfix or editcap")]
    Block(&'static str),
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Damage, and where: an offset in the (unpacked) bytes.
#[derive(Debug, thiserror::Error)]
#[error("at byte {offset}: {kind}")]
pub struct Damage {
    /// Bytes from the beginning, after unpacking.
    pub offset: u64,
    /// What.
    pub kind: DamageKind,
}

impl Damage {
    /// Whether there is none: reading ended because it was to stop.
    #[must_use]
    pub fn is_stop(&self) -> bool {
        matches!(&self.kind, DamageKind::Io(e) if e.get_ref().is_some_and(|e| e.is::<pipe::Stopped>()))
    }
}

/// A record in the buffer: where its frame lies and how much is done with after it.
#[derive(Clone, Copy)]
struct Record {
    time: Micros,
    link: LinkType,
    start: usize,
    length: usize,
    total: usize,
}

enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
    Snoop(Snoop),
}

/// Reads one capture.
pub struct Reader {
    buffer: Buffer,
    format: Format,
    ended: bool,
    read: Arc<AtomicU64>,
}

/// Counts the bytes that come from the disk.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Reader {
    /// Opens a file, or a pipe (`-` is standard input), of which a request to stop ends the reading at once.
    ///
    /// # Errors
    /// It cannot be read, is empty, or no capture.
    pub fn open(path: &Path, control: &Control) -> Result<Self, Damage> {
        let source: io::Result<Box<dyn Read + Send>> = if is_pipe(path) {
            Pipe::open(path, control).map(|pipe| Box::new(pipe) as _)
        } else {
            File::open(path).map(|file| Box::new(file) as _)
        };
        let advice = |e: io::Error| io::Error::new(e.kind(), format!("{e}; check the path and its permissions"));
        Self::new(source.map_err(|e| Damage { offset: 0, kind: advice(e).into() })?)
    }

    /// From any bytes.
    ///
    /// # Errors
    /// They cannot be read, are none, or no capture.
    pub fn new(source: Box<dyn Read + Send>) -> Result<Self, Damage> {
        let read = Arc::new(AtomicU64::new(0));
        let mut buffer = Buffer::new(Box::new(Counted { inner: source, read: read.clone() }));
        buffer.have(2);
        if buffer.peek().starts_with(&gzip::MAGIC) {
            buffer = Buffer::new(Box::new(Gzip::new(buffer)));
        }
        buffer.have(snoop::HEADER);
        let format = format(&mut buffer)?;
        Ok(Reader { buffer, format, ended: false, read })
    }

    /// Hands over frames that lie whole in memory, without any of the checks that tell what is wrong with others, until
    /// `take` says no. Of formats other than pcap in its usual form
    /// there are none.
    #[inline(always)]
    pub fn ready(&mut self, take: impl FnMut(&Frame<'_>) -> bool) {
        if let Format::Pcap(pcap) = &self.format
            && !self.ended
        {
            pcap.whole(&mut self.buffer, take);
        }
    }

    /// The next frame, whatever the format and whatever is wrong with it; none at the end and after damage.
    ///
    /// # Errors
    /// The file is damaged here. What follows is not read.
    pub fn frame(&mut self) -> Result<Option<Frame<'_>>, Damage> {
        if self.ended {
            return Ok(None);
        }
        let record = match &mut self.format {
            Format::Pcap(pcap) => pcap.record(&mut self.buffer),
            Format::Pcapng(pcapng) => pcapng.record(&mut self.buffer),
            Format::Snoop(snoop) => snoop.record(&mut self.buffer),
        };
        match record {
            Ok(Some(record)) => {
                let bytes = self.buffer.consume(record.start, record.length, record.total);
                Ok(Some(Frame { time: record.time, link: record.link, bytes }))
            }
            Ok(None) => {
                self.ended = true;
                self.buffer.finished().map(|()| None)
            }
            Err(damage) => {
                self.ended = true;
                Err(damage)
            }
        }
    }

    /// Whether the next frame is not whole in memory: it has to be read, and of a pipe to be waited for.
    #[must_use]
    pub fn drained(&self) -> bool {
        let bytes = self.buffer.peek();
        !match &self.format {
            Format::Pcap(pcap) => pcap.holds_record(bytes),
            Format::Pcapng(pcapng) => pcapng.holds_packet(bytes),
            Format::Snoop(_) => Snoop::holds_record(bytes),
        }
    }

    /// Bytes read from the disk so far (packed ones, where it is packed).
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

fn format(buffer: &mut Buffer) -> Result<Format, Damage> {
    // So short because reading failed: the bytes say nothing of the format.
    if let Some(damage) = buffer.failed() {
        return Err(damage);
    }
    let head = buffer.peek();
    let kind = match head {
        [] => DamageKind::Empty,
        [0x0a, 0x0d, 0x0d, 0x0a, ..] => return Ok(Format::Pcapng(Pcapng::default())),
        [b's', b'n', b'o', b'o', b'p', 0, 0, 0, ..] => return Snoop::open(buffer).map(Format::Snoop),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => DamageKind::Compression("zstd"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => DamageKind::Compression("xz"),
        [b'B', b'Z', b'h', ..] => DamageKind::Compression("bzip2"),
        [b'P', b'K', 3, 4, ..] => DamageKind::Compression("zip"),
        [0x04, 0x22, 0x4d, 0x18, ..] => DamageKind::Compression("lz4"),
        _ => match Pcap::open(buffer)? {
            Some(pcap) => return Ok(Format::Pcap(pcap)),
            None => DamageKind::Unknown(hex(buffer.peek())),
        },
    };
    Err(Damage { offset: 0, kind })
}

/// The first bytes, for people.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(8).map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")
}
