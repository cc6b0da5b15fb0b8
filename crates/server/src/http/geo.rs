//! Where an address is, by files that the user gives (MaxMind's format). Nothing is looked up outside.

use std::net::IpAddr;
use std::path::PathBuf;

use event::{Event, Kind};
use maxminddb::Reader;

/// Two letters of ISO 3166, upper case.
pub type Country = [u8; 2];

/// Files that tell where addresses are.
#[derive(Default)]
pub struct Geo {
    files: Vec<Reader<Vec<u8>>>,
}

/// What is read of a record.
#[derive(serde::Deserialize)]
struct Record<'r> {
    #[serde(borrow)]
    country: Option<Place<'r>>,
    #[serde(borrow)]
    registered_country: Option<Place<'r>>,
    /// Files of some makers have the code at the top.
    country_code: Option<&'r str>,
}

#[derive(serde::Deserialize)]
struct Place<'r> {
    iso_code: Option<&'r str>,
}

impl Geo {
    /// Opens the files. Those that cannot be opened are told in the log and left out.
    #[must_use]
    pub fn open(paths: &[PathBuf]) -> Geo {
        let open = |path: &PathBuf| match Reader::open_readfile(path) {
            Ok(reader) => Some(reader),
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "not a file of MaxMind's format; countries are not told by it");
                None
            }
        };
        Geo { files: paths.iter().filter_map(open).collect() }
    }

    /// The country of an address.
    #[must_use]
    pub fn country(&self, address: IpAddr) -> Option<Country> {
        let address = address.to_canonical();
        self.files.iter().find_map(|file| {
            let record: Record<'_> = file.lookup(address).ok()?.decode().ok()??;
            let place = record.country.or(record.registered_country).and_then(|place| place.iso_code);
            let code = place.or(record.country_code)?;
            let code: Country = code.as_bytes().try_into().ok()?;
            code.iter().all(u8::is_ascii_alphabetic).then(|| code.map(|letter| letter.to_ascii_uppercase()))
        })
    }

    /// The country of an event: of the outer side, or of the address that is the indicator. Where a name was asked
    /// for, the resolver's place says nothing.
    #[must_use]
    pub fn of_event(&self, event: &Event) -> Option<Country> {
        let named: Option<IpAddr> = event.indicator.split('/').next().and_then(|text| text.parse().ok());
        let sides = event.dst.iter().chain(&event.src).copied().filter(|_| event.kind != Kind::Dns);
        named.into_iter().chain(sides).filter(|address| outside(*address)).find_map(|address| self.country(address))
    }
}

/// Whether an address is one of the internet: not private, local, multicast or kept for documents.
#[must_use]
pub fn outside(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let no =
                v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_unspecified();
            !(no || v4.is_broadcast() || v4.is_documentation() || shared || a == 0 || a >= 240)
        }
        IpAddr::V6(v6) => {
            let no = v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || v6.is_unique_local();
            !(no || v6.is_unicast_link_local() || v6.segments().starts_with(&[0x2001, 0xdb8]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_and_outside() {
        for inside in [
            "10.0.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "224.0.0.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "2001:db8::1",
            "192.0.2.1",
        ] {
            assert!(!outside(inside.parse().unwrap()), "{inside}");
        }
        for out in ["8.8.8.8", "100.128.0.1", "2606:4700::1", "::ffff:8.8.8.8"] {
            assert!(outside(out.parse().unwrap()), "{out}");
        }
        assert_eq!(Geo::open(&["absent.mmdb".into()]).country("8.8.8.8".parse().unwrap()), None);
    }
}
