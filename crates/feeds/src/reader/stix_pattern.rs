//! Patterns of STIX 2.1 (part 9 of its specification) as far as one indicator alone satisfies them.
//!
//! `[a OR b] OR [c]` lists all three. What joins several by AND (or in time) is no statement about each, and gives
//! nothing; but an address and a port of one connection are one indicator, and a protocol beside them changes nothing.

/// Most comparisons of a pattern, and most texts it gives.
const MAX_TERMS: usize = 1_000;
/// Deepest nesting of parentheses.
const MAX_DEPTH: usize = 16;

/// What a comparison is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Atom {
    /// An address, which may have a port.
    Address(String),
    /// A name, URL, or fingerprint.
    Text(String),
    /// The port of the destination.
    Port(String),
    /// Says nothing that matters.
    Neutral,
    /// Something else, or several things at once.
    Other,
}

/// The texts that may be indicators; none where it is no pattern, or larger than the limits.
pub(super) fn texts(pattern: &str) -> Option<Vec<String>> {
    let mut parser = Parser { rest: pattern, terms: 0 };
    let atoms = parser.observations(0)?;
    if !parser.rest.trim().is_empty() {
        return None;
    }
    let text = |atom| match atom {
        Atom::Address(text) | Atom::Text(text) => Some(text),
        Atom::Port(_) | Atom::Neutral | Atom::Other => None,
    };
    Some(atoms.into_iter().filter_map(text).collect())
}

struct Parser<'p> {
    rest: &'p str,
    terms: usize,
}

impl<'p> Parser<'p> {
    /// Takes a sign.
    fn sign(&mut self, sign: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(sign)?;
        Some(())
    }

    /// Takes one of these words, if it is next.
    fn word(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end)?;
        let found = words.iter().find(|known| known.eq_ignore_ascii_case(word))?;
        self.rest = after;
        Some(found)
    }

    /// `[...] OR (...)`; where AND or FOLLOWEDBY join, or a time qualifies, it is about several things.
    fn observations(&mut self, depth: usize) -> Option<Vec<Atom>> {
        let mut atoms = Vec::new();
        let mut several = false;
        loop {
            if self.sign('(').is_some() {
                if depth >= MAX_DEPTH {
                    return None;
                }
                atoms.extend(self.observations(depth + 1)?);
                self.sign(')')?;
            } else {
                self.sign('[')?;
                atoms.extend(self.any(0)?);
                self.sign(']')?;
            }
            while let Some(word) = self.word(&["WITHIN", "REPEATS", "START", "STOP"]) {
                several |= word == "REPEATS";
                self.literal()?;
                self.word(&["SECONDS", "TIMES"]);
            }
            match self.word(&["OR", "AND", "FOLLOWEDBY"]) {
                Some("OR") => {}
                Some(_) => several = true,
                None => return Some(if several { vec![Atom::Other] } else { atoms }),
            }
        }
    }

    /// Comparisons joined by OR.
    fn any(&mut self, depth: usize) -> Option<Vec<Atom>> {
        let mut atoms = self.all(depth)?;
        while self.word(&["OR"]).is_some() {
            atoms.extend(self.all(depth)?);
        }
        Some(atoms)
    }

    /// Comparisons joined by AND.
    fn all(&mut self, depth: usize) -> Option<Vec<Atom>> {
        let mut atoms = self.one(depth)?;
        while self.word(&["AND"]).is_some() {
            atoms = both(atoms, self.one(depth)?)?;
        }
        Some(atoms)
    }

    fn one(&mut self, depth: usize) -> Option<Vec<Atom>> {
        if self.sign('(').is_some() {
            if depth >= MAX_DEPTH {
                return None;
            }
            let atoms = self.any(depth + 1)?;
            self.sign(')')?;
            return Some(atoms);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Option<Vec<Atom>> {
        let mut plain = self.word(&["NOT", "EXISTS"]).is_none();
        let path = self.path()?;
        plain &= self.word(&["NOT"]).is_none();
        let equal = self.sign('=').is_some();
        if !equal {
            match self.word(&["IN", "ISSUBSET", "ISSUPERSET", "LIKE", "MATCHES"]) {
                Some("IN") => {
                    let values = self.set()?;
                    return Some(
                        values.into_iter().map(|v| if plain { atom(&path, v) } else { Atom::Other }).collect(),
                    );
                }
                Some("ISSUBSET") => plain &= path.ends_with("-addr:value"),
                Some(_) => plain = false,
                None => {
                    let rest = self.rest.trim_start();
                    self.rest = ["!=", "<>", ">=", "<=", ">", "<"].iter().find_map(|sign| rest.strip_prefix(sign))?;
                    plain = false;
                }
            }
        }
        let value = self.literal()?;
        Some(vec![if plain { atom(&path, value) } else { Atom::Other }])
    }

    fn set(&mut self) -> Option<Vec<String>> {
        self.sign('(')?;
        let mut values = vec![self.literal()?];
        while self.sign(',').is_some() {
            values.push(self.literal()?);
        }
        self.sign(')')?;
        Some(values)
    }

    /// `type:member.'quoted member'[*]`, in lower case and without quotes.
    fn path(&mut self) -> Option<String> {
        let mut path = String::new();
        let mut rest = self.rest.trim_start();
        while let Some(first) = rest.chars().next() {
            let close = match first {
                '\'' => '\'',
                '[' => ']',
                c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':') => {
                    path.push(c.to_ascii_lowercase());
                    rest = rest.get(1..)?;
                    continue;
                }
                _ => break,
            };
            let (inner, after) = rest.get(1..)?.split_once(close)?;
            if first == '\'' {
                path.push_str(&inner.to_ascii_lowercase());
            }
            rest = after;
        }
        self.rest = rest;
        (path.contains(':')).then_some(path)
    }

    /// A text in quotes (`\'` and `\\` are escapes), also one of another type (`t'...'`), a number or a truth.
    fn literal(&mut self) -> Option<String> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return None;
        }
        let rest = self.rest.trim_start();
        let quoted = rest.strip_prefix(['t', 'h', 'b']).and_then(|r| r.strip_prefix('\'')).or(rest.strip_prefix('\''));
        let Some(quoted) = quoted else {
            let end =
                rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '+')).unwrap_or(rest.len());
            let (word, after) = rest.split_at_checked(end).filter(|(word, _)| !word.is_empty())?;
            self.rest = after;
            return Some(word.to_owned());
        };
        let mut text = String::new();
        let mut chars = quoted.chars();
        loop {
            match chars.next()? {
                '\'' => break,
                '\\' => text.push(chars.next()?),
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }
}

fn atom(path: &str, value: String) -> Atom {
    match path {
        "ipv4-addr:value" | "ipv6-addr:value" | "network-traffic:dst_ref.value" => Atom::Address(value),
        "domain-name:value" => Atom::Text(value),
        "url:value" if !value.contains("://") => Atom::Text(format!("http://{value}")),
        "url:value" => Atom::Text(value),
        "x509-certificate:hashes.sha-1" | "x509-certificate:hashes.sha1" => Atom::Text(value),
        "network-traffic:dst_port" => Atom::Port(value),
        "network-traffic:protocols" | "network-traffic:dst_ref.type" => Atom::Neutral,
        _ => Atom::Other,
    }
}

/// Two things that must hold at once.
fn both(left: Vec<Atom>, right: Vec<Atom>) -> Option<Vec<Atom>> {
    if left.len().saturating_mul(right.len()) > MAX_TERMS {
        return None;
    }
    let join = |a: &Atom, b: &Atom| match (a, b) {
        (Atom::Neutral, one) | (one, Atom::Neutral) => one.clone(),
        (Atom::Address(host), Atom::Port(port)) | (Atom::Port(port), Atom::Address(host)) if !host.contains('/') => {
            // With its port it takes no other.
            Atom::Text(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
        }
        _ => Atom::Other,
    };
    Some(left.iter().flat_map(|a| right.iter().map(move |b| join(a, b))).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(pattern: &str) -> Option<String> {
        texts(pattern).map(|texts| texts.join(" "))
    }

    #[test]
    fn what_one_indicator_satisfies() {
        let cases = [
            ("[domain-name:value = 'evil.example']", "evil.example"),
            ("[ipv4-addr:value='192.0.2.1' OR ipv6-addr:value = '2001:db8::1']", "192.0.2.1 2001:db8::1"),
            ("[url:value = 'http://evil.example/it\\'s']", "http://evil.example/it's"),
            ("[url:value = 'evil.example/x']", "http://evil.example/x"),
            (
                "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 443]",
                "192.0.2.1:443",
            ),
            (
                "[network-traffic:dst_port = 80 AND (ipv6-addr:value = '2001:db8::1' OR ipv4-addr:value = '192.0.2.1')]",
                "[2001:db8::1]:80 192.0.2.1:80",
            ),
            ("[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:protocols[*] = 'tcp']", "192.0.2.1"),
            (
                "[x509-certificate:hashes.'SHA-1' = '00'] OR ([domain-name:value IN ('a.example','b.example')])",
                "00 a.example b.example",
            ),
            ("[file:hashes.MD5 = '0' OR domain-name:value = 'a.example']", "a.example"),
            (
                "[domain-name:value = 'a.example'] WITHIN 5 SECONDS OR [ipv4-addr:value ISSUBSET '192.0.2.0/24'] START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'",
                "a.example 192.0.2.0/24",
            ),
        ];
        for (pattern, expected) in cases {
            assert_eq!(found(pattern).as_deref(), Some(expected), "{pattern}");
        }
    }

    #[test]
    fn what_says_nothing_of_one_alone() {
        let cases = [
            "[domain-name:value = 'a.example' AND url:value = 'http://a.example/']",
            "[domain-name:value = 'a.example'] AND [domain-name:value = 'b.example']",
            "[domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example']",
            "[domain-name:value = 'a.example'] REPEATS 5 TIMES WITHIN 9 SECONDS",
            "[domain-name:value LIKE '%.example']",
            "[domain-name:value != 'a.example']",
            "[domain-name:value NOT = 'a.example']",
            "[NOT domain-name:value = 'a.example']",
            "[network-traffic:dst_port = 443]",
            "[file:name = 'x.exe' AND ipv4-addr:value = '192.0.2.1']",
        ];
        for pattern in cases {
            assert_eq!(found(pattern).as_deref(), Some(""), "{pattern}");
        }
    }

    #[test]
    fn no_pattern() {
        for pattern in [
            "",
            "[",
            "domain-name:value = 'x'",
            "[domain-name:value = 'x'",
            "[value = 'x']",
            "[a:b = 'x']]",
            "[a:b 'x']",
            "[a:b = 'x\\",
        ] {
            assert_eq!(found(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn limits() {
        for (terms, taken) in [(MAX_TERMS - 1, true), (MAX_TERMS, true), (MAX_TERMS + 1, false)] {
            let values = vec!["'x'"; terms].join(",");
            assert_eq!(found(&format!("[domain-name:value IN ({values})]")).is_some(), taken);
        }
        for (depth, taken) in [(MAX_DEPTH - 1, true), (MAX_DEPTH, true), (MAX_DEPTH + 1, false)] {
            let (open, close) = ("(".repeat(depth), ")".repeat(depth));
            assert_eq!(found(&format!("{open}[a:b = 1]{close}")).is_some(), taken);
            assert_eq!(found(&format!("[{open}a:b = 1{close}]")).is_some(), taken);
        }
        for (ports, taken) in [(99, true), (100, true), (101, false)] {
            let ports = vec!["1"; ports].join(",");
            let pattern =
                format!("[ipv4-addr:value IN (1,2,3,4,5,6,7,8,9,10) AND network-traffic:dst_port IN ({ports})]");
            assert_eq!(found(&pattern).is_some(), taken);
        }
    }

    proptest! {
        #[test]
        fn any_text_ends(pattern in r"[\[\]()' \\=:a-zäAND OR]{0,60}") {
            let _ = texts(&pattern);
        }

        #[test]
        fn values_come_out_as_they_went_in(value in "\\PC{0,40}") {
            let written = value.replace('\\', "\\\\").replace('\'', "\\'");
            prop_assert_eq!(texts(&format!("[domain-name:value = '{written}']")), Some(vec![value]));
        }
    }
}
