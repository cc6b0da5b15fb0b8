//! USER_IGNORELIST and IGNORE_EVENTS_REGEX: findings that are to be no events.
//!
//! The list has one rule a line, `source;source port;destination;destination port`, each `*` or a value (addresses
//! also networks); `#` begins a comment. The expression is looked for, whatever the case, in the event's text line
//! with its time in UTC.

use std::net::IpAddr;

use ipnet::IpNet;
use packet::Flow;
use regex_automata::{meta, util::syntax};

/// Rules of the user; none by default.
#[derive(Clone, Debug, Default)]
pub struct IgnoreRules {
    rules: Vec<Rule>,
    expression: Option<meta::Regex>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    src: Option<IpNet>,
    src_port: Option<u16>,
    dst: Option<IpNet>,
    dst_port: Option<u16>,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// Not four fields.
    #[error("line {line}: {found} fields where `source;source port;destination;destination port` has 4")]
    Fields {
        /// Line, from 1.
        line: usize,
        /// How many there are.
        found: usize,
    },
    /// A field that is neither `*` nor a value.
    #[error("line {line}: `{field}` is neither `*` nor {wanted}")]
    Field {
        /// Line, from 1.
        line: usize,
        /// The field.
        field: String,
        /// What could stand there.
        wanted: &'static str,
    },
    /// An expression that does not compile.
    #[error("IGNORE_EVENTS_REGEX: {0}")]
    Expression(String),
}

impl IgnoreRules {
    /// Reads a list. Lines that are no rules are handed back beside what could be read.
    #[must_use]
    pub fn parse(text: &str) -> (IgnoreRules, Vec<IgnoreError>) {
        let mut rules = IgnoreRules::default();
        let mut errors = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split_once('#').map_or(line, |(before, _)| before).trim();
            if line.is_empty() {
                continue;
            }
            match rule(line, number + 1) {
                Ok(rule) => rules.rules.push(rule),
                Err(error) => errors.push(error),
            }
        }
        (rules, errors)
    }

    /// The same with an expression; an empty one stands for none.
    ///
    /// # Errors
    /// The expression does not compile.
    pub fn with_expression(mut self, expression: &str) -> Result<IgnoreRules, IgnoreError> {
        self.expression = match expression {
            "" => None,
            text => Some(
                meta::Regex::builder()
                    .syntax(syntax::Config::new().case_insensitive(true))
                    .build(text)
                    .map_err(|error| IgnoreError::Expression(reason(&error)))?,
            ),
        };
        Ok(self)
    }

    /// Whether a rule of the list covers the flow.
    #[must_use]
    pub fn covers(&self, flow: &Flow) -> bool {
        self.rules.iter().any(|rule| {
            within(rule.src, flow.src)
                && within(rule.dst, flow.dst)
                && rule.src_port.is_none_or(|port| port == flow.src_port)
                && rule.dst_port.is_none_or(|port| port == flow.dst_port)
        })
    }

    /// Whether there is an expression, so that a line is worth writing.
    #[must_use]
    pub fn reads_lines(&self) -> bool {
        self.expression.is_some()
    }

    /// Whether the expression is found in the line.
    #[must_use]
    pub fn matches(&self, line: &str) -> bool {
        self.expression.as_ref().is_some_and(|expression| expression.is_match(line))
    }
}

/// Why an expression does not compile, in words.
fn reason(error: &meta::BuildError) -> String {
    match error.syntax_error() {
        Some(syntax) => syntax.to_string(),
        None => error.to_string(),
    }
}

fn within(network: Option<IpNet>, address: IpAddr) -> bool {
    network.is_none_or(|network| network.contains(&address))
}

fn rule(line: &str, number: usize) -> Result<Rule, IgnoreError> {
    let fields: Vec<&str> = line.split(';').map(str::trim).collect();
    let &[src, src_port, dst, dst_port] = fields.as_slice() else {
        return Err(IgnoreError::Fields { line: number, found: fields.len() });
    };
    Ok(Rule {
        src: address(src, number)?,
        src_port: port(src_port, number)?,
        dst: address(dst, number)?,
        dst_port: port(dst_port, number)?,
    })
}

fn address(field: &str, line: usize) -> Result<Option<IpNet>, IgnoreError> {
    if field == "*" {
        return Ok(None);
    }
    let network = field.parse::<IpNet>().ok().or_else(|| field.parse::<IpAddr>().ok().map(IpNet::from));
    let wanted = "an address or network";
    network.map(Some).ok_or_else(|| IgnoreError::Field { line, field: field.to_owned(), wanted })
}

fn port(field: &str, line: usize) -> Result<Option<u16>, IgnoreError> {
    // `-` is what an event has for a protocol without ports.
    match field {
        "*" => Ok(None),
        "-" => Ok(Some(0)),
        _ => match field.parse() {
            Ok(port) => Ok(Some(port)),
            Err(_) => Err(IgnoreError::Field { line, field: field.to_owned(), wanted: "a port" }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(src: &str, src_port: u16, dst: &str, dst_port: u16) -> Flow {
        Flow { src: src.parse().unwrap(), dst: dst.parse().unwrap(), src_port, dst_port, protocol: 6 }
    }

    #[test]
    fn rules_cover_what_they_name() {
        let (rules, errors) = IgnoreRules::parse(
            "# mine\n192.168.0.3;*;*;*\n *;*;*;22 # ssh\n10.0.0.0/8;*;2001:db8::1;-\n\n1.2.3.4;5;6.7.8.9;10",
        );
        assert_eq!(errors, []);
        assert!(rules.covers(&flow("192.168.0.3", 1, "8.8.8.8", 53)));
        assert!(!rules.covers(&flow("8.8.8.8", 53, "192.168.0.3", 1)));
        assert!(rules.covers(&flow("8.8.8.8", 5000, "1.1.1.1", 22)));
        assert!(rules.covers(&flow("10.9.9.9", 5000, "2001:db8::1", 0)));
        assert!(!rules.covers(&flow("10.9.9.9", 5000, "2001:db8::1", 1)));
        assert!(rules.covers(&flow("1.2.3.4", 5, "6.7.8.9", 10)));
        assert!(!rules.covers(&flow("1.2.3.4", 5, "6.7.8.9", 11)));
    }

    #[test]
    fn wrong_rules_are_told_with_their_lines() {
        let (rules, errors) = IgnoreRules::parse("a;*;*;*\n*;*;*\n*;70000;*;*\n1.1.1.1;*;*;*");
        let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            [
                "line 1: `a` is neither `*` nor an address or network",
                "line 2: 3 fields where `source;source port;destination;destination port` has 4",
                "line 3: `70000` is neither `*` nor a port",
            ]
        );
        assert!(rules.covers(&flow("1.1.1.1", 1, "2.2.2.2", 2)));
    }

    #[test]
    fn the_expression_ignores_case_and_says_why_it_is_wrong() {
        let rules = IgnoreRules::default().with_expression("EVIL-site|foo").unwrap();
        assert!(rules.matches("x evil-SITE.example y") && !rules.matches("x harmless y"));
        assert!(!IgnoreRules::default().with_expression("").unwrap().matches(""));
        assert!(IgnoreRules::default().with_expression("a(").unwrap_err().to_string().contains("unclosed group"));
    }
}
