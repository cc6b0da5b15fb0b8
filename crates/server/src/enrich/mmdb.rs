//! Files of MaxMind's format (MaxMind DB File Format Specification 2.0): a binary tree over the bits of addresses, and
//! behind it a record for each network. Any bytes may come: every number is held to the file before it is used, and one
//! look-up reads a bounded number of values.
//!
//! ```text
//! search tree: nodes of two records | 16 zero bytes | data: typed values, pointers | marker, metadata (a map)
//! ```

use std::net::IpAddr;

/// What stands before the metadata.
const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
/// The metadata ends the file, and is not longer.
const MAX_METADATA: usize = 128 << 10;
/// Zero bytes between tree and data; records that point to data count them.
const SEPARATOR: usize = 16;
/// Maps and arrays within each other.
const MAX_DEPTH: u8 = 32;
/// Values that one look-up reads or passes over.
const MAX_VALUES: u32 = 4096;

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not such a file, or its end is missing.
    #[error("no metadata of MaxMind's format at its end")]
    NoMetadata,
    /// The metadata says something that cannot be.
    #[error("its metadata does not describe a file of version 2")]
    Metadata,
    /// It is shorter than its metadata says.
    #[error("it is cut short")]
    Short,
    /// A record of the tree, or a value, lies outside, or makes no sense.
    #[error("it is damaged")]
    Damaged,
}

/// A file in memory.
#[derive(Clone, Debug)]
pub struct Database {
    bytes: Vec<u8>,
    nodes: usize,
    /// Bits of one record of a node: 24, 28 or 32.
    record_bits: usize,
    /// First byte of the data.
    data_start: usize,
    /// First byte behind the data.
    data_end: usize,
    /// Where IPv4 addresses begin: the root, or the node behind 96 zero bits.
    ipv4_root: Option<usize>,
    ipv6: bool,
    /// What the file says that it is: `GeoLite2-Country`.
    kind: String,
    /// When it was made, seconds since 1970.
    built: u64,
}

/// What a look-up found: one value of the data, mostly a map.
#[derive(Clone, Copy, Debug)]
pub struct Record<'d> {
    data: &'d [u8],
    at: usize,
}

/// A value that is no map and no array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'d> {
    /// UTF-8.
    Text(&'d str),
    /// Whole numbers of any width; those above 64 bits are not told.
    Number(u64),
    /// Floating point.
    Real(f64),
    /// Something else.
    Other,
}

impl Database {
    /// Reads the metadata and holds it to the file.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Database, Fault> {
        let searched = bytes.len().saturating_sub(MAX_METADATA);
        let tail = bytes.get(searched..).unwrap_or_default();
        let marker = tail.windows(MARKER.len()).rposition(|bytes| bytes == MARKER).ok_or(Fault::NoMetadata)?;
        let metadata = Record { data: tail.get(marker + MARKER.len()..).unwrap_or_default(), at: 0 };
        let number = |key: &str| match metadata.find(&[key]) {
            Ok(Some(Scalar::Number(number))) => usize::try_from(number).map_err(|_| Fault::Metadata),
            _ => Err(Fault::Metadata),
        };
        let (nodes, record_bits, version) = (number("node_count")?, number("record_size")?, number("ip_version")?);
        if number("binary_format_major_version")? != 2
            || !matches!(record_bits, 24 | 28 | 32)
            || !matches!(version, 4 | 6)
        {
            return Err(Fault::Metadata);
        }
        let built = number("build_epoch").map_or(0, |built| built as u64);
        let kind = match metadata.find(&["database_type"]) {
            Ok(Some(Scalar::Text(kind))) => kind.chars().take(100).collect(),
            _ => String::new(),
        };
        let data_end = searched + marker;
        let tree = nodes.checked_mul(record_bits / 4).and_then(|tree| tree.checked_add(SEPARATOR));
        let data_start = tree.filter(|start| *start <= data_end).ok_or(Fault::Short)?;
        let mut database =
            Database { bytes, nodes, record_bits, data_start, data_end, ipv4_root: Some(0), ipv6: false, kind, built };
        if version == 6 {
            database.ipv6 = true;
            database.ipv4_root = database.walk(0, std::iter::repeat_n(false, 96))?.node;
        }
        Ok(database)
    }

    /// What the file says that it is.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// When it was made, seconds since 1970; 0 where it does not say.
    #[must_use]
    pub fn built(&self) -> u64 {
        self.built
    }

    /// The record of the network around an address; none where there is none.
    ///
    /// # Errors
    /// The file is damaged there.
    pub fn lookup(&self, address: IpAddr) -> Result<Option<Record<'_>>, Fault> {
        let stop = match address {
            IpAddr::V4(v4) => {
                let Some(root) = self.ipv4_root else { return Ok(None) };
                let bits = v4.to_bits();
                self.walk(root, (0..32).map(|place| bits >> (31 - place) & 1 == 1))?
            }
            IpAddr::V6(_) if !self.ipv6 => return Ok(None),
            IpAddr::V6(v6) => {
                let bits = v6.to_bits();
                self.walk(0, (0..128).map(|place| bits >> (127 - place) & 1 == 1))?
            }
        };
        // A node behind the last bit: the tree is deeper than addresses are.
        if stop.node.is_some() {
            return Err(Fault::Damaged);
        }
        let Some(at) = stop.data else { return Ok(None) };
        let data = self.bytes.get(self.data_start..self.data_end).unwrap_or_default();
        if at >= data.len() { Err(Fault::Damaged) } else { Ok(Some(Record { data, at })) }
    }

    /// Goes down from a node, one bit a step, as far as there are nodes.
    fn walk(&self, from: usize, bits: impl Iterator<Item = bool>) -> Result<Stop, Fault> {
        let mut node = from;
        if self.nodes == 0 {
            return Ok(Stop { node: None, data: None });
        }
        for right in bits {
            let next = self.record(node, right).ok_or(Fault::Damaged)?;
            if next >= self.nodes {
                // The number of nodes itself says that there is nothing.
                let data = if next == self.nodes { None } else { Some(next - self.nodes) };
                let data = data.map(|data| data.checked_sub(SEPARATOR).ok_or(Fault::Damaged)).transpose()?;
                return Ok(Stop { node: None, data });
            }
            node = next;
        }
        Ok(Stop { node: Some(node), data: None })
    }

    fn record(&self, node: usize, right: bool) -> Option<usize> {
        let size = self.record_bits / 4;
        let at = node.checked_mul(size)?;
        let bytes = self.bytes.get(at..at.checked_add(size)?)?;
        let number = |bytes: &[u8]| bytes.iter().fold(0usize, |number, byte| number << 8 | usize::from(*byte));
        Some(match (bytes, right) {
            // 28 bits: the upper four of both stand in the middle byte, those of the left one first.
            ([left @ .., middle, _, _, _], false) if size == 7 => usize::from(middle >> 4) << 24 | number(left),
            ([_, _, _, middle, right @ ..], true) if size == 7 => usize::from(middle & 15) << 24 | number(right),
            (bytes, false) => number(bytes.get(..size / 2)?),
            (bytes, true) => number(bytes.get(size / 2..)?),
        })
    }
}

/// Where a walk ended: at a node behind the last bit, at data (its offset), or at nothing.
struct Stop {
    node: Option<usize>,
    data: Option<usize>,
}

/// Type of a value, with what its control byte says about its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Pointer,
    Text,
    Double,
    Float,
    Unsigned,
    Map,
    Array,
    /// No payload: the size is the value.
    Bool,
    /// Payload of as many bytes as its size says.
    Bytes,
}

/// Reads values one behind the other.
struct Cursor<'d> {
    data: &'d [u8],
    at: usize,
    left: u32,
}

impl<'d> Record<'d> {
    /// The value behind keys, one map within the other; none where a key is not there or leads nowhere.
    ///
    /// # Errors
    /// The file is damaged there.
    pub fn find(&self, path: &[&str]) -> Result<Option<Scalar<'d>>, Fault> {
        let mut cursor = Cursor { data: self.data, at: self.at, left: MAX_VALUES };
        for key in path {
            let (kind, pairs) = cursor.head()?;
            if kind != Type::Map || !cursor.enter(key, pairs)? {
                return Ok(None);
            }
        }
        cursor.scalar().map(Some)
    }
}

impl<'d> Cursor<'d> {
    fn bytes(&mut self, count: usize) -> Result<&'d [u8], Fault> {
        let end = self.at.checked_add(count).ok_or(Fault::Damaged)?;
        let bytes = self.data.get(self.at..end).ok_or(Fault::Damaged)?;
        self.at = end;
        Ok(bytes)
    }

    fn number(&mut self, bytes: usize) -> Result<usize, Fault> {
        Ok(self.bytes(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// Type and size of the value here, a pointer's target in its place.
    fn head(&mut self) -> Result<(Type, usize), Fault> {
        match self.control()? {
            (Type::Pointer, target) => {
                self.at = target;
                // A pointer to a pointer is none (specification, "pointer").
                Some(self.control()?).filter(|(kind, _)| *kind != Type::Pointer).ok_or(Fault::Damaged)
            }
            value => Ok(value),
        }
    }

    /// Type and size; of a pointer the offset that it names.
    fn control(&mut self) -> Result<(Type, usize), Fault> {
        self.left = self.left.checked_sub(1).ok_or(Fault::Damaged)?;
        let control = self.number(1)?;
        let low = control & 31;
        let kind = match control >> 5 {
            0 => match self.number(1)? {
                1..=3 => Type::Unsigned, // int32, uint64, uint128: told as far as they fit
                4 => Type::Array,
                7 => Type::Bool,
                8 => Type::Float,
                _ => return Err(Fault::Damaged),
            },
            1 => {
                let high = low & 7;
                let target = match low >> 3 {
                    0 => high << 8 | self.number(1)?,
                    1 => (high << 16 | self.number(2)?) + 2048,
                    2 => (high << 24 | self.number(3)?) + 526_336,
                    _ => self.number(4)?,
                };
                return Ok((Type::Pointer, target));
            }
            2 => Type::Text,
            3 => Type::Double,
            5 | 6 => Type::Unsigned,
            7 => Type::Map,
            _ => Type::Bytes,
        };
        let size = match low {
            29 => 29 + self.number(1)?,
            30 => 285 + self.number(2)?,
            31 => 65_821 + self.number(3)?,
            size => size,
        };
        Ok((kind, size))
    }

    /// Goes to the value of a key in a map of so many pairs; false where it is not there.
    fn enter(&mut self, wanted: &str, pairs: usize) -> Result<bool, Fault> {
        for _ in 0..pairs {
            if self.key()? == wanted.as_bytes() {
                return Ok(true);
            }
            self.skip(0)?;
        }
        Ok(false)
    }

    /// A key; behind it comes its value, wherever a pointer led.
    fn key(&mut self) -> Result<&'d [u8], Fault> {
        match self.control()? {
            (Type::Text, size) => self.bytes(size),
            (Type::Pointer, target) => {
                let behind = std::mem::replace(&mut self.at, target);
                let key = match self.control()? {
                    (Type::Text, size) => self.bytes(size),
                    _ => Err(Fault::Damaged),
                };
                self.at = behind;
                key
            }
            _ => Err(Fault::Damaged),
        }
    }

    /// Passes over a value with all that is in it.
    fn skip(&mut self, depth: u8) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Damaged);
        }
        let (kind, size) = self.control()?;
        let values = match kind {
            // What they point to stands elsewhere.
            Type::Pointer | Type::Bool => 0,
            Type::Map => size.saturating_mul(2),
            Type::Array => size,
            _ => return self.bytes(size).map(|_| ()),
        };
        (0..values).try_for_each(|_| self.skip(depth + 1))
    }

    fn scalar(&mut self) -> Result<Scalar<'d>, Fault> {
        let (kind, size) = self.head()?;
        Ok(match kind {
            Type::Text => Scalar::Text(std::str::from_utf8(self.bytes(size)?).map_err(|_| Fault::Damaged)?),
            Type::Unsigned if size <= 8 => {
                Scalar::Number(self.bytes(size)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
            }
            Type::Double if size == 8 => {
                let bits = self.bytes(8)?.first_chunk().copied().map(f64::from_be_bytes);
                Scalar::Real(bits.ok_or(Fault::Damaged)?)
            }
            Type::Float if size == 4 => {
                let bits = self.bytes(4)?.first_chunk().copied().map(f32::from_be_bytes);
                Scalar::Real(bits.ok_or(Fault::Damaged)?.into())
            }
            Type::Double | Type::Float => return Err(Fault::Damaged),
            _ => Scalar::Other,
        })
    }
}
