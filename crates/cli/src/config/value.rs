//! The types a setting can have: text to value, value to text, and a sentence on what is accepted.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use detect::ThrottleMode;
use ipnet::IpNet;
use jiff::tz::TimeZone;

use super::Environment;

/// What a value is read with.
pub(crate) struct Place<'a> {
    /// The machine.
    pub(crate) environment: &'a Environment,
    /// Relative paths start here: the directory of the configuration file.
    pub(crate) directory: &'a Path,
}

/// A type of setting.
pub(crate) trait Setting: Sized {
    /// Reads it. The error says what is wrong, without the key's name.
    fn parse(text: &str, place: &Place<'_>) -> Result<Self, String>;
    /// Writes it so that [`Setting::parse`] gives the same value.
    fn show(&self) -> String;
    /// What is accepted, for the reference and for messages: "a number from 1 to 10".
    fn accepts() -> String;
    /// A value before any is read.
    fn empty() -> Self;
    /// Whether it is written as an indented block below its key.
    const BLOCK: bool = false;
}

impl Setting for bool {
    fn empty() -> Self {
        false
    }
    fn parse(text: &str, _: &Place<'_>) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(wrong(text, &Self::accepts())),
        }
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn accepts() -> String {
        "true or false (also 1/0, yes/no, on/off)".to_string()
    }
}

/// A whole number within bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Number<const MIN: u64, const MAX: u64>(pub(crate) u64);

impl<const MIN: u64, const MAX: u64> Setting for Number<MIN, MAX> {
    fn empty() -> Self {
        Number(MIN)
    }
    fn parse(text: &str, _: &Place<'_>) -> Result<Self, String> {
        match text.parse() {
            Ok(number) if (MIN..=MAX).contains(&number) => Ok(Number(number)),
            _ => Err(wrong(text, &Self::accepts())),
        }
    }
    fn show(&self) -> String {
        self.0.to_string()
    }
    fn accepts() -> String {
        if MAX == u64::MAX { format!("a number, {MIN} or more") } else { format!("a number from {MIN} to {MAX}") }
    }
}

/// A decimal number within bounds (given in whole numbers).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Decimal<const MIN: i64, const MAX: i64>(pub(crate) f64);

impl<const MIN: i64, const MAX: i64> Setting for Decimal<MIN, MAX> {
    fn empty() -> Self {
        Decimal(MIN as f64)
    }
    fn parse(text: &str, _: &Place<'_>) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(number) if number >= MIN as f64 && number <= MAX as f64 => Ok(Decimal(number)),
            _ => Err(wrong(text, &Self::accepts())),
        }
    }
    fn show(&self) -> String {
        self.0.to_string()
    }
    fn accepts() -> String {
        format!("a decimal number from {MIN} to {MAX}")
    }
}

/// An amount of memory, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl Setting for Size {
    fn empty() -> Self {
        Size(0)
    }
    fn parse(text: &str, place: &Place<'_>) -> Result<Self, String> {
        let bad = || wrong(text, &Self::accepts());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or_else(bad)?;
        let number: u64 = number.parse().map_err(|_| bad())?;
        let bytes = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => Some(number),
            "k" | "kb" | "kib" => number.checked_mul(1 << 10),
            "m" | "mb" | "mib" => number.checked_mul(1 << 20),
            "g" | "gb" | "gib" => number.checked_mul(1 << 30),
            "%" if number > 100 => return Err(bad()),
            "%" if place.environment.memory_bytes == 0 => {
                return Err(format!(
                    "'{text}' cannot be worked out here (memory size unknown): write bytes, kB, MB or GB"
                ));
            }
            "%" => (place.environment.memory_bytes / 100).checked_mul(number),
            _ => return Err(bad()),
        };
        bytes.map(Size).ok_or_else(bad)
    }
    fn show(&self) -> String {
        self.0.to_string()
    }
    fn accepts() -> String {
        "a size: bytes, kB, MB, GB, or % of memory (512MB, 10%)".to_string()
    }
}

impl Setting for String {
    fn empty() -> Self {
        String::new()
    }
    fn parse(text: &str, _: &Place<'_>) -> Result<Self, String> {
        Ok(text.to_string())
    }
    fn show(&self) -> String {
        self.clone()
    }
    fn accepts() -> String {
        "text".to_string()
    }
}

impl Setting for PathBuf {
    fn empty() -> Self {
        PathBuf::new()
    }
    fn parse(text: &str, place: &Place<'_>) -> Result<Self, String> {
        if text.contains('\0') {
            return Err("a path cannot hold a NUL character".to_string());
        }
        Ok(place.environment.path(text, place.directory))
    }
    fn show(&self) -> String {
        self.to_string_lossy().into_owned()
    }
    fn accepts() -> String {
        "a path; a relative one starts at the configuration file's directory".to_string()
    }
}

/// Without a value there is none.
impl<T: Setting> Setting for Option<T> {
    fn empty() -> Self {
        None
    }
    fn parse(text: &str, place: &Place<'_>) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::parse(text, place).map(Some) }
    }
    fn show(&self) -> String {
        self.as_ref().map(T::show).unwrap_or_default()
    }
    fn accepts() -> String {
        T::accepts()
    }
}

/// Several values, separated by commas or spaces.
impl<T: Setting> Setting for Vec<T> {
    fn empty() -> Self {
        Vec::new()
    }
    fn parse(text: &str, place: &Place<'_>) -> Result<Self, String> {
        let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
        words.map(|word| T::parse(word, place)).collect()
    }
    fn show(&self) -> String {
        self.iter().map(T::show).collect::<Vec<_>>().join(",")
    }
    fn accepts() -> String {
        format!("{}; several separated by commas", T::accepts())
    }
}

/// A listening address.
impl Setting for SocketAddr {
    fn empty() -> Self {
        SocketAddr::from(([0, 0, 0, 0], 0))
    }
    fn parse(text: &str, _: &Place<'_>) -> Result<Self, String> {
        let text_with_host = match text.strip_prefix(':') {
            Some(port) if !port.contains(':') => format!("127.0.0.1:{port}"),
            _ => text.replacen("localhost:", "127.0.0.1:", 1),
        };
        text_with_host.parse().map_err(|_| wrong(text, &Self::accepts()))
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn accepts() -> String {
        "address:port (127.0.0.1:9100, [::1]:9100; :9100 listens on 127.0.0.1)".to_string()
    }
}

/// An address or a network.
impl Setting for IpNet {
    fn empty() -> Self {
        IpNet::from(std::net::IpAddr::from([0, 0, 0, 0]))
    }
    fn parse(text: &str, _: &Place<'_>) -> Result<Self, String> {
        let network = text.parse().or_else(|_| text.parse().map(|address: std::net::IpAddr| IpNet::from(address)));
        network.map_err(|_| wrong(text, &Self::accepts()))
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn accepts() -> String {
        "an address or a network (10.0.0.0/8)".to_string()
    }
}

/// Where something is sent: host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Setting for Remote {
    fn empty() -> Self {
        Remote { host: String::new(), port: 0 }
    }
    fn parse(text: &str, _: &Place<'_>) -> Result<Self, String> {
        let bad = || wrong(text, &Self::accepts());
        let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(bad)?;
        let bracketed = host.starts_with('[') && host.ends_with(']');
        if host.is_empty() || (host.contains(':') && !bracketed) {
            return Err(bad());
        }
        Ok(Remote { host: host.to_string(), port })
    }
    fn show(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
    fn accepts() -> String {
        "host:port ([address]:port for IPv6)".to_string()
    }
}

/// Who gets the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogServer {
    /// Over UDP.
    Datagrams(Remote),
    /// Over HTTPS: the URL without a slash at its end.
    Https(String),
}

impl Setting for LogServer {
    fn empty() -> Self {
        LogServer::Datagrams(Remote::empty())
    }
    fn parse(text: &str, place: &Place<'_>) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Remote::parse(text, place).map(LogServer::Datagrams).map_err(|_| wrong(text, &Self::accepts()));
        };
        let rest = rest.trim_end_matches('/');
        let plain = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"@?#\"'<>\\".contains(&byte));
        if !scheme.eq_ignore_ascii_case("https") || rest.is_empty() || rest.starts_with(['/', ':']) || !plain {
            return Err(wrong(text, &Self::accepts()));
        }
        Ok(LogServer::Https(format!("https://{rest}")))
    }
    fn show(&self) -> String {
        match self {
            LogServer::Datagrams(remote) => remote.show(),
            LogServer::Https(url) => url.clone(),
        }
    }
    fn accepts() -> String {
        format!("{}, or https://host:port", Remote::accepts())
    }
}

/// A URL of the web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebUrl(pub(crate) String);

impl Setting for WebUrl {
    fn empty() -> Self {
        WebUrl(String::new())
    }
    fn parse(text: &str, _: &Place<'_>) -> Result<Self, String> {
        let is = is_url(text, &["http://", "https://"]);
        if is { Ok(WebUrl(text.to_string())) } else { Err(wrong(text, &Self::accepts())) }
    }
    fn show(&self) -> String {
        self.0.clone()
    }
    fn accepts() -> String {
        "a URL that begins with http:// or https://".to_string()
    }
}

/// Whether a URL begins with one of the schemes and goes on with a host.
fn is_url(text: &str, schemes: &[&str]) -> bool {
    let lower = text.to_ascii_lowercase();
    let rest = schemes.iter().find_map(|scheme| lower.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proxy(pub(crate) String);

impl Setting for Proxy {
    fn empty() -> Self {
        Proxy(String::new())
    }
    fn parse(text: &str, _: &Place<'_>) -> Result<Self, String> {
        let is = is_url(text, &["http://", "https://", "socks5://"]);
        if is { Ok(Proxy(text.to_string())) } else { Err(wrong(text, &Self::accepts())) }
    }
    fn show(&self) -> String {
        self.0.clone()
    }
    fn accepts() -> String {
        "a URL that begins with http://, https:// or socks5://".to_string()
    }
}

/// A zone of the IANA Time Zone Database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone(pub(crate) TimeZone);

impl Setting for Zone {
    fn empty() -> Self {
        Zone(TimeZone::UTC)
    }
    fn parse(text: &str, _: &Place<'_>) -> Result<Self, String> {
        TimeZone::get(text).map(Zone).map_err(|_| wrong(text, &Self::accepts()))
    }
    fn show(&self) -> String {
        self.0.iana_name().unwrap_or_default().to_string()
    }
    fn accepts() -> String {
        "the name of a time zone (UTC, Europe/Zagreb)".to_string()
    }
}

/// A regular expression of which only the form is checked here. Look-around is accepted, because files in use
/// have it; whoever compiles the expression decides what to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(pub(crate) String);

impl Setting for Pattern {
    fn empty() -> Self {
        Pattern(String::new())
    }
    fn parse(text: &str, _: &Place<'_>) -> Result<Self, String> {
        let looks_around = ["(?!", "(?=", "(?<!", "(?<="].iter().any(|mark| text.contains(mark));
        if !looks_around && let Err(error) = regex_automata::util::syntax::parse(text) {
            let last = error.to_string();
            let last = last.lines().last().unwrap_or_default();
            return Err(format!("'{text}' is no regular expression: {}", last.trim_start_matches("error: ")));
        }
        Ok(Pattern(text.to_string()))
    }
    fn show(&self) -> String {
        self.0.clone()
    }
    fn accepts() -> String {
        "a regular expression".to_string()
    }
}

/// How many workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workers {
    /// One for every core.
    All,
    /// So many; 0 means that the setting says nothing.
    Count(u64),
}

/// Most capture workers that can be asked for.
pub(crate) const MAX_WORKERS: u64 = 256;

impl Setting for Workers {
    fn empty() -> Self {
        Workers::Count(0)
    }
    fn parse(text: &str, _: &Place<'_>) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "auto" | "true" | "yes" | "on" => Ok(Workers::All),
            "false" | "no" | "off" => Ok(Workers::Count(0)),
            number => match number.parse() {
                Ok(count) if count <= MAX_WORKERS => Ok(Workers::Count(count)),
                _ => Err(wrong(text, &Self::accepts())),
            },
        }
    }
    fn show(&self) -> String {
        match self {
            Workers::All => "auto".to_string(),
            Workers::Count(count) => count.to_string(),
        }
    }
    fn accepts() -> String {
        format!("a number up to {MAX_WORKERS}, or auto (one for every core)")
    }
}

impl Setting for ThrottleMode {
    fn empty() -> Self {
        ThrottleMode::Summarize
    }
    fn parse(text: &str, _: &Place<'_>) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            // `legacy` was a third mode of older versions: it dropped repeats without counting them.
            "summarize" | "legacy" => Ok(ThrottleMode::Summarize),
            "off" => Ok(ThrottleMode::Off),
            _ => Err(wrong(text, &Self::accepts())),
        }
    }
    fn show(&self) -> String {
        match self {
            ThrottleMode::Summarize => "summarize".to_string(),
            ThrottleMode::Off => "off".to_string(),
        }
    }
    fn accepts() -> String {
        "summarize or off (legacy means summarize)".to_string()
    }
}

/// The entries of a block, one a line, as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block<C: Entry>(pub(crate) Vec<String>, std::marker::PhantomData<C>);

/// What an entry of a block has to look like.
pub(crate) trait Entry: Clone + fmt::Debug + Default {
    /// For messages: "name:hash:uid:networks".
    const FORM: &'static str;
    /// Whether the entry has that form.
    fn fits(entry: &str) -> bool;
}

impl<C: Entry> Setting for Block<C> {
    fn empty() -> Self {
        Block(Vec::new(), std::marker::PhantomData)
    }
    fn parse(text: &str, _: &Place<'_>) -> Result<Self, String> {
        let entries: Vec<String> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Into::into).collect();
        match entries.iter().find(|entry| !C::fits(entry)) {
            Some(entry) => Err(wrong(entry, &Self::accepts())),
            None => Ok(Block(entries, std::marker::PhantomData)),
        }
    }
    fn show(&self) -> String {
        self.0.join("\n")
    }
    fn accepts() -> String {
        format!("indented lines of the form {}", C::FORM)
    }
    const BLOCK: bool = true;
}

/// `USERS`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User;

impl Entry for User {
    const FORM: &'static str = "name:hash:uid:networks";
    fn fits(entry: &str) -> bool {
        // The last part may hold colons: it can be an IPv6 network.
        let parts: Vec<&str> = entry.splitn(4, ':').collect();
        match parts.as_slice() {
            [name, hash, uid, _] => !name.is_empty() && !hash.is_empty() && uid.parse::<u32>().is_ok(),
            _ => false,
        }
    }
}

/// `IP_ALIASES`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Alias;

impl Entry for Alias {
    const FORM: &'static str = "address:name (address, network or range)";
    fn fits(entry: &str) -> bool {
        let Some((address, name)) = entry.rsplit_once(':') else { return false };
        let ends = address.splitn(2, '-');
        let known = |end: &str| {
            let end = end.trim_matches(['[', ']']);
            end.parse::<IpNet>().is_ok() || end.parse::<std::net::IpAddr>().is_ok()
        };
        !name.trim().is_empty() && ends.into_iter().all(known)
    }
}

/// `BLACKLIST*`: conditions on an event's columns, joined by `and`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule;

impl Entry for Rule {
    const FORM: &'static str = "column ~ expression (or !~), joined by `and`";
    fn fits(entry: &str) -> bool {
        entry.split(" and ").all(|condition| {
            let mut words = condition.trim().splitn(3, char::is_whitespace);
            let column = words.next().is_some_and(|column| !column.is_empty());
            column
                && matches!(words.next(), Some("~" | "!~"))
                && words.next().is_some_and(|rest| !rest.trim().is_empty())
        })
    }
}

/// `BLACKLIST`, `BLACKLIST_NAME`: several blocks under keys that begin alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Blocks(pub(crate) BTreeMap<String, Block<Rule>>);

fn wrong(text: &str, accepts: &str) -> String {
    if text.is_empty() { format!("needs a value: {accepts}") } else { format!("'{text}' is not {accepts}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<T: Setting>(text: &str) -> Result<T, String> {
        let environment = Environment { memory_bytes: 1 << 30, ..Environment::default() };
        T::parse(text, &Place { environment: &environment, directory: Path::new("/etc/maltrail") })
    }

    #[test]
    fn switches() {
        for (text, want) in [("true", true), ("0", false), ("YES", true), ("Off", false), ("1", true)] {
            assert_eq!(parse::<bool>(text), Ok(want));
        }
        assert!(parse::<bool>("maybe").unwrap_err().contains("'maybe' is not true or false"));
        assert!(parse::<bool>("").unwrap_err().starts_with("needs a value"));
    }

    #[test]
    fn numbers_stay_within_bounds() {
        type Port = Number<1, 65535>;
        assert_eq!(parse::<Port>("1"), Ok(Number(1)));
        assert_eq!(parse::<Port>("65535"), Ok(Number(65535)));
        for bad in ["0", "65536", "-1", "8338x", "", "99999999999999999999999"] {
            assert!(parse::<Port>(bad).is_err(), "{bad}");
        }
        assert_eq!(parse::<Decimal<0, 1>>("0.5"), Ok(Decimal(0.5)));
        for bad in ["1.1", "-0.1", "NaN", "inf", "half"] {
            assert!(parse::<Decimal<0, 1>>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        for (text, want) in [
            ("0", 0),
            ("4096", 4096),
            ("512MB", 512 << 20),
            ("2 GB", 2 << 30),
            ("64kb", 64 << 10),
            ("10%", (1 << 30) / 100 * 10),
            ("100 %", (1 << 30) / 100 * 100),
        ] {
            assert_eq!(parse::<Size>(text), Ok(Size(want)), "{text}");
        }
        for bad in ["MB", "12XB", "101%", "-1", "99999999999GB", "1.5GB", "½GB"] {
            assert!(parse::<Size>(bad).is_err(), "{bad}");
        }
        let unknown = Environment::default();
        let place = Place { environment: &unknown, directory: Path::new("/") };
        assert!(Size::parse("10%", &place).unwrap_err().contains("memory size unknown"));
    }

    #[test]
    fn addresses_and_places() {
        assert_eq!(parse::<SocketAddr>(":9100").unwrap().to_string(), "127.0.0.1:9100");
        assert_eq!(parse::<SocketAddr>("localhost:1").unwrap().to_string(), "127.0.0.1:1");
        assert_eq!(parse::<SocketAddr>("[::1]:9100").unwrap().to_string(), "[::1]:9100");
        assert!(parse::<SocketAddr>("9100").is_err());
        assert!(parse::<Remote>("[fe80::1%eno1]:8337").is_ok());
        assert!(parse::<Remote>("logs.example:8337").is_ok());
        let https = |url: &str| Ok(LogServer::Https(url.to_owned()));
        assert_eq!(parse::<LogServer>("HTTPS://logs.example:8338/"), https("https://logs.example:8338"));
        assert_eq!(parse::<LogServer>("https://[::1]:8338/maltrail"), https("https://[::1]:8338/maltrail"));
        assert!(matches!(parse::<LogServer>("logs.example:8337"), Ok(LogServer::Datagrams(_))));
        for bad in ["http://logs.example", "https://", "https:///x", "https://:8338", "https://a@b", "https://a?b", "a"]
        {
            assert!(parse::<LogServer>(bad).is_err(), "{bad}");
        }
        for bad in ["logs.example", "fe80::1:8337", ":8337", "a:0", "a:b"] {
            assert!(parse::<Remote>(bad).is_err(), "{bad}");
        }
        assert_eq!(parse::<Vec<IpNet>>("10.0.0.0/8, 192.0.2.1").unwrap().len(), 2);
        assert!(parse::<Vec<IpNet>>("10.0.0.0/8,x").is_err());
        assert!(parse::<WebUrl>("ftp://x").is_err());
        assert!(parse::<WebUrl>("https://x/y").is_ok());
    }

    #[test]
    fn expressions_may_look_around_but_not_be_broken() {
        assert!(parse::<Pattern>(r"(?P<high>malware(?! (distribution|site)))").is_ok());
        assert!(parse::<Pattern>("a|b").is_ok());
        assert!(parse::<Pattern>("a(b").unwrap_err().contains("no regular expression"));
    }

    #[test]
    fn blocks_check_their_entries() {
        let hash = "0".repeat(64);
        assert!(parse::<Block<User>>(&format!("admin:{hash}:0:\n  v6:{hash}:1004:::")).is_ok());
        for bad in ["admin", "admin:x:0", ":x:0:", "admin:x:root:"] {
            assert!(parse::<Block<User>>(bad).is_err(), "{bad}");
        }
        assert!(
            parse::<Block<Alias>>("8.8.8.8:google\n192.0.2.1-192.0.2.9:lab\n2001:db8::1:router\n10.0.0.0/8:in").is_ok()
        );
        assert!(parse::<Block<Alias>>("google:8.8.8.8").is_err());
        assert!(parse::<Block<Rule>>("src_ip !~ ^192\\.168\\. and dst_port ~ ^22$").is_ok());
        assert!(parse::<Block<Rule>>("type = DNS").is_err());
    }

    #[test]
    fn workers() {
        assert_eq!(parse::<Workers>("auto"), Ok(Workers::All));
        assert_eq!(parse::<Workers>("256"), Ok(Workers::Count(256)));
        assert!(parse::<Workers>("257").is_err());
        assert!(parse::<Workers>("many").is_err());
    }
}
