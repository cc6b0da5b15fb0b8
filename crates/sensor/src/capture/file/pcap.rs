//! The pcap format (draft-ietf-opsawg-pcap), both byte orders, micro- and nanoseconds, and Kuznetzov's with its
//! longer record headers.

use ::packet::{LinkType, Micros};

use super::buffer::{Buffer, word};
use super::{Damage, DamageKind, MAX_RECORD, Record};

const MAGIC_MICRO: u32 = 0xa1b2_c3d4;
const MAGIC_NANO: u32 = 0xa1b2_3c4d;
const MAGIC_KUZNETZOV: u32 = 0xa1b2_cd34;
const FILE_HEADER: usize = 24;
/// Bytes of a record header of all but Kuznetzov's form.
pub(super) const COMMON_HEADER: usize = 16;

/// State of a pcap file.
pub(super) struct Pcap {
    big: bool,
    nano: bool,
    header: usize,
    pub(super) link: LinkType,
}

impl Pcap {
    /// `None`: it is none. The file header is done with.
    pub(super) fn open(buffer: &mut Buffer) -> Result<Option<Self>, Damage> {
        if buffer.peek().len() < 4 {
            return Ok(None);
        }
        let little = word(buffer.peek(), 0, false);
        let (big, magic) = match little {
            MAGIC_MICRO | MAGIC_NANO | MAGIC_KUZNETZOV => (false, little),
            _ => (true, little.swap_bytes()),
        };
        let (nano, header) = match magic {
            MAGIC_MICRO => (false, COMMON_HEADER),
            MAGIC_NANO => (true, COMMON_HEADER),
            MAGIC_KUZNETZOV => (false, 24),
            _ => return Ok(None),
        };
        if !buffer.have(FILE_HEADER) {
            return Err(buffer.damage(DamageKind::Cut));
        }
        // The upper six bits tell of the frame check sequence.
        let link = word(buffer.peek(), 20, big) & 0x03ff_ffff;
        buffer.skip(FILE_HEADER);
        let link = LinkType(u16::try_from(link).unwrap_or(u16::MAX));
        Ok(Some(Pcap { big, nano, header, link }))
    }

    /// Time and length of a record that is whole in `bytes` and has the common header, without any of the checks
    /// that tell what is wrong where it is not.
    #[inline(always)]
    pub(super) fn whole(&self, bytes: &[u8]) -> Option<(Micros, usize)> {
        let (words, _) = bytes.first_chunk::<COMMON_HEADER>()?.as_chunks::<4>();
        let [seconds, fraction, length, _] = *words.first_chunk::<4>()?;
        let number = |word| if self.big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) };
        let length = number(length) as usize;
        if self.header != COMMON_HEADER || self.nano || bytes.len() - COMMON_HEADER < length || length > MAX_RECORD {
            return None;
        }
        let time = i64::from(number(seconds)) * Micros::SECOND + i64::from(number(fraction));
        Some((Micros(time), length))
    }

    /// Whether the bytes begin with a whole record.
    pub(super) fn holds_record(&self, bytes: &[u8]) -> bool {
        bytes.len() >= self.header && bytes.len() - self.header >= word(bytes, 8, self.big) as usize
    }

    #[cold]
    pub(super) fn record(&mut self, buffer: &mut Buffer) -> Result<Option<Record>, Damage> {
        if !buffer.have(self.header) {
            let clean = buffer.peek().is_empty();
            return if clean { Ok(None) } else { Err(buffer.damage(DamageKind::Cut)) };
        }
        let bytes = buffer.peek();
        let seconds = i64::from(word(bytes, 0, self.big));
        let fraction = i64::from(word(bytes, 4, self.big));
        let length = word(bytes, 8, self.big) as usize;
        let total = self.header + length;
        if !buffer.have(total) {
            let kind = if total > MAX_RECORD { DamageKind::Length(length as u64) } else { DamageKind::Cut };
            return Err(buffer.damage(kind));
        }
        let micros = if self.nano { fraction / 1000 } else { fraction };
        let time = Micros(seconds * Micros::SECOND + micros);
        Ok(Some(Record { time, link: self.link, start: self.header, length, total }))
    }
}
