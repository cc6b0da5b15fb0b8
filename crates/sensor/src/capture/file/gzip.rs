//! gzip (RFC 1952), several members, handing out every byte that lies before damage.

use std::io::{self, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::buffer::Buffer;

/// First bytes of every member.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];
const FLAG_CRC: u8 = 2;
const FLAG_EXTRA: u8 = 4;
const FLAG_NAME: u8 = 8;
const FLAG_COMMENT: u8 = 16;

/// Unpacks a stream of members.
pub(super) struct Gzip {
    source: Buffer,
    inflate: Decompress,
    crc: Crc,
    in_member: bool,
    ended: bool,
    failure: Option<io::Error>,
}

fn broken(what: &str) -> io::Error {
    let text =
        format!("the gzip data is broken ({what}); what lies before was used, fetch the file again for the rest");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Why reading bytes that must be there failed.
fn cut(error: io::Error, what: &str) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof { broken(what) } else { error }
}

impl Gzip {
    pub(super) fn new(source: Buffer) -> Self {
        let inflate = Decompress::new(false);
        Gzip { source, inflate, crc: Crc::new(), in_member: false, ended: false, failure: None }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.source.read_exact(&mut byte).map_err(|e| cut(e, "it ends too early"))?;
        let [byte] = byte;
        Ok(byte)
    }

    /// Reads a member's header; false at the end. Anything behind the last member is padding.
    fn header(&mut self) -> io::Result<bool> {
        self.source.have(2);
        if let Some(failure) = self.source.failure() {
            return Err(failure);
        }
        if !self.source.peek().starts_with(&MAGIC) {
            return Ok(false);
        }
        let mut fixed = [0; 10];
        self.source.read_exact(&mut fixed).map_err(|e| cut(e, "it ends inside the header"))?;
        let [_, _, method, flags, ..] = fixed;
        if method != 8 {
            return Err(broken("unknown method"));
        }
        if flags & FLAG_EXTRA != 0 {
            let length = u16::from_le_bytes([self.byte()?, self.byte()?]);
            for _ in 0..length {
                self.byte()?;
            }
        }
        for flag in [FLAG_NAME, FLAG_COMMENT] {
            while flags & flag != 0 && self.byte()? != 0 {}
        }
        if flags & FLAG_CRC != 0 {
            self.byte()?;
            self.byte()?;
        }
        self.inflate.reset(false);
        self.crc.reset();
        Ok(true)
    }

    fn trailer(&mut self) -> io::Result<()> {
        let mut trailer = [0; 8];
        self.source.read_exact(&mut trailer).map_err(|e| cut(e, "it ends inside the checksum"))?;
        let [a, b, c, d, e, f, g, h] = trailer;
        let whole = u32::from_le_bytes([a, b, c, d]) == self.crc.sum();
        let length = u32::from_le_bytes([e, f, g, h]) == self.crc.amount();
        if whole && length { Ok(()) } else { Err(broken("wrong checksum")) }
    }

    /// Unpacks into `into`; what came out before an error is returned first.
    fn inflate(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.source.have(1) {
            return Err(self.source.failure().unwrap_or_else(|| broken("it ends too early")));
        }
        let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(self.source.peek(), into, FlushDecompress::None);
        self.source.skip((self.inflate.total_in() - before_in) as usize);
        let produced = (self.inflate.total_out() - before_out) as usize;
        self.crc.update(into.get(..produced).unwrap_or_default());
        let then = match status {
            Ok(Status::StreamEnd) => {
                self.in_member = false;
                self.trailer()
            }
            Ok(_) => Ok(()),
            Err(_) => Err(broken("the packed data contradict themselves")),
        };
        match then {
            Err(e) if produced == 0 => Err(e),
            Err(e) => {
                self.failure = Some(e);
                Ok(produced)
            }
            Ok(()) => Ok(produced),
        }
    }
}

impl Read for Gzip {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(failure) = self.failure.take() {
                self.ended = true;
                return Err(failure);
            }
            if self.ended || into.is_empty() {
                return Ok(0);
            }
            if !self.in_member {
                self.in_member = self.header()?;
                self.ended = !self.in_member;
                continue;
            }
            let n = self.inflate(into)?;
            if n > 0 {
                return Ok(n);
            }
        }
    }
}
