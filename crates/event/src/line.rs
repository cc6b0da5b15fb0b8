//! The text line: eleven columns, a space between, quoted like CSV.
//!
//! ```text
//! "2026-01-02 03:04:05.000006" sensor 10.0.0.5 40000 8.8.8.8 53 UDP DNS (www).evil.example "asyncrat (malware)" (static)
//! ```
//!
//! A value with a space or a quote is put in quotes, quotes in it doubled. CR and LF become a space; other control
//! characters, and those that turn the direction of writing, are written as `\xNN` or `\u{NNNN}`: what an attacker
//! sent must not move a terminal's cursor. Empty values and port 0 are `-`.

use std::fmt::{self, Write};
use std::net::IpAddr;
use std::ops::Range;

use jiff::tz::TimeZone;

use crate::{Event, Observed};

/// The columns as text: of an event, or of a line that was read. Absent values are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextLine {
    /// `YYYY-MM-DD HH:MM:SS.uuuuuu`, local time.
    pub time: String,
    /// Name of the sensor.
    pub sensor: String,
    /// Source addresses, joined by commas; what request headers name as the client behind them.
    pub src_ip: String,
    /// Source ports, joined by commas.
    pub src_port: String,
    /// Destination addresses, joined by commas.
    pub dst_ip: String,
    /// Destination ports, joined by commas.
    pub dst_port: String,
    /// Name of the IP protocol, or its number.
    pub proto: String,
    /// Kind of the indicator.
    pub kind: String,
    /// What was seen; what only surrounds the match stands in parentheses.
    pub trail: String,
    /// The trail's info.
    pub info: String,
    /// The trail's reference.
    pub reference: String,
}

/// Why a text is no event line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Not eleven columns.
    #[error("{found} columns where an event line has 11")]
    Columns {
        /// How many there are.
        found: usize,
    },
    /// A quote that is never closed.
    #[error("a quote is not closed")]
    Quote,
}

impl TextLine {
    /// The columns of an event.
    #[must_use]
    pub fn of(event: &Event, zone: &TimeZone) -> TextLine {
        let time = event.local(zone);
        let mut src_ip = addresses(&event.src);
        for forwarded in &event.context.forwarded_for {
            src_ip.push(',');
            src_ip.push_str(forwarded);
        }
        TextLine {
            time: time.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string(),
            sensor: event.sensor.clone(),
            src_ip,
            src_port: ports(&event.src_ports),
            dst_ip: addresses(&event.dst),
            dst_port: ports(&event.dst_ports),
            proto: protocol_name(event.protocol),
            kind: event.kind.name().to_owned(),
            trail: markup(&event.observed),
            info: event.info.clone(),
            reference: event.reference.clone(),
        }
    }

    /// Reads a line; a line end is passed over, several spaces between columns count as one.
    ///
    /// # Errors
    /// It has not eleven columns, or a quote is not closed.
    pub fn parse(line: &str) -> Result<TextLine, LineError> {
        let mut columns: [String; 11] = Default::default();
        let mut found = 0;
        let mut rest = line.trim_end_matches(['\r', '\n']).trim_start_matches(' ');
        while !rest.is_empty() {
            let (value, after) = column(rest)?;
            if let Some(column) = columns.get_mut(found) {
                *column = value;
            }
            found += 1;
            rest = after.trim_start_matches(' ');
        }
        if found != 11 {
            return Err(LineError::Columns { found });
        }
        let [time, sensor, src_ip, src_port, dst_ip, dst_port, proto, kind, trail, info, reference] = columns;
        Ok(TextLine { time, sensor, src_ip, src_port, dst_ip, dst_port, proto, kind, trail, info, reference })
    }

    fn columns(&self) -> [&str; 11] {
        [
            &self.time,
            &self.sensor,
            &self.src_ip,
            &self.src_port,
            &self.dst_ip,
            &self.dst_port,
            &self.proto,
            &self.kind,
            &self.trail,
            &self.info,
            &self.reference,
        ]
    }
}

impl fmt::Display for TextLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, value) in self.columns().into_iter().enumerate() {
            if place > 0 {
                f.write_char(' ')?;
            }
            write_value(f, value)?;
        }
        Ok(())
    }
}

/// Takes one column; `-` is an absent value.
fn column(text: &str) -> Result<(String, &str), LineError> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(' ').unwrap_or((text, ""));
        return Ok((if value == "-" { String::new() } else { value.to_owned() }, rest));
    };
    let mut value = String::new();
    loop {
        let (part, after) = rest.split_once('"').ok_or(LineError::Quote)?;
        value.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                value.push('"');
                rest = after;
            }
            None => return Ok((value, after)),
        }
    }
}

fn write_value(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    if value.is_empty() {
        return f.write_char('-');
    }
    if !value.bytes().any(needs_care) {
        return f.write_str(value);
    }
    let value = clean(value);
    if !value.contains([' ', '"']) {
        return f.write_str(&value);
    }
    write!(f, "\"{}\"", value.replace('"', "\"\""))
}

pub(crate) fn needs_care(byte: u8) -> bool {
    byte <= b' ' || byte == b'"' || byte >= 0x7f
}

/// Text as it may be shown on a terminal: CR and LF are spaces, other control characters and those that turn the
/// direction of writing are escaped.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\r' | '\n' => clean.push(' '),
            '\0'..=' ' if character != ' ' => push_escape(&mut clean, format_args!("\\x{:02x}", character as u32)),
            '\u{7f}'..='\u{9f}' => push_escape(&mut clean, format_args!("\\x{:02x}", character as u32)),
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {
                push_escape(&mut clean, format_args!("\\u{{{:x}}}", character as u32));
            }
            _ => clean.push(character),
        }
    }
    clean
}

fn push_escape(to: &mut String, escape: fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = to.write_fmt(escape);
}

/// What was seen, with what only surrounds the match in parentheses: `(www).evil.example`,
/// `evil.example(/x/)load.exe`, `10.0.0.9 (host.example)`. Dots and spaces next to the match stay outside; what
/// was seen of parentheses is escaped with a backslash.
#[must_use]
pub fn markup(observed: &Observed) -> String {
    let text = observed.text.as_str();
    let mut out = String::with_capacity(text.len() + 4);
    let mut at = 0usize;
    let mut after_match = false;
    for Range { start, end } in &observed.matched {
        let (start, end) = (*start as usize, *end as usize);
        let (Some(before), Some(matched)) = (text.get(at..start), text.get(start..end)) else { continue };
        if matched.is_empty() {
            continue;
        }
        surrounding(&mut out, before, after_match, true);
        escaped(&mut out, matched);
        at = end;
        after_match = true;
    }
    let rest = text.get(at..).unwrap_or_default();
    if after_match {
        surrounding(&mut out, rest, true, false);
    } else {
        escaped(&mut out, rest);
    }
    out
}

/// Text between, before or after matches.
fn surrounding(out: &mut String, text: &str, match_before: bool, match_after: bool) {
    let separator = |c: char| c == ' ' || c == '.';
    let inner = if match_before && text.starts_with(' ') { text.trim_start_matches(' ') } else { text };
    let lead = text.strip_suffix(inner).unwrap_or_default();
    let core = if match_after { inner.trim_end_matches(separator) } else { inner };
    let tail = inner.strip_prefix(core).unwrap_or_default();
    out.push_str(lead);
    if !core.is_empty() {
        out.push('(');
        escaped(out, core);
        out.push(')');
    }
    out.push_str(tail);
}

fn escaped(out: &mut String, text: &str) {
    for character in text.chars() {
        if matches!(character, '(' | ')') {
            out.push('\\');
        }
        out.push(character);
    }
}

pub(crate) fn addresses(list: &[IpAddr]) -> String {
    joined(list.iter().copied())
}

pub(crate) fn ports(list: &[u16]) -> String {
    joined(list.iter().copied().filter(|port| *port != 0))
}

/// Sorted, each once, with commas between.
fn joined<T: Ord + fmt::Display>(values: impl Iterator<Item = T>) -> String {
    let mut values: Vec<T> = values.collect();
    values.sort();
    values.dedup();
    let mut out = String::new();
    for value in values {
        if !out.is_empty() {
            out.push(',');
        }
        push_escape(&mut out, format_args!("{value}"));
    }
    out
}

/// The protocol's name (IANA "Assigned Internet Protocol Numbers"; ICMP for ICMPv6 too), or its number.
#[must_use]
pub fn protocol_name(number: u8) -> String {
    let name = match number {
        0 => "HOPOPT",
        1 | 58 => "ICMP",
        2 => "IGMP",
        3 => "GGP",
        4 => "IPIP",
        6 => "TCP",
        8 => "EGP",
        9 => "IGP",
        12 => "PUP",
        17 => "UDP",
        27 => "RDP",
        33 => "DCCP",
        41 => "IPV6",
        43 => "ROUTING",
        44 => "FRAGMENT",
        46 => "RSVP",
        47 => "GRE",
        50 => "ESP",
        51 => "AH",
        59 => "NONE",
        60 => "DSTOPTS",
        88 => "EIGRP",
        89 => "OSPF",
        94 => "IPIP",
        97 => "ETHERIP",
        98 => "ENCAP",
        103 => "PIM",
        108 => "IPCOMP",
        112 => "VRRP",
        115 => "L2TP",
        124 => "ISIS",
        132 => "SCTP",
        133 => "FC",
        135 => "MOBILITY",
        136 => "UDPLITE",
        137 => "MPLS",
        139 => "HIP",
        140 => "SHIM6",
        _ => return number.to_string(),
    };
    name.to_owned()
}
