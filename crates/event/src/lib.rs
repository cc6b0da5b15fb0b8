//! The event: what a sensor says of something it found. Schema and codecs; no packets, no network, no I/O.
//!
//! [`Event`] is the record. [`journal`] writes and reads it as one JSON object a line, losing nothing.
//! [`line`](mod@line) writes the text line of eleven columns that people and tools read, and reads it back as
//! [`TextLine`]; [`import`] makes events of such lines, [`draw`](mod@draw) writes very many of them.
//! [`observable`] is what was seen at all, listed or not, one line each.
//! Everything in an event that came from the wire is data: it is escaped where it is drawn, never trusted.

mod bounds;
pub mod collector;
pub mod draw;
pub mod import;
pub mod journal;
pub mod line;
pub mod observable;

use std::net::IpAddr;
use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

pub use line::TextLine;

/// The kind of thing that took part, the `type` column of the text line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum Kind {
    Dns,
    Ip,
    Iport,
    Url,
    Path,
    Http,
    Ua,
    Port,
    Cert,
    Ja3,
    Ja4,
    Tunnel,
    Beacon,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 13] = [
        Kind::Dns,
        Kind::Ip,
        Kind::Iport,
        Kind::Url,
        Kind::Path,
        Kind::Http,
        Kind::Ua,
        Kind::Port,
        Kind::Cert,
        Kind::Ja3,
        Kind::Ja4,
        Kind::Tunnel,
        Kind::Beacon,
    ];

    /// As it stands in the text line and in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Dns => "DNS",
            Kind::Ip => "IP",
            Kind::Iport => "IPORT",
            Kind::Url => "URL",
            Kind::Path => "PATH",
            Kind::Http => "HTTP",
            Kind::Ua => "UA",
            Kind::Port => "PORT",
            Kind::Cert => "CERT",
            Kind::Ja3 => "JA3",
            Kind::Ja4 => "JA4",
            Kind::Tunnel => "TUNNEL",
            Kind::Beacon => "BEACON",
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Severity {
    Low,
    Medium,
    High,
}

impl Severity {
    /// From the least to the worst.
    pub const ALL: [Severity; 3] = [Severity::Low, Severity::Medium, Severity::High];

    /// As it stands in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }
}

/// What was seen, and which parts of it are the indicator. Markup is drawn by the text line only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Observed {
    /// The text as seen: `www.evil.example`.
    pub text: String,
    /// Byte ranges of `text` that matched, ascending and apart: `[4..16]`. In JSON pairs: `[[4,16]]`.
    #[serde(with = "bounds", default, skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<Range<u32>>,
}

impl Observed {
    /// Its heap memory, bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.text.capacity() + self.matched.capacity() * size_of::<Range<u32>>()
    }
}

/// The name that stands for a sensor in events of what was seen before it was listed: no sensor told of it.
pub const RETRO_SENSOR: &str = "(retro)";

/// When something was touched that was listed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
}

/// What else is known of the traffic; absent values are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Context {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sni: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user_agent: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ja3: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ja4: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub community_id: String,
    /// Client addresses that proxies name in request headers; a client can forge them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forwarded_for: Vec<String>,
    /// Name asked for when an answer was the finding.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// When it was, where it was listed later. The event's own time is that of its being found then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
}

/// Heap memory of a list of texts, bytes.
#[must_use]
pub fn texts_memory(texts: &Vec<String>) -> usize {
    texts.capacity() * size_of::<String>() + texts.iter().map(String::capacity).sum::<usize>()
}

impl Context {
    /// Its heap memory, bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let Context { host, sni, user_agent, ja3, ja4, community_id, forwarded_for, query, before: _ } = self;
        let texts = [host, sni, user_agent, ja3, ja4, community_id, query];
        texts.into_iter().map(String::capacity).sum::<usize>() + texts_memory(forwarded_for)
    }

    fn is_empty(&self) -> bool {
        *self == Context::default()
    }
}

/// One event. Several addresses or ports where a bundle joined several findings.
///
/// The order of the fields is their order in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Unique, and the same for the same input: of time, sequence and content.
    pub id: String,
    /// Time of the (first) packet.
    pub time: Timestamp,
    /// Time of the last packet it stands for; the first where it stands for one.
    pub last: Timestamp,
    /// The network the sensor stands in; empty if not told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// The sensor's name.
    #[serde(default)]
    pub sensor: String,
    /// Who is to be looked at: the side that asked.
    pub src: Vec<IpAddr>,
    /// Its ports; empty where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src_ports: Vec<u16>,
    /// The other side.
    pub dst: Vec<IpAddr>,
    /// Its ports; empty where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dst_ports: Vec<u16>,
    /// IP protocol number.
    pub protocol: u8,
    /// The kind.
    pub kind: Kind,
    /// What was seen and what of it matched.
    pub observed: Observed,
    /// The listed indicator, as the trail has it.
    #[serde(default)]
    pub indicator: String,
    /// The trail's info.
    #[serde(default)]
    pub info: String,
    /// The trail's reference.
    #[serde(default)]
    pub reference: String,
    /// The trail's class, in words.
    #[serde(default)]
    pub class: String,
    /// How bad.
    pub severity: Severity,
    /// How sure, 0 to 100.
    #[serde(default)]
    pub confidence: u8,
    /// Why, for findings of detectors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// How many findings this stands for.
    #[serde(default = "one")]
    pub count: u64,
    /// What else is known.
    #[serde(default, skip_serializing_if = "Context::is_empty")]
    pub context: Context,
    /// The batch in which a sensor sent it on; empty where it was not sent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub batch: String,
}

fn one() -> u64 {
    1
}

impl Event {
    /// The memory it takes, itself and on the heap, bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let texts = [
            &self.id,
            &self.site,
            &self.sensor,
            &self.indicator,
            &self.info,
            &self.reference,
            &self.class,
            &self.batch,
        ];
        let texts: usize = texts.into_iter().map(String::capacity).sum();
        let addresses = (self.src.capacity() + self.dst.capacity()) * size_of::<IpAddr>();
        let ports = (self.src_ports.capacity() + self.dst_ports.capacity()) * size_of::<u16>();
        let rest = texts_memory(&self.reasons) + self.observed.memory() + self.context.memory();
        size_of::<Event>() + texts + addresses + ports + rest
    }

    /// The local day whose log file it belongs to.
    #[must_use]
    pub fn day(&self, zone: &TimeZone) -> Date {
        self.local(zone).date()
    }

    /// Its time, local.
    #[must_use]
    pub fn local(&self, zone: &TimeZone) -> Zoned {
        self.time.to_zoned(zone.clone())
    }

    /// The text line of eleven columns, without a line end.
    #[must_use]
    pub fn line(&self, zone: &TimeZone) -> String {
        TextLine::of(self, zone).to_string()
    }
}
