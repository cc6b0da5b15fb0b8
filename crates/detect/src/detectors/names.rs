//! Names as detectors look at them: whose they are, and how they are made.

use crate::survey::find_last;

/// Domains whose names are made by machines in numbers: lists that are asked by DNS, look-ups of security software by
/// hash, hosting of others' sites, content networks, connectivity checks. What is counted of names is not of these.
const MACHINES: &[&[u8]] = &[
    b"spamhaus.org",
    b"spamhaus.net",
    b"spamcop.net",
    b"sorbs.net",
    b"barracudacentral.org",
    b"surbl.org",
    b"uribl.com",
    b"dnswl.org",
    b"senderscore.com",
    b"mailspike.net",
    b"mailspike.org",
    b"abuseat.org",
    b"abusix.zone",
    b"njabl.org",
    b"cymru.com",
    b"shadowserver.org",
    b"invaluement.com",
    b"dnsbl.info",
    b"uceprotect.net",
    b"psbl.org",
    b"blocklist.de",
    b"sophosxl.net",
    b"sophosxl.com",
    b"mcafee.com",
    b"trellix.com",
    b"avast.com",
    b"avcdn.net",
    b"avg.com",
    b"e5.sk",
    b"eset.com",
    b"kaspersky.com",
    b"kaspersky-labs.com",
    b"trendmicro.com",
    b"symantec.com",
    b"norton.com",
    b"bitdefender.net",
    b"bitdefender.com",
    b"fortinet.net",
    b"fortiguard.net",
    b"cloudmark.com",
    b"webrootcloudav.com",
    b"opendns.com",
    b"umbrella.com",
    b"zvelo.com",
    b"brightcloud.com",
    b"akamai.net",
    b"akamai.com",
    b"akamaiedge.net",
    b"akamaihd.net",
    b"akamaized.net",
    b"akadns.net",
    b"akaquill.net",
    b"edgekey.net",
    b"edgesuite.net",
    b"cloudfront.net",
    b"amazonaws.com",
    b"awsglobalaccelerator.com",
    b"elasticbeanstalk.com",
    b"azure.com",
    b"azureedge.net",
    b"azurefd.net",
    b"azurewebsites.net",
    b"windows.net",
    b"trafficmanager.net",
    b"cloudapp.net",
    b"msedge.net",
    b"office.com",
    b"office365.com",
    b"outlook.com",
    b"live.com",
    b"microsoft.com",
    b"windowsupdate.com",
    b"skype.com",
    b"sharepoint.com",
    b"google.com",
    b"googleapis.com",
    b"googleusercontent.com",
    b"googlevideo.com",
    b"googlesyndication.com",
    b"googlehosted.com",
    b"gvt1.com",
    b"gvt2.com",
    b"ggpht.com",
    b"doubleclick.net",
    b"blogspot.com",
    b"appspot.com",
    b"withgoogle.com",
    b"goog",
    b"fbcdn.net",
    b"facebook.com",
    b"whatsapp.net",
    b"apple.com",
    b"icloud.com",
    b"icloud-content.com",
    b"aaplimg.com",
    b"mzstatic.com",
    b"fastly.net",
    b"fastlylb.net",
    b"cloudflare.net",
    b"cloudflare.com",
    b"cdn77.org",
    b"edgecastcdn.net",
    b"llnwd.net",
    b"lldns.net",
    b"nflxvideo.net",
    b"netflix.com",
    b"nflximg.com",
    b"ttvnw.net",
    b"tiktokcdn.com",
    b"tiktokv.com",
    b"bytefcdn-oversea.com",
    b"alicdn.com",
    b"aliyuncs.com",
    b"myqcloud.com",
    b"qcloud.com",
    b"tencent-cloud.net",
    b"herokuapp.com",
    b"herokudns.com",
    b"wordpress.com",
    b"tumblr.com",
    b"github.io",
    b"netlify.app",
    b"vercel.app",
    b"pages.dev",
    b"workers.dev",
    b"omtrdc.net",
    b"demdex.net",
    b"2mdn.net",
    b"adnxs.com",
    b"dropbox.com",
    b"dropbox-dns.com",
    b"slack-edge.com",
    b"spotify.com",
    b"scdn.co",
    b"steamcontent.com",
    b"zoom.us",
    b"nist.gov",
    b"ntp.org",
    b"plex.direct",
    b"myfritz.net",
    b"sentry.io",
    b"nr-data.net",
    b"crashlytics.com",
    b"branch.io",
    b"app-measurement.com",
    b"dyndns.org",
    b"wpengine.com",
    b"shopify.com",
    b"b-cdn.net",
    b"kxcdn.com",
    b"hwcdn.net",
    b"vo.msecnd.net",
    b"msecnd.net",
    b"yahoodns.net",
    b"rackcdn.com",
    b"digitaloceanspaces.com",
];

/// A name taken apart: who registered it, and what that one made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    /// What stands before the domain, without a dot at its end; empty for the domain itself.
    pub(super) sub: &'a [u8],
    /// The domain as it was registered.
    pub(super) domain: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Takes a name apart (lower case, no trailing dot). The domain is its last two labels, or three where the last but
    /// one is short and stands below a country (`co.uk`, `com.br`). `None` for a single label.
    pub(super) fn of(name: &'a [u8]) -> Option<Parts<'a>> {
        let dot = |end: usize| find_last(name.get(..end)?, b'.');
        let last = dot(name.len())?;
        let second = dot(last);
        let start = second.map_or(0, |dot| dot + 1);
        let country = name.len() - last == 3 && last - start <= 3;
        let start = match second {
            Some(second) if country => dot(second).map_or(0, |dot| dot + 1),
            _ => start,
        };
        let sub = name.get(..start.saturating_sub(1)).unwrap_or_default();
        Some(Parts { sub, domain: name.get(start..)? })
    }

    /// Whether its names are made by machines in numbers, for no bad purpose: lists asked by address or hash, content
    /// networks, and what only means something on the own network.
    pub(super) fn is_of_machines(&self) -> bool {
        MACHINES.contains(&self.domain)
            || trails::excuse::is_local(self.domain)
            || begins_with_address(self.sub)
            || [&b"dnsbl"[..], b"rbl", b"dnswl", b"surbl", b"uribl"].into_iter().any(|word| self.has_label(word))
    }

    fn has_label(&self, word: &[u8]) -> bool {
        self.sub.split(|byte| *byte == b'.').any(|label| label == word) || self.domain.starts_with(word)
    }
}

/// `4.3.2.1.list.example`: an address is asked for.
fn begins_with_address(sub: &[u8]) -> bool {
    let mut labels = sub.split(|byte| *byte == b'.');
    let number = |label: Option<&[u8]>| {
        label.is_some_and(|label| (1..=3).contains(&label.len()) && label.iter().all(u8::is_ascii_digit))
    };
    (0..4).all(|_| number(labels.next()))
}

/// Bits of a character of the text, by how often each occurs in it (Shannon).
pub(super) fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let all = text.len().max(1) as f64;
    counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / all).map(|p| -p * p.log2()).sum()
}

/// Consonants of a text.
pub(super) fn consonants(text: &[u8]) -> usize {
    text.iter()
        .filter(|byte| byte.is_ascii_alphabetic() && !matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y'))
        .count()
}

/// Whether a part of a name looks like data in letters and digits (hexadecimal, base32, base64), and is none of words.
pub(super) fn is_encoded(sub: &[u8]) -> bool {
    let digits = sub.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = sub.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let hex = || {
        digits > 0 && letters + digits >= 16 && sub.iter().all(|byte| byte.is_ascii_hexdigit() || b".-".contains(byte))
    };
    let dense = || (digits >= 3 || consonants(sub) * 100 >= letters * 78) && entropy(sub) > 3.2;
    hex() || dense() || sub.iter().filter(|byte| **byte >= 0x80).count() > 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_name_is() {
        for (name, sub, domain) in [
            ("www.example.com", "www", "example.com"),
            ("a.b.c.example.org", "a.b.c", "example.org"),
            ("example.com", "", "example.com"),
            ("www.shop.co.uk", "www", "shop.co.uk"),
            ("co.uk", "", "co.uk"),
            ("a.b.com.br", "a", "b.com.br"),
            ("ab.de", "", "ab.de"),
            ("x.bund.de", "x", "bund.de"),
            ("t.co", "", "t.co"),
            ("a.t.co", "", "a.t.co"),
        ] {
            let parts = Parts::of(name.as_bytes()).unwrap();
            assert_eq!((parts.sub, parts.domain), (sub.as_bytes(), domain.as_bytes()), "{name}");
        }
        assert_eq!(Parts::of(b"localhost"), None);
        assert_eq!(Parts::of(b""), None);
    }

    #[test]
    fn names_of_machines() {
        let of = |name: &str| Parts::of(name.as_bytes()).unwrap().is_of_machines();
        for name in [
            "4.3.2.1.list.example.com",
            "x.zen.spamhaus.org",
            "a.dnsbl.example.com",
            "d1.cloudfront.net",
            "pc7.corp",
            "x.lan",
        ] {
            assert!(of(name), "{name}");
        }
        for name in ["www.example.com", "4.3.2.example.com", "1234.1.1.1.example.com"] {
            assert!(!of(name), "{name}");
        }
    }

    #[test]
    fn data_and_words() {
        for text in ["0a1b2c3d4e5f60718293", "nbswy3dpeb3w64tmmqqhi2dfojs", "dg8gYmUgb3Igbm90IHRvIGJl7f2"] {
            assert!(is_encoded(text.to_ascii_lowercase().as_bytes()), "{text}");
        }
        for text in ["www", "mail.eu-west", "static.images", "customer-portal", "internationalization.docs"] {
            assert!(!is_encoded(text.as_bytes()), "{text}");
        }
        assert!(entropy(b"aaaa") < 0.01 && (entropy(b"abcd") - 2.0).abs() < 1e-9 && entropy(b"") == 0.0);
        assert_eq!(consonants(b"xkcd-aeiouy"), 4);
    }
}
