//! What can be asked of events. Pure: no more than the words for it.

use event::{Kind, Severity};
use ipnet::IpNet;

use crate::condense::ThreatId;

/// What an event must be like. A store may use indexes; what `Filter::matches` says of each event is what it must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Any.
    All,
    /// Of one threat.
    Threat(ThreatId),
    /// Of one of many threats: ids in order, each once (`Filter::threats`).
    Threats(Vec<ThreatId>),
    /// With an address of this network as source, destination, indicator or (as text) observed.
    Net(IpNet),
    /// With this indicator, or a name below it, in lower case.
    Indicator(String),
    /// With this text anywhere in its line, whatever the case.
    Text(String),
    /// With this text anywhere in a value, whatever the case.
    Has(Field, String),
    /// With a source of this network.
    Source(IpNet),
    /// With a destination of this network.
    Destination(IpNet),
    /// Of this kind.
    Kind(Kind),
    /// As bad as this.
    Severity(Severity),
    /// All of them.
    And(Vec<Filter>),
    /// One of them.
    Or(Vec<Filter>),
    /// Not it.
    Not(Box<Filter>),
}

/// A value of an event that is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// What is listed, or what was seen where nothing is told.
    Indicator,
    /// The trail's info.
    Info,
    /// The sensor's name.
    Sensor,
    /// Why a detector says so.
    Reason,
    /// What was seen, and what is known of the traffic: names, user agent, fingerprints. Without marks of what matched.
    Seen,
}
