//! Files: captures, trail stores.

use std::hint::black_box;
use std::io::Cursor;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use std::sync::OnceLock;

use sensor::capture::file::Reader;
use trails::builder::Place;
use trails::{Builder, Hashed, Hit, LabelId, Stamp, Store, Vetoes, mend};

/// A capture of any format, packed or not.
pub fn capture(data: &[u8]) {
    let Ok(mut reader) = Reader::new(Box::new(Cursor::new(data.to_vec()))) else { return };
    while let Ok(Some(frame)) = reader.frame() {
        black_box(frame.bytes.iter().map(|b| u64::from(*b)).sum::<u64>());
    }
}

/// Trails of every kind, of which the store is made that is changed.
const TRAILS: &[&str] = &[
    "evil-site.example.com",
    "a.b.c",
    "top",
    "evil-site.example.com/gate.php",
    "/x.php?id=",
    "192.0.2.66",
    "192.0.2.66:4444",
    "192.0.0.0/16",
    "192.0.2.64/26",
    "2001:db8:bad::7",
    "[2001:db8:bad::7]:4444",
    "2001:db8::/32",
    "0707070707070707070707070707070707070707",
    "t13d0506h2_e133e205ac38_0d385148b956",
    "*.wild-*.example",
    "[a-z]{3}[0-9]+\\.evil\\.example",
];

fn whole_store() -> Vec<u8> {
    let mut builder = Builder::new(Vetoes::default());
    let file = Rc::from("trails");
    for (line, trail) in (1..).zip(TRAILS) {
        let source = builder.source(&format!("fuzzed {line} (malware)"), "(static)", line % 2 == 0);
        builder.add(trail, source, Place { file: &file, line });
    }
    builder.finish(Cursor::new(Vec::new()), Stamp::default()).expect("memory can be written").0.into_inner()
}

/// Changes of a store: a section's number, two bytes of place, a count, and so many bytes that come there. One
/// number more than there are sections means the header. A count of 255 cuts the file off there.
fn change(bytes: &mut Vec<u8>, mut changes: &[u8]) {
    let mut places = mend::sections(bytes);
    places.push(mend::header());
    while let Some(([section, high, low, count], rest)) = changes.split_first_chunk::<4>() {
        let range = &places[usize::from(*section) % places.len()];
        let at = usize::from(u16::from_le_bytes([*high, *low])) % range.len().max(1);
        // The two large tables are reached in steps.
        let at = range.start + if range.len() > 1 << 16 { at * (range.len() >> 16) } else { at };
        let (new, rest) = rest.split_at(rest.len().min(usize::from(*count)));
        if *count == 255 {
            bytes.truncate(at);
        }
        if let Some(old) = bytes.get_mut(at..at + new.len()) {
            old.copy_from_slice(new);
        }
        changes = rest;
    }
}

/// A changed store whose checksums are right all the same, and look-ups of all kinds in what opens.
pub fn store(data: &[u8]) {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    let mut bytes = WHOLE.get_or_init(whole_store).clone();
    change(&mut bytes, data);
    mend::mend(&mut bytes);
    look_up(&bytes, data);
}

/// Any bytes as a store.
pub fn foreign_store(data: &[u8]) {
    let mut bytes = data.to_vec();
    look_up(&bytes, data);
    mend::mend(&mut bytes);
    look_up(&bytes, data);
}

fn look_up(bytes: &[u8], data: &[u8]) {
    let Ok(store) = Store::from_bytes(bytes) else { return };
    black_box(store.verify()).ok();
    black_box(store.len());
    let label = |id: Option<LabelId>| {
        if let Some(id) = id {
            black_box(store.label(id));
        }
    };
    let names: [&[u8]; 4] = [b"www.evil-site.example.com", b"a.b.c", b"", &data[data.len().saturating_sub(40)..]];
    for name in names {
        let mut hits = [Hit { start: 0, label: LabelId(0) }; 8];
        let count = store.name(name, &mut hits);
        for hit in &hits[..count] {
            assert!(hit.start <= name.len(), "a hit lies within its name");
            label(Some(hit.label));
        }
        assert!(store.may_hold_name(name) || count == 0, "the quick answer hides nothing");
        label(store.pattern(name));
        black_box(store.may_hold_urls_of(Hashed::new(name)));
        black_box(store.may_hold_path(name, name.len() / 2));
        label(store.url(&[name, b"/x"]));
    }
    for address in
        [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 66)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xbad, 0, 0, 0, 0, 7))]
    {
        black_box(store.may_hold_address(address));
        label(store.address(address));
        label(store.endpoint(address, 4444));
        label(store.network(address).map(|(_, id)| id));
    }
    label(store.certificate(&[7; 20]));
    label(store.ja3(&[7; 16]));
    label(store.ja4(b"t13d0506h2_e133e205ac38_0d385148b956"));
}
