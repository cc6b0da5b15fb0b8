//! What hosts touched, listed or not: names they asked for, addresses they contacted, and which name led to which
//! address.
//!
//! A [`Sightings`] is a table of a fixed size that a capture worker fills without allocation or lock, and that is handed
//! on whole. At its limit new keys are refused and counted, and those it has go on counting: a flood cannot push out what
//! was seen before it. A [`Collector`] fills one after the other. What is done with them is not decided here.

use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use event::observable::Seen;
use foldhash::fast::FixedState;
use packet::{Flow, Micros, TableLimit, TableUsage};

/// Different things seen by different hosts that one table holds.
pub const KEYS: usize = 1 << 14;
/// Bytes of their names.
pub const TEXT_BYTES: usize = 1 << 19;
/// Datagrams and echo requests between two hosts are of one flow until they paused for so long.
pub const PAUSE_MICROS: i64 = 60 * Micros::SECOND;
/// Ports below are of servers (RFC 6335 section 6): they tell which side of a datagram asked.
const SERVER_PORTS: u16 = 1024;

/// All sightings of one thing by one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// What; of a name nothing was checked.
    pub seen: Seen<'a>,
    /// Who asked, contacted, or was answered.
    pub host: IpAddr,
    /// Time of the first.
    pub first: Micros,
    /// Time of the last.
    pub last: Micros,
    /// How many.
    pub count: u64,
    /// Hash of what and host: the same in all tables that collectors of one seed filled.
    pub hash: u64,
}

/// An address as a number of IPv6: its upper and its lower half.
type Bits = [u64; 2];

#[inline(always)]
pub(crate) fn bits(address: IpAddr) -> Bits {
    match address {
        // As mapped into IPv6 (RFC 4291 section 2.5.5.2).
        IpAddr::V4(v4) => [0, 0xffff << 32 | u64::from(v4.to_bits())],
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            [(bits >> 64) as u64, bits as u64]
        }
    }
}

#[inline]
fn address([upper, lower]: Bits) -> IpAddr {
    if upper == 0 && lower >> 32 == 0xffff {
        return Ipv4Addr::from_bits(lower as u32).into();
    }
    Ipv6Addr::from_bits(u128::from(upper) << 64 | u128::from(lower)).into()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Name,
    Address,
    Pair,
}

/// What is looked for.
#[derive(Clone, Copy)]
struct Key<'a> {
    kind: Kind,
    text: &'a [u8],
    address: Bits,
    host: Bits,
    hash: u64,
}

struct Entry {
    hash: u64,
    host: Bits,
    address: Bits,
    first: Micros,
    last: Micros,
    count: u64,
    /// Where its name begins in the texts.
    start: u32,
    length: u8,
    kind: Kind,
}

impl Entry {
    fn text<'t>(&self, texts: &'t [u8]) -> &'t [u8] {
        let start = self.start as usize;
        texts.get(start..start + usize::from(self.length)).unwrap_or_default()
    }

    #[inline(always)]
    fn is(&self, key: &Key<'_>, texts: &[u8]) -> bool {
        self.hash == key.hash
            && self.host == key.host
            && self.address == key.address
            && self.kind == key.kind
            && self.text(texts) == key.text
    }
}

/// A table of sightings.
pub struct Sightings {
    /// Number of an entry, from 1 on; 0 where there is none. At least four times as many places as entries.
    index: Vec<u16>,
    entries: Vec<Entry>,
    texts: Vec<u8>,
    keys: usize,
    text_bytes: usize,
}

impl Default for Sightings {
    /// With the limits of a capture worker.
    fn default() -> Self {
        Sightings::new(KEYS, TEXT_BYTES)
    }
}

impl Sightings {
    /// For so many keys (65,534 at most) with so many bytes of names. Memory that is never filled is never touched.
    #[must_use]
    pub fn new(keys: usize, text_bytes: usize) -> Sightings {
        let keys = keys.min(usize::from(u16::MAX) - 1);
        Sightings {
            index: vec![0; (4 * keys).next_power_of_two().max(4)],
            entries: Vec::with_capacity(keys),
            texts: Vec::with_capacity(text_bytes),
            keys,
            text_bytes,
        }
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Empties it; its memory stays.
    pub fn clear(&mut self) {
        if !self.is_empty() {
            self.index.fill(0);
        }
        self.entries.clear();
        self.texts.clear();
    }

    /// What it holds, in the order in which it came.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Sighting<'_>> {
        self.entries.iter().map(|entry| {
            let text = entry.text(&self.texts);
            let seen = match entry.kind {
                Kind::Name => Seen::Name(text),
                Kind::Address => Seen::Address(address(entry.address)),
                Kind::Pair => Seen::Pair(text, address(entry.address)),
            };
            let Entry { host, first, last, count, hash, .. } = *entry;
            Sighting { seen, host: address(host), first, last, count, hash }
        })
    }

    fn bytes(&self) -> usize {
        self.index.capacity() * size_of::<u16>() + self.entries.capacity() * size_of::<Entry>() + self.texts.capacity()
    }

    /// The place of the key in the index, and the number of its entry, 0 where there is none.
    #[inline(always)]
    fn find(&self, key: &Key<'_>) -> (usize, u16) {
        let mask = self.index.len().wrapping_sub(1);
        let mut place = key.hash as usize & mask;
        loop {
            let number = self.index.get(place).copied().unwrap_or(0);
            let entry = self.entries.get(usize::from(number).wrapping_sub(1));
            if entry.is_none_or(|entry| entry.is(key, &self.texts)) {
                return (place, number);
            }
            place = (place + 1) & mask;
        }
    }

    /// Adds an entry that is not there yet; false where there is no room for it.
    #[inline(always)]
    fn insert(&mut self, place: usize, key: &Key<'_>, time: Micros) -> bool {
        let start = self.texts.len();
        let Ok(length) = u8::try_from(key.text.len()) else { return false };
        if self.entries.len() >= self.keys || start + key.text.len() > self.text_bytes {
            return false;
        }
        let Some(slot) = self.index.get_mut(place) else { return false };
        *slot = self.entries.len() as u16 + 1;
        self.texts.extend_from_slice(key.text);
        let Key { kind, address, host, hash, .. } = *key;
        let start = start as u32;
        self.entries.push(Entry { hash, host, address, first: time, last: time, count: 1, start, length, kind });
        true
    }
}

/// What a collector counted: `seen` sightings are in tables, but for those `refused`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Sightings.
    pub seen: u64,
    /// Of these the ones of new keys for which a table had no room.
    pub refused: u64,
}

/// Fills tables with what a capture worker sees.
pub struct Collector {
    table: Sightings,
    seeds: [u64; 4],
    collected: Collected,
}

/// The halves of a product: a hash of two numbers of which one is secret.
#[inline(always)]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

impl Collector {
    /// Begins with a table; `seed` seeds the hashes of what traffic chooses.
    #[must_use]
    pub fn new(table: Sightings, seed: u64) -> Collector {
        let seeds = [1u8, 2, 3, 4].map(|number| FixedState::with_seed(seed).hash_one(number));
        Collector { table, seeds, collected: Collected::default() }
    }

    /// Goes on with another table and hands out the one that was filled.
    pub fn swap(&mut self, empty: Sightings) -> Sightings {
        std::mem::replace(&mut self.table, empty)
    }

    /// What it counted, in all tables.
    #[must_use]
    pub fn collected(&self) -> Collected {
        self.collected
    }

    /// What its table holds.
    #[must_use]
    pub fn usage(&self) -> TableUsage {
        TableUsage {
            name: "sightings",
            entries: self.table.entries.len() as u64,
            bytes: self.table.bytes() as u64,
            limit: TableLimit::Entries(self.table.keys as u64),
            refused: self.collected.refused,
        }
    }

    /// An address as one number: of IPv4 itself, of IPv6 a hash.
    #[inline(always)]
    fn number(&self, [upper, lower]: Bits) -> u64 {
        if upper == 0 { lower } else { fold(upper ^ self.seeds[0], lower ^ self.seeds[1]) }
    }

    #[inline(always)]
    fn hash(&self, what: u64, host: Bits) -> u64 {
        fold(what ^ self.seeds[2], self.number(host) ^ self.seeds[3])
    }

    /// `host` asked for `name`, whose hash is `hash`.
    #[inline]
    pub(crate) fn name(&mut self, name: &[u8], hash: u64, host: IpAddr, time: Micros) {
        if name.is_empty() {
            return;
        }
        let host = bits(host);
        let hash = self.hash(hash, host);
        self.see(&Key { kind: Kind::Name, text: name, address: [0; 2], host, hash }, time);
    }

    /// `host` was told that `name`, whose hash is `hash`, leads to `address`.
    #[inline]
    pub(crate) fn pair(&mut self, name: &[u8], hash: u64, address: IpAddr, host: IpAddr, time: Micros) {
        if name.is_empty() {
            return;
        }
        let (address, host) = (bits(address), bits(host));
        let what = fold(hash ^ self.seeds[0], self.number(address) ^ self.seeds[1]);
        let hash = self.hash(what, host);
        self.see(&Key { kind: Kind::Pair, text: name, address, host, hash }, time);
    }

    /// `host` opened a connection to `address`, or asked another to do so.
    #[inline]
    pub(crate) fn contact(&mut self, address: IpAddr, host: IpAddr, time: Micros) {
        let key = self.contact_key(address, host);
        self.see(&key, time);
    }

    /// A datagram: the first one that a client sends a server counts, until they paused. On the ports of servers it is
    /// theirs that tells who asked, elsewhere it is who sent first.
    #[inline]
    pub(crate) fn datagram(&mut self, flow: &Flow, time: Micros) {
        let (src, dst) = (flow.src_port, flow.dst_port);
        if src < dst && src < SERVER_PORTS {
            return;
        }
        if (dst >= SERVER_PORTS || src == dst) && self.has_contacted(flow.src, flow.dst) {
            return;
        }
        self.contact_again(flow, time);
    }

    /// A packet of a flow without connection: it counts where the two paused before it.
    #[inline]
    pub(crate) fn contact_again(&mut self, flow: &Flow, time: Micros) {
        let key = self.contact_key(flow.dst, flow.src);
        let (place, number) = self.table.find(&key);
        match self.table.entries.get_mut(usize::from(number).wrapping_sub(1)) {
            Some(entry) if time.since(entry.last) < PAUSE_MICROS => entry.last = entry.last.max(time),
            _ => self.see_at(place, number, &key, time),
        }
    }

    #[inline(always)]
    fn contact_key(&self, address: IpAddr, host: IpAddr) -> Key<'static> {
        let (address, host) = (bits(address), bits(host));
        Key { kind: Kind::Address, text: b"", address, host, hash: self.hash(self.number(address), host) }
    }

    fn has_contacted(&self, address: IpAddr, host: IpAddr) -> bool {
        self.table.find(&self.contact_key(address, host)).1 != 0
    }

    #[inline(never)]
    fn see(&mut self, key: &Key<'_>, time: Micros) {
        let (place, number) = self.table.find(key);
        self.see_at(place, number, key, time);
    }

    #[inline(always)]
    fn see_at(&mut self, place: usize, number: u16, key: &Key<'_>, time: Micros) {
        self.collected.seen += 1;
        if let Some(entry) = self.table.entries.get_mut(usize::from(number).wrapping_sub(1)) {
            entry.count += 1;
            entry.first = entry.first.min(time);
            entry.last = entry.last.max(time);
        } else if !self.table.insert(place, key, time) {
            self.collected.refused += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(1_000_000);

    fn host(number: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + number).to_be_bytes())
    }

    fn collector(keys: usize, text_bytes: usize) -> Collector {
        Collector::new(Sightings::new(keys, text_bytes), 7)
    }

    fn flow(src: u32, src_port: u16, dst: u32, dst_port: u16) -> Flow {
        Flow { src: host(src), dst: host(dst), src_port, dst_port, protocol: 17 }
    }

    /// What a table holds, without times.
    fn held(collector: &Collector) -> Vec<(Seen<'_>, IpAddr, u64)> {
        collector.table.iter().map(|sighting| (sighting.seen, sighting.host, sighting.count)).collect()
    }

    #[test]
    fn the_same_is_counted_and_all_else_is_something_else() {
        let mut collector = collector(16, 100);
        for _ in 0..3 {
            collector.name(b"a.example", 5, host(1), NOW);
            collector.contact(host(9), host(1), NOW);
            collector.pair(b"a.example", 5, host(9), host(1), NOW);
        }
        collector.name(b"a.example", 5, host(2), NOW);
        // Another name of the same hash, and another host of the same address.
        collector.name(b"b.example", 5, host(1), NOW);
        collector.contact(host(1), host(9), NOW);
        let [a, b] = [b"a.example", b"b.example"];
        let expected = [
            (Seen::Name(a), host(1), 3),
            (Seen::Address(host(9)), host(1), 3),
            (Seen::Pair(a, host(9)), host(1), 3),
            (Seen::Name(a), host(2), 1),
            (Seen::Name(b), host(1), 1),
            (Seen::Address(host(1)), host(9), 1),
        ];
        assert_eq!(held(&collector), expected);
        assert_eq!(collector.collected(), Collected { seen: 12, refused: 0 });
    }

    #[test]
    fn times_are_the_earliest_and_the_latest_whatever_their_order() {
        let mut collector = collector(16, 100);
        for time in [5, 9, 2, 4] {
            collector.contact(host(9), host(1), Micros(time));
        }
        let sightings: Vec<_> = collector.table.iter().map(|sighting| (sighting.first, sighting.last)).collect();
        assert_eq!(sightings, [(Micros(2), Micros(9))]);
    }

    #[test]
    fn an_address_of_ipv4_in_ipv6_is_one_of_ipv4() {
        let mut collector = collector(16, 100);
        let mapped = |number: u8| format!("::ffff:10.0.0.{number}").parse().unwrap();
        collector.contact(host(9), host(1), NOW);
        collector.contact(mapped(9), mapped(1), NOW);
        let v6: IpAddr = "2001:db8::9".parse().unwrap();
        collector.contact(v6, host(1), NOW);
        assert_eq!(held(&collector), [(Seen::Address(host(9)), host(1), 2), (Seen::Address(v6), host(1), 1)]);
    }

    #[test]
    fn new_keys_are_refused_at_the_limit_and_known_ones_count_on() {
        let limit = 100;
        for (keys, refused) in [(limit - 1, 0), (limit, 0), (limit + 1, 1), (1000, 900)] {
            let mut collector = collector(limit as usize, 0);
            (0..keys).for_each(|number| collector.contact(host(number), host(0), NOW));
            collector.contact(host(0), host(0), NOW);
            let entries = keys.min(limit);
            assert_eq!(collector.collected(), Collected { seen: u64::from(keys) + 1, refused });
            assert_eq!((collector.usage().entries, collector.usage().refused), (u64::from(entries), refused));
            assert_eq!(held(&collector)[0], (Seen::Address(host(0)), host(0), 2));
            let counted: u64 = held(&collector).iter().map(|(.., count)| count).sum();
            assert_eq!(counted + refused, u64::from(keys) + 1);
        }
    }

    #[test]
    fn texts_have_a_limit_too() {
        for (bytes, refused) in [(9, 0), (10, 0), (11, 1)] {
            let mut collector = collector(16, 10);
            collector.name(&vec![b'a'; bytes], 1, host(1), NOW);
            assert_eq!(collector.collected(), Collected { seen: 1, refused });
        }
        let mut collector = collector(16, 1000);
        for (bytes, refused) in [(254, 0), (255, 0), (256, 1)] {
            collector.name(&vec![b'a'; bytes], 1, host(1), NOW);
            assert_eq!(collector.collected().refused, refused);
        }
    }

    #[test]
    fn a_table_of_the_greatest_size_holds_what_it_says() {
        let mut collector = collector(usize::MAX, 0);
        (0..70_000).for_each(|number| collector.contact(host(number), host(0), NOW));
        assert_eq!((collector.usage().entries, collector.collected().refused), (65_534, 70_000 - 65_534));
    }

    #[test]
    fn an_emptied_table_begins_anew() {
        let mut collector = collector(4, 100);
        collector.name(b"a.example", 5, host(1), NOW);
        let mut full = collector.swap(Sightings::new(4, 100));
        assert!(collector.table.is_empty() && !full.is_empty());
        full.clear();
        assert!(full.is_empty());
        collector.swap(full);
        collector.name(b"b.example", 5, host(1), NOW);
        assert_eq!(held(&collector), [(Seen::Name(b"b.example"), host(1), 1)]);
        assert_eq!(collector.collected(), Collected { seen: 2, refused: 0 });
    }

    #[test]
    fn datagrams_count_once_until_they_paused() {
        let mut collector = collector(16, 0);
        for time in [0, 1, PAUSE_MICROS, 2 * PAUSE_MICROS - 1, 3 * PAUSE_MICROS - 1] {
            collector.contact_again(&flow(1, 0, 9, 0), Micros(time));
        }
        let all: Vec<_> = collector.table.iter().map(|sighting| (sighting.count, sighting.last)).collect();
        assert_eq!(all, [(2, Micros(3 * PAUSE_MICROS - 1))]);
        assert_eq!(collector.collected().seen, 2);
    }

    #[test]
    fn who_asked_is_told_by_the_servers_port_else_by_who_was_first() {
        let asked = [[40_000, 53], [123, 123], [40_000, 50_000], [50_000, 40_000]];
        for [src, dst] in asked {
            let mut collector = collector(16, 0);
            collector.datagram(&flow(1, src, 9, dst), NOW);
            collector.datagram(&flow(9, dst, 1, src), NOW);
            assert_eq!(held(&collector), [(Seen::Address(host(9)), host(1), 1)], "{src} {dst}");
        }
        let mut collector = collector(16, 0);
        collector.datagram(&flow(9, 53, 1, 40_000), NOW);
        assert_eq!(held(&collector), [], "an answer whose question was not seen");
    }

    #[test]
    fn collectors_of_one_seed_agree_on_hashes_and_others_do_not() {
        let hash = |seed| {
            let mut collector = Collector::new(Sightings::new(4, 100), seed);
            collector.name(b"a.example", 5, host(1), NOW);
            collector.table.iter().map(|sighting| sighting.hash).next()
        };
        assert_eq!(hash(7), hash(7));
        assert_ne!(hash(7), hash(8));
    }
}
