//! Observables: what was seen at all, listed or not. First seen, last seen and count of names, of addresses, and of
//! which name led to which address (passive DNS), each for the host that touched it.
//!
//! One JSON object a line:
//!
//! ```text
//! {"observable":"pair","name":"a.example","address":"192.0.2.1","host":"10.0.0.7","sensor":"s1","site":"",
//!  "first":"2026-11-21T10:00:00.123456Z","last":"2026-11-21T10:00:07Z","count":3}
//! ```
//!
//! (without the line break). `name` and `pair` have a `name`, `address` and `pair` an `address`; `host` may be absent.
//! Readers pass over fields they do not know. Lines of one key (what, host, sensor, site) add up: whoever reads them
//! takes the earliest `first`, the latest `last`, and the sum of `count`. No I/O and no state here.

use std::borrow::Cow;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Bytes of a name at most: what fits in a DNS message, written with dots (RFC 1035 section 2.3.4).
pub const MAX_NAME: usize = 253;
/// Bytes of a sensor's name, and of a site's, at most.
pub const MAX_LABEL: usize = 255;
/// Bytes of a line at most, without its end. The longest one that [`line`] writes is shorter: what a field may hold
/// fills at most six times its bytes when it is escaped.
pub const MAX_LINE: usize = 8 << 10;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// A name that was asked for; as [`name`] makes it.
    Name(String),
    /// An address that was contacted; never an IPv4 address in IPv6 form.
    Address(IpAddr),
    /// A name that led to an address in an answer.
    Pair {
        /// The name.
        name: String,
        /// The address.
        address: IpAddr,
    },
}

impl What {
    /// `name`, `address` or `pair`, as in a line.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            What::Name(_) => "name",
            What::Address(_) => "address",
            What::Pair { .. } => "pair",
        }
    }
}

/// One sum of sightings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Observable {
    /// What was seen.
    pub what: What,
    /// Who touched it: the client of a query or connection; for a pair the one who was answered.
    pub host: Option<IpAddr>,
    /// The sensor's name; may be empty.
    pub sensor: String,
    /// The network the sensor stands in; empty if not told.
    pub site: String,
    /// Time of the first packet that showed it.
    pub first: Timestamp,
    /// Time of the last; not before the first.
    pub last: Timestamp,
    /// How often it was seen, at least once.
    pub count: u64,
}

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NameError {
    /// None, or the root.
    #[error("the name is empty")]
    Empty,
    /// Longer than [`MAX_NAME`].
    #[error("the name has {bytes} bytes; {MAX_NAME} are allowed")]
    Long {
        /// Its bytes.
        bytes: usize,
    },
    /// A dot at its beginning, or two that follow each other.
    #[error("the name has an empty label")]
    EmptyLabel,
    /// A control character.
    #[error("the name holds a control character")]
    Control,
}

/// Why a line is no observable, or an observable makes no line.
#[derive(Debug, thiserror::Error)]
pub enum ObservableError {
    /// Longer than [`MAX_LINE`].
    #[error("the line has {bytes} bytes; {MAX_LINE} are allowed")]
    Long {
        /// Its bytes.
        bytes: usize,
    },
    /// No JSON object, or a field that is missing or of another type.
    #[error("not an observable: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Neither `name`, `address` nor `pair`.
    #[error("`observable` is none of name, address, pair")]
    Kind,
    /// Its kind has to have that field.
    #[error("an observable of this kind needs `{0}`")]
    Missing(&'static str),
    /// Its name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// More than [`MAX_LABEL`] bytes.
    #[error("`{field}` has {bytes} bytes; {MAX_LABEL} are allowed")]
    Label {
        /// `sensor` or `site`.
        field: &'static str,
        /// Its bytes.
        bytes: usize,
    },
    /// It was seen last before it was seen first.
    #[error("`last` is before `first`")]
    Order,
    /// Nothing was seen.
    #[error("`count` is 0")]
    Count,
}

impl ObservableError {
    /// Words for metrics, one for each kind of error.
    pub const REASONS: [&str; 8] = ["long", "malformed", "kind", "missing", "name", "label", "order", "count"];

    /// A word for metrics, one of [`Self::REASONS`].
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            ObservableError::Long { .. } => "long",
            ObservableError::Malformed(_) => "malformed",
            ObservableError::Kind => "kind",
            ObservableError::Missing(_) => "missing",
            ObservableError::Name(_) => "name",
            ObservableError::Label { .. } => "label",
            ObservableError::Order => "order",
            ObservableError::Count => "count",
        }
    }
}

/// A name in its one form: ASCII letters in lower case, no trailing dots.
///
/// # Errors
/// It is empty, too long, has an empty label or a control character.
pub fn name(text: &str) -> Result<String, NameError> {
    let text = text.trim_end_matches('.');
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > MAX_NAME {
        return Err(NameError::Long { bytes: text.len() });
    }
    if text.starts_with('.') || text.contains("..") {
        return Err(NameError::EmptyLabel);
    }
    if text.chars().any(char::is_control) {
        return Err(NameError::Control);
    }
    Ok(text.to_ascii_lowercase())
}

/// A line's fields, in its order.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    observable: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<IpAddr>,
    #[serde(borrow, default)]
    sensor: Cow<'a, str>,
    #[serde(borrow, default)]
    site: Cow<'a, str>,
    first: Timestamp,
    last: Timestamp,
    count: u64,
}

/// The observable as one line of JSON, without a line end. Names and addresses are brought into their one form.
///
/// # Errors
/// It has a part that [`parse`] would refuse.
pub fn line(observable: &Observable) -> Result<String, ObservableError> {
    let (name, address) = match &observable.what {
        What::Name(text) => (Some(name(text)?), None),
        What::Address(address) => (None, Some(address.to_canonical())),
        What::Pair { name: text, address } => (Some(name(text)?), Some(address.to_canonical())),
    };
    let line = Line {
        observable: observable.what.kind().into(),
        name: name.map(Cow::Owned),
        address,
        host: observable.host.map(|host| host.to_canonical()),
        sensor: Cow::Borrowed(&observable.sensor),
        site: Cow::Borrowed(&observable.site),
        first: observable.first,
        last: observable.last,
        count: observable.count,
    };
    line.check()?;
    Ok(serde_json::to_string(&line)?)
}

/// Reads a line, with or without its end.
///
/// # Errors
/// It is no observable; the error says which part is wrong.
pub fn parse(line: &str) -> Result<Observable, ObservableError> {
    let line = line.trim_end_matches(['\r', '\n']);
    if line.len() > MAX_LINE {
        return Err(ObservableError::Long { bytes: line.len() });
    }
    let line: Line<'_> = serde_json::from_str(line)?;
    line.check()?;
    let address = || Ok::<_, ObservableError>(line.address.ok_or(ObservableError::Missing("address"))?.to_canonical());
    let text = || Ok::<_, ObservableError>(name(line.name.as_deref().ok_or(ObservableError::Missing("name"))?)?);
    let what = match &*line.observable {
        "name" => What::Name(text()?),
        "address" => What::Address(address()?),
        "pair" => What::Pair { name: text()?, address: address()? },
        _ => return Err(ObservableError::Kind),
    };
    Ok(Observable {
        what,
        host: line.host.map(|host| host.to_canonical()),
        sensor: line.sensor.into_owned(),
        site: line.site.into_owned(),
        first: line.first,
        last: line.last,
        count: line.count,
    })
}

impl Line<'_> {
    /// What holds for every kind.
    fn check(&self) -> Result<(), ObservableError> {
        for (field, text) in [("sensor", &self.sensor), ("site", &self.site)] {
            if text.len() > MAX_LABEL {
                return Err(ObservableError::Label { field, bytes: text.len() });
            }
        }
        if self.last < self.first {
            return Err(ObservableError::Order);
        }
        if self.count == 0 {
            return Err(ObservableError::Count);
        }
        Ok(())
    }
}
