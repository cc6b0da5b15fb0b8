//! JA3: `version,ciphers,extensions,groups,point formats` in decimal, joined by dashes, GREASE left out; its MD5.

use md5::{Digest, Md5};

use super::hello::{Fields, is_grease};

/// The fingerprint.
pub(super) fn md5(fields: &Fields<'_>) -> [u8; 16] {
    let mut text = Text { md5: Md5::new(), buffer: [0; 64], used: 0 };
    text.number(fields.version);
    text.byte(b',');
    text.list(fields.ciphers());
    text.byte(b',');
    text.list(fields.extensions().map(|(kind, _)| kind).filter(|kind| !is_grease(*kind)));
    text.byte(b',');
    text.list(fields.groups());
    text.byte(b',');
    text.list(fields.point_formats().iter().map(|format| u16::from(*format)));
    text.finish()
}

/// Text that is hashed as it is written, a buffer at a time.
struct Text {
    md5: Md5,
    buffer: [u8; 64],
    used: usize,
}

impl Text {
    fn byte(&mut self, byte: u8) {
        if let Some(slot) = self.buffer.get_mut(self.used) {
            *slot = byte;
            self.used += 1;
        }
        if self.used == self.buffer.len() {
            self.md5.update(self.buffer);
            self.used = 0;
        }
    }

    fn number(&mut self, number: u16) {
        let mut power = 10_000;
        while power > 1 && number < power {
            power /= 10;
        }
        while power > 0 {
            self.byte(b'0' + (number / power % 10) as u8);
            power /= 10;
        }
    }

    fn list(&mut self, numbers: impl Iterator<Item = u16>) {
        for (i, number) in numbers.enumerate() {
            if i > 0 {
                self.byte(b'-');
            }
            self.number(number);
        }
    }

    fn finish(mut self) -> [u8; 16] {
        self.md5.update(self.buffer.get(..self.used).unwrap_or_default());
        self.md5.finalize().into()
    }
}
