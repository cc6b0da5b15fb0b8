//! Attacks in HTTP requests, by what they are made of.
//!
//! Most requests are passed over after one look at their bytes. What is left is brought into a normal form and searched
//! once for all patterns of all classes; a class is told where its patterns weigh enough together.

mod normal;
mod patterns;

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use event::Kind;

use super::about::{About, Detector};
use super::alarm::Alarm;
use super::heads::Asked;
use crate::survey::{find_last, survey};
use normal::Rooms;
use patterns::PATTERNS;

pub(super) const ABOUT: About = About {
    detector: Detector::HttpRequest,
    name: "http_request",
    aliases: &["http_attack", "suspicious_http_request"],
    on: true,
    events: "URL, `potential sql injection (suspicious)` and so on by class; the trail is `host(path)`",
    finds: "Attacks in the path, query and form of HTTP requests: SQL, XML (XPath), PHP, \
            LDAP and template injection, XSS, XXE, data leakage, access to configuration files, remote code execution, \
            directory traversal, web scanners, changes of a router's DNS. The first class of this order is told. What hides \
            them (escapes also of escapes, case, comments, white space) is resolved first.",
    why: "Servers here are attacked so, and hosts that were taken over attack others so.",
    example: "`GET /news.php?id=-1+UNION+SELECT+1,user,password+FROM+users`",
    false_alarms: "Tools of developers and forums about such things: a request that speaks of SQL is not one that injects it, \
                   so words weigh little and only together count. Bodies count as far as they come with the head and are \
                   forms, XML or JSON.",
    evaded: "By TLS, by encodings that only the attacked program knows, in headers that are not looked at, in bodies that do \
             not come with the head.",
    threshold: None,
};

/// Kinds of attacks, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Class {
    SqlInjection,
    XmlInjection,
    PhpInjection,
    LdapInjection,
    Xss,
    Xxe,
    TemplateInjection,
    DataLeakage,
    ConfigFileAccess,
    CommandExecution,
    DirectoryTraversal,
    WebScan,
    DnsChanger,
}

impl Class {
    /// As events have it.
    #[must_use]
    pub fn info(self) -> &'static str {
        match self {
            Class::SqlInjection => "potential sql injection (suspicious)",
            Class::XmlInjection => "potential xml injection (suspicious)",
            Class::PhpInjection => "potential php injection (suspicious)",
            Class::LdapInjection => "potential ldap injection (suspicious)",
            Class::Xss => "potential xss injection (suspicious)",
            Class::Xxe => "potential xxe injection (suspicious)",
            Class::TemplateInjection => "potential template injection (suspicious)",
            Class::DataLeakage => "potential data leakage (suspicious)",
            Class::ConfigFileAccess => "config file access (suspicious)",
            Class::CommandExecution => "potential remote code execution (suspicious)",
            Class::DirectoryTraversal => "potential directory traversal (suspicious)",
            Class::WebScan => "potential web scan (suspicious)",
            Class::DnsChanger => "potential dns changer (suspicious)",
        }
    }
}

/// Patterns weigh enough together.
const ENOUGH: u32 = 80;

/// A pattern as it is looked for.
struct Pattern {
    text: &'static str,
    class: usize,
    weight: u8,
    /// It begins, or ends, with a letter that is the first, or last, of its word.
    word: [bool; 2],
}

/// All patterns in one automaton.
struct Automaton {
    patterns: Vec<Pattern>,
    texts: AhoCorasick,
}

/// Made of constants alone, once.
static AUTOMATON: LazyLock<Option<Automaton>> = LazyLock::new(|| {
    let (mut patterns, mut texts) = (Vec::new(), Vec::new());
    for (class, (_, list)) in PATTERNS.iter().enumerate() {
        for (text, weight) in *list {
            let open = text
                .strip_suffix('*')
                .filter(|rest| rest.ends_with(|c: char| c.is_ascii_alphanumeric() || "_%".contains(c)));
            let mut plain = Vec::new();
            normal::write_plain(open.unwrap_or(text).as_bytes(), &mut plain);
            let begins = plain.first().is_some_and(|byte| is_word(*byte));
            let ends = open.is_none() && plain.last().is_some_and(|byte| is_word(*byte));
            patterns.push(Pattern { text, class, weight: *weight, word: [begins, ends] });
            texts.push(plain);
        }
    }
    let texts = AhoCorasick::builder().match_kind(MatchKind::Standard).build(texts).ok()?;
    Some(Automaton { patterns, texts })
});

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// What was recognised in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attack {
    /// Its class.
    pub class: Class,
    /// How much speaks for it: 100 and more.
    pub weight: u32,
    /// The patterns that were found, in normal form.
    pub patterns: Vec<String>,
}

/// Searches texts. One to a capture worker.
#[derive(Default)]
pub struct Search {
    rooms: Rooms,
}

impl Search {
    /// Makes the automaton where it is not made yet, so that no packet waits for it.
    #[must_use]
    pub fn new() -> Search {
        LazyLock::force(&AUTOMATON);
        Search::default()
    }

    /// The attack that a text holds.
    #[cold]
    pub fn attack(&mut self, text: &[u8]) -> Option<Attack> {
        let automaton = AUTOMATON.as_ref()?;
        let plain = self.rooms.normal(text);
        let mut weights = [0u32; PATTERNS.len()];
        let mut seen: Vec<usize> = Vec::new();
        for found in automaton.texts.find_overlapping_iter(plain) {
            let number = found.pattern().as_usize();
            let Some(pattern) = automaton.patterns.get(number) else { continue };
            if seen.contains(&number) || !stands_alone(plain, found.range(), pattern.word) {
                continue;
            }
            seen.push(number);
            if let Some(weight) = weights.get_mut(pattern.class) {
                *weight += u32::from(pattern.weight);
            }
        }
        let (place, weight) = weights.into_iter().enumerate().find(|(_, weight)| *weight >= ENOUGH)?;
        let (class, _) = PATTERNS.get(place)?;
        let patterns = seen.iter().filter_map(|number| automaton.patterns.get(*number));
        let patterns =
            patterns.filter(|pattern| pattern.class == place).map(|pattern| pattern.text.to_owned()).collect();
        Some(Attack { class: *class, weight, patterns })
    }
}

/// Whether a pattern that is a word at one of its ends is one there.
fn stands_alone(text: &[u8], range: std::ops::Range<usize>, word: [bool; 2]) -> bool {
    let [begins, ends] = word;
    let before = range.start.checked_sub(1).and_then(|at| text.get(at));
    let behind = text.get(range.end);
    // Behind a parameter's name stands `=`.
    let goes_on = |byte: &u8| is_word(*byte) || *byte == b'=';
    !(begins && before.is_some_and(|byte| is_word(*byte)) || ends && behind.is_some_and(goes_on))
}

/// What a byte says of a text it stands in.
const ODD: u8 = 1;
const DOT: u8 = 2;
const QUERY: u8 = 4;
#[allow(clippy::indexing_slicing)] // Of constants, while it is compiled.
const BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let (mut place, odd) = (0, b"\"#$%'()*+:;<>@[\\]^`{|}~");
    while place < odd.len() {
        bytes[odd[place] as usize] = ODD;
        place += 1;
    }
    bytes[b'.' as usize] = DOT;
    bytes[b'?' as usize] = QUERY;
    bytes
};

/// Whether a path and query, or a form, may hold an attack at all: one look at its bytes. Of ordinary requests few do.
#[inline]
pub(super) fn may_attack(target: &[u8], form: bool) -> bool {
    let says = target.iter().fold(0, |says, byte| says | BYTES.get(usize::from(*byte)).copied().unwrap_or(0));
    if says == 0 && !form {
        return false;
    }
    let query = form || says & QUERY != 0;
    says & ODD != 0
        || says & DOT != 0 && (query || is_hidden(target))
        || query && (speaks(target) || names_path(target))
}

/// A dot before a dot, a hidden file, or one of configuration.
fn is_hidden(path: &[u8]) -> bool {
    let [hidden] = survey(path, |lanes, behind| [lanes.pair(behind, b'.') | (lanes.equal(b'/') & behind.equal(b'.'))]);
    hidden || is_configuration(path)
}

/// A path as a value.
fn names_path(target: &[u8]) -> bool {
    let [path] = survey(target, |lanes, behind| [lanes.equal(b'=') & behind.equal(b'/')]);
    path
}

/// Names of files that no server is to hand out, and of pages of routers: whether the last element
/// of the path begins like one.
fn is_configuration(path: &[u8]) -> bool {
    let name = find_last(path, b'/').and_then(|slash| path.get(slash + 1..)).unwrap_or(path);
    let Some(first) = name.first_chunk::<3>() else { return false };
    let files: &[&[u8]] = match &first.map(|byte| byte.to_ascii_lowercase()) {
        b"wp-" => &[b"wp-config"],
        b"web" => &[b"web.config", b"web.xml"],
        b"con" => &[b"config.php", b"config.inc", b"config.json", b"configuration.php"],
        b"dat" => &[b"database.yml"],
        b"sft" => &[b"sftp-config"],
        b"app" => &[b"appsettings.json"],
        b"loc" => &[b"local.xml"],
        b"env" => &[b"env.php"],
        b"eva" => &[b"eval-stdin"],
        b"dns" => &[b"dnscfg"],
        b"ddn" => &[b"ddnsmngr"],
        b"tri" => &[b"trinity.txt"],
        _ => &[],
    };
    files.iter().any(|file| name.get(..file.len()).is_some_and(|start| start.eq_ignore_ascii_case(file)))
}

/// Numbers of devices, and names of scanners, which are but letters and digits.
fn speaks(target: &[u8]) -> bool {
    let is_word =
        |window: &[u8]| matches!(window, b"imei=" | b"imsi=" | b"ccid=" | b"IMEI=" | b"IMSI=" | b"acune" | b"jecte");
    target.windows(5).any(is_word)
}

/// Whether a body is of a kind in which attacks are sent: a form, XML, JSON, or PHP itself; and may hold one.
fn may_attack_in(body: &[u8]) -> bool {
    !body.is_empty() && !body.contains(&0) && may_attack(body, true)
}

/// The attack that a request holds: in its path and query, else in its body.
#[inline]
pub fn see(search: &mut Search, target: &[u8], body: &[u8]) -> Option<Attack> {
    let in_target = if may_attack(target, false) { search.attack(target) } else { None };
    in_target.or_else(|| if may_attack_in(body) { search.attack(body) } else { None })
}

/// Of a request.
#[cold]
pub(super) fn alarm(attack: &Attack, asked: &Asked<'_>) -> Option<Alarm> {
    let confidence = 40 + attack.weight.min(250) / 5;
    let alarm = asked.alarm(Kind::Url, attack.class.info())?;
    Some(alarm.because(confidence.min(95) as u8, format!("holds {}", attack.patterns.join(", "))))
}
