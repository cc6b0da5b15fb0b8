//! What the grammar changes in a text to make an indicator of it.

use std::fmt;
use std::net::IpAddr;

use crate::indicator::Indicator;

/// A change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mend {
    /// `http://` and the like are dropped.
    Scheme,
    /// `www.` in front of a name is dropped.
    Www,
    /// A name stands for what is below it: `*.` in front says nothing.
    Below,
    /// Letters are made small.
    Case,
    /// A name in other letters than ASCII is written as on the wire.
    International,
    /// Dots at the ends of a name are dropped.
    Dots,
    /// Slashes at the end are dropped.
    Slash,
    /// A network is written by its first address.
    FirstAddress,
    /// A network of one address is that address.
    Single,
    /// A name with `*` is made a regular expression.
    Wildcard,
    /// An address is written in its usual form.
    Spelling,
}

impl Mend {
    /// In a word, for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mend::Scheme => "scheme",
            Mend::Www => "www",
            Mend::Below => "below",
            Mend::Case => "case",
            Mend::International => "international",
            Mend::Dots => "dots",
            Mend::Slash => "slash",
            Mend::FirstAddress => "first_address",
            Mend::Single => "single",
            Mend::Wildcard => "wildcard",
            Mend::Spelling => "spelling",
        }
    }
}

impl fmt::Display for Mend {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Mend::Scheme => "without its scheme",
            Mend::Www => "without www.",
            Mend::Below => "without *., which a name stands for anyway",
            Mend::Case => "in small letters",
            Mend::International => "as it is written in traffic",
            Mend::Dots => "without dots at its ends",
            Mend::Slash => "without a slash at its end",
            Mend::FirstAddress => "by its first address",
            Mend::Single => "a network of one address",
            Mend::Wildcard => "the wildcard as an expression",
            Mend::Spelling => "in its usual form",
        })
    }
}

/// What was changed in a text to read it as an indicator; nothing where it is displayed as it stands.
pub(super) fn of(text: &str, indicator: &Indicator<'_>) -> Vec<Mend> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let shown = indicator.to_string();
    if shown == text {
        return Vec::new();
    }
    let mut mends = Vec::new();
    let mut add = |mend: Mend, when: bool| {
        if when {
            mends.push(mend);
        }
    };
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    add(Mend::Scheme, rest.len() < text.len());
    match indicator {
        Indicator::Name(_) => {
            let name = rest.trim_start_matches("*.");
            add(Mend::Below, name.len() < rest.len());
            let start = name.get(..4).unwrap_or_default();
            add(Mend::Www, start.eq_ignore_ascii_case("www.") && !shown.starts_with("www."));
            add(Mend::Dots, name.trim_matches('.').len() < name.len());
        }
        Indicator::Url(_) | Indicator::Path(_) | Indicator::Endpoint(..) => {
            add(Mend::Slash, rest.ends_with('/') && !shown.ends_with('/'));
        }
        Indicator::Network(network) => {
            let written = rest.split('/').next().and_then(|address| address.parse::<IpAddr>().ok());
            add(Mend::FirstAddress, written.is_some_and(|written| written != network.address));
        }
        Indicator::Address(_) => add(Mend::Single, rest.contains('/')),
        Indicator::Pattern(_) => add(Mend::Wildcard, true),
        Indicator::CertificateSha1(_) | Indicator::Ja3(_) | Indicator::Ja4(_) => {}
    }
    let written = matches!(indicator, Indicator::Name(_) | Indicator::Url(_));
    add(Mend::International, written && !rest.is_ascii());
    let letters = !matches!(indicator, Indicator::Pattern(_)) && rest.bytes().any(|byte| byte.is_ascii_uppercase());
    add(Mend::Case, letters);
    if mends.is_empty() {
        mends.push(Mend::Spelling);
    }
    mends
}
