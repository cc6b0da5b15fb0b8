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
