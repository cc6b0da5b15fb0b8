use std::io::{self, Read, Write};

use ::packet::{LinkType, Micros};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use testkit::capture::{PcapForm, Recorded, pcap, pcapng};

use super::*;

/// Time, link type and bytes of a frame.
type Seen = (Micros, LinkType, Vec<u8>);

fn frames() -> Vec<Recorded> {
    (0..5u8)
        .map(|n| Recorded {
            time: Micros(1_700_000_000_123_456 + i64::from(n) * 777_777),
            link: LinkType(1),
            bytes: vec![n; 14 + usize::from(n) * 9],
            wire_length: 200,
        })
        .collect()
}

/// All frames, and the damage after them if there is any. Frames that are ready are taken as such, some at a time.
fn read_from(source: impl Read + Send + 'static, some: usize) -> (Vec<Seen>, Option<Damage>) {
    let mut out = Vec::new();
    let mut reader = match Reader::new(Box::new(source)) {
        Ok(reader) => reader,
        Err(damage) => return (out, Some(damage)),
    };
    loop {
        if some > 0 {
            let enough = out.len() + some;
            reader.ready(|f| {
                out.push((f.time, f.link, f.bytes.to_vec()));
                out.len() < enough
            });
        }
        match reader.frame() {
            Ok(Some(f)) => out.push((f.time, f.link, f.bytes.to_vec())),
            Ok(None) => return (out, None),
            Err(damage) => {
                assert!(matches!(reader.frame(), Ok(None)), "nothing comes after damage");
                return (out, Some(damage));
            }
        }
    }
}

fn read(bytes: &[u8]) -> (Vec<Seen>, Option<Damage>) {
    let [one_by_one, others @ ..] = [0, 1, 2, 1000].map(|some| read_from(io::Cursor::new(bytes.to_vec()), some));
    for (got, damage) in others {
        assert_eq!(got, one_by_one.0);
        assert_eq!(damage.map(|d| d.to_string()), one_by_one.1.as_ref().map(ToString::to_string));
    }
    one_by_one
}

fn expected(frames: &[Recorded]) -> Vec<Seen> {
    frames.iter().map(|f| (f.time, f.link, f.bytes.clone())).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn all_forms() -> Vec<Vec<u8>> {
    let frames = frames();
    let mut out = Vec::new();
    for big_endian in [false, true] {
        for nanoseconds in [false, true] {
            out.push(pcap(&frames, PcapForm { big_endian, nanoseconds }));
        }
    }
    out.push(pcapng(&frames));
    out.push(gzip(&pcapng(&frames)));
    out.push(gzip(&pcap(&frames, PcapForm::default())));
    out
}

#[test]
fn every_form_gives_the_same_frames() {
    for bytes in all_forms() {
        let (got, damage) = read(&bytes);
        assert_eq!(got, expected(&frames()));
        assert!(damage.is_none(), "{damage:?}");
    }
}

#[test]
fn every_cut_gives_what_is_whole_before_it() {
    let all = expected(&frames());
    for bytes in all_forms() {
        let mut before = 0;
        for length in 0..bytes.len() {
            let (got, damage) = read(bytes.get(..length).unwrap());
            assert!(all.starts_with(&got), "cut at {length}");
            assert!(got.len() >= before, "cut at {length}");
            before = got.len();
            if damage.is_none() {
                // Only between records; a gzip stream has no such place.
                assert!(bytes.get(..2) != Some(&gzip::MAGIC[..]), "cut at {length}");
            }
        }
        assert!(before + 1 >= all.len(), "the last cut lacks one frame at most");
    }
}

/// Gives one byte at a time.
struct Slow(io::Cursor<Vec<u8>>);

impl Read for Slow {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into.get_mut(..1.min(into.len())).unwrap_or_default())
    }
}

/// Fails after its bytes.
struct Failing(io::Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(io::Error::other("the disk is gone")),
            n => Ok(n),
        }
    }
}

#[test]
fn small_reads_and_failing_disks() {
    for bytes in all_forms() {
        let (got, damage) = read_from(Slow(io::Cursor::new(bytes.clone())), 2);
        assert_eq!((got, damage.is_none()), (expected(&frames()), true));
        let (got, damage) = read_from(Failing(io::Cursor::new(bytes.clone())), 2);
        assert_eq!(got, expected(&frames()));
        assert!(damage.is_some_and(|d| d.to_string().contains("the disk is gone") && !d.is_stop()));
    }
}

/// Gives its parts one by one.
struct Parts(Vec<Vec<u8>>);

impl Read for Parts {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Ok(0);
        }
        let part = self.0.remove(0);
        into.get_mut(..part.len()).unwrap().copy_from_slice(&part);
        Ok(part.len())
    }
}

#[test]
fn a_pipe_is_drained_when_the_next_frame_is_not_whole() {
    // A block of pcapng that is no packet: statistics of an interface.
    let statistics = [5u32, 24, 0, 0, 0, 24].map(u32::to_le_bytes).concat();
    let form = PcapForm::default();
    let [one, both] = [1, 2].map(|count| frames().into_iter().take(count).collect::<Vec<_>>());
    for (bytes, end) in [(pcap(&both, form), pcap(&one, form).len()), (pcapng(&both), pcapng(&one).len())] {
        let is_pcapng = bytes.first() == Some(&0x0a);
        for more in [0, 1, 7, 15, 16, 20] {
            let (now, later) = bytes.split_at(end + more);
            let mut parts = vec![now.to_vec(), later.to_vec()];
            if is_pcapng && more == 0 {
                parts = vec![[now, &statistics].concat(), later.to_vec()];
            }
            let mut reader = Reader::new(Box::new(Parts(parts))).unwrap();
            assert!(reader.frame().unwrap().is_some());
            assert!(reader.drained(), "{more} bytes of the next");
            assert!(reader.frame().unwrap().is_some());
        }
        let mut reader = Reader::new(Box::new(io::Cursor::new(bytes))).unwrap();
        reader.frame().unwrap();
        assert!(!reader.drained(), "the second lies there whole");
    }
}

#[test]
fn records_longer_than_the_buffer() {
    let long = Recorded { time: Micros(1), link: LinkType(1), bytes: vec![7; 3 << 20], wire_length: 3 << 20 };
    let frames = vec![long.clone(), long];
    let (got, damage) = read(&pcap(&frames, PcapForm::default()));
    assert_eq!(got, expected(&frames));
    assert!(damage.is_none());
}

fn pcap_header(magic: u32) -> Vec<u8> {
    let mut bytes = magic.to_le_bytes().to_vec();
    bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0]);
    bytes.extend(1u32.to_le_bytes());
    bytes
}

#[test]
fn lengths_at_and_over_the_limit() {
    for (length, cut) in [(MAX_RECORD - 16, true), (MAX_RECORD - 15, false), (u32::MAX as usize, false)] {
        let mut bytes = pcap_header(0xa1b2_c3d4);
        for value in [1u32, 2, length as u32, length as u32] {
            bytes.extend(value.to_le_bytes());
        }
        let (got, damage) = read(&bytes);
        assert!(got.is_empty());
        let damage = damage.unwrap();
        assert_eq!(damage.offset, 24);
        assert_eq!(matches!(damage.kind, DamageKind::Cut), cut, "{damage}");
        assert_eq!(matches!(damage.kind, DamageKind::Length(_)), !cut, "{damage}");
    }
}

#[test]
fn kuznetzov_records_have_longer_headers() {
    let mut bytes = pcap_header(0xa1b2_cd34);
    for value in [5u32, 6, 3, 3, 0, 0] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([1, 2, 3]);
    let (got, damage) = read(&bytes);
    assert_eq!(got, vec![(Micros(5_000_006), LinkType(1), vec![1, 2, 3])]);
    assert!(damage.is_none());
}

#[test]
fn snoop() {
    let mut bytes = b"snoop\0\0\0".to_vec();
    for value in [2u32, 4, 60, 3, 28, 0, 5, 6] {
        bytes.extend(value.to_be_bytes());
    }
    bytes.extend([1, 2, 3, 0]);
    let (got, damage) = read(&bytes);
    assert_eq!(got, vec![(Micros(5_000_006), LinkType(1), vec![1, 2, 3])]);
    assert!(damage.is_none());
    assert!(read(bytes.get(..bytes.len() - 1).unwrap()).1.is_some());
}

#[test]
fn what_is_no_capture_is_said() {
    for (bytes, says) in [
        (&b""[..], "is empty"),
        (b"Hello, this is no capture", "is no capture file"),
        (b"\x28\xb5\x2f\xfd0123456789", "zstd"),
        (b"\xfd7zXZ\x000123456789", "xz"),
        (b"BZh91AY&SY0123", "bzip2"),
        (b"PK\x03\x04aaaaaaaaaaa", "zip"),
        (b"\x04\x22\x4d\x18aaaaaaaaaaa", "lz4"),
        (b"\xd4\xc3", "is no capture file"),
        (b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00", "ends inside a record"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00\xff\xff", "gzip data is broken"),
    ] {
        let (got, damage) = read(bytes);
        assert!(got.is_empty());
        let text = damage.map(|d| d.to_string()).unwrap_or_default();
        assert!(text.contains(says), "{bytes:?}: {text}");
    }
}

#[test]
fn broken_gzip_gives_what_lies_before() {
    let frames: Vec<Recorded> = (0..2000u32)
        .map(|n| Recorded {
            time: Micros(i64::from(n)),
            link: LinkType(1),
            bytes: n
                .to_le_bytes()
                .iter()
                .cycle()
                .take(60)
                .map(|b| b ^ (n.wrapping_mul(2_654_435_761) >> 24) as u8)
                .collect(),
            wire_length: 60,
        })
        .collect();
    let mut bytes = gzip(&pcap(&frames, PcapForm::default()));
    let middle = bytes.len() / 2;
    bytes.truncate(middle);
    let (got, damage) = read(&bytes);
    assert!(expected(&frames).starts_with(&got));
    assert!(got.len() > 500, "about half of it is there: {}", got.len());
    assert!(damage.unwrap().to_string().contains("gzip data is broken"));

    let mut bytes = gzip(&pcap(&frames, PcapForm::default()));
    let checksum = bytes.len() - 8;
    bytes[checksum] ^= 1;
    let (got, damage) = read(&bytes);
    assert_eq!(got, expected(&frames));
    assert!(damage.unwrap().to_string().contains("wrong checksum"));
}

#[test]
fn several_gzip_members_and_padding() {
    let bytes = pcap(&frames(), PcapForm::default());
    let (first, second) = bytes.split_at(70);
    let mut packed = [gzip(first), gzip(second)].concat();
    packed.extend([0; 512]);
    let (got, damage) = read(&packed);
    assert_eq!(got, expected(&frames()));
    assert!(damage.is_none(), "{damage:?}");
}

/// A pcapng block.
fn block(kind: u32, body: &[u8], big: bool) -> Vec<u8> {
    let word = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let padded = body.len().next_multiple_of(4);
    let total = word(padded as u32 + 12);
    let mut out = [word(kind), total].concat();
    out.extend(body);
    out.resize(8 + padded, 0);
    out.extend(total);
    out
}

fn section(big: bool) -> Vec<u8> {
    let word = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let half = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let body = [&word(0x1a2b_3c4d)[..], &half(1), &half(0), &[0xff; 8]].concat();
    block(0x0a0d_0d0a, &body, big)
}

fn interface(link: u16, snap: u32, options: &[(u16, &[u8])], big: bool) -> Vec<u8> {
    let word = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let half = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let mut body = [&half(link)[..], &half(0), &word(snap)].concat();
    for (code, value) in options {
        body.extend([half(*code), half(value.len() as u16)].concat());
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    block(1, &body, big)
}

fn enhanced(interface: u32, ticks: u64, data: &[u8], big: bool) -> Vec<u8> {
    let word = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let length = word(data.len() as u32);
    let body =
        [&word(interface)[..], &word((ticks >> 32) as u32), &word(ticks as u32), &length, &length, data].concat();
    block(6, &body, big)
}

#[test]
fn pcapng_sections_interfaces_and_resolutions() {
    for big in [false, true] {
        let offset = if big { 10i64.to_be_bytes() } else { 10i64.to_le_bytes() };
        let bytes = [
            section(big),
            interface(1, 0, &[], big),
            interface(101, 0, &[(2, b"name"), (9, &[9])], big),
            interface(113, 0, &[(9, &[3]), (14, &offset)], big),
            interface(1, 0, &[(9, &[0x8a])], big),
            block(0x0bad, b"unknown blocks are passed over", big),
            enhanced(0, 5_000_001, &[1], big),
            enhanced(1, 5_000_001_999, &[2, 2], big),
            enhanced(2, 5_001, &[3, 3, 3], big),
            enhanced(3, 5 * 1024 + 512, &[4], big),
            section(!big),
            interface(12, 0, &[], !big),
            enhanced(0, 7, &[5], !big),
        ]
        .concat();
        let (got, damage) = read(&bytes);
        assert!(damage.is_none(), "{damage:?}");
        let want = vec![
            (Micros(5_000_001), LinkType(1), vec![1]),
            (Micros(5_000_001), LinkType(101), vec![2, 2]),
            (Micros(15_001_000), LinkType(113), vec![3, 3, 3]),
            (Micros(5_500_000), LinkType(1), vec![4]),
            (Micros(7), LinkType(12), vec![5]),
        ];
        assert_eq!(got, want);
    }
}

#[test]
fn pcapng_simple_and_old_packets() {
    let word = |v: u32| v.to_le_bytes();
    let simple = block(3, &[&word(9)[..], &[1, 2, 3, 4]].concat(), false);
    let old = [&1u16.to_le_bytes()[..], &[0, 0], &word(0), &word(77), &word(2), &word(2), &[8, 8]].concat();
    let bytes =
        [section(false), interface(1, 4, &[], false), interface(113, 0, &[], false), block(2, &old, false), simple]
            .concat();
    let (got, damage) = read(&bytes);
    assert!(damage.is_none(), "{damage:?}");
    let want = vec![(Micros(77), LinkType(113), vec![8, 8]), (Micros(77), LinkType(1), vec![1, 2, 3, 4])];
    assert_eq!(got, want);
}

#[test]
fn pcapng_that_contradicts_itself() {
    let start = [section(false), interface(1, 0, &[], false)].concat();
    let good = enhanced(0, 1, &[1, 2, 3, 4], false);
    let mut unequal = good.clone();
    let last = unequal.len() - 4;
    unequal[last] ^= 4;
    let mut long = good.clone();
    long[20] = 200;
    let mut odd = good.clone();
    odd[4] = 13;
    for bad in [unequal, long, odd, enhanced(1, 1, &[1], false)] {
        let (got, damage) = read(&[start.clone(), good.clone(), bad].concat());
        assert_eq!(got.len(), 1, "what lies before is used");
        assert_eq!(damage.unwrap().offset, (start.len() + good.len()) as u64);
    }
}

#[test]
fn interfaces_end_at_their_limit() {
    let mut bytes = section(false);
    for _ in 0..65_536 {
        bytes.extend(interface(1, 0, &[], false));
    }
    bytes.extend(interface(2, 0, &[], false));
    bytes.extend(enhanced(65_535, 1, &[1], false));
    bytes.extend(enhanced(65_536, 1, &[1], false));
    let (got, damage) = read(&bytes);
    assert_eq!(got.len(), 1);
    assert!(damage.is_some());
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }

    #[test]
    fn any_bytes_after_a_beginning(form in 0..7usize, keep in 0..300usize, rest in proptest::collection::vec(any::<u8>(), 0..200)) {
        let forms = all_forms();
        let mut bytes = forms[form].clone();
        bytes.truncate(keep);
        bytes.extend(rest);
        read(&bytes);
    }

    #[test]
    fn any_damage(form in 0..7usize, changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..8)) {
        let mut bytes = all_forms()[form].clone();
        for (at, value) in changes {
            let at = usize::from(at) % bytes.len();
            bytes[at] = value;
        }
        read(&bytes);
    }
}
