//! What a trail's info text means, decided once when the store is built.

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

impl Class {
    /// All of them; the place is the number in the store.
    pub const ALL: &'static [Class] = &[
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
}

/// Words in an info text, the first that is found decides.
const WORDS: &[(&str, Class)] = &[
    ("sinkhole", Class::Sinkhole),
    ("parking", Class::Parking),
    ("parked", Class::Parking),
    ("mass scanner", Class::Scanner),
    ("crawler", Class::Scanner),
    ("scanner", Class::Scanner),
    ("ipinfo", Class::IpInfo),
    ("dynamic domain", Class::DynamicDns),
    ("dynamic dns", Class::DynamicDns),
    ("free web", Class::FreeWeb),
    ("(malware)", Class::Malware),
    ("ransomware", Class::Malware),
    ("apt ", Class::Malware),
    ("phishing", Class::Phishing),
    ("phishtank", Class::Phishing),
    ("(malicious)", Class::Malicious),
    ("tor exit", Class::Anonymizer),
    ("anonymous", Class::Anonymizer),
    ("proxy", Class::Anonymizer),
    ("vpn", Class::Anonymizer),
    ("attacker", Class::Attacker),
    ("spammer", Class::Attacker),
    ("abuser", Class::Attacker),
    ("compromised", Class::Attacker),
    ("bad history", Class::Attacker),
    ("reputation", Class::Attacker),
    ("bruteforce", Class::Attacker),
    ("malware", Class::Malware),
    ("malicious", Class::Malicious),
    ("(suspicious)", Class::Suspicious),
    ("suspicious", Class::Suspicious),
];

/// Class, severity and confidence (0 to 100) of an info text; `custom` where the user's own list says it.
#[must_use]
pub fn classify(info: &str, custom: bool) -> (Class, Severity, u8) {
    let lower = info.to_lowercase();
    let class = WORDS.iter().find(|(word, _)| lower.contains(word)).map_or(Class::Other, |(_, class)| *class);
    let severity = match class {
        Class::Malware => Severity::High,
        Class::Malicious | Class::Phishing | Class::Sinkhole | Class::Other => Severity::Medium,
        Class::Suspicious if lower.contains("c2") => Severity::Medium,
        Class::Suspicious | Class::Parking | Class::DynamicDns | Class::FreeWeb | Class::Anonymizer => Severity::Medium,
        Class::Scanner | Class::Attacker | Class::IpInfo => Severity::Low,
    };
    let confidence = match class {
        Class::Malware | Class::Sinkhole => 90,
        Class::Malicious | Class::Phishing => 80,
        Class::Scanner | Class::Attacker => 60,
        _ => 50,
    };
    if custom { (class, Severity::High, 100) } else { (class, severity, confidence) }
}
