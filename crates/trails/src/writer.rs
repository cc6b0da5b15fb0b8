//! Writes the sections of a store file. The counterpart of [`crate::table`]; it knows no merging.

use std::io::{self, Seek, SeekFrom, Write};
use std::net::IpAddr;

use crate::ends::{beginning, last_label};
use crate::format::{self, Section};
use crate::hash::{self, Checksum};
use crate::indicator::Network;
use crate::store::{GenerationInfo, header_checksum};
use crate::table::{put_varint, varint_length};

/// How full buckets are on the average, slots: fuller ones overflow into the next too often.
const BUCKET_FILL: usize = 27;

/// Sections written so far.
pub(crate) struct Writer<W> {
    out: W,
    position: u64,
    table: Vec<u64>,
}

/// A section that is being written.
struct Pieces<'w, W> {
    out: &'w mut W,
    length: usize,
    checksum: Checksum,
}

impl<W: Write> Pieces<'_, W> {
    fn put(&mut self, piece: &[u8]) -> io::Result<()> {
        self.length += piece.len();
        self.checksum.update(piece);
        self.out.write_all(piece)
    }
}

impl<W: Write + Seek> Writer<W> {
    pub(crate) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&[0; format::HEADER_LENGTH])?;
        Ok(Self { out, position: format::HEADER_LENGTH as u64, table: Vec::new() })
    }

    /// Appends the next section; they come in the order of [`Section`].
    pub(crate) fn section(&mut self, section: Section, bytes: &[u8]) -> io::Result<()> {
        self.pieces(section, |out| out.put(bytes))
    }

    /// Appends the next section as it is made, piece by piece.
    fn pieces(&mut self, section: Section, make: impl FnOnce(&mut Pieces<'_, W>) -> io::Result<()>) -> io::Result<()> {
        debug_assert_eq!(self.table.len(), 3 * section as usize, "sections come in order");
        let mut pieces = Pieces { out: &mut self.out, length: 0, checksum: Checksum::new() };
        make(&mut pieces)?;
        let Pieces { length, checksum, .. } = pieces;
        self.table.extend([self.position, length as u64, checksum.finish()]);
        let padding = length.next_multiple_of(format::ALIGN) - length;
        self.out.write_all([0u8; format::ALIGN].get(..padding).unwrap_or_default())?;
        self.position += (length + padding) as u64;
        Ok(())
    }

    pub(crate) fn finish(mut self, info: &GenerationInfo) -> io::Result<W> {
        let source = info.source;
        let mut words = vec![u64::from_le_bytes(format::MAGIC), format::VERSION, info.generation, info.built_at];
        words.extend([source.size, source.modified, source.hash, self.position]);
        words.extend(info.counts);
        words.push(0);
        words.extend(&self.table);
        let mut header: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        header.resize(format::HEADER_LENGTH, 0);
        let checksum = header_checksum(&header);
        let field = format::word::CHECKSUM * 8;
        if let Some(place) = header.get_mut(field..field + 8) {
            place.copy_from_slice(&checksum.to_le_bytes());
        }
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header)?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Buckets, offsets and keys of texts.
    pub(crate) fn texts<'k>(
        &mut self,
        sections: [Section; 3],
        hash: impl Fn(&[u8]) -> u64,
        texts: impl Iterator<Item = (&'k [u8], u32)> + Clone,
    ) -> io::Result<()> {
        let count = texts.clone().count();
        let buckets = if count == 0 { 0 } else { count / BUCKET_FILL + 1 };
        let (fingerprints, slots) = place_all(buckets, texts.clone().map(|(text, _)| hash(text)));
        let mut offsets = vec![0u8; buckets * format::SLOTS * 4];
        let mut length = 0;
        for ((text, label), slot) in texts.clone().zip(slots) {
            let offset = u32::try_from(length).map_err(|_| io::Error::other("more than 4 GiB of names"))?;
            if let Some(place) = offsets.get_mut(slot as usize * 4..slot as usize * 4 + 4) {
                place.copy_from_slice(&offset.to_le_bytes());
            }
            length += varint_length(label) + varint_length(text_length(text)) + text.len();
        }
        let [bucket_section, offset_section, key_section] = sections;
        self.section(bucket_section, &fingerprints)?;
        self.section(offset_section, &offsets)?;
        drop((fingerprints, offsets));
        self.pieces(key_section, |out| {
            let mut head = Vec::new();
            texts.into_iter().try_for_each(|(text, label)| {
                head.clear();
                put_varint(&mut head, label);
                put_varint(&mut head, text_length(text));
                out.put(&head)?;
                out.put(text)
            })
        })
    }
}

/// Texts are indicators, which are short.
fn text_length(text: &[u8]) -> u32 {
    u32::try_from(text.len()).unwrap_or_default()
}

/// The filter over names and their last two labels.
pub(crate) fn name_filter<'k>(names: impl Iterator<Item = &'k [u8]> + Clone) -> Vec<u8> {
    let mut hashes = Vec::with_capacity(2 * names.clone().count());
    for name in names {
        hashes.push(hash::text(name));
        let last = last_labels(name);
        if last.len() < name.len() {
            hashes.push(hash::text(last));
        }
    }
    format::filter(hashes)
}

/// The filter over names that are a single label.
pub(crate) fn label_filter<'k>(names: impl Iterator<Item = &'k [u8]>) -> Vec<u8> {
    let labels = names.map(last_label).filter(|(_, dot)| dot.is_none());
    format::filter(labels.map(|(label, _)| hash::word(label)).collect())
}

/// The filter over the hosts of URLs.
pub(crate) fn host_filter<'k>(urls: impl Iterator<Item = &'k [u8]>) -> Vec<u8> {
    format::filter(urls.flat_map(hosts).map(hash::text).collect())
}

/// The filter over URLs and paths.
pub(crate) fn url_filter<'k>(urls: impl Iterator<Item = &'k [u8]>) -> Vec<u8> {
    format::filter(urls.map(url_hash).collect())
}

/// The filter over how bare paths begin.
pub(crate) fn path_filter<'k>(paths: impl Iterator<Item = &'k [u8]>) -> Vec<u8> {
    format::filter(paths.map(|path| hash::word(beginning(path, 0))).collect())
}

/// Hash of a URL or path.
pub(crate) fn url_hash(url: &[u8]) -> u64 {
    let (host, path) = host_and_path(url);
    hash::join(hash::text(host), hash::text(path))
}

/// Host and port of a URL, and the path behind them from its slash on.
pub(crate) fn host_and_path(url: &[u8]) -> (&[u8], &[u8]) {
    let slash = url.iter().position(|&b| b == b'/').unwrap_or(url.len());
    url.split_at_checked(slash).unwrap_or((url, &[]))
}

/// The last two labels.
fn last_labels(name: &[u8]) -> &[u8] {
    let dot = name.iter().rposition(|&b| b == b'.').and_then(|last| name.get(..last)?.iter().rposition(|&b| b == b'.'));
    dot.and_then(|dot| name.get(dot + 1..)).unwrap_or(name)
}

/// `host:port` and `host` of a URL; nothing for a path.
fn hosts(url: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (authority, _) = host_and_path(url);
    let port = authority.iter().rposition(|&b| b == b':');
    let digits = |at: usize| authority.get(at + 1..).is_some_and(|text| text.iter().all(u8::is_ascii_digit));
    let host = port.filter(|&at| digits(at)).and_then(|at| authority.get(..at));
    [Some(authority), host].into_iter().flatten().filter(|host| !host.is_empty())
}

/// Puts each hash into a slot: the fingerprints, and the slot of each.
fn place_all(buckets: usize, hashes: impl Iterator<Item = u64>) -> (Vec<u8>, Vec<u32>) {
    let mut fingerprints = vec![0u8; buckets * format::BUCKET];
    let mut used = vec![0u8; buckets];
    let mut slots = Vec::new();
    for hash in hashes {
        let mut bucket = hash::place(hash, buckets);
        // Some bucket has room: there are fewer texts than slots.
        while used.get(bucket).is_some_and(|&n| usize::from(n) >= format::SLOTS) {
            bucket = (bucket + 1) % buckets;
        }
        let slot = bucket * format::SLOTS + used.get(bucket).map_or(0, |&n| usize::from(n));
        if let Some(place) = fingerprints.get_mut(slot * 2..slot * 2 + 2) {
            place.copy_from_slice(&format::fingerprint(hash).to_le_bytes());
        }
        if let Some(n) = used.get_mut(bucket) {
            *n += 1;
        }
        slots.push(u32::try_from(slot).unwrap_or_default());
    }
    (fingerprints, slots)
}

/// Index and rows of v4 addresses, from keys of address and port.
pub(crate) fn v4_tables(rows: &mut [(u64, u32)]) -> (Vec<u8>, Vec<u8>) {
    rows.sort_unstable();
    let mut out = Vec::with_capacity(rows.len() * format::V4_ROW);
    let mut starts = vec![0u32; format::V4_INDEX_ROWS];
    for &(key, label) in rows.iter() {
        let bytes = key.to_le_bytes(); // port in the lower two bytes, address above
        let [p0, p1, a0, a1, a2, a3, ..] = bytes;
        out.extend_from_slice(&[a0, a1, a2, a3, p0, p1]);
        out.extend_from_slice(&label.to_le_bytes());
        if let Some(next) = starts.get_mut((key >> 32) as usize + 1) {
            *next += 1;
        }
    }
    let mut sum = 0;
    let index = starts.iter().flat_map(|n| {
        sum += n;
        sum.to_le_bytes()
    });
    (index.collect(), out)
}

/// Rows of key and label, sorted.
pub(crate) fn sorted_rows<const N: usize>(rows: &mut [([u8; N], u32)]) -> Vec<u8> {
    rows.sort_unstable();
    rows.iter().flat_map(|(key, label)| key.iter().copied().chain(label.to_le_bytes())).collect()
}

/// Bits of the /16s that networks touch.
pub(crate) fn network_filter(networks: &[(Network, u32)]) -> Vec<u8> {
    let mut bits = vec![0u8; 2 * format::NETWORK_WORDS * 8];
    for (network, _) in networks {
        let (first, base) = match network.address {
            IpAddr::V4(v4) => ((v4.to_bits() >> 16) as usize, 0),
            IpAddr::V6(v6) => ((v6.to_bits() >> 112) as usize, 65536),
        };
        let count = 1usize << 16u8.saturating_sub(network.length);
        for bit in base + first..(base + first + count).min(base + 65536) {
            if let Some(byte) = bits.get_mut(bit / 8) {
                *byte |= 1 << (bit % 8);
            }
        }
    }
    bits
}

/// Networks as they are listed, sorted.
pub(crate) fn listed_networks(networks: &[(Network, u32)]) -> Vec<u8> {
    let octets = |address| match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    };
    let rows = networks.iter().map(|(network, label)| (octets(network.address), network.length, *label));
    let mut rows: Vec<([u8; 16], u8, u32)> = rows.collect();
    rows.sort_unstable();
    let row =
        |(octets, length, label): ([u8; 16], u8, u32)| octets.into_iter().chain([length]).chain(label.to_le_bytes());
    rows.into_iter().flat_map(row).collect()
}

/// Cuts nested networks into disjoint ranges, each with its longest prefix; v4 or v6 ones.
pub(crate) fn network_rows(networks: &[(Network, u32)], v6: bool) -> Vec<u8> {
    let width = if v6 { 128u32 } else { 32 };
    let all = u128::MAX >> (128 - width);
    let mut sorted: Vec<(u128, u8, u32)> = networks
        .iter()
        .filter(|(network, _)| network.address.is_ipv6() == v6)
        .map(|(network, label)| (bits(network.address), network.length, *label))
        .collect();
    sorted.sort_unstable();
    let mut cuts: Vec<(u128, u32, u8)> = Vec::new();
    let mut open: Vec<(u128, u32, u8)> = Vec::new();
    let mut cut = |at: u128, label: u32, length: u8| {
        if cuts.last().is_some_and(|last| last.0 == at) {
            cuts.pop();
        }
        cuts.push((at, label, length));
    };
    let close = |open: &mut Vec<(u128, u32, u8)>, before: Option<u128>, cut: &mut dyn FnMut(u128, u32, u8)| {
        while let Some(&(end, ..)) = open.last()
            && before.is_none_or(|start| end < start)
        {
            open.pop();
            let (label, length) = open.last().map_or((format::NO_LABEL, 0), |&(_, label, length)| (label, length));
            if end < all {
                cut(end + 1, label, length);
            }
        }
    };
    for (start, length, label) in sorted {
        close(&mut open, Some(start), &mut cut);
        cut(start, label, length);
        let hosts = all.checked_shr(u32::from(length)).unwrap_or(0);
        open.push((start | hosts, label, length));
    }
    close(&mut open, None, &mut cut);
    let mut out = Vec::new();
    for (start, label, length) in cuts {
        let octets = start.to_be_bytes();
        out.extend_from_slice(octets.get(if v6 { 0 } else { 12 }..).unwrap_or_default());
        out.extend_from_slice(&label.to_le_bytes());
        out.push(length);
    }
    out
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The filter over addresses.
pub(crate) fn address_filter(v4: &[(u64, u32)], v6: &[([u8; 18], u32)]) -> Vec<u8> {
    let of_v6 = |key: &[u8; 18]| key.first_chunk::<16>().map_or(0, |octets| u128::from_be_bytes(*octets));
    let mut hashes: Vec<u64> = v4.iter().map(|(key, _)| hash::address(u128::from(key >> 16))).collect();
    hashes.extend(v6.iter().map(|(key, _)| hash::address(of_v6(key))));
    format::filter(hashes)
}
