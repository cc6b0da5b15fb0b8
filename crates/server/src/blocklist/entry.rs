//! What may stand in a list.

use std::fmt;
use std::net::IpAddr;

use crate::addresses::Range;

/// Longest name, bytes: a zone's name and `*.` have room before 255 (RFC 1035, 2.3.4).
pub const MAX_NAME: usize = 220;

/// An address or a name. Made only of what was checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry(Value);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Address(IpAddr),
    Name(Box<str>),
}

impl Entry {
    /// An address, where it is one of the Internet: not local, private, reserved or for documentation.
    #[must_use]
    pub fn address(address: IpAddr) -> Option<Entry> {
        let address = address.to_canonical();
        (Range::of(address) == Range::Internet).then_some(Entry(Value::Address(address)))
    }

    /// A name: labels of letters, digits, `-` and `_`, at least two, the last one not a number.
    #[must_use]
    pub fn name(text: &str) -> Option<Entry> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let label = |label: &str| {
            let known = label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
            known && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
        };
        let (_, last) = text.rsplit_once('.')?;
        let named =
            text.len() <= MAX_NAME && text.split('.').all(label) && last.bytes().any(|b| b.is_ascii_alphabetic());
        named.then(|| Entry(Value::Name(text.to_ascii_lowercase().into())))
    }

    /// The address, if it is one.
    #[must_use]
    pub fn as_address(&self) -> Option<IpAddr> {
        match self.0 {
            Value::Address(address) => Some(address),
            Value::Name(_) => None,
        }
    }

    /// The name, if it is one.
    #[must_use]
    pub fn as_name(&self) -> Option<&str> {
        match &self.0 {
            Value::Address(_) => None,
            Value::Name(name) => Some(name),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Value::Address(address) => address.fmt(f),
            Value::Name(name) => f.write_str(name),
        }
    }
}
