//! Text lines back to events: logs of other programs, and our own where their journal is gone.
//!
//! ```text
//! "2026-01-02 03:04:05.000006" s 10.0.0.5 40000 8.8.8.8 53 UDP DNS (www).evil.example "asyncrat (malware)" (static)
//! ```
//!
//! Nothing is lost: [`Imported::exact`] says whether the event draws the very bytes of the line. Where it does not,
//! the line is to be kept beside it ([`keep`]). What a line does not tell (the trail as listed, a bundle's count) is
//! taken from what stands there: the indicator is what stands outside the parentheses.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::draw::{LocalClock, days_of, draw};
use crate::line::protocol_name;
use crate::{Context, Event, Kind, Observed, Severity};

/// Columns of a line.
const COLUMNS: usize = 11;
/// Columns without which a line is no event: up to what was seen.
const NEEDED: usize = 9;
/// Bytes of a line at most. Longer ones are no event lines; the longest value that is taken has 64 KiB.
pub const MAX_LINE: usize = 256 * 1024;
/// Protocol of a line that names none that is known: reserved by IANA.
pub const UNKNOWN_PROTOCOL: u8 = 255;
/// Reference of findings that no list has.
const HEURISTIC: &str = "(heuristic)";

/// Why a line is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// Less than nine columns, or more than eleven.
    #[error("not 9 to 11 columns")]
    Columns,
    /// A quote that is never closed.
    #[error("a quote is not closed")]
    Quote,
    /// No time `YYYY-MM-DD HH:MM:SS[.fraction]`, or none that exists.
    #[error("no time")]
    Time,
    /// The first source is no address.
    #[error("no source address")]
    Source,
    /// An unknown type.
    #[error("unknown type")]
    Kind,
    /// Longer than [`MAX_LINE`].
    #[error("line too long")]
    Long,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Refusal; 6] =
        [Refusal::Columns, Refusal::Quote, Refusal::Time, Refusal::Source, Refusal::Kind, Refusal::Long];

    /// A word for metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Refusal::Columns => "columns",
            Refusal::Quote => "quote",
            Refusal::Time => "time",
            Refusal::Source => "source",
            Refusal::Kind => "kind",
            Refusal::Long => "long",
        }
    }
}

/// What a trail's info means. This crate knows no trails: the caller tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// The class, in words.
    pub class: &'static str,
    /// How bad.
    pub severity: Severity,
    /// How sure, 0 to 100.
    pub confidence: u8,
}

/// An event of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The event. Its id is empty: the caller gives it one.
    pub event: Event,
    /// Whether [`Event::line`] gives the line back.
    pub exact: bool,
    /// Whether the line was UTF-8.
    pub utf8: bool,
}

/// Reads lines. Keep one for many lines: it remembers the zone's offset.
#[derive(Clone, Debug)]
pub struct Importer {
    clock: LocalClock,
    drawn: Vec<u8>,
}

impl Importer {
    /// Lines with local times of this clock.
    #[must_use]
    pub fn new(clock: LocalClock) -> Importer {
        Importer { clock, drawn: Vec::new() }
    }

    /// Reads a line (without its end). `label` says what info and reference mean.
    ///
    /// # Errors
    /// It is no event line.
    pub fn read(&mut self, line: &[u8], label: impl FnOnce(&str, &str) -> Label) -> Result<Imported, Refusal> {
        self.convert(line, None, label)
    }

    /// Reads a line whose time is known from elsewhere: the line's own is not looked at.
    ///
    /// # Errors
    /// It is no event line.
    pub fn read_at(
        &mut self,
        line: &[u8],
        time: Timestamp,
        label: impl FnOnce(&str, &str) -> Label,
    ) -> Result<Imported, Refusal> {
        self.convert(line, Some(time), label)
    }

    /// The time of a line, without looking at the rest of it.
    pub fn time_of(&mut self, line: &[u8]) -> Option<Timestamp> {
        let text = match line.strip_prefix(b"\"") {
            Some(rest) => rest.split(|byte| *byte == b'"').next(),
            None => line.split(|byte| *byte == b' ').next(),
        };
        self.time(std::str::from_utf8(text?).ok()?)
    }

    fn convert(
        &mut self,
        line: &[u8],
        time: Option<Timestamp>,
        label: impl FnOnce(&str, &str) -> Label,
    ) -> Result<Imported, Refusal> {
        if line.len() > MAX_LINE {
            return Err(Refusal::Long);
        }
        let text = match std::str::from_utf8(line) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(line),
        };
        let columns = columns(&text)?;
        let [written, sensor, src, src_ports, dst, dst_ports, protocol, kind, trail, info, reference] = columns;
        let kind = kind_of(&kind).ok_or(Refusal::Kind)?;
        let time = match time {
            Some(time) => time,
            None => self.time(&written).ok_or(Refusal::Time)?,
        };
        let (src, forwarded_for) = sources(&src).ok_or(Refusal::Source)?;
        let dst = list(&dst);
        let protocol = protocol_of(&protocol, src.iter().chain(&dst).any(IpAddr::is_ipv6));
        let observed = unmark(&trail);
        let Label { class, severity, confidence } = label(&info, &reference);
        let event = Event {
            id: String::new(),
            time,
            last: time,
            site: String::new(),
            sensor: sensor.into_owned(),
            src,
            src_ports: list(&src_ports),
            dst,
            dst_ports: list(&dst_ports),
            protocol,
            kind,
            indicator: indicator(&observed, kind, &reference),
            observed,
            info: info.into_owned(),
            reference: reference.into_owned(),
            class: class.to_owned(),
            severity,
            confidence,
            reasons: Vec::new(),
            count: 1,
            context: Context { forwarded_for, ..Context::default() },
            batch: String::new(),
        };
        self.drawn.clear();
        draw(&event, &mut self.clock, &mut self.drawn);
        Ok(Imported { exact: self.drawn == line, utf8: matches!(text, Cow::Borrowed(_)), event })
    }

    fn time(&mut self, text: &str) -> Option<Timestamp> {
        let bytes = text.as_bytes();
        let (fixed, fraction) = bytes.split_at_checked(19)?;
        let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b' ' | b'T', h1, h2, b':', n1, n2, b':', s1, s2] = fixed
        else {
            return None;
        };
        let year = number(&[y1, y2, y3, y4])?;
        let (month, day) = (number(&[m1, m2])?, number(&[d1, d2])?);
        let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
        let nanoseconds = match fraction {
            [] => 0,
            [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
                number(digits)? * 10i64.pow(9 - u32::try_from(digits.len()).ok()?)
            }
            _ => return None,
        };
        let nanoseconds = i32::try_from(nanoseconds).ok()?;
        // Tells dates and times that do not exist.
        let small = |n: i64| i8::try_from(n).ok();
        let local = DateTime::new(
            i16::try_from(year).ok()?,
            small(month)?,
            small(day)?,
            small(hour)?,
            small(minute)?,
            small(second)?,
            nanoseconds,
        )
        .ok()?;
        let seconds = days_of(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        self.clock.instant(local, seconds, nanoseconds)
    }
}

/// A number of digits only.
fn number(digits: &[u8]) -> Option<i64> {
    let mut number = 0i64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
    }
    Some(number)
}

/// The columns; `-` is an absent value. A line may end before info and reference.
fn columns(text: &str) -> Result<[Cow<'_, str>; COLUMNS], Refusal> {
    const ABSENT: Cow<'_, str> = Cow::Borrowed("");
    let mut columns = [ABSENT; COLUMNS];
    let mut found = 0;
    let mut rest = text.trim_end_matches('\r').trim_start_matches(' ');
    while !rest.is_empty() {
        let (value, after) = column(rest)?;
        *columns.get_mut(found).ok_or(Refusal::Columns)? = value;
        found += 1;
        rest = after.trim_start_matches(' ');
    }
    if found < NEEDED { Err(Refusal::Columns) } else { Ok(columns) }
}

fn column(text: &str) -> Result<(Cow<'_, str>, &str), Refusal> {
    let Some(inner) = text.strip_prefix('"') else {
        let (value, rest) = split_at(text, b' ').unwrap_or((text, ""));
        return Ok((Cow::Borrowed(if value == "-" { "" } else { value }), rest));
    };
    let (first, mut rest) = split_at(inner, b'"').ok_or(Refusal::Quote)?;
    let mut value = Cow::Borrowed(first);
    while let Some(after) = rest.strip_prefix('"') {
        let (part, after) = split_at(after, b'"').ok_or(Refusal::Quote)?;
        let value = value.to_mut();
        value.push('"');
        value.push_str(part);
        rest = after;
    }
    Ok((value, rest))
}

/// What stands before and behind the first such byte. Columns are short: a plain loop is quickest.
fn split_at(text: &str, byte: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|b| b == byte)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

fn kind_of(word: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.name() == word)
}

/// The source, and what stands behind it: lines name in that column what request headers told, which a client can
/// forge and which therefore is no source.
fn sources(text: &str) -> Option<(Vec<IpAddr>, Vec<String>)> {
    if text.is_empty() {
        return Some((Vec::new(), Vec::new()));
    }
    let mut parts = text.split(',');
    let source = parts.next()?.parse().ok()?;
    Some((vec![source], parts.map(str::to_owned).collect()))
}

/// Values separated by commas; what is none is passed over.
fn list<T: std::str::FromStr>(text: &str) -> Vec<T> {
    if text.is_empty() {
        return Vec::new();
    }
    match text.parse() {
        Ok(one) => vec![one],
        Err(_) => text.split(',').filter_map(|part| part.parse().ok()).collect(),
    }
}

/// Number of a protocol, the first where several are joined.
fn protocol_of(text: &str, v6: bool) -> u8 {
    match text.split(',').next().unwrap_or_default() {
        "TCP" => 6,
        "UDP" => 17,
        "ICMP" if v6 => 58,
        "ICMP" | "ICMPV6" => 1,
        other => match other.parse() {
            Ok(number) => number,
            Err(_) => (0..UNKNOWN_PROTOCOL).find(|n| protocol_name(*n) == other).unwrap_or(UNKNOWN_PROTOCOL),
        },
    }
}

/// What was seen, from how it is drawn: parentheses hold what only surrounds the match.
#[must_use]
pub fn unmark(drawn: &str) -> Observed {
    let all = |text: &str| u32::try_from(text.len()).into_iter().filter(|end| *end > 0).map(|end| 0..end).collect();
    if !drawn.bytes().any(|byte| matches!(byte, b'(' | b')' | b'\\')) {
        return Observed { matched: all(drawn), text: drawn.to_owned() };
    }
    let mut text = String::with_capacity(drawn.len());
    let mut matched: Vec<Range<usize>> = Vec::new();
    let mut open = None;
    let mut outside = 0;
    let mut after_group = false;
    let mut characters = drawn.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek().is_some_and(|next| matches!(next, '(' | ')')) => {
                text.extend(characters.next());
            }
            '(' if open.is_none() => {
                add(&mut matched, outside..text.len(), &text, (after_group, true));
                open = Some(text.len());
            }
            ')' if open.is_some() => {
                open = None;
                outside = text.len();
                after_group = true;
            }
            _ => text.push(character),
        }
    }
    if open.is_some() || !after_group {
        // Parentheses that are none of ours: it is a text like any other, and keeps them.
        let text = drawn.replace("\\(", "(").replace("\\)", ")");
        return Observed { matched: all(&text), text };
    }
    add(&mut matched, outside..text.len(), &text, (true, false));
    let narrow = |range: &Range<usize>| Some(u32::try_from(range.start).ok()?..u32::try_from(range.end).ok()?);
    Observed { matched: matched.iter().filter_map(narrow).collect(), text }
}

/// Adds what stands outside, without the dots and spaces that only separate it from a group before or after.
fn add(
    matched: &mut Vec<Range<usize>>,
    mut range: Range<usize>,
    text: &str,
    (after_group, before_group): (bool, bool),
) {
    let Some(part) = text.get(range.clone()) else { return };
    if after_group {
        range.start += part.len() - part.trim_start_matches([' ', '.']).len();
    }
    if before_group {
        range.end -= part.len() - part.trim_end_matches(' ').len();
    }
    if range.start < range.end {
        matched.push(range);
    }
}

/// What stands for the trail as listed.
fn indicator(observed: &Observed, kind: Kind, reference: &str) -> String {
    let text = observed.text.as_str();
    // Of a made-up name the group is what is odd about it; its subject is the name.
    if kind == Kind::Dns && reference == HEURISTIC {
        return text.to_owned();
    }
    let part = |range: &Range<u32>| text.get(range.start as usize..range.end as usize);
    match observed.matched.as_slice() {
        [] => text.to_owned(),
        [one] => part(one).unwrap_or(text).to_owned(),
        several => several.iter().filter_map(part).collect(),
    }
}

/// First of the characters that stand for bytes that are no UTF-8.
const RAW: u32 = 0x0010_ff00;

/// A line as text, nothing lost: bytes that are no UTF-8 become U+10FF80 to U+10FFFF, and so do the bytes of such a
/// character itself. [`give_back`] undoes it.
#[must_use]
pub fn keep(line: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(line)
        && !text.chars().any(is_raw)
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(line.len() + 16);
    let raw = |out: &mut String, bytes: &[u8]| {
        out.extend(bytes.iter().filter_map(|byte| char::from_u32(RAW + u32::from(*byte))));
    };
    for chunk in line.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_raw(character) {
                raw(&mut out, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                out.push(character);
            }
        }
        raw(&mut out, chunk.invalid());
    }
    Cow::Owned(out)
}

/// The bytes of a line that [`keep`] made.
#[must_use]
pub fn give_back(kept: &str) -> Cow<'_, [u8]> {
    if !kept.chars().any(is_raw) {
        return Cow::Borrowed(kept.as_bytes());
    }
    let mut out = Vec::with_capacity(kept.len());
    for character in kept.chars() {
        match u8::try_from((character as u32).wrapping_sub(RAW)) {
            Ok(byte) if is_raw(character) => out.push(byte),
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(out)
}

fn is_raw(character: char) -> bool {
    character as u32 >= RAW + 0x80
}
