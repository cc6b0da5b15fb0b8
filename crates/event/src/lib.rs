//! The event: what a sensor says of something it found. Schema and codecs; no packets, no network.

use std::net::IpAddr;
use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Severity {
    Low,
    Medium,
    High,
}

/// What was seen, and which parts of it are the indicator. Markup is drawn by the text line only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Observed {
    /// The text as seen: `www.evil.example`.
    pub text: String,
    /// Byte ranges of `text` that matched, ascending and apart: `[4..16]`.
    pub matched: Vec<Range<u32>>,
}

/// What else is known of the traffic; absent values are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Context {
    pub host: String,
    pub sni: String,
    pub user_agent: String,
    pub ja3: String,
    pub ja4: String,
    pub community_id: String,
    pub forwarded_for: Vec<String>,
    /// Name asked for when an answer was the finding.
    pub query: String,
}

/// One event. Several addresses or ports where a bundle joined several findings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Unique, and the same for the same input: of time, sequence and content.
    pub id: String,
    /// Time of the (first) packet.
    pub time: Timestamp,
    /// The network the sensor stands in; empty if not told.
    pub site: String,
    /// The sensor's name.
    pub sensor: String,
    /// Who is to be looked at: the side that asked.
    pub src: Vec<IpAddr>,
    /// Its ports; empty where there are none.
    pub src_ports: Vec<u16>,
    /// The other side.
    pub dst: Vec<IpAddr>,
    /// Its ports; empty where there are none.
    pub dst_ports: Vec<u16>,
    /// IP protocol number.
    pub protocol: u8,
    /// The kind.
    pub kind: Kind,
    /// What was seen and what of it matched.
    pub observed: Observed,
    /// The listed indicator, as the trail has it.
    pub indicator: String,
    /// The trail's info.
    pub info: String,
    /// The trail's reference.
    pub reference: String,
    /// The trail's class, in words.
    pub class: String,
    /// How bad.
    pub severity: Severity,
    /// How sure, 0 to 100.
    pub confidence: u8,
    /// Why, for findings of detectors.
    pub reasons: Vec<String>,
    /// How many findings this stands for.
    pub count: u64,
    /// What else is known.
    pub context: Context,
}
