//! What a trail's info text means, decided once when the store is built. Later code matches on these enums only.

/// What kind of thing a trail lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Named malware, ransomware, an adversary, a C2.
    Malware,
    /// Infrastructure of attacks that is no malware itself: exploit kits, traffic distribution, phishing kits.
    Malicious,
    /// Phishing.
    Phishing,
    /// Suspicious: reputation of a kind of site, not of a known threat.
    Suspicious,
    /// Free dynamic DNS.
    DynamicDns,
    /// Free web hosting.
    FreeWeb,
    /// A sinkhole of researchers or authorities.
    Sinkhole,
    /// A parking site.
    Parking,
    /// Mass scanners of the Internet.
    Scanner,
    /// Attackers, spammers, abusers, brute-forcers seen by others; bad reputation.
    Attacker,
    /// Services that tell one's own address.
    IpInfo,
    /// Tor exits, anonymising proxies, VPNs.
    Anonymizer,
    /// Anything else.
    Other,
}

/// How bad an event of it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Severity {
    /// Scanners, reputation, spammers, crawlers.
    Low,
    /// Distribution sites, C2 certificates, phishing, suspicious.
    Medium,
    /// Named malware, ransomware, adversaries, custom trails.
    High,
}

impl Severity {
    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }
}

impl Class {
    /// All of them; the place is the number in the store.
    pub const ALL: [Class; 13] = [
        Class::Malware,
        Class::Malicious,
        Class::Phishing,
        Class::Suspicious,
        Class::DynamicDns,
        Class::FreeWeb,
        Class::Sinkhole,
        Class::Parking,
        Class::Scanner,
        Class::Attacker,
        Class::IpInfo,
        Class::Anonymizer,
        Class::Other,
    ];

    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Malware => "malware",
            Class::Malicious => "malicious",
            Class::Phishing => "phishing",
            Class::Suspicious => "suspicious",
            Class::DynamicDns => "dynamic_dns",
            Class::FreeWeb => "free_web",
            Class::Sinkhole => "sinkhole",
            Class::Parking => "parking",
            Class::Scanner => "scanner",
            Class::Attacker => "attacker",
            Class::IpInfo => "ip_info",
            Class::Anonymizer => "anonymizer",
            Class::Other => "other",
        }
    }

    /// From its number in a store file.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl Severity {
    /// From its number in a store file.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Severity::Low, Severity::Medium, Severity::High].get(usize::from(number)).copied()
    }
}

/// The typed meaning of an info text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Meaning {
    /// What it lists.
    pub class: Class,
    /// How bad.
    pub severity: Severity,
    /// How sure, 0 to 100.
    pub confidence: u8,
    /// Which info wins where two list the same indicator: the higher.
    pub rank: u8,
}

/// Confidence of a trail that lists a whole top-level domain.
pub const WHOLE_TLD_CONFIDENCE: u8 = 10;

/// Infos that say nothing specific and never replace one that does.
const LOW_PRIORITY: [&str; 7] =
    ["reputation", "attacker", "spammer", "abuser", "crawler", "compromised", "bad history"];
/// Words of infos without a class in parentheses that name a threat.
const THREATS: [&str; 11] =
    ["malware", "ransomware", "trojan", "botnet", "c2", "c&c", "stealer", "backdoor", "adversary", "worm", "rat"];

/// Decides what an info text means. `custom`: from the user's own lists.
#[must_use]
pub fn meaning(info: &str, custom: bool) -> Meaning {
    let info = info.to_ascii_lowercase();
    let (base, group) = match info.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) {
        Some((base, group)) => (base, group),
        None => (info.as_str(), ""),
    };
    let (class, severity, confidence) = decide(base, group);
    let low = LOW_PRIORITY.iter().any(|word| base.contains(word));
    let always = base.starts_with("mass scanner") || base.starts_with("ipinfo");
    let rank = match () {
        () if always => 3,
        () if custom => 2,
        () if low => 0,
        () => 1,
    };
    if custom {
        let class = if class == Class::Other { Class::Malware } else { class };
        return Meaning { class, severity: Severity::High, confidence: 100, rank };
    }
    Meaning { class, severity, confidence, rank }
}

fn decide(base: &str, group: &str) -> (Class, Severity, u8) {
    use Severity::{High, Low, Medium};
    let has = |word: &str| base.contains(word);
    let word = |wanted: &str| base.split(|c: char| !c.is_ascii_alphanumeric() && c != '&').any(|w| w == wanted);
    let of_group = match group {
        "malware" => Some((Class::Malware, High, 90)),
        "malicious" if has("ransomware") || word("apt") => Some((Class::Malware, High, 90)),
        "malicious" => Some((Class::Malicious, Medium, 80)),
        "suspicious" => Some((Class::Suspicious, Medium, 60)),
        _ => None,
    };
    // What an address or name *is* goes before how its file is grouped.
    match () {
        () if word("sinkhole") || word("sinkholed") => (Class::Sinkhole, of_group.map_or(Medium, |g| g.1), 90),
        () if has("parking") || has("parked") => (Class::Parking, Low, 60),
        () if has("scanner") || has("crawler") => (Class::Scanner, Low, 80),
        () if has("attacker") || has("spammer") || has("abuser") || has("brute") => (Class::Attacker, Low, 50),
        () if has("reputation") || has("bad history") || has("compromised") => (Class::Suspicious, Low, 40),
        () if has("phishing") => (Class::Phishing, Medium, 80),
        () if group == "malware" => (Class::Malware, High, 90),
        () if has("dynamic domain") || has("dynamic dns") => (Class::DynamicDns, Medium, 40),
        () if has("free web hosting") => (Class::FreeWeb, Medium, 40),
        () if word("ipinfo") => (Class::IpInfo, Low, 60),
        () if has("web proxy") || has("tor exit") || has("anonym") || word("vpn") || word("onion") => {
            (Class::Anonymizer, Medium, 60)
        }
        () if group.is_empty() => ungrouped(base, word),
        () => of_group.unwrap_or((Class::Other, Medium, 60)),
    }
}

/// Infos of feeds name no group.
fn ungrouped(base: &str, word: impl Fn(&str) -> bool) -> (Class, Severity, u8) {
    let has = |wanted: &str| base.contains(wanted);
    if has("certificate") {
        return (Class::Malware, Severity::Medium, 80);
    }
    if has("distribution") || has("download") {
        return (Class::Malicious, Severity::Medium, 80);
    }
    if word("apt") || THREATS.iter().any(|threat| word(threat)) || has("ransomware") {
        return (Class::Malware, Severity::High, 80);
    }
    if has("malicious") {
        return (Class::Malicious, Severity::Medium, 70);
    }
    (Class::Other, Severity::Medium, 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meanings() {
        let cases = [
            ("asyncrat (malware)", Class::Malware, Severity::High),
            ("apt kimsuky (malware)", Class::Malware, Severity::High),
            ("ek clearfake (malicious)", Class::Malicious, Severity::Medium),
            ("pua (suspicious)", Class::Suspicious, Severity::Medium),
            ("mass scanner", Class::Scanner, Severity::Low),
            ("mass scanner cidr", Class::Scanner, Severity::Low),
            ("bad history (suspicious)", Class::Suspicious, Severity::Low),
            ("known attacker", Class::Attacker, Severity::Low),
            ("spammer", Class::Attacker, Severity::Low),
            ("sinkhole cydef (malware)", Class::Sinkhole, Severity::High),
            ("parking site (suspicious)", Class::Parking, Severity::Low),
            ("dynamic domain (suspicious)", Class::DynamicDns, Severity::Medium),
            ("free web hosting (suspicious)", Class::FreeWeb, Severity::Medium),
            ("ipinfo (suspicious)", Class::IpInfo, Severity::Low),
            ("anonymous web proxy (suspicious)", Class::Anonymizer, Severity::Medium),
            ("phishing", Class::Phishing, Severity::Medium),
            ("malware distribution", Class::Malicious, Severity::Medium),
            ("cobaltstrike c2 certificate", Class::Malware, Severity::Medium),
            ("ransomware", Class::Malware, Severity::High),
            ("teapot", Class::Other, Severity::Medium),
        ];
        for (info, class, severity) in cases {
            let meaning = meaning(info, false);
            assert_eq!((meaning.class, meaning.severity), (class, severity), "{info}");
        }
    }

    #[test]
    fn custom_is_high() {
        let custom = meaning("our list", true);
        assert_eq!((custom.class, custom.severity, custom.confidence), (Class::Malware, Severity::High, 100));
    }

    #[test]
    fn ranks() {
        let rank = |info, custom| meaning(info, custom).rank;
        assert!(rank("mass scanner", false) > rank("dprk", true));
        assert!(rank("dprk", true) > rank("asyncrat (malware)", false));
        assert!(rank("asyncrat (malware)", false) > rank("bad history (suspicious)", false));
    }

    #[test]
    fn numbers_are_the_enum_s() {
        for class in Class::ALL {
            assert_eq!(Class::from_number(class as u8), Some(class));
        }
        assert_eq!(Class::from_number(13), None);
        assert_eq!(Severity::from_number(Severity::High as u8), Some(Severity::High));
    }
}
