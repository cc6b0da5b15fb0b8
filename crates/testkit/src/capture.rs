//! Frames with their times, and capture files of them: pcap and pcapng, written by hand.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use packet::{LinkType, Micros};

use crate::packet::Built;

/// A captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// When.
    pub time: Micros,
    /// How its first byte is to be read.
    pub link: LinkType,
    /// What was captured of it.
    pub bytes: Vec<u8>,
    /// How long it was on the wire, bytes.
    pub wire_length: usize,
}

impl Recorded {
    /// A whole frame at a time.
    #[must_use]
    pub fn new(time: Micros, built: Built) -> Self {
        Recorded { time, link: built.link, wire_length: built.bytes.len(), bytes: built.bytes }
    }

    /// The same frame of which only the first `length` bytes were captured.
    #[must_use]
    pub fn cut(&self, length: usize) -> Self {
        let mut out = self.clone();
        out.bytes.truncate(length);
        out
    }

    /// As the packet path takes it.
    #[must_use]
    pub fn as_frame(&self) -> packet::Frame<'_> {
        packet::Frame { time: self.time, link: self.link, bytes: &self.bytes }
    }
}

/// Byte order and resolution of a pcap file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PcapForm {
    /// Most significant byte first.
    pub big_endian: bool,
    /// Times in nanoseconds.
    pub nanoseconds: bool,
}

/// A pcap file of frames that are all of one link type.
///
/// # Panics
/// The frames are of several link types (write pcapng then).
#[must_use]
pub fn pcap(frames: &[Recorded], form: PcapForm) -> Vec<u8> {
    let link = frames.first().map_or(1, |f| f.link.0);
    let word = |v: u32| if form.big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let half = |v: u16| if form.big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let magic = if form.nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let mut out = Vec::new();
    out.extend(word(magic));
    out.extend([half(2), half(4)].concat());
    for value in [0, 0, 262_144, u32::from(link)] {
        out.extend(word(value));
    }
    for frame in frames {
        assert_eq!(frame.link.0, link, "a pcap file has one link type");
        let micros = frame.time.0.rem_euclid(Micros::SECOND) as u32;
        let fraction = if form.nanoseconds { micros * 1000 } else { micros };
        let seconds = frame.time.0.div_euclid(Micros::SECOND) as u32;
        for value in [seconds, fraction, frame.bytes.len() as u32, frame.wire_length as u32] {
            out.extend(word(value));
        }
        out.extend(&frame.bytes);
    }
    out
}

/// The frames of a pcap file in any of its four forms.
///
/// # Errors
/// It is no pcap file, or ends inside a frame.
pub fn read_pcap(bytes: &[u8]) -> Result<Vec<Recorded>, String> {
    let form = match bytes.get(..4) {
        Some([0xd4, 0xc3, 0xb2, 0xa1]) => PcapForm { big_endian: false, nanoseconds: false },
        Some([0xa1, 0xb2, 0xc3, 0xd4]) => PcapForm { big_endian: true, nanoseconds: false },
        Some([0x4d, 0x3c, 0xb2, 0xa1]) => PcapForm { big_endian: false, nanoseconds: true },
        Some([0xa1, 0xb2, 0x3c, 0x4d]) => PcapForm { big_endian: true, nanoseconds: true },
        _ => return Err("no pcap file".to_owned()),
    };
    let word = |at: usize| -> Result<usize, String> {
        let four = bytes.get(at..at + 4).ok_or_else(|| format!("the file ends at byte {at}"))?;
        let four = <[u8; 4]>::try_from(four).expect("four bytes");
        Ok(if form.big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) } as usize)
    };
    let link = LinkType(word(20)? as u16);
    let (mut at, mut out) = (24, Vec::new());
    while at < bytes.len() {
        let (seconds, fraction, length, wire_length) = (word(at)?, word(at + 4)?, word(at + 8)?, word(at + 12)?);
        let micros = if form.nanoseconds { fraction / 1000 } else { fraction };
        at += 16;
        let frame = bytes.get(at..at + length).ok_or_else(|| format!("the file ends inside the frame at byte {at}"))?;
        at += length;
        let time = Micros(seconds as i64 * Micros::SECOND + micros as i64);
        out.push(Recorded { time, link, bytes: frame.to_vec(), wire_length });
    }
    Ok(out)
}

/// A pcapng file; each link type gets an interface of its own.
#[must_use]
pub fn pcapng(frames: &[Recorded]) -> Vec<u8> {
    let mut out = Vec::new();
    block(&mut out, 0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat());
    let mut interfaces = BTreeMap::new();
    for frame in frames {
        let number = interfaces.len() as u32;
        if let Entry::Vacant(entry) = interfaces.entry(frame.link.0) {
            entry.insert(number);
            let mut body = frame.link.0.to_le_bytes().to_vec();
            body.extend([0, 0, 0, 0, 4, 0]);
            block(&mut out, 1, &body);
        }
        let stamp = frame.time.0 as u64;
        let mut body = Vec::new();
        for value in [
            interfaces[&frame.link.0],
            (stamp >> 32) as u32,
            stamp as u32,
            frame.bytes.len() as u32,
            frame.wire_length as u32,
        ] {
            body.extend(value.to_le_bytes());
        }
        body.extend(&frame.bytes);
        block(&mut out, 6, &body);
    }
    out
}

fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let padding = body.len().next_multiple_of(4) - body.len();
    let length = (12 + body.len() + padding) as u32;
    out.extend(kind.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(body);
    out.extend(vec![0; padding]);
    out.extend(length.to_le_bytes());
}

/// The frames as a capture file: pcap where one link type does, else pcapng.
#[must_use]
pub fn file(frames: &[Recorded]) -> Vec<u8> {
    match frames.split_first() {
        Some((first, rest)) if rest.iter().any(|f| f.link != first.link) => pcapng(frames),
        _ => pcap(frames, PcapForm::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> Vec<Recorded> {
        let built = |n: usize, link| Built { link: LinkType(link), bytes: vec![n as u8; n] };
        vec![Recorded::new(Micros(1_500_000), built(5, 1)), Recorded::new(Micros(2_000_007), built(6, 101))]
    }

    #[test]
    fn pcap_holds_times_and_lengths_in_all_four_forms() {
        let frame = frames()[..1].to_vec();
        let cut = [frame[0].cut(3)];
        let little = pcap(&cut, PcapForm::default());
        assert_eq!(little[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
        assert_eq!(little[24..40], [1, 0, 0, 0, 0x20, 0xa1, 7, 0, 3, 0, 0, 0, 5, 0, 0, 0]);
        let nano = pcap(&cut, PcapForm { big_endian: true, nanoseconds: true });
        assert_eq!(nano[..4], [0xa1, 0xb2, 0x3c, 0x4d]);
        assert_eq!(nano[28..32], 500_000_000_u32.to_be_bytes());
        assert_eq!(nano.len(), 24 + 16 + 3);
    }

    #[test]
    fn what_was_written_is_read_back_and_a_cut_file_is_refused() {
        let frames = [frames()[0].clone(), frames()[0].cut(2)];
        for (big_endian, nanoseconds) in [(false, false), (false, true), (true, false), (true, true)] {
            let bytes = pcap(&frames, PcapForm { big_endian, nanoseconds });
            assert_eq!(read_pcap(&bytes).unwrap(), frames);
            assert!(read_pcap(&bytes[..bytes.len() - 1]).is_err());
        }
    }

    #[test]
    fn several_link_types_make_a_pcapng_of_whole_blocks() {
        let bytes = file(&frames());
        let (mut at, mut kinds) = (0, Vec::new());
        while at < bytes.len() {
            let word = |i: usize| u32::from_le_bytes(bytes[i..i + 4].try_into().unwrap());
            let length = word(at + 4) as usize;
            assert_eq!(word(at + length - 4) as usize, length);
            kinds.push(word(at));
            at += length;
        }
        assert_eq!(kinds, [0x0a0d_0d0a, 1, 6, 1, 6]);
    }
}
