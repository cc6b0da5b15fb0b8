//! Files of places and networks that a user gives a server.

use std::hint::black_box;
use std::net::IpAddr;

// The server itself is not needed for its readers of foreign bytes: they are compiled in from where they are.
#[allow(dead_code, clippy::module_inception)]
#[path = "../../crates/server/src/enrich/mmdb.rs"]
mod mmdb;
#[allow(dead_code)]
#[path = "../../crates/server/tests/http/support/mmdb.rs"]
mod writer;

use mmdb::Database;
use writer::{Shape, Value, country, file, map, metadata};

/// The first byte says what a file is made of: of bytes behind which good metadata stands, or of a good file in which
/// the bytes are places (two) and what comes there (one).
pub fn mmdb(data: &[u8]) {
    let Some(([choice, nodes], rest)) = data.split_first_chunk::<2>() else { return };
    let shape = Shape {
        record_bits: [24, 28, 32][usize::from(choice % 3)],
        version: if choice & 64 == 0 { 6 } else { 4 },
        pointers: choice & 32 == 0,
    };
    if choice & 128 == 0 {
        look_up([rest, &metadata(&shape, u32::from(*nodes))].concat());
    } else {
        let city = map([("city", map([("names", map([("en", Value::Text("Zagreb"))]))])), ("latitude", Value::Double(45.8))]);
        let mut bytes = file(&shape, &[("8.8.0.0/16", country("US")), ("8.8.8.0/24", city), ("9.0.0.0/8", Value::Array(vec![]))]);
        for change in rest.chunks_exact(3) {
            let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
            bytes[place] = change[2];
        }
        look_up(bytes);
    }
    look_up(data.to_vec());
}

fn look_up(bytes: Vec<u8>) {
    let Ok(database) = Database::from_bytes(bytes) else { return };
    black_box((database.kind(), database.built()));
    for address in ["8.8.8.8", "8.8.9.9", "9.9.9.9", "255.255.255.255", "::", "2001:db8::1"] {
        let address: IpAddr = address.parse().expect("an address");
        let Ok(Some(record)) = database.lookup(address) else { continue };
        for path in [&["country", "iso_code"][..], &["city", "names", "en"], &["latitude"], &[]] {
            let _ = black_box(record.find(path));
        }
    }
}
