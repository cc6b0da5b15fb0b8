//! Which detectors there are, and what each says of itself.

/// A detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // Each is described by its `About`.
pub enum Detector {
    PortScanning,
    UdpScanning,
    Infection,
    WebScanning,
    DnsExhaustion,
    ExcessiveNxdomain,
    Dga,
    LongDomain,
    HttpRequest,
    DirectDownload,
    IotDownload,
    MissingHost,
    ProxyProbe,
    SuspiciousContentType,
    SeizedDomain,
    SinkholeResponse,
    Beaconing,
    DnsTunnel,
    BruteForce,
}

/// A number that a detector compares with, and that the user may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Without a setting.
    pub default: u32,
    /// Least value.
    pub least: u32,
    /// Greatest value.
    pub greatest: u32,
    /// What is counted: `more than N ...`.
    pub of: &'static str,
}

/// What a detector says of itself: of this the manual is made.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Which.
    pub detector: Detector,
    /// Its name in settings.
    pub name: &'static str,
    /// Other names that settings may use.
    pub aliases: &'static [&'static str],
    /// Whether it is on unless it is switched off; one that is not has a setting of its own.
    pub on: bool,
    /// Type and info of its events.
    pub events: &'static str,
    /// What it finds.
    pub finds: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// An example.
    pub example: &'static str,
    /// What it takes for an attack and is none.
    pub false_alarms: &'static str,
    /// How it is evaded.
    pub evaded: &'static str,
    /// What it compares with.
    pub threshold: Option<Threshold>,
}

impl Detector {
    /// All of them, in the order of the manual.
    pub const ALL: [Detector; 19] = [
        Detector::PortScanning,
        Detector::UdpScanning,
        Detector::Infection,
        Detector::WebScanning,
        Detector::DnsExhaustion,
        Detector::ExcessiveNxdomain,
        Detector::Dga,
        Detector::LongDomain,
        Detector::HttpRequest,
        Detector::DirectDownload,
        Detector::IotDownload,
        Detector::MissingHost,
        Detector::ProxyProbe,
        Detector::SuspiciousContentType,
        Detector::SeizedDomain,
        Detector::SinkholeResponse,
        Detector::Beaconing,
        Detector::DnsTunnel,
        Detector::BruteForce,
    ];

    /// What it says of itself.
    #[must_use]
    pub fn about(self) -> &'static About {
        match self {
            Detector::PortScanning => &super::port_scanning::ABOUT,
            Detector::UdpScanning => &super::udp_scanning::ABOUT,
            Detector::Infection => &super::infection::ABOUT,
            Detector::WebScanning => &super::web_scanning::ABOUT,
            Detector::DnsExhaustion => &super::dns_exhaustion::ABOUT,
            Detector::ExcessiveNxdomain => &super::excessive_nxdomain::ABOUT,
            Detector::Dga => &super::dga::ABOUT,
            Detector::LongDomain => &super::long_domain::ABOUT,
            Detector::HttpRequest => &super::http_request::ABOUT,
            Detector::DirectDownload => &super::heads::direct_download::ABOUT,
            Detector::IotDownload => &super::heads::iot_download::ABOUT,
            Detector::MissingHost => &super::heads::missing_host::ABOUT,
            Detector::ProxyProbe => &super::heads::proxy_probe::ABOUT,
            Detector::SuspiciousContentType => &super::heads::suspicious_content_type::ABOUT,
            Detector::SeizedDomain => &super::heads::seized_domain::ABOUT,
            Detector::SinkholeResponse => &super::heads::sinkhole_response::ABOUT,
            Detector::Beaconing => &super::beaconing::ABOUT,
            Detector::DnsTunnel => &super::dns_tunnel::ABOUT,
            Detector::BruteForce => &super::brute_force::ABOUT,
        }
    }

    /// The detector of that name or alias, whatever the case.
    #[must_use]
    pub fn named(name: &str) -> Option<Detector> {
        Detector::ALL.into_iter().find(|detector| {
            let about = detector.about();
            std::iter::once(&about.name).chain(about.aliases).any(|known| known.eq_ignore_ascii_case(name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_each_detector_is_where_it_says() {
        let mut names: Vec<&str> = Vec::new();
        for (place, detector) in Detector::ALL.into_iter().enumerate() {
            let about = detector.about();
            assert_eq!((about.detector, detector as usize), (detector, place));
            names.extend(std::iter::once(&about.name).chain(about.aliases).copied());
            assert_eq!(Detector::named(&about.name.to_uppercase()), Some(detector));
            assert!(about.threshold.is_none_or(|t| (t.least..=t.greatest).contains(&t.default)));
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(Detector::named("port_scanner_of_mine"), None);
    }
}
