//! The pcapng format (draft-ietf-opsawg-pcapng): several sections, interfaces, byte orders and resolutions.

use ::packet::{LinkType, Micros};

use super::buffer::{Buffer, half, word};
use super::{Damage, DamageKind, MAX_RECORD, Record};

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// Interfaces of a section that are kept; a packet of a later one is damage.
const MAX_INTERFACES: usize = 65_536;
const OPTION_RESOLUTION: u16 = 9;
const OPTION_OFFSET: u16 = 14;

/// How an interface's time stamps become microseconds.
#[derive(Clone, Copy)]
enum Resolution {
    /// Ticks are microseconds.
    Micro,
    /// So many ticks are a microsecond.
    Finer(u64),
    /// A tick is so many microseconds.
    Coarser(u64),
    /// Ticks of two to the power of minus so many seconds.
    Binary(u8),
}

#[derive(Clone, Copy)]
struct Interface {
    link: LinkType,
    snap: u32,
    resolution: Resolution,
    /// Seconds to add.
    offset: i64,
}

impl Interface {
    #[inline]
    fn micros(&self, ticks: u64) -> Micros {
        let micros = match self.resolution {
            Resolution::Micro => ticks,
            Resolution::Finer(n) => ticks / n,
            Resolution::Coarser(n) => ticks.saturating_mul(n),
            Resolution::Binary(bits) => {
                let micros = u128::from(ticks) * 1_000_000;
                u64::try_from(micros.checked_shr(u32::from(bits)).unwrap_or(0)).unwrap_or(u64::MAX)
            }
        };
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        Micros(micros).plus(self.offset.saturating_mul(Micros::SECOND))
    }
}

/// State of a pcapng file.
#[derive(Default)]
pub(super) struct Pcapng {
    big: bool,
    interfaces: Vec<Interface>,
    /// Time of the last packet, for blocks that have none.
    last: Micros,
}

impl Pcapng {
    /// Whether a packet comes in the bytes before a block that is not whole, or that changes how bytes are read.
    pub(super) fn holds_packet(&self, mut bytes: &[u8]) -> bool {
        while bytes.len() >= 12 {
            let (kind, total) = (word(bytes, 0, self.big), word(bytes, 4, self.big) as usize);
            match bytes.get(total..) {
                Some(_) if matches!(kind, ENHANCED_PACKET | OLD_PACKET | SIMPLE_PACKET) => return true,
                Some(rest) if total >= 12 && kind != SECTION => bytes = rest,
                _ => return false,
            }
        }
        false
    }

    #[inline]
    pub(super) fn record(&mut self, buffer: &mut Buffer) -> Result<Option<Record>, Damage> {
        loop {
            if !buffer.have(12) {
                let clean = buffer.peek().is_empty();
                return if clean { Ok(None) } else { Err(buffer.damage(DamageKind::Cut)) };
            }
            let kind = word(buffer.peek(), 0, self.big);
            if kind == SECTION {
                self.section(buffer)?;
            }
            let total = word(buffer.peek(), 4, self.big) as usize;
            if total < 12 || !total.is_multiple_of(4) || total > MAX_RECORD {
                return Err(buffer.damage(DamageKind::Length(total as u64)));
            }
            if !buffer.have(total) {
                return Err(buffer.damage(DamageKind::Cut));
            }
            if word(buffer.peek(), total - 4, self.big) as usize != total {
                return Err(buffer.damage(DamageKind::Block("a block whose two lengths differ")));
            }
            let record = match kind {
                ENHANCED_PACKET => self.packet(buffer, total, word(buffer.peek(), 8, self.big)),
                OLD_PACKET => self.packet(buffer, total, u32::from(half(buffer.peek(), 8, self.big))),
                SIMPLE_PACKET => self.simple(buffer, total),
                INTERFACE => {
                    self.interface(buffer, total);
                    None
                }
                _ => {
                    buffer.skip(total);
                    continue;
                }
            };
            match record {
                Some(record) => {
                    self.last = record.time;
                    return Ok(Some(record));
                }
                None if kind == INTERFACE => buffer.skip(total),
                None => {
                    return Err(buffer.damage(DamageKind::Block("a packet longer than its block or of no interface")));
                }
            }
        }
    }

    /// A new section: its byte order holds from its own length on.
    #[cold]
    fn section(&mut self, buffer: &mut Buffer) -> Result<(), Damage> {
        self.big = match word(buffer.peek(), 8, false) {
            BYTE_ORDER => false,
            other if other.swap_bytes() == BYTE_ORDER => true,
            _ => return Err(buffer.damage(DamageKind::Block("a section of unknown byte order"))),
        };
        self.interfaces.clear();
        Ok(())
    }

    /// Enhanced and old packet blocks: interface (and drops), time, captured length, original length, data.
    #[inline]
    fn packet(&self, buffer: &Buffer, total: usize, interface: u32) -> Option<Record> {
        let interface = self.interfaces.get(interface as usize)?;
        let bytes = buffer.peek();
        let ticks = u64::from(word(bytes, 12, self.big)) << 32 | u64::from(word(bytes, 16, self.big));
        let length = word(bytes, 20, self.big) as usize;
        let fits = total >= 32 && length <= total - 32;
        fits.then(|| Record { time: interface.micros(ticks), link: interface.link, start: 28, length, total })
    }

    /// Simple packet block: of the first interface, without a time.
    fn simple(&self, buffer: &Buffer, total: usize) -> Option<Record> {
        let interface = self.interfaces.first()?;
        let room = total.checked_sub(16)?;
        let original = word(buffer.peek(), 8, self.big) as usize;
        let snap = if interface.snap == 0 { usize::MAX } else { interface.snap as usize };
        let length = original.min(snap).min(room);
        Some(Record { time: self.last, link: interface.link, start: 12, length, total })
    }

    #[cold]
    fn interface(&mut self, buffer: &Buffer, total: usize) {
        let bytes = buffer.peek().get(..total - 4).unwrap_or_default();
        if self.interfaces.len() >= MAX_INTERFACES || bytes.len() < 16 {
            return;
        }
        let mut interface = Interface {
            link: LinkType(half(bytes, 8, self.big)),
            snap: word(bytes, 12, self.big),
            resolution: Resolution::Micro,
            offset: 0,
        };
        let mut at = 16;
        while at + 4 <= bytes.len() {
            let (code, length) = (half(bytes, at, self.big), usize::from(half(bytes, at + 2, self.big)));
            let value = bytes.get(at + 4..at + 4 + length).unwrap_or_default();
            match (code, value) {
                (0, _) => break,
                (OPTION_RESOLUTION, [exponent, ..]) => interface.resolution = resolution(*exponent),
                (OPTION_OFFSET, value) if value.len() == 8 => {
                    let (first, second) = (u64::from(word(value, 0, self.big)), u64::from(word(value, 4, self.big)));
                    let seconds = if self.big { first << 32 | second } else { second << 32 | first };
                    interface.offset = seconds.cast_signed();
                }
                _ => {}
            }
            at += 4 + length.next_multiple_of(4);
        }
        self.interfaces.push(interface);
    }
}

/// `if_tsresol`: a negative power of ten, or with the highest bit of two.
fn resolution(exponent: u8) -> Resolution {
    if exponent & 0x80 != 0 {
        return Resolution::Binary(exponent & 0x7f);
    }
    let power = |n: u8| 10u64.checked_pow(u32::from(n)).unwrap_or(u64::MAX);
    match exponent {
        6 => Resolution::Micro,
        0..6 => Resolution::Coarser(power(6 - exponent)),
        _ => Resolution::Finer(power(exponent - 6)),
    }
}
