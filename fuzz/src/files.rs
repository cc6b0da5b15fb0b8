//! Files: captures, trail stores.

use std::hint::black_box;
use std::io::Cursor;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sensor::capture::file::Reader;
use trails::{Hashed, Hit, LabelId, Store};

/// A capture of any format, packed or not.
pub fn capture(data: &[u8]) {
    let Ok(mut reader) = Reader::new(Box::new(Cursor::new(data.to_vec()))) else { return };
    while let Ok(Some(frame)) = reader.frame() {
        black_box(frame.bytes.iter().map(|b| u64::from(*b)).sum::<u64>());
    }
}

/// A store file, and look-ups of all kinds in what opens.
pub fn store(data: &[u8]) {
    let Ok(store) = Store::from_bytes(data) else { return };
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
        label(store.pattern(name));
        black_box(store.may_hold_urls_of(Hashed::new(name)));
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
