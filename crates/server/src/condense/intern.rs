//! Texts, addresses, labels and hosts of a fold, each held once and named by a number.
//!
//! Numbers depend on the order of arrival. They never decide anything: whatever is chosen is chosen by value.

use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;

use event::Severity;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Bytes of a text that are kept; longer ones are cut at a character.
pub const MAX_TEXT_BYTES: usize = 256;

/// The beginning of a text, at most [`MAX_TEXT_BYTES`].
pub(super) fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT_BYTES)).unwrap_or_default()
}

/// An address as a number: IPv4 as its mapped IPv6 address.
pub(crate) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Texts. Number 0 is the empty one.
#[derive(Clone, Debug)]
pub(super) struct Strings {
    bytes: String,
    /// Where each text ends; it begins where the one before ends.
    ends: Vec<u32>,
    table: HashTable<u32>,
    seed: RandomState,
}

impl Default for Strings {
    fn default() -> Strings {
        let mut strings =
            Strings { bytes: String::new(), ends: Vec::new(), table: HashTable::new(), seed: RandomState::default() };
        strings.intern("");
        strings
    }
}

fn text_of<'s>(bytes: &'s str, ends: &[u32], number: u32) -> &'s str {
    let at = number as usize;
    let start = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    let end = ends.get(at).copied().unwrap_or(start);
    bytes.get(start as usize..end as usize).unwrap_or_default()
}

impl Strings {
    pub(super) fn get(&self, number: u32) -> &str {
        text_of(&self.bytes, &self.ends, number)
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all texts.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The number of a text. Where the arena is full (4 GiB, far above what a fold may hold) that of the empty one.
    pub(super) fn intern(&mut self, text: &str) -> u32 {
        if text.is_empty() && !self.ends.is_empty() {
            return 0;
        }
        let hash = self.seed.hash_one(text);
        let Strings { bytes, ends, table, seed } = self;
        if let Some(known) = table.find(hash, |known| text_of(bytes, ends, *known) == text) {
            return *known;
        }
        let (Ok(end), Ok(number)) = (u32::try_from(bytes.len() + text.len()), u32::try_from(ends.len())) else {
            return 0;
        };
        bytes.push_str(text);
        ends.push(end);
        table.insert_unique(hash, number, |known| seed.hash_one(text_of(bytes, ends, *known)));
        number
    }
}

/// Small values held once.
#[derive(Clone, Debug)]
pub(super) struct Values<T> {
    items: Vec<T>,
    table: HashTable<u32>,
    seed: RandomState,
}

impl<T> Default for Values<T> {
    fn default() -> Values<T> {
        Values { items: Vec::new(), table: HashTable::new(), seed: RandomState::default() }
    }
}

impl<T: Copy + Eq + Hash> Values<T> {
    pub(super) fn get(&self, number: u32) -> Option<T> {
        self.items.get(number as usize).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// The number of a value, if it is held.
    pub(super) fn find(&self, value: T) -> Option<u32> {
        self.table.find(self.seed.hash_one(value), |known| self.items.get(*known as usize) == Some(&value)).copied()
    }

    pub(super) fn intern(&mut self, value: T) -> u32 {
        let hash = self.seed.hash_one(value);
        let Values { items, table, seed } = self;
        if let Some(known) = table.find(hash, |known| items.get(*known as usize) == Some(&value)) {
            return *known;
        }
        // Fewer than 2^31: a fold holds at most a sample of addresses for each of its threats.
        let number = items.len() as u32;
        items.push(value);
        table.insert_unique(hash, number, |known| items.get(*known as usize).map_or(0, |item| seed.hash_one(item)));
        number
    }
}

/// Who a threat is about, by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Host {
    pub(super) site: u32,
    pub(super) address: u128,
}

/// What a trail says, by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct LabelNumbers {
    pub(super) severity: Severity,
    pub(super) confidence: u8,
    pub(super) class: u32,
    pub(super) info: u32,
    pub(super) reference: u32,
}

/// What a trail says of an indicator. Events of one threat may differ: the whole label of one of them stands, see
/// [`Label::prevails`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label<'t> {
    /// How bad.
    pub severity: Severity,
    /// How sure, 0 to 100.
    pub confidence: u8,
    /// The class, in words.
    pub class: &'t str,
    /// The trail's info.
    pub info: &'t str,
    /// The trail's reference.
    pub reference: &'t str,
}

impl Label<'_> {
    /// Whether it stands where both were told: more severe, else surer, else that with the texts first in order of
    /// bytes, empty ones last.
    pub(super) fn prevails(&self, other: &Label<'_>) -> bool {
        let texts = |text: &str, other: &str| (text.is_empty(), text).cmp(&(other.is_empty(), other));
        (other.severity, other.confidence)
            .cmp(&(self.severity, self.confidence))
            .then_with(|| texts(self.class, other.class))
            .then_with(|| texts(self.info, other.info))
            .then_with(|| texts(self.reference, other.reference))
            .is_lt()
    }
}
