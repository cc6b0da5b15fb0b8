//! Events to columns.

use std::net::IpAddr;
use std::sync::Arc;

use arrow_array::builder::{
    ListBuilder, StringBuilder, TimestampNanosecondBuilder, UInt8Builder, UInt16Builder, UInt32Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use event::{Context, Event, draw};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::columns::{SCHEMA, element};
use crate::condense::ThreatKey;
use crate::store::Stored;
use crate::store::filter::{above, address_in, fold};

/// What columns cannot hold.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Rest {
    /// A time outside of what nanoseconds since 1970 hold in 64 bits (1677 to 2262).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<Timestamp>,
    /// Sources after the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) src: Vec<IpAddr>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) src_ports: Vec<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dst: Vec<IpAddr>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dst_ports: Vec<u16>,
    /// Ranges that matched, where they are not just one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) matched: Vec<(u32, u32)>,
    /// Stands in the line, unlike other context.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) forwarded_for: Vec<String>,
}

/// Nanoseconds since 1970; the nearest there is.
pub(in crate::store) fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX })
}

/// Whether nanoseconds hold it exactly. The ends stand for what lies beyond.
fn fits(time: Timestamp) -> bool {
    !matches!(nanoseconds(time), i64::MIN | i64::MAX)
}

/// Collects rows.
#[derive(Debug)]
pub(super) struct Encoder {
    id: StringBuilder,
    time: TimestampNanosecondBuilder,
    last: TimestampNanosecondBuilder,
    site: StringBuilder,
    sensor: StringBuilder,
    src: StringBuilder,
    src_port: UInt16Builder,
    dst: StringBuilder,
    dst_port: UInt16Builder,
    protocol: UInt8Builder,
    kind: StringBuilder,
    observed: StringBuilder,
    match_start: UInt32Builder,
    match_end: UInt32Builder,
    indicator: StringBuilder,
    info: StringBuilder,
    reference: StringBuilder,
    class: StringBuilder,
    severity: StringBuilder,
    confidence: UInt8Builder,
    count: UInt64Builder,
    threat: UInt64Builder,
    batch: StringBuilder,
    line: StringBuilder,
    context: StringBuilder,
    reasons: StringBuilder,
    rest: StringBuilder,
    keys: ListBuilder<StringBuilder>,
    scratch: Scratch,
}

/// Texts of one row, in memory that is used again.
#[derive(Debug, Default)]
struct Scratch {
    src: Vec<u8>,
    dst: Vec<u8>,
    id: Vec<u8>,
}

impl Encoder {
    pub(super) fn new() -> Encoder {
        let time = || TimestampNanosecondBuilder::new().with_timezone("UTC");
        Encoder {
            id: StringBuilder::new(),
            time: time(),
            last: time(),
            site: StringBuilder::new(),
            sensor: StringBuilder::new(),
            src: StringBuilder::new(),
            src_port: UInt16Builder::new(),
            dst: StringBuilder::new(),
            dst_port: UInt16Builder::new(),
            protocol: UInt8Builder::new(),
            kind: StringBuilder::new(),
            observed: StringBuilder::new(),
            match_start: UInt32Builder::new(),
            match_end: UInt32Builder::new(),
            indicator: StringBuilder::new(),
            info: StringBuilder::new(),
            reference: StringBuilder::new(),
            class: StringBuilder::new(),
            severity: StringBuilder::new(),
            confidence: UInt8Builder::new(),
            count: UInt64Builder::new(),
            threat: UInt64Builder::new(),
            batch: StringBuilder::new(),
            line: StringBuilder::new(),
            context: StringBuilder::new(),
            reasons: StringBuilder::new(),
            rest: StringBuilder::new(),
            keys: ListBuilder::new(StringBuilder::new()).with_field(element()),
            scratch: Scratch::default(),
        }
    }

    pub(super) fn push(&mut self, stored: &Stored) {
        let event = &stored.event;
        let Scratch { src, dst, id } = &mut self.scratch;
        let key = ThreatKey::of(event);
        let (src, dst) = (first(&event.src, src), first(&event.dst, dst));
        self.id.append_value(&event.id);
        self.time.append_value(nanoseconds(event.time));
        self.last.append_value(nanoseconds(event.last));
        self.site.append_value(&event.site);
        self.sensor.append_value(&event.sensor);
        self.src.append_option(src);
        self.src_port.append_option(event.src_ports.first().copied());
        self.dst.append_option(dst);
        self.dst_port.append_option(event.dst_ports.first().copied());
        self.protocol.append_value(event.protocol);
        self.kind.append_value(event.kind.name());
        self.observed.append_value(&event.observed.text);
        let matched = match event.observed.matched.as_slice() {
            [one] => Some(one),
            _ => None,
        };
        self.match_start.append_option(matched.map(|range| range.start));
        self.match_end.append_option(matched.map(|range| range.end));
        self.indicator.append_value(&event.indicator);
        self.info.append_value(&event.info);
        self.reference.append_value(&event.reference);
        self.class.append_value(&event.class);
        self.severity.append_value(event.severity.name());
        self.confidence.append_value(event.confidence);
        self.count.append_value(event.count);
        self.threat.append_value(key.id_in(id).0);
        self.batch.append_value(&event.batch);
        self.line.append_option(stored.line.as_deref());
        self.context.append_option(context(&event.context));
        self.reasons.append_option((!event.reasons.is_empty()).then(|| json(&event.reasons)));
        self.rest.append_option((!is_plain(event)).then(|| json(&rest(event))));
        keys(event, key.indicator, |key| {
            // It has a column of its own.
            if ![src, dst, Some(event.indicator.as_str())].contains(&Some(key)) {
                self.keys.values().append_value(key);
            }
        });
        self.keys.append(true);
    }

    /// The rows so far, and none any more.
    pub(super) fn finish(&mut self) -> Result<RecordBatch, arrow_schema::ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.id.finish()),
            Arc::new(self.time.finish()),
            Arc::new(self.last.finish()),
            Arc::new(self.site.finish()),
            Arc::new(self.sensor.finish()),
            Arc::new(self.src.finish()),
            Arc::new(self.src_port.finish()),
            Arc::new(self.dst.finish()),
            Arc::new(self.dst_port.finish()),
            Arc::new(self.protocol.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.observed.finish()),
            Arc::new(self.match_start.finish()),
            Arc::new(self.match_end.finish()),
            Arc::new(self.indicator.finish()),
            Arc::new(self.info.finish()),
            Arc::new(self.reference.finish()),
            Arc::new(self.class.finish()),
            Arc::new(self.severity.finish()),
            Arc::new(self.confidence.finish()),
            Arc::new(self.count.finish()),
            Arc::new(self.threat.finish()),
            Arc::new(self.batch.finish()),
            Arc::new(self.line.finish()),
            Arc::new(self.context.finish()),
            Arc::new(self.reasons.finish()),
            Arc::new(self.rest.finish()),
            Arc::new(self.keys.finish()),
        ];
        RecordBatch::try_new(Arc::clone(&SCHEMA), columns)
    }
}

fn json<T: Serialize>(value: &T) -> String {
    // Texts, numbers and lists of them: nothing that JSON cannot hold.
    serde_json::to_string(value).unwrap_or_default()
}

/// The first address, as text.
fn first<'t>(addresses: &[IpAddr], text: &'t mut Vec<u8>) -> Option<&'t str> {
    text.clear();
    draw::address(*addresses.first()?, text);
    std::str::from_utf8(text).ok()
}

/// Context that stands in no line; none where nothing is told.
fn context(context: &Context) -> Option<String> {
    let empty = Context::default();
    if *context == empty {
        return None;
    }
    let context = Context { forwarded_for: Vec::new(), ..context.clone() };
    (context != empty).then(|| json(&context))
}

/// Whether columns hold all of an event: nothing is left for [`Rest`].
fn is_plain(event: &Event) -> bool {
    let single = event.src.len().max(event.src_ports.len()).max(event.dst.len()).max(event.dst_ports.len()) <= 1;
    let matched = event.observed.matched.len() <= 1;
    single && matched && event.context.forwarded_for.is_empty() && fits(event.time) && fits(event.last)
}

fn rest(event: &Event) -> Rest {
    let matched = match event.observed.matched.as_slice() {
        [_] => Vec::new(),
        other => other.iter().map(|range| (range.start, range.end)).collect(),
    };
    Rest {
        time: (!fits(event.time)).then_some(event.time),
        last: (!fits(event.last)).then_some(event.last),
        src: event.src.iter().skip(1).copied().collect(),
        src_ports: event.src_ports.iter().skip(1).copied().collect(),
        dst: event.dst.iter().skip(1).copied().collect(),
        dst_ports: event.dst_ports.iter().skip(1).copied().collect(),
        matched,
        forwarded_for: event.context.forwarded_for.clone(),
    }
}

/// Values by which the row is found: all addresses as they are searched (canonical), the indicator without its case and
/// the names above it. Each once, in order.
fn keys(event: &Event, indicator: &str, mut each: impl FnMut(&str)) {
    let folded = fold(indicator);
    let texts = [event.indicator.as_str(), event.observed.text.as_str()].into_iter().filter_map(address_in);
    let mut addresses: Vec<IpAddr> =
        event.src.iter().chain(&event.dst).copied().chain(texts).map(|address| address.to_canonical()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let mut drawn = Vec::new();
    let mut ends = Vec::with_capacity(addresses.len());
    for address in addresses {
        draw::address(address, &mut drawn);
        ends.push(drawn.len());
    }
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let addresses = starts.zip(&ends).filter_map(|(start, end)| std::str::from_utf8(drawn.get(start..*end)?).ok());
    let mut keys: Vec<&str> = addresses.chain(above(&folded)).chain([folded.as_ref()]).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().for_each(&mut each);
}
