//! What makes two events the same threat.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use event::{Event, Kind};
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

/// Seed of ids. Part of the format: ids stand in triage and in links.
static SECRETS: RapidSecrets = RapidSecrets::seed(0x6d61_6c74_7261_696c);

/// Identity of a threat, the same on every day and on every server. Sixteen hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ThreatId(pub u64);

impl fmt::Display for ThreatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A text that is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a threat's id has 16 hexadecimal digits")]
pub struct NoThreatId;

impl FromStr for ThreatId {
    type Err = NoThreatId;

    fn from_str(text: &str) -> Result<Self, NoThreatId> {
        let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !digits {
            return Err(NoThreatId);
        }
        u64::from_str_radix(text, 16).map(ThreatId).map_err(|_| NoThreatId)
    }
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThreatKey<'e> {
    /// The network the sensor stands in: two sites may use the same private addresses.
    pub site: &'e str,
    /// The first source. An event without one is about `0.0.0.0`.
    pub source: IpAddr,
    /// The kind of the indicator.
    pub kind: Kind,
    /// What was matched, or the subject of a detector.
    pub indicator: &'e str,
}

impl<'e> ThreatKey<'e> {
    /// Of an event. Where no indicator is told (lines of others) what was seen stands for it.
    #[must_use]
    pub fn of(event: &'e Event) -> ThreatKey<'e> {
        let source = event.src.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).to_canonical();
        let indicator = if event.indicator.is_empty() { event.observed.text.as_str() } else { &event.indicator };
        ThreatKey { site: &event.site, source, kind: event.kind, indicator }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> ThreatId {
        self.id_in(&mut Vec::with_capacity(96))
    }

    /// Its id, with a buffer of the caller.
    pub(crate) fn id_in(&self, bytes: &mut Vec<u8>) -> ThreatId {
        bytes.clear();
        bytes.extend_from_slice(self.site.as_bytes());
        bytes.push(0);
        match self.source {
            IpAddr::V4(v4) => bytes.extend_from_slice(&v4.octets()),
            IpAddr::V6(v6) => bytes.extend_from_slice(&v6.octets()),
        }
        bytes.push(0);
        bytes.extend_from_slice(self.kind.name().as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(self.indicator.as_bytes());
        ThreatId(rapidhash_v3_seeded(bytes, &SECRETS))
    }
}
