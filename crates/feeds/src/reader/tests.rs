//! What holds for every reader: any bytes end, and what was written in a format is found again.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

/// A description of every format, a blank line between two.
const FORMATS: &str = include_str!("formats.txt");

/// Bytes that formats give a meaning.
const PIECES: &[&str] = &[
    "{\"Event\": {\"Attribute\": [{\"type\": \"domain\", \"to_ids\": true, \"value\": \"a.example\"}]}}",
    "{\"objects\": [{\"type\": \"indicator\", \"pattern\": \"[domain-name:value = 'a.example']\"}]}",
    "alert ip [192.0.2.1] any -> any 1 (msg:\"x\"; content:\"|2e|\";)",
    "0.0.0.0 a.example",
    "a.example CNAME .",
    "24.0.2.0.192.rpz-ip CNAME .",
    "#fields\tindicator\tindicator_type",
    "\"quoted\", \"b\"",
    "{\"a\": [{\"b\": [\"c\"]}]}",
    "[",
    "{",
    "\"",
    "\\",
    "\n",
    "\t",
    ",",
    ":",
    "\0",
    "ä",
    "zz",
];

fn formats() -> Vec<Format> {
    FORMATS.split("\n\n").map(|text| toml::from_str(text).unwrap()).collect()
}

fn read_all(body: &[u8]) {
    for format in formats() {
        let mut longest = 0;
        let sink = &mut |row: Row<'_>| longest = longest.max(row.text.len());
        let _ = read(&format, Timestamp::UNIX_EPOCH, &mut Cursor::new(body), sink);
        assert!(longest <= MAX_VALUE + 16, "{format:?} gave a text of {longest} bytes");
    }
}

#[test]
fn descriptions_of_all_formats() {
    for format in formats() {
        assert_eq!(format.problem(), None, "{format:?}");
    }
    assert!(toml::from_str::<Format>("format = 'hosts'\nsurprise = 1").is_err());
    assert!(toml::from_str::<Format>("format = 'other'").is_err());
}

proptest! {
    #[test]
    fn any_bytes_end(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_all(&body);
    }

    #[test]
    fn any_pieces_end(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..12)) {
        read_all(pieces.concat().as_bytes());
    }
}
