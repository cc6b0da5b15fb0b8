//! Which entries an event gives.

use std::cell::OnceCell;
use std::sync::Arc;

use event::{Event, Kind, Severity, TextLine};
use jiff::tz::TimeZone;
use regex_automata::meta;
use regex_automata::util::syntax;

use super::entry::Entry;
use crate::store::address_in;

/// Longest compiled expression, bytes.
const MAX_COMPILED: usize = 10 << 20;

/// What a list is of.
#[derive(Clone, Debug)]
pub enum Selection {
    /// Sources of events that rules match.
    Matching(Arc<Rules>),
    /// Of events at least as bad.
    AtLeast(Severity, Of),
}

/// What of an event is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// Sources on the Internet.
    Sources,
    /// Destinations that are themselves what is listed: no resolver that was asked, no host with other sites.
    Destinations,
    /// Names that are what is listed.
    Names,
}

impl Selection {
    /// Tells the entries of an event.
    pub fn entries(&self, event: &Event, zone: &TimeZone, mut tell: impl FnMut(Entry)) {
        match self {
            Selection::Matching(rules) => {
                // Most sources are local: rules are looked at for others only.
                let mut sources = event.src.iter().copied().filter_map(Entry::address).peekable();
                if sources.peek().is_some() && rules.matches(event, zone) {
                    sources.for_each(tell);
                }
            }
            Selection::AtLeast(severity, _) if event.severity < *severity => {}
            Selection::AtLeast(_, Of::Sources) => event.src.iter().copied().filter_map(Entry::address).for_each(tell),
            Selection::AtLeast(_, Of::Destinations) => {
                let listed = address_in(&event.indicator);
                let contacted = listed.filter(|listed| event.dst.iter().any(|a| a.to_canonical() == *listed));
                if let Some(entry) = contacted.and_then(Entry::address) {
                    tell(entry);
                }
            }
            Selection::AtLeast(_, Of::Names) => {
                if event.kind == Kind::Dns
                    && let Some(entry) = Entry::name(&event.indicator)
                {
                    tell(entry);
                }
            }
        }
    }
}

/// Rules: an event matches where all conditions of one rule hold.
#[derive(Debug)]
pub struct Rules(Vec<Vec<Condition>>);

#[derive(Debug)]
struct Condition {
    column: Column,
    expression: meta::Regex,
    holds: bool,
}

#[derive(Clone, Copy, Debug)]
enum Column {
    Time,
    Sensor,
    SrcIp,
    SrcPort,
    DstIp,
    DstPort,
    Proto,
    Type,
    Trail,
    Info,
    Reference,
}

impl Column {
    const ALL: [(&'static str, Column); 12] = [
        ("time", Column::Time),
        ("sensor", Column::Sensor),
        ("src_ip", Column::SrcIp),
        ("src_port", Column::SrcPort),
        ("dst_ip", Column::DstIp),
        ("dst_port", Column::DstPort),
        ("proto", Column::Proto),
        ("type", Column::Type),
        ("trail", Column::Trail),
        ("info", Column::Info),
        ("reference", Column::Reference),
        ("ref", Column::Reference),
    ];
}

/// Why a rule cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Its form.
    #[error("`{0}` is not of the form column ~ expression (or !~), joined by `and`")]
    Form(String),
    /// Its column.
    #[error(
        "`{0}` is no column; there are time, sensor, src_ip, src_port, dst_ip, dst_port, proto, type, trail, info and reference"
    )]
    Column(String),
    /// Its expression.
    #[error("`{0}` cannot be used as a regular expression (there is no looking around): {1}")]
    Expression(String, String),
}

impl Rules {
    /// Reads `column ~ expression and column !~ expression` lines. Case does not matter.
    ///
    /// # Errors
    /// A line is none.
    pub fn parse<'l>(lines: impl IntoIterator<Item = &'l str>) -> Result<Rules, RuleError> {
        let rule = |line: &str| line.split(" and ").map(condition).collect();
        lines.into_iter().filter(|line| !line.trim().is_empty()).map(rule).collect::<Result<_, _>>().map(Rules)
    }

    /// One expression on the info.
    ///
    /// # Errors
    /// It is none.
    pub fn info(text: &str) -> Result<Rules, RuleError> {
        Ok(Rules(vec![vec![Condition { column: Column::Info, expression: expression(text)?, holds: true }]]))
    }

    /// Whether they match an event, whose line is drawn in a zone.
    #[must_use]
    pub fn matches(&self, event: &Event, zone: &TimeZone) -> bool {
        let drawn = OnceCell::new();
        let line = || drawn.get_or_init(|| TextLine::of(event, zone));
        let holds = |condition: &Condition| {
            let value = match condition.column {
                // Those that need no drawing first.
                Column::Info => &event.info,
                Column::Reference => &event.reference,
                Column::Sensor => &event.sensor,
                Column::Type => event.kind.name(),
                Column::Time => &line().time,
                Column::SrcIp => &line().src_ip,
                Column::SrcPort => &line().src_port,
                Column::DstIp => &line().dst_ip,
                Column::DstPort => &line().dst_port,
                Column::Proto => &line().proto,
                Column::Trail => &line().trail,
            };
            condition.expression.is_match(value) == condition.holds
        };
        self.0.iter().any(|rule| rule.iter().all(holds))
    }
}

fn condition(text: &str) -> Result<Condition, RuleError> {
    let form = || RuleError::Form(text.trim().to_owned());
    let (name, rest) = text.trim().split_once(char::is_whitespace).ok_or_else(form)?;
    let (operator, pattern) = rest.trim_start().split_once(char::is_whitespace).ok_or_else(form)?;
    let holds = match operator {
        "~" => true,
        "!~" => false,
        _ => return Err(form()),
    };
    let found = Column::ALL.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let (_, column) = found.ok_or_else(|| RuleError::Column(name.to_owned()))?;
    Ok(Condition { column, expression: expression(pattern.trim())?, holds })
}

fn expression(text: &str) -> Result<meta::Regex, RuleError> {
    meta::Builder::new()
        .configure(meta::Config::new().nfa_size_limit(Some(MAX_COMPILED)))
        .syntax(syntax::Config::new().case_insensitive(true))
        .build(text)
        .map_err(|error| {
            let why = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
            let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            RuleError::Expression(text.to_owned(), last)
        })
}
