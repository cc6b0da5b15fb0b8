//! The pcap format (draft-ietf-opsawg-pcap), both byte orders, micro- and nanoseconds, and Kuznetzov's with its
//! longer record headers.

use ::packet::{Frame, LinkType, Micros};

use super::buffer::{Buffer, word};
use super::{Damage, DamageKind, MAX_RECORD, Record};

const MAGIC_MICRO: u32 = 0xa1b2_c3d4;
const MAGIC_NANO: u32 = 0xa1b2_3c4d;
const MAGIC_KUZNETZOV: u32 = 0xa1b2_cd34;
const FILE_HEADER: usize = 24;
/// Bytes of a record header of all but Kuznetzov's form.
const COMMON_HEADER: usize = 16;

/// State of a pcap file.
pub(super) struct Pcap {
    big: bool,
    nano: bool,
    header: usize,
    link: LinkType,
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

    /// Frames whose records are whole in the buffer, as long as `take` wants more. Only of the common header, byte
    /// order and unit, microseconds.
    #[inline(always)]
    pub(super) fn whole(&self, buffer: &mut Buffer, mut take: impl FnMut(&Frame<'_>) -> bool) {
        if self.header != COMMON_HEADER || self.nano || self.big {
            return;
        }
        let number = |word| u32::from_le_bytes(word);
        buffer.consume_while(
            |bytes| {
                let (header, rest) = bytes.split_first_chunk::<COMMON_HEADER>()?;
                let [seconds, fraction, length, _] = *header.as_chunks::<4>().0.first_chunk::<4>()?;
                let (bytes, _) = rest.split_at_checked(number(length) as usize)?;
                let time = i64::from(number(seconds)) * Micros::SECOND + i64::from(number(fraction));
                Some((COMMON_HEADER + bytes.len(), Frame { time: Micros(time), link: self.link, bytes }))
            },
            |frame| take(&frame),
        );
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
