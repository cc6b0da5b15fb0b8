//! Files are written, damaged, replaced and read.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::net::IpAddr;
use std::path::Path;

use proptest::prelude::*;

use super::databases::{Databases, Place};
use super::mmdb::{Database, Fault, Scalar};
use super::writer::{Shape, Value, country, file, map, metadata, system};

fn at(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn found(database: &Database, address: &str, path: &[&str]) -> Option<String> {
    let record = database.lookup(at(address)).unwrap()?;
    match record.find(path).unwrap()? {
        Scalar::Text(text) => Some(text.to_owned()),
        Scalar::Number(number) => Some(number.to_string()),
        Scalar::Real(real) => Some(real.to_string()),
        Scalar::Other => Some("other".to_owned()),
    }
}

const NETWORKS: [(&str, &str); 7] = [
    ("8.8.0.0/16", "US"),
    ("8.8.8.0/24", "CA"),
    ("8.8.8.8/32", "DE"),
    ("192.0.2.0/25", "HR"),
    ("2001:db8::/32", "FR"),
    ("2001:db8:1::/48", "IT"),
    ("2001:db8:1::7/128", "ES"),
];

#[test]
fn networks_of_every_record_size() {
    for record_bits in [24, 28, 32] {
        for pointers in [false, true] {
            let shape = Shape { record_bits, version: 6, pointers };
            let networks: Vec<(&str, Value)> = NETWORKS.iter().map(|(net, code)| (*net, country(code))).collect();
            let database = Database::from_bytes(file(&shape, &networks)).unwrap();
            assert_eq!((database.kind(), database.built()), ("Test-Country", 1_763_600_000));
            for (address, code) in [
                ("8.8.0.1", Some("US")),
                ("8.8.8.7", Some("CA")),
                ("8.8.8.8", Some("DE")),
                ("8.9.0.0", None),
                ("192.0.2.127", Some("HR")),
                ("192.0.2.128", None),
                ("2001:db8:ffff::1", Some("FR")),
                ("2001:db8:1::8", Some("IT")),
                ("2001:db8:1::7", Some("ES")),
                ("2001:db9::", None),
                ("::808:808", Some("DE")),
            ] {
                let got = found(&database, address, &["country", "iso_code"]);
                assert_eq!(got.as_deref(), code, "{address} {record_bits} {pointers}");
            }
        }
    }
}

#[test]
fn a_file_of_ipv4_alone() {
    let shape = Shape { version: 4, ..Shape::default() };
    let database = Database::from_bytes(file(&shape, &[("0.0.0.0/1", country("US"))])).unwrap();
    let of = |address: &str| found(&database, address, &["country", "iso_code"]);
    assert_eq!((of("1.1.1.1").as_deref(), of("128.0.0.0"), of("2001:db8::1")), (Some("US"), None, None));
    let empty = Database::from_bytes([[0; 16].to_vec(), metadata(&shape, 0)].concat()).unwrap();
    assert!(empty.lookup(at("1.1.1.1")).unwrap().is_none());
}

#[test]
fn values_of_every_type() {
    static LONG: [u8; 70_000] = [b'x'; 70_000];
    let long = |length: usize| std::str::from_utf8(&LONG[..length]).unwrap();
    let value = map([
        ("bool", Value::Bool(true)),
        ("array", Value::Array(vec![map([("n", Value::U16(7))]), Value::Bytes(vec![0; 40])])),
        ("i32", Value::I32(7)),
        ("u128", Value::U128(u128::MAX)),
        ("u64", Value::U64(1 << 40)),
        ("zero", Value::U32(0)),
        ("float", Value::Float(1.5)),
        ("double", Value::Double(-15.25)),
        ("t28", Value::Text(long(28))),
        ("t29", Value::Text(long(29))),
        ("t284", Value::Text(long(284))),
        ("t285", Value::Text(long(285))),
        ("t65820", Value::Text(long(65_820))),
        ("t65821", Value::Text(long(65_821))),
        ("t70000", Value::Text(long(70_000))),
        // Behind 65,536 bytes: pointers of other sizes.
        ("within", map([("bool", Value::Bool(false)), ("t28", Value::Text("end"))])),
    ]);
    let database = Database::from_bytes(file(&Shape::default(), &[("1.0.0.0/8", value)])).unwrap();
    let of = |path: &[&str]| found(&database, "1.1.1.1", path);
    assert_eq!(of(&["u64"]).unwrap(), (1u64 << 40).to_string());
    assert_eq!((of(&["i32"]).unwrap(), of(&["zero"]).unwrap()), ("7".to_owned(), "0".to_owned()));
    assert_eq!((of(&["float"]).unwrap(), of(&["double"]).unwrap()), ("1.5".to_owned(), "-15.25".to_owned()));
    for length in [28, 29, 284, 285, 65_820, 65_821, 70_000] {
        assert_eq!(of(&[&format!("t{length}")]).unwrap().len(), length);
    }
    for other in ["bool", "array", "u128", "within"] {
        assert_eq!(of(&[other]).unwrap(), "other", "{other}");
    }
    assert_eq!(of(&["within", "t28"]).unwrap(), "end");
    assert_eq!((of(&["absent"]), of(&["u64", "below"]), of(&["within", "absent"])), (None, None, None));
}

#[test]
fn files_that_are_none() {
    let whole = file(&Shape::default(), &[("1.0.0.0/8", country("US"))]);
    let fault = |bytes: &[u8]| Database::from_bytes(bytes.to_vec()).map(|_| ()).unwrap_err();
    assert_eq!(fault(b""), Fault::NoMetadata);
    assert_eq!(fault(b"<html>not found</html>"), Fault::NoMetadata);
    assert_eq!(fault(&whole[..whole.len() / 2]), Fault::NoMetadata, "a download that broke off");
    assert_eq!(fault(&whole[40..]), Fault::Short);
    assert_eq!(fault(&metadata(&Shape::default(), u32::MAX)), Fault::Short);
    for shape in [Shape { record_bits: 20, ..Shape::default() }, Shape { version: 5, ..Shape::default() }] {
        assert_eq!(fault(&metadata(&shape, 0)), Fault::Metadata);
    }
    assert_eq!(fault(b"\xab\xcd\xefMaxMind.com"), Fault::Metadata);
}

#[test]
fn pointers_that_lead_nowhere_or_in_circles_end() {
    let faulty = |value: Value, path: &[&str]| {
        let database = Database::from_bytes(file(&Shape::default(), &[("1.0.0.0/8", value)])).unwrap();
        database.lookup(at("1.1.1.1")).unwrap().unwrap().find(path).unwrap_err()
    };
    assert_eq!(faulty(Value::Pointer(0), &[]), Fault::Damaged, "to itself");
    assert_eq!(faulty(Value::Pointer(3_000), &[]), Fault::Damaged);
    assert_eq!(faulty(Value::Pointer(200_000_000), &[]), Fault::Damaged);
    assert_eq!(faulty(map([("a", Value::Pointer(0))]), &["a"; 5_000]), Fault::Damaged, "values are counted");
    let deep = (0..40).fold(Value::U16(1), |value, _| Value::Array(vec![value]));
    assert_eq!(faulty(map([("deep", deep), ("b", Value::U16(1))]), &["b"]), Fault::Damaged);
    let wide = Value::Array(vec![Value::Bool(true); 5_000]);
    assert_eq!(faulty(map([("wide", wide), ("b", Value::U16(1))]), &["b"]), Fault::Damaged);
}

proptest! {
    #[test]
    fn any_bytes_give_a_fault_or_a_file(bytes: Vec<u8>, nodes in 0u32..40, bits in 0usize..3, address: u128) {
        let shape = Shape { record_bits: [24, 28, 32][bits], ..Shape::default() };
        let bytes = [bytes, metadata(&shape, nodes)].concat();
        if let Ok(database) = Database::from_bytes(bytes) {
            look_up(&database, address);
        }
    }

    #[test]
    fn damage_does_no_harm(changes: Vec<(u16, u8)>, address: u128) {
        let networks: Vec<(&str, Value)> = NETWORKS.iter().map(|(net, code)| (*net, country(code))).collect();
        let mut bytes = file(&Shape::default(), &networks);
        for (place, byte) in changes {
            let place = usize::from(place) % bytes.len();
            bytes[place] = byte;
        }
        if let Ok(database) = Database::from_bytes(bytes) {
            look_up(&database, address);
            for (net, _) in NETWORKS {
                look_up(&database, address & 0xff | match net.parse::<ipnet::IpNet>().unwrap().addr() {
                    IpAddr::V4(v4) => v4.to_bits().into(),
                    IpAddr::V6(v6) => v6.to_bits(),
                });
            }
        }
    }
}

fn look_up(database: &Database, address: u128) {
    let v6 = IpAddr::V6(address.into());
    let v4 = IpAddr::V4((address as u32).into());
    for address in [v6, v4] {
        if let Ok(Some(record)) = database.lookup(address) {
            let _ = (record.find(&[]), record.find(&["country", "iso_code"]), record.find(&["country"]));
        }
    }
}

fn put(path: &Path, bytes: &[u8]) {
    let new = path.with_extension("new");
    std::fs::write(&new, bytes).unwrap();
    std::fs::rename(&new, path).unwrap();
}

#[test]
fn facts_of_the_makers_of_such_files() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str, values: &[Value]| {
        let paths: Vec<_> = (0..values.len()).map(|n| directory.path().join(format!("{name}{n}"))).collect();
        for (path, value) in paths.iter().zip(values) {
            put(path, &file(&Shape::default(), &[("1.0.0.0/8", value.clone())]));
        }
        let databases = Databases::open(&paths);
        assert_eq!(databases.problems(), Vec::<String>::new(), "{name}");
        databases.now().place(at("1.1.1.1"))
    };
    let whole = Place {
        country: Some(*b"AU"),
        city: Some("Sydney".to_owned()),
        point: Some((-33.5, 151.25)),
        asn: Some(13_335),
        organization: Some("CLOUDFLARENET".to_owned()),
    };
    let city = map([
        ("city", map([("geoname_id", Value::U32(7)), ("names", map([("en", Value::Text("Sydney"))]))])),
        ("continent", map([("code", Value::Text("OC"))])),
        ("country", map([("iso_code", Value::Text("AU")), ("is_in_european_union", Value::Bool(false))])),
        ("location", map([("latitude", Value::Double(-33.5)), ("longitude", Value::Double(151.25))])),
    ]);
    assert_eq!(place("geolite", &[city, system(13_335, "CLOUDFLARENET")]), whole);
    let flat = map([
        ("country_code", Value::Text("au")),
        ("city", Value::Text("Sydney")),
        ("latitude", Value::Float(-33.5)),
        ("longitude", Value::Float(151.25)),
    ]);
    assert_eq!(place("flat", &[flat, system(13_335, "CLOUDFLARENET")]), whole);
    let texts = map([
        ("asn", Value::Text("AS13335")),
        ("as_name", Value::Text("CLOUDFLARENET")),
        ("country", Value::Text("Australia")),
        ("country_code", Value::Text("AU")),
    ]);
    assert_eq!(place("texts", &[texts]), Place { city: None, point: None, ..whole.clone() });
    let registered = map([("registered_country", map([("iso_code", Value::Text("US"))]))]);
    assert_eq!(place("registered", &[registered]).country, Some(*b"US"));
    let wrong = map([
        ("country_code", Value::Text("12")),
        ("asn", Value::Text("x")),
        ("latitude", Value::Double(91.0)),
        ("longitude", Value::Double(f64::NAN)),
    ]);
    assert_eq!(place("wrong", &[wrong]), Place::default());
}

#[test]
fn what_is_missing_or_broken_is_told_and_what_comes_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("country.mmdb");
    let databases = Databases::open(std::slice::from_ref(&path));
    let country_now = || databases.now().country(at("1.1.1.1"));
    let told = |text: &str| {
        let problems = databases.problems();
        assert!(
            problems.len() == 1 && problems[0].contains(text) && problems[0].contains("country.mmdb"),
            "{problems:?}"
        );
    };
    assert_eq!(country_now(), None);
    told("it is not used");
    let of = |code: &'static str| file(&Shape::default(), &[("1.0.0.0/8", country(code))]);
    put(&path, &of("US"));
    assert_eq!((country_now(), databases.problems().len()), (Some(*b"US"), 0));
    put(&path, b"broken");
    assert_eq!(country_now(), Some(*b"US"));
    told("what was read before stays in use");
    let opening = databases.now();
    put(&path, &of("DE"));
    assert_eq!((country_now(), databases.problems().len()), (Some(*b"DE"), 0));
    assert_eq!(opening.country(at("1.1.1.1")), Some(*b"US"), "a moment stays what it was");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(country_now(), Some(*b"DE"));
    told("stays in use");
    std::fs::create_dir(&path).unwrap();
    assert_eq!(country_now(), Some(*b"DE"));
    told("no file");
}

#[test]
fn look_ups_that_fail_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let paths = ["damaged", "whole"].map(|name| directory.path().join(name));
    put(&paths[0], &file(&Shape::default(), &[("1.0.0.0/8", Value::Pointer(5_000))]));
    put(&paths[1], &file(&Shape::default(), &[("1.0.0.0/8", country("US"))]));
    let databases = Databases::open(&paths);
    assert_eq!(databases.problems().len(), 0);
    assert_eq!(databases.now().place(at("1.1.1.1")).country, Some(*b"US"), "others are asked");
    let problems = databases.problems();
    assert!(problems.len() == 1 && problems[0].contains("damaged: 1 addresses"), "{problems:?}");
}
