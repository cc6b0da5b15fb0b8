//! Response policy zones (draft-vixie-dnsop-dns-rpz): the names and addresses that a zone blocks.

use std::io::{self, BufRead};
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::Deserialize;

use super::lines::each_line;
use super::{Passed, Row};

/// Settings of the format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rpz {
    /// The zone's name, where its names are absolute and no `$ORIGIN` says it.
    pub origin: String,
}

/// Targets that let a name pass.
const PASSING: [&str; 2] = ["rpz-passthru", "rpz-tcp-only"];
/// Triggers that are no names and no addresses of answers.
const OTHER: [&str; 3] = [".rpz-client-ip", ".rpz-nsdname", ".rpz-nsip"];

impl Rpz {
    pub(super) fn read(&self, body: &mut dyn BufRead, sink: &mut dyn FnMut(Row<'_>)) -> io::Result<Passed> {
        let mut passed = Passed::default();
        let mut malformed = 0;
        let mut origin = self.origin.trim_matches('.').to_owned();
        each_line(body, &mut passed, &mut |line, text| {
            let text = text.split_once(';').map_or(text, |(before, _)| before);
            if let Some(name) = text.strip_prefix("$ORIGIN") {
                name.trim().trim_matches('.').clone_into(&mut origin);
                return;
            }
            let Some((owner, target)) = policy(text) else { return };
            if PASSING.contains(&target.trim_matches('.').to_ascii_lowercase().as_str()) {
                return;
            }
            let owner = relative(owner, &origin);
            if OTHER.iter().any(|trigger| owner.ends_with(trigger)) {
                return;
            }
            match owner.strip_suffix(".rpz-ip").map(network) {
                None => sink(Row { text: owner, info: None, reference: None, lists: None, line }),
                Some(Some(network)) => sink(Row { text: &network, info: None, reference: None, lists: None, line }),
                Some(None) => malformed += 1,
            }
        })?;
        passed.malformed = malformed;
        Ok(passed)
    }
}

/// Owner and target of `name [TTL] [class] CNAME target`.
fn policy(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    let owner = words.next().filter(|owner| *owner != "@")?;
    for word in words.by_ref().take(3) {
        if word.eq_ignore_ascii_case("CNAME") {
            return Some((owner, words.next()?));
        }
    }
    None
}

/// A name without its zone.
fn relative<'n>(name: &'n str, origin: &str) -> &'n str {
    let Some(absolute) = name.strip_suffix('.') else { return name };
    let head = absolute.len().checked_sub(origin.len()).filter(|_| !origin.is_empty());
    match head.and_then(|at| absolute.split_at_checked(at)) {
        Some((head, zone)) if zone.eq_ignore_ascii_case(origin) => head.strip_suffix('.').unwrap_or(absolute),
        _ => absolute,
    }
}

/// `24.0.2.0.192` or `48.zz.2.db8.2001`: length of the prefix, then the address backwards; `zz` stands for `::`.
fn network(text: &str) -> Option<String> {
    let (length, rest) = text.split_once('.')?;
    let length: u8 = length.parse().ok()?;
    let parts: Vec<&str> = rest.rsplit('.').take(9).collect();
    let written = parts.join(".");
    if let Ok(address) = written.parse::<Ipv4Addr>() {
        return Some(format!("{address}/{length}"));
    }
    let groups = parts.join(":").replace("zz", "");
    let groups = match (groups.starts_with(':'), groups.ends_with(':')) {
        (true, true) => format!(":{groups}:"),
        (true, false) => format!(":{groups}"),
        (false, true) => format!("{groups}:"),
        (false, false) => groups,
    };
    let address: Ipv6Addr = groups.parse().ok()?;
    Some(format!("{address}/{length}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone() {
        let body = "$TTL 30\n@ SOA rpz.example. hostmaster.rpz.example. 1 2 3 4 5\n NS localhost.\n; comment\n\
            evil.example CNAME . ; malware\n*.evil.example CNAME .\nquiet.example 300 IN CNAME *.\n\
            good.example CNAME rpz-passthru.\ngarden.example CNAME walled.garden.example.\n\
            32.1.2.0.192.rpz-ip CNAME .\n24.0.2.0.192.rpz-ip CNAME rpz-drop.\n128.7.zz.db8.2001.rpz-ip CNAME .\n\
            33.zz.db8.2001.rpz-ip CNAME .\nx.rpz-ip CNAME .\nns.example.rpz-nsdname CNAME .\n\
            $ORIGIN rpz.example.\nabsolute.example.rpz.example. CNAME .\n";
        let mut rows = Vec::new();
        let passed = Rpz::default().read(&mut body.as_bytes(), &mut |row| rows.push(row.text.to_owned())).unwrap();
        let expected = [
            "evil.example",
            "*.evil.example",
            "quiet.example",
            "garden.example",
            "192.0.2.1/32",
            "192.0.2.0/24",
            "2001:db8::7/128",
            "2001:db8::/33",
            "absolute.example",
        ];
        assert_eq!(rows, expected);
        assert_eq!(passed.malformed, 1);
    }
}
