//! The snoop format (RFC 1761), as Solaris writes it.

use ::packet::{LinkType, Micros};

use super::buffer::{Buffer, word};
use super::{Damage, DamageKind, MAX_RECORD, Record};

/// Length of the file header.
pub(super) const HEADER: usize = 16;
const RECORD_HEADER: usize = 24;

/// State of a snoop file.
pub(super) struct Snoop {
    link: LinkType,
}

impl Snoop {
    pub(super) fn open(buffer: &mut Buffer) -> Result<Self, Damage> {
        if !buffer.have(HEADER) {
            return Err(buffer.damage(DamageKind::Cut));
        }
        // RFC 1761: 0 IEEE 802.3, 4 Ethernet; the others are not in use any more.
        let link = match word(buffer.peek(), 12, true) {
            0 | 4 => 1,
            _ => u16::MAX,
        };
        buffer.skip(HEADER);
        Ok(Snoop { link: LinkType(link) })
    }

    /// Whether the bytes begin with a whole record.
    pub(super) fn holds_record(bytes: &[u8]) -> bool {
        bytes.len() >= RECORD_HEADER && bytes.len() >= word(bytes, 8, true) as usize
    }

    pub(super) fn record(&mut self, buffer: &mut Buffer) -> Result<Option<Record>, Damage> {
        if !buffer.have(RECORD_HEADER) {
            let clean = buffer.peek().is_empty();
            return if clean { Ok(None) } else { Err(buffer.damage(DamageKind::Cut)) };
        }
        let bytes = buffer.peek();
        let length = word(bytes, 4, true) as usize;
        let total = word(bytes, 8, true) as usize;
        let (seconds, micros) = (word(bytes, 16, true), word(bytes, 20, true));
        if !(RECORD_HEADER..=MAX_RECORD).contains(&total) || length > total - RECORD_HEADER {
            return Err(buffer.damage(DamageKind::Length(total as u64)));
        }
        if !buffer.have(total) {
            return Err(buffer.damage(DamageKind::Cut));
        }
        let time = Micros(i64::from(seconds) * Micros::SECOND + i64::from(micros));
        Ok(Some(Record { time, link: self.link, start: RECORD_HEADER, length, total }))
    }
}
