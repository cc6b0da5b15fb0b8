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

use crate::draw;

/// Bytes of a name at most: what fits in a DNS message, written with dots (RFC 1035 section 2.3.4).
pub const MAX_NAME: usize = 253;
/// Bytes of a sensor's name, and of a site's, at most.
pub const MAX_LABEL: usize = 255;
/// Bytes of a line at most, without its end. The longest one that [`line()`] writes is shorter: what a field may hold
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

/// What was seen, borrowed; a name is as it was seen, in lower case and without trailing dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Seen<'a> {
    /// An address that was contacted.
    Address(IpAddr),
    /// A name that was asked for.
    Name(&'a [u8]),
    /// A name that led to an address in an answer.
    Pair(&'a [u8], IpAddr),
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
    /// Bytes that are no UTF-8.
    #[error("the name is no text")]
    Text,
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

/// Draws lines quickly, for very many observables of one sensor in a row.
pub struct Drawer {
    /// What stands between host and times.
    labels: Vec<u8>,
    /// Seconds since the epoch of the time that was drawn last, and its text.
    second: i64,
    time: [u8; TIME],
    /// The host that was drawn last, and its text with what stands before and behind it.
    host: Option<IpAddr>,
    host_text: Vec<u8>,
}

/// When and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Time of the first packet, microseconds since the epoch.
    pub first: i64,
    /// Time of the last.
    pub last: i64,
    /// How often.
    pub count: u64,
}

impl Drawer {
    /// For a sensor at a site; of longer names than [`MAX_LABEL`] bytes the beginning counts.
    ///
    /// # Errors
    /// None in practice: texts only.
    pub fn new(sensor: &str, site: &str) -> Result<Drawer, ObservableError> {
        let quoted = |text: &str| serde_json::to_string(text.get(..text.floor_char_boundary(MAX_LABEL)).unwrap_or(""));
        let labels = format!(",\"sensor\":{},\"site\":{},\"first\":\"", quoted(sensor)?, quoted(site)?);
        Ok(Drawer {
            labels: labels.into_bytes(),
            second: i64::MIN,
            time: *b"0000-00-00T00:00:00.000000Z",
            host: None,
            host_text: Vec::new(),
        })
    }

    /// Appends a line with its end; nothing where there is an error.
    ///
    /// # Errors
    /// What was seen is no name.
    pub fn draw(&mut self, seen: Seen<'_>, host: IpAddr, span: Span, out: &mut Vec<u8>) -> Result<(), NameError> {
        let before = out.len();
        let drawn = match seen {
            Seen::Address(address) => {
                out.extend_from_slice(b"{\"observable\":\"address\"");
                Ok(Some(address))
            }
            Seen::Name(name) => {
                out.extend_from_slice(b"{\"observable\":\"name\",\"name\":\"");
                draw_name(name, out).map(|()| None)
            }
            Seen::Pair(name, address) => {
                out.extend_from_slice(b"{\"observable\":\"pair\",\"name\":\"");
                draw_name(name, out).map(|()| Some(address))
            }
        };
        let address = drawn.inspect_err(|_| out.truncate(before))?;
        if let Some(address) = address {
            out.extend_from_slice(b",\"address\":\"");
            draw_address(address, out);
            out.push(b'"');
        }
        if self.host != Some(host) {
            self.host = Some(host);
            self.host_text.clear();
            self.host_text.extend_from_slice(b",\"host\":\"");
            draw_address(host, &mut self.host_text);
            self.host_text.push(b'"');
            self.host_text.extend_from_slice(&self.labels);
        }
        out.extend_from_slice(&self.host_text);
        self.draw_time(span.first);
        out.extend_from_slice(&self.time);
        out.extend_from_slice(b"\",\"last\":\"");
        if span.last > span.first {
            self.draw_time(span.last);
        }
        out.extend_from_slice(&self.time);
        out.extend_from_slice(b"\",\"count\":");
        match span.count {
            0 | 1 => out.push(b'1'),
            count => match u32::try_from(count) {
                Ok(count) => draw::number(count, out),
                Err(_) => out.extend_from_slice(count.to_string().as_bytes()),
            },
        }
        out.extend_from_slice(b"}\n");
        Ok(())
    }

    /// A time with all its microseconds; one that no calendar of four digits has is the nearest that one has.
    fn draw_time(&mut self, micros: i64) {
        let micros = micros.clamp(0, LATEST);
        let second = micros / MICROS;
        if second != self.second {
            if second / draw::DAY != self.second / draw::DAY {
                self.draw_date(second / draw::DAY);
            }
            self.second = second;
            let of_day = (second % draw::DAY) as u32;
            let [[a, b], [c, d], [e, f]] = [of_day / 3600, of_day / 60 % 60, of_day % 60].map(two_digits);
            if let Some(place) = self.time.get_mut(DATE..).and_then(|rest| rest.first_chunk_mut::<10>()) {
                *place = [b'T', a, b, b':', c, d, b':', e, f, b'.'];
            }
        }
        let micros = (micros % MICROS) as u32;
        let [[a, b], [c, d], [e, f]] = [micros / 10_000, micros / 100 % 100, micros % 100].map(two_digits);
        if let Some(place) = self.time.last_chunk_mut::<7>() {
            *place = [a, b, c, d, e, f, b'Z'];
        }
    }

    #[cold]
    fn draw_date(&mut self, days: i64) {
        let (year, month, day) = draw::date_of(days);
        let text = format!("{year:04}-{month:02}-{day:02}");
        self.time.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
    }
}

/// A number below 100.
#[inline]
fn two_digits(number: u32) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

/// Bytes of a date.
const DATE: usize = "0000-00-00".len();
/// Bytes of a time.
const TIME: usize = "0000-00-00T00:00:00.000000Z".len();
/// Microseconds of a second.
const MICROS: i64 = 1_000_000;
/// The last microsecond that every reader takes, whatever its zone: 9999-12-30 22:00 less one.
const LATEST: i64 = 253_402_207_200 * MICROS - 1;

/// Each number of a byte with a dot behind it, and how many bytes that are.
#[allow(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
const OCTETS: [([u8; 4], u8); 256] = {
    let mut octets = [([b'.'; 4], 0); 256];
    let mut number = 0;
    while number < 256 {
        let (hundreds, tens, ones) = (number / 100, number / 10 % 10, number % 10);
        let [h, t, o] = [b'0' + hundreds as u8, b'0' + tens as u8, b'0' + ones as u8];
        octets[number] = match (hundreds, tens) {
            (0, 0) => ([o, b'.', b'.', b'.'], 2),
            (0, _) => ([t, o, b'.', b'.'], 3),
            _ => ([h, t, o, b'.'], 4),
        };
        number += 1;
    }
    octets
};

/// An address, one of IPv4 where it is one in IPv6 form.
fn draw_address(address: IpAddr, out: &mut Vec<u8>) {
    let IpAddr::V4(v4) = address.to_canonical() else { return draw::address(address, out) };
    let mut text = [0; 16];
    let mut length = 0;
    for octet in v4.octets() {
        let (digits, bytes) = OCTETS.get(usize::from(octet)).copied().unwrap_or_default();
        if let Some(place) = text.get_mut(length..).and_then(|rest| rest.first_chunk_mut::<4>()) {
            *place = digits;
        }
        length += usize::from(bytes);
    }
    out.extend_from_slice(text.get(..length.saturating_sub(1)).unwrap_or_default());
}

/// Of a name in its one form that stands in JSON as it is: nothing.
const PLAIN: u8 = 0;
/// Separates labels.
const DOT: u8 = 1;
/// To be looked at.
const ODD: u8 = 0x80;

/// What each byte is in a name.
#[allow(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
const CLASSES: [u8; 256] = {
    let mut classes = [ODD; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        if !(byte as u8).is_ascii_uppercase() && !matches!(byte as u8, b'"' | b'\\') {
            classes[byte] = PLAIN;
        }
        byte += 1;
    }
    classes[b'.' as usize] = DOT;
    classes
};

/// The name and the quote behind it.
fn draw_name(text: &[u8], out: &mut Vec<u8>) -> Result<(), NameError> {
    let (mut before, mut odd) = (DOT, 0);
    for byte in text {
        let class = CLASSES.get(usize::from(*byte)).copied().unwrap_or(ODD);
        odd |= class & (before | ODD);
        before = class;
    }
    if odd == 0 && before != DOT && text.len() <= MAX_NAME {
        out.extend_from_slice(text);
        out.push(b'"');
        return Ok(());
    }
    let text = std::str::from_utf8(text).map_err(|_| NameError::Text)?;
    // A text in JSON is never refused.
    let quoted = serde_json::to_string(&name(text)?).map_err(|_| NameError::Text)?;
    out.extend_from_slice(quoted.get(1..).unwrap_or_default().as_bytes());
    Ok(())
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
