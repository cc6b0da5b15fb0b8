//! Rules of Suricata: names, addresses and fingerprints that a rule alone rests on.
//!
//! A rule that wants several things at once says nothing of each. So a name counts where its buffer has one content and
//! the rule has none elsewhere; addresses where the rule has no content at all. Rules that are switched off are comments.

use std::io::{self, BufRead};
use std::net::IpAddr;

use regex_automata::Input;
use serde::Deserialize;

use super::lines::each_line;
use super::regex::{compile, group};
use super::{Passed, Row};

/// Settings of the format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Suricata {
    /// What the message of a rule must be: an expression, whose group `info` is the info.
    pub msg: Option<String>,
}

/// What a rule says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rule {
    msg: String,
    texts: Vec<String>,
}

/// Buffers whose content is a whole name or fingerprint.
const BUFFERS: [&str; 10] = [
    "dns.query",
    "dns_query",
    "tls.sni",
    "tls_sni",
    "http.host",
    "http_host",
    "ja3.hash",
    "ja3_hash",
    "ja4.hash",
    "tls.cert_fingerprint",
];
/// Keywords that look for something besides.
const LOOKS: [&str; 8] = ["pcre", "uricontent", "byte_test", "luajit", "lua", "dataset", "datarep", "iprep"];

impl Suricata {
    pub(super) fn problem(&self) -> Option<String> {
        self.msg.as_deref().and_then(|pattern| compile(pattern).err())
    }

    pub(super) fn read(&self, body: &mut dyn BufRead, sink: &mut dyn FnMut(Row<'_>)) -> io::Result<Passed> {
        let msg = self.msg.as_deref().map(compile).transpose().map_err(io::Error::other)?;
        let mut captures = msg.as_ref().map(|regex| regex.create_captures());
        let mut passed = Passed::default();
        let mut malformed = 0;
        each_line(body, &mut passed, &mut |line, text| {
            if text.is_empty() || text.starts_with('#') {
                return;
            }
            let Some(rule) = rule(text) else {
                malformed += 1;
                return;
            };
            let mut info = None;
            if let (Some(regex), Some(captures)) = (&msg, &mut captures) {
                regex.search_captures(&Input::new(&rule.msg), captures);
                if !captures.is_match() {
                    return;
                }
                info = group(captures, "info", &rule.msg);
            }
            rule.texts.iter().for_each(|text| sink(Row { text, info, reference: None, lists: None, line }));
        })?;
        passed.malformed = malformed;
        Ok(passed)
    }
}

/// `action protocol from ports -> to ports (options)`.
fn rule(line: &str) -> Option<Rule> {
    let (head, rest) = line.split_once('(')?;
    let options = rest.trim_end().strip_suffix(')')?;
    let [_, _, from, from_ports, _, to, to_ports] = <[&str; 7]>::try_from(words(head)).ok()?;
    let mut rule = options_of(options)?;
    if let Some(texts) = rule.1 {
        rule.0.texts = texts;
    } else {
        for (hosts, ports) in [(from, from_ports), (to, to_ports)] {
            rule.0.texts.extend(addresses(hosts, ports));
        }
    }
    Some(rule.0)
}

/// Words of the head; a list in brackets is one.
fn words(head: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let space = |c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c.is_whitespace() && depth == 0
    };
    head.split(space).filter(|word| !word.is_empty()).take(8).collect()
}

/// Addresses and networks of a list, with the port where one is named.
fn addresses(hosts: &str, ports: &str) -> Vec<String> {
    if hosts.contains('!') {
        return Vec::new();
    }
    let port = ports.parse::<u16>().ok();
    let parts = hosts.split([',', '[', ']', ' ']).filter_map(|part| {
        let address: IpAddr = part.split('/').next()?.parse().ok()?;
        Some(match (port, address, part.contains('/')) {
            (Some(port), IpAddr::V4(_), false) => format!("{part}:{port}"),
            (Some(port), IpAddr::V6(_), false) => format!("[{part}]:{port}"),
            _ => part.to_owned(),
        })
    });
    parts.collect()
}

/// The message, and the texts of the buffers; no texts (`None`) where the rule looks at addresses only.
fn options_of(options: &str) -> Option<(Rule, Option<Vec<String>>)> {
    let mut rule = Rule::default();
    let mut buffer = None;
    // Each content and the buffer it is looked for in.
    let mut contents: Vec<(Option<&str>, Option<String>)> = Vec::new();
    let mut looks = false;
    for (key, value) in each_option(options)? {
        match key {
            "msg" => rule.msg = plain(value),
            "content" => contents.push((buffer, content(value))),
            "noalert" => looks = true,
            _ if LOOKS.contains(&key) => looks = true,
            // The older form names the buffer behind the content.
            "http_host" | "http_uri" | "http_header" if value.is_empty() => {
                if let Some(last) = contents.last_mut() {
                    last.0 = Some(key);
                }
            }
            // A buffer by itself: what follows is looked for there.
            _ if value.is_empty() && (key.contains('.') || BUFFERS.contains(&key) || key == "file_data") => {
                buffer = Some(key);
            }
            "flowbits" if value.starts_with("isset") => looks = true,
            _ => {}
        }
    }
    match (contents.as_slice(), looks) {
        ([], false) => Some((rule, None)),
        ([(Some(buffer), Some(text))], false) if BUFFERS.contains(buffer) => {
            let text = text.trim_matches('.').to_owned();
            Some((rule, Some(vec![text])))
        }
        _ => Some((rule, Some(Vec::new()))),
    }
}

/// Keywords and values; `;` within quotes or behind a backslash ends nothing.
fn each_option(options: &str) -> Option<Vec<(&str, &str)>> {
    let mut found = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, byte) in options.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => {
                let option = options.get(start..at)?.trim();
                let (key, value) = option.split_once(':').unwrap_or((option, ""));
                found.push((key.trim(), value.trim()));
                start = at + 1;
            }
            _ => {}
        }
    }
    (!quoted).then_some(found)
}

/// A text in quotes without them and its escapes.
fn plain(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    text
}

/// The content, bytes in `|..|` as they are written out; none where it must not be there, or is no plain text.
fn content(value: &str) -> Option<String> {
    let value = value.split_once("\",").map_or(value, |(quoted, _)| quoted);
    let inner = value.strip_prefix('"')?;
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut text = String::new();
    for (number, part) in inner.split('|').enumerate() {
        if number % 2 == 0 {
            text.push_str(&plain(part));
            continue;
        }
        for byte in part.split_whitespace() {
            let byte = u8::from_str_radix(byte, 16).ok().filter(u8::is_ascii_graphic)?;
            text.push(char::from(byte));
        }
    }
    text.chars().all(|c| c.is_ascii_graphic()).then_some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(msg: Option<&str>, body: &str) -> (Vec<String>, Passed) {
        let mut rows = Vec::new();
        let sink = &mut |row: Row<'_>| rows.push(format!("{} {}", row.text, row.info.unwrap_or("-")));
        let passed = Suricata { msg: msg.map(str::to_owned) }.read(&mut body.as_bytes(), sink).unwrap();
        (rows, passed)
    }

    fn texts(options: &str) -> Vec<String> {
        rows(None, &format!("alert dns $HOME_NET any -> any any (msg:\"x\"; {options} sid:1;)")).0
    }

    #[test]
    fn contents() {
        let cases = [
            ("dns.query; content:\"evil|2e|example\"; nocase; bsize:12;", "evil.example -"),
            ("dns_query; content:\".evil.example\"; endswith;", "evil.example -"),
            ("tls.sni; dotprefix; content:\".evil.example\"; endswith;", "evil.example -"),
            ("content:\"evil.example\"; http_host;", "evil.example -"),
            ("ja3.hash; content:\"0123456789abcdef0123456789abcdef\";", "0123456789abcdef0123456789abcdef -"),
            ("dns.query; content:\"semi\\;colon.example\";", "semi;colon.example -"),
            ("http.host; content:\"host.example\"; http.uri; content:\"/x\";", ""),
            ("content:\"host.example\"; http_host; content:\"/x\"; http_uri;", ""),
            ("dns.query; content:\"a\"; content:\".example\";", ""),
            ("dns.query; content:!\"good.example\";", ""),
            ("dns.query; content:\"a.example\"; pcre:\"/x/\";", ""),
            ("dns.query; content:\"a|00|example\";", ""),
            ("http.user_agent; content:\"agent.example\";", ""),
            ("dns.query; content:\"a.example\"; noalert;", ""),
            ("content:\"a.example\";", ""),
        ];
        for (options, expected) in cases {
            assert_eq!(texts(options).join(" "), expected, "{options}");
        }
    }

    #[test]
    fn addresses_of_rules_without_content() {
        let body = "# alert ip [192.0.2.9] any -> $HOME_NET any (msg:\"off\"; sid:1;)\n\
            alert ip [192.0.2.1, 192.0.2.0/25,2001:db8::1] any -> $HOME_NET any (msg:\"ET A group 1\"; threshold: type limit, track by_src; sid:2;)\n\
            alert tcp $HOME_NET any -> [192.0.2.2,2001:db8::2] 443 (msg:\"ET B\"; flags:S; sid:3;)\n\
            alert tcp ![192.0.2.3] any -> $HOME_NET any (msg:\"ET A\"; sid:4;)\n\
            alert tcp 192.0.2.4 any -> $HOME_NET any (msg:\"ET A\"; content:\"x\"; sid:5;)\n\
            alert nonsense\nalert tcp a any -> b any (msg:\"open; sid:1;)\n";
        let (all, passed) = rows(None, body);
        let expected = ["192.0.2.1 -", "192.0.2.0/25 -", "2001:db8::1 -", "192.0.2.2:443 -", "[2001:db8::2]:443 -"];
        assert_eq!(all, expected);
        assert_eq!(passed.malformed, 2);
        let (some, _) = rows(Some("^ET A(?: group (?<info>[0-9]+))?"), body);
        assert_eq!(some, ["192.0.2.1 1", "192.0.2.0/25 1", "2001:db8::1 1"]);
    }

    #[test]
    fn a_message_that_is_no_expression() {
        assert!(Suricata { msg: Some("(".into()) }.problem().is_some());
        assert!(Suricata::default().problem().is_none());
    }

    proptest! {
        #[test]
        fn any_rule_ends(line in "\\PC{0,30}\\(?[ -~]{0,60}\\)?") {
            let _ = rule(&line);
        }
    }
}
