//! What strangers send to a server: datagrams and batches.

use std::hint::black_box;

use event::{journal, observable};

// The server itself is not needed for its readers of foreign bytes: they are compiled in from where they are.
#[allow(dead_code)]
#[path = "../../crates/server/src/intake/batch.rs"]
mod batch;
#[allow(dead_code)]
#[path = "../../crates/server/src/intake/datagram.rs"]
mod datagram;

use batch::{BatchError, Limits, Packing, unpack};
use datagram::{Epoch, lines};

/// Small limits, so that they are reached.
const LIMITS: Limits = Limits { bytes: 1 << 16, lines: 64, line: 8 << 10 };

/// One datagram: a line that was read with its time is read again as the same.
pub fn datagram_line(data: &[u8]) {
    for line in lines(data) {
        assert!(!line.text.contains(&b'\n'), "a line ends where it ends");
        let Epoch::At(time) = line.epoch else { continue };
        // The end of a line is not part of it, however often it stands there.
        if line.text.ends_with(b"\r") {
            continue;
        }
        let written = [format!("{}.{:09} ", time.as_second(), time.subsec_nanosecond()).as_bytes(), line.text].concat();
        assert_eq!(lines(&written).next(), Some(line));
    }
}

/// The body of a batch: the first byte says how it is packed. What was read is packed and read again as the same.
pub fn batch(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    let packing = [Packing::Plain, Packing::Zstd, Packing::Gzip][usize::from(choice % 3)];
    let unpacked = match unpack(body, packing, &LIMITS) {
        Ok(unpacked) => unpacked,
        Err(error) => {
            assert!(packing != Packing::Plain || !matches!(error, BatchError::Damaged(_)), "nothing is packed");
            return;
        }
    };
    let taken = (unpacked.events.len() + unpacked.observables.len()) as u64;
    let lines = taken + unpacked.malformed + unpacked.newer + unpacked.long;
    assert!(lines <= LIMITS.lines as u64, "{lines} lines");
    let mut plain = String::new();
    for event in &unpacked.events {
        plain += &journal::to_line(event).expect("an event can be written");
        plain.push('\n');
    }
    for each in &unpacked.observables {
        plain += &observable::line(each).expect("an observable can be written");
        plain.push('\n');
    }
    let wide = Limits { bytes: plain.len(), line: plain.len(), ..LIMITS };
    let packed = zstd::encode_all(plain.as_bytes(), 1).expect("memory can be written");
    let again = unpack(&packed, Packing::Zstd, &wide).expect("what was packed can be unpacked");
    assert_eq!((&again.events, &again.observables), (&unpacked.events, &unpacked.observables));
    black_box(again);
}
