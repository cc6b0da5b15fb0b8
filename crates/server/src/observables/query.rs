//! What can be asked for. Pure.

use std::net::IpAddr;
use std::ops::Range;

use event::observable::{self, NameError};
use ipnet::IpNet;

use super::key;

/// Names or addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// One name.
    Name(String),
    /// All names below one, without itself.
    Below(String),
    /// A name and all below it.
    Within(String),
    /// Addresses of a network; one address is a network too.
    Net(IpNet),
}

/// Why a text asks for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoQuestion {
    /// It is no name.
    #[error("{0}; ask for a name, `*.name` for what is below one, an address or a network (192.0.2.0/24)")]
    Name(#[from] NameError),
    /// An address, and behind it no length of a network.
    #[error("behind the slash stands the length of a network: 192.0.2.0/24, 2001:db8::/32")]
    Net,
}

impl Ask {
    /// Reads a name, `*.name`, an address or a network.
    ///
    /// # Errors
    /// It is none of them.
    pub fn parse(text: &str) -> Result<Ask, NoQuestion> {
        let text = text.trim();
        if let Ok(net) = text.parse::<IpNet>() {
            return Ok(Ask::Net(net.trunc()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Ask::address(address));
        }
        // A name may hold a slash (RFC 2317).
        if text.split_once('/').is_some_and(|(address, _)| address.parse::<IpAddr>().is_ok()) {
            return Err(NoQuestion::Net);
        }
        Ok(match text.strip_prefix("*.") {
            Some(name) => Ask::Below(observable::name(name)?),
            None => Ask::Name(observable::name(text)?),
        })
    }

    /// As [`Ask::parse`], but a name stands for all below it too, as an indicator does.
    ///
    /// # Errors
    /// It is neither name, address nor network.
    pub fn indicator(text: &str) -> Result<Ask, NoQuestion> {
        Ok(match Ask::parse(text)? {
            Ask::Name(name) => Ask::Within(name),
            ask => ask,
        })
    }

    /// One address.
    #[must_use]
    pub fn address(address: IpAddr) -> Ask {
        Ask::Net(address.to_canonical().into())
    }

    /// Whether it asks for names.
    #[must_use]
    pub fn is_of_names(&self) -> bool {
        !matches!(self, Ask::Net(_))
    }

    /// Its keys, ascending and apart.
    pub(super) fn ranges(&self) -> Vec<Range<Vec<u8>>> {
        match self {
            Ask::Name(name) => vec![key::one(key::of_name(name))],
            Ask::Below(name) => vec![key::below(name)],
            Ask::Within(name) => vec![key::one(key::of_name(name)), key::below(name)],
            Ask::Net(net) => vec![key::within(*net)],
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn questions() {
        let net = |text: &str| Ask::Net(text.parse().unwrap());
        for (text, ask) in [
            ("Evil.Example.", Ask::Name("evil.example".into())),
            (" *.evil.example ", Ask::Below("evil.example".into())),
            ("*.com", Ask::Below("com".into())),
            ("192.0.2.7", net("192.0.2.7/32")),
            ("::ffff:192.0.2.7", net("192.0.2.7/32")),
            ("192.0.2.7/24", net("192.0.2.0/24")),
            ("2001:db8::1", net("2001:db8::1/128")),
            ("0/25.2.0.192.in-addr.arpa", Ask::Name("0/25.2.0.192.in-addr.arpa".into())),
        ] {
            assert_eq!(Ask::parse(text), Ok(ask), "{text}");
        }
        for text in ["", " ", ".", "*.", "a..b", "\u{1}", &"a".repeat(254)] {
            assert!(matches!(Ask::parse(text), Err(NoQuestion::Name(_))), "{text}");
        }
        for text in ["192.0.2.0/33", "192.0.2.0/", "2001:db8::/x"] {
            assert_eq!(Ask::parse(text), Err(NoQuestion::Net), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_question_or_not(text in "\\PC{0,30}|[*./:0-9a-f]{0,30}") {
            if let Ok(ask) = Ask::parse(&text) {
                let ranges = ask.ranges();
                prop_assert!(ranges.iter().all(|range| range.start < range.end));
                prop_assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start));
            }
        }
    }
}
