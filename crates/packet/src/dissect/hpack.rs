//! HPACK (RFC 7541), as far as it takes to follow which host a request names: fields other than `:authority`
//! and `host` only keep their size, so that the indices of the dynamic table stay right.

use std::collections::VecDeque;

use crate::Name;

/// Size of the dynamic table before an update, bytes as the RFC counts them (section 4.1).
const TABLE_SIZE: usize = 4096;
/// Largest table followed. Each entry counts at least [`ENTRY_OVERHEAD`], so this bounds their number too.
const TABLE_SIZE_LIMIT: usize = 64 << 10;
/// What an entry counts beyond its name and value (section 4.1).
const ENTRY_OVERHEAD: usize = 32;

/// Lengths of the names of the static table (appendix A), from index 1 on.
const STATIC_NAMES: [u8; 61] = [
    10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27, 3, 5, 13, 13, 19, 16, 16, 14, 16, 13, 12, 6, 4,
    4, 6, 7, 4, 4, 8, 17, 13, 8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10, 25, 17, 10, 4, 3, 16,
];
const STATIC_AUTHORITY: usize = 1;
const STATIC_HOST: usize = 38;

/// Bits of each symbol's Huffman code (appendix B), the end of string last. The code is canonical: codes of one
/// length count up in the order of their symbols, so the lengths say it all.
#[rustfmt::skip]
const CODE_LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];
const LONGEST_CODE: usize = 30;

/// The canonical code laid out for decoding.
struct Codes {
    /// Code and place in `symbols` of the first symbol of each length, and how many have it.
    first: [(u32, u16, u16); LONGEST_CODE + 1],
    symbols: [u16; 257],
}

static CODES: Codes = Codes::new();

impl Codes {
    #[allow(clippy::indexing_slicing)] // Evaluated at compile time over constant tables.
    const fn new() -> Codes {
        let mut codes = Codes { first: [(0, 0, 0); LONGEST_CODE + 1], symbols: [0; 257] };
        let (mut code, mut place, mut length) = (0u32, 0usize, 1usize);
        while length <= LONGEST_CODE {
            codes.first[length] = (code, place as u16, 0);
            let mut symbol = 0;
            while symbol < CODE_LENGTHS.len() {
                if CODE_LENGTHS[symbol] as usize == length {
                    codes.symbols[place] = symbol as u16;
                    codes.first[length].2 += 1;
                    place += 1;
                    code += 1;
                }
                symbol += 1;
            }
            code <<= 1;
            length += 1;
        }
        codes
    }

    /// The symbol whose code of `length` bits is `code`.
    fn symbol(&self, code: u32, length: usize) -> Option<u16> {
        let (first, place, count) = *self.first.get(length)?;
        let offset = code.checked_sub(first)?;
        if offset >= u32::from(count) {
            return None;
        }
        self.symbols.get(usize::from(place) + offset as usize).copied()
    }
}

/// Which field a header is, as far as anybody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// `:authority` or `host`.
    Host,
    Other,
}

struct Entry {
    field: Field,
    /// Octets of name, for entries that name theirs by index.
    name_length: usize,
    size: usize,
    /// Kept for hosts only.
    value: Option<Box<[u8]>>,
}

/// The bytes of a header block do not hold together, or use more than is followed: the dynamic table is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// Decoder of one direction of one connection.
pub(crate) struct Decoder {
    table: VecDeque<Entry>,
    size: usize,
    limit: usize,
}

/// A string literal: its length and, where it is short enough for one, its text as a name.
struct Literal {
    length: usize,
    text: Option<Name>,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        Decoder { table: VecDeque::new(), size: 0, limit: TABLE_SIZE }
    }

    /// Bytes of heap held: an entry's value is no longer than what the entry counts.
    pub(crate) fn held(&self) -> usize {
        self.table.capacity() * size_of::<Entry>() + self.size
    }

    /// Decodes one header block and calls `visit` with the value of each `:authority` and `host`.
    pub(crate) fn block(&mut self, block: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<(), Broken> {
        let mut rest = block;
        while let Some(first) = rest.first() {
            match first {
                0x80.. => {
                    let index = integer(&mut rest, 7)?;
                    self.indexed(index, visit)?;
                }
                0x40.. => self.literal(&mut rest, 6, true, visit)?,
                0x20.. => self.resize(integer(&mut rest, 5)?)?,
                _ => self.literal(&mut rest, 4, false, visit)?,
            }
        }
        Ok(())
    }

    fn indexed(&self, index: usize, visit: &mut dyn FnMut(&[u8])) -> Result<(), Broken> {
        if index == 0 {
            return Err(Broken);
        }
        let Some(place) = index.checked_sub(STATIC_NAMES.len() + 1) else { return Ok(()) };
        if let Some(value) = &self.table.get(place).ok_or(Broken)?.value {
            visit(value);
        }
        Ok(())
    }

    fn literal(
        &mut self,
        rest: &mut &[u8],
        prefix: u32,
        kept: bool,
        visit: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Broken> {
        let (field, name_length) = match integer(rest, prefix)? {
            0 => {
                let name = string(rest)?;
                let host = name.text.is_some_and(|text| matches!(text.as_bytes(), b":authority" | b"host"));
                (if host { Field::Host } else { Field::Other }, name.length)
            }
            index => self.name(index)?,
        };
        let value = string(rest)?;
        let text = if field == Field::Host { value.text } else { None };
        if let Some(text) = &text {
            visit(text.as_bytes());
        }
        if kept {
            let size = name_length + value.length + ENTRY_OVERHEAD;
            self.insert(Entry { field, name_length, size, value: text.map(|text| text.as_bytes().into()) });
        }
        Ok(())
    }

    fn name(&self, index: usize) -> Result<(Field, usize), Broken> {
        match STATIC_NAMES.get(index.wrapping_sub(1)) {
            Some(length) => {
                let host = index == STATIC_AUTHORITY || index == STATIC_HOST;
                Ok((if host { Field::Host } else { Field::Other }, usize::from(*length)))
            }
            None => {
                let entry = self.table.get(index - STATIC_NAMES.len() - 1).ok_or(Broken)?;
                Ok((entry.field, entry.name_length))
            }
        }
    }

    fn insert(&mut self, entry: Entry) {
        self.evict(self.limit.saturating_sub(entry.size));
        if entry.size <= self.limit {
            self.size += entry.size;
            self.table.push_front(entry);
        }
    }

    fn resize(&mut self, limit: usize) -> Result<(), Broken> {
        if limit > TABLE_SIZE_LIMIT {
            return Err(Broken);
        }
        self.limit = limit;
        self.evict(limit);
        Ok(())
    }

    fn evict(&mut self, limit: usize) {
        while self.size > limit {
            let Some(oldest) = self.table.pop_back() else { break };
            self.size -= oldest.size;
        }
    }
}

/// An integer with a prefix of so many bits (section 5.1).
fn integer(rest: &mut &[u8], prefix: u32) -> Result<usize, Broken> {
    let mask = (1usize << prefix) - 1;
    let mut value = usize::from(take(rest)?) & mask;
    if value < mask {
        return Ok(value);
    }
    for shift in [0, 7, 14, 21] {
        let byte = take(rest)?;
        value += usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Broken)
}

fn take(rest: &mut &[u8]) -> Result<u8, Broken> {
    let (first, tail) = rest.split_first().ok_or(Broken)?;
    *rest = tail;
    Ok(*first)
}

/// A string literal (section 5.2).
fn string(rest: &mut &[u8]) -> Result<Literal, Broken> {
    let huffman = rest.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer(rest, 7)?;
    let (octets, tail) = rest.split_at_checked(length).ok_or(Broken)?;
    *rest = tail;
    if huffman {
        return decode_huffman(octets);
    }
    let mut text = Name::EMPTY;
    Ok(Literal { length, text: text.push(octets).then_some(text) })
}

fn decode_huffman(octets: &[u8]) -> Result<Literal, Broken> {
    let mut text = Some(Name::EMPTY);
    let (mut length, mut code, mut bits) = (0, 0u32, 0);
    for octet in octets {
        for bit in (0..8).rev() {
            code = code << 1 | u32::from(octet >> bit & 1);
            bits += 1;
            if let Some(symbol) = CODES.symbol(code, bits) {
                let byte = u8::try_from(symbol).map_err(|_| Broken)?;
                text = text.and_then(|mut text| text.push(&[byte]).then_some(text));
                length += 1;
                (code, bits) = (0, 0);
            } else if bits >= LONGEST_CODE {
                return Err(Broken);
            }
        }
    }
    // Padding is less than a byte of ones (section 5.2).
    if bits > 7 || code != (1 << bits) - 1 {
        return Err(Broken);
    }
    Ok(Literal { length, text })
}
