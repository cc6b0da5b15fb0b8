//! The body of a batch: lines of the journal and observables, compressed or not, read within limits.
//!
//! It is unpacked as it is read, so that a small body that stands for a large one costs no more than the limit. A line
//! that is no event is counted and passed over; a body that breaks a limit or cannot be unpacked is refused as a whole.

use std::io::{self, BufRead, BufReader, Read};

use event::Event;
use event::journal::{self, JournalError};
use event::observable::{self, Observable};
use flate2::read::MultiGzDecoder;

/// Largest window of a zstd frame, as a power of two: the memory that unpacking may take.
const WINDOW_LOG: u32 = 23;

/// How the line of an observable begins: with the field that no event has.
const OBSERVABLE: &[u8] = b"{\"observable\":";

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// RFC 8878.
    Zstd,
    /// RFC 1952.
    Gzip,
}

impl Packing {
    /// Of the value of Content-Encoding; none where it is unknown.
    #[must_use]
    pub fn of(coding: &str) -> Option<Packing> {
        let coding = coding.trim();
        let is = |names: &[&str]| names.iter().any(|name| coding.eq_ignore_ascii_case(name));
        match () {
            () if is(&["", "identity"]) => Some(Packing::Plain),
            () if is(&["zstd"]) => Some(Packing::Zstd),
            () if is(&["gzip", "x-gzip"]) => Some(Packing::Gzip),
            () => None,
        }
    }
}

/// What a body may come to when it is unpacked.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes.
    pub bytes: usize,
    /// Lines that are not empty.
    pub lines: usize,
    /// Bytes of a line. A longer one is counted and passed over.
    pub line: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 16 << 20, lines: 20_000, line: 2 << 20 }
    }
}

/// What a body holds.
#[derive(Debug, Default, PartialEq)]
pub struct Unpacked {
    /// Events, in order.
    pub events: Vec<Event>,
    /// Observables, in order.
    pub observables: Vec<Observable>,
    /// Lines that are neither.
    pub malformed: u64,
    /// Events of a newer version of the journal.
    pub newer: u64,
    /// Lines that are too long.
    pub long: u64,
}

/// Why nothing of a body is taken.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Too many bytes.
    #[error("the batch is larger than {0} bytes when it is unpacked; send smaller ones")]
    Bytes(usize),
    /// Too many lines.
    #[error("the batch has more than {0} lines; send smaller ones")]
    Lines(usize),
    /// It cannot be unpacked.
    #[error("the batch cannot be unpacked: {0}")]
    Damaged(#[from] io::Error),
}

/// Reads a body.
///
/// # Errors
/// A limit is reached, or it is damaged.
pub fn unpack(body: &[u8], packing: Packing, limits: &Limits) -> Result<Unpacked, BatchError> {
    match packing {
        _ if body.is_empty() => Ok(Unpacked::default()),
        Packing::Plain => read(body, limits),
        Packing::Gzip => read(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(body)), limits),
        Packing::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(body)?;
            decoder.window_log_max(WINDOW_LOG)?;
            read(BufReader::with_capacity(1 << 16, decoder), limits)
        }
    }
}

fn read(mut lines: impl BufRead, limits: &Limits) -> Result<Unpacked, BatchError> {
    let mut unpacked = Unpacked::default();
    let (mut bytes, mut count) = (0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        // One more than the longest line and its end: what fills it is too long.
        let mut read = lines.by_ref().take(limits.line as u64 + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(unpacked);
        }
        let long = line.last() != Some(&b'\n') && line.len() > limits.line;
        if long {
            // To its end, in steps, so that a line without one ends at the limit too.
            while bytes + read <= limits.bytes {
                line.clear();
                let more = lines.by_ref().take(1 << 16).read_until(b'\n', &mut line)?;
                read += more;
                if more == 0 || line.last() == Some(&b'\n') {
                    break;
                }
            }
        }
        bytes += read;
        if bytes > limits.bytes {
            return Err(BatchError::Bytes(limits.bytes));
        }
        let text = line.trim_ascii();
        if !long && text.is_empty() {
            continue;
        }
        count += 1;
        if count > limits.lines {
            return Err(BatchError::Lines(limits.lines));
        }
        if long { unpacked.long += 1 } else { unpacked.take(text) }
    }
}

impl Unpacked {
    fn take(&mut self, line: &[u8]) {
        let Ok(text) = std::str::from_utf8(line) else {
            self.malformed += 1;
            return;
        };
        if line.starts_with(OBSERVABLE) {
            match observable::parse(text) {
                Ok(observable) => self.observables.push(observable),
                Err(_) => self.malformed += 1,
            }
            return;
        }
        match journal::parse(text) {
            Ok(event) => self.events.push(event),
            Err(JournalError::Version { .. }) => self.newer += 1,
            Err(JournalError::Malformed(_)) => self.malformed += 1,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { bytes: 4096, lines: 8, line: 1024 };

    fn event(info: &str) -> Event {
        let info = serde_json::to_string(info).unwrap();
        journal::parse(&format!(
            r#"{{"v":1,"id":"e","time":"2026-01-02T03:04:05Z","last":"2026-01-02T03:04:05Z","sensor":"gw","src":["10.0.0.5"],"dst":["192.0.2.1"],"protocol":17,"kind":"DNS","observed":{{"text":"evil.example","matched":[]}},"info":{info},"severity":"high"}}"#
        ))
        .unwrap()
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    /// The same body in every packing.
    fn packed(plain: &[u8]) -> [(Vec<u8>, Packing); 3] {
        [
            (plain.to_vec(), Packing::Plain),
            (zstd::encode_all(plain, 3).unwrap(), Packing::Zstd),
            (gzip(plain), Packing::Gzip),
        ]
    }

    #[test]
    fn names_of_packings() {
        for (name, packing) in [
            ("", Some(Packing::Plain)),
            ("identity", Some(Packing::Plain)),
            (" ZSTD", Some(Packing::Zstd)),
            ("gzip", Some(Packing::Gzip)),
            ("br", None),
            ("gzip, zstd", None),
        ] {
            assert_eq!(Packing::of(name), packing, "{name}");
        }
    }

    #[test]
    fn lines_that_are_no_events_are_counted() {
        let good = journal::to_line(&event("x")).unwrap();
        let newer = good.replace("\"v\":1", "\"v\":2");
        let plain =
            [good.as_bytes(), b"\r\n\n  \n{\"v\":1}\n\xff\xfe\n[[[\n", newer.as_bytes(), b"\n", good.as_bytes()]
                .concat();
        for (body, packing) in packed(&plain) {
            let unpacked = unpack(&body, packing, &LIMITS).unwrap();
            let expected = Unpacked { events: vec![event("x"); 2], malformed: 3, newer: 1, ..Unpacked::default() };
            assert_eq!(unpacked, expected);
        }
        for (body, packing) in packed(b"") {
            assert_eq!(unpack(&body, packing, &LIMITS).unwrap(), Unpacked::default());
        }
        for packing in [Packing::Zstd, Packing::Gzip] {
            assert_eq!(unpack(b"", packing, &LIMITS).unwrap(), Unpacked::default());
        }
    }

    #[test]
    fn events_and_observables_stand_in_one_batch() {
        let good = r#"{"observable":"name","name":"a.example","host":"10.0.0.7","sensor":"s1","site":"","first":"2026-11-21T10:00:00Z","last":"2026-11-21T10:00:07Z","count":3}"#;
        let event_line = journal::to_line(&event("x")).unwrap();
        let broken = good.replace(":3}", ":0}");
        let plain = [good, &event_line, &broken, good].join("\n");
        for (body, packing) in packed(plain.as_bytes()) {
            let unpacked = unpack(&body, packing, &LIMITS).unwrap();
            let observables = vec![observable::parse(good).unwrap(); 2];
            let expected = Unpacked { events: vec![event("x")], observables, malformed: 1, ..Unpacked::default() };
            assert_eq!(unpacked, expected, "{packing:?}");
        }
    }

    #[test]
    fn limits_of_bytes_lines_and_a_line() {
        for (count, taken) in [(LIMITS.lines - 1, true), (LIMITS.lines, true), (LIMITS.lines + 1, false)] {
            for (body, packing) in packed("x\n".repeat(count).as_bytes()) {
                match unpack(&body, packing, &LIMITS) {
                    Ok(unpacked) => assert!(taken && unpacked.malformed == count as u64),
                    Err(error) => assert!(!taken && matches!(error, BatchError::Lines(_)), "{error}"),
                }
            }
        }
        for (length, taken) in [(LIMITS.bytes - 1, true), (LIMITS.bytes, true), (LIMITS.bytes + 1, false)] {
            for plain in ["\n".repeat(length), "x".repeat(length)] {
                for (body, packing) in packed(plain.as_bytes()) {
                    let error = unpack(&body, packing, &LIMITS).err();
                    assert!(taken == error.is_none(), "{length} {packing:?} {error:?}");
                    assert!(error.is_none_or(|error| matches!(error, BatchError::Bytes(_))));
                }
            }
        }
        for (length, long) in [(LIMITS.line - 1, 0), (LIMITS.line, 0), (LIMITS.line + 1, 1), (LIMITS.line + 2, 1)] {
            let plain = format!("{}\n{}\n", "x".repeat(length), journal::to_line(&event("y")).unwrap());
            for (body, packing) in packed(plain.as_bytes()) {
                let unpacked = unpack(&body, packing, &LIMITS).unwrap();
                let lines = (unpacked.events.len(), unpacked.long, unpacked.malformed);
                assert_eq!(lines, (1, long, 1 - long), "{length} {packing:?}");
            }
        }
    }

    #[test]
    fn a_bomb_costs_no_more_than_the_limit() {
        let bombs = packed(&vec![b'x'; 64 << 20]);
        for (body, packing) in bombs.into_iter().skip(1) {
            assert!(body.len() < 128 * 1024);
            assert!(matches!(unpack(&body, packing, &Limits::default()), Err(BatchError::Bytes(_))));
        }
        // A frame that asks for a window of 128 MiB.
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(b"x\n").unwrap();
        let wide = encoder.finish().unwrap();
        assert!(matches!(unpack(&wide, Packing::Zstd, &LIMITS), Err(BatchError::Damaged(_))));
    }

    #[test]
    fn cut_and_foreign_bodies_are_refused() {
        let line = journal::to_line(&event("x")).unwrap();
        for (body, packing) in packed(line.as_bytes()).into_iter().skip(1) {
            for length in 1..body.len() {
                let cut = body.get(..length).unwrap();
                assert!(matches!(unpack(cut, packing, &LIMITS), Err(BatchError::Damaged(_))), "{packing:?} {length}");
            }
            assert!(matches!(unpack(line.as_bytes(), packing, &LIMITS), Err(BatchError::Damaged(_))));
            assert!(matches!(unpack(&[&body[..], b"rest"].concat(), packing, &LIMITS), Err(BatchError::Damaged(_))));
        }
    }

    proptest! {
        #[test]
        fn never_panics(body: Vec<u8>) {
            for packing in [Packing::Plain, Packing::Zstd, Packing::Gzip] {
                if let Ok(unpacked) = unpack(&body, packing, &LIMITS) {
                    let taken = (unpacked.events.len() + unpacked.observables.len()) as u64;
                    let lines = taken + unpacked.malformed + unpacked.newer + unpacked.long;
                    prop_assert!(lines <= LIMITS.lines as u64);
                }
            }
        }

        #[test]
        fn what_is_sent_arrives(infos in proptest::collection::vec(".{0,20}", 0..8)) {
            let events: Vec<Event> = infos.iter().map(|info| event(info)).collect();
            let plain: String = events.iter().map(|event| journal::to_line(event).unwrap() + "\n").collect();
            for (body, packing) in packed(plain.as_bytes()) {
                prop_assert_eq!(unpack(&body, packing, &LIMITS).unwrap().events, events.clone());
            }
        }
    }
}
