//! Everything in a store that lists a given indicator, for people: more than matching needs, which stops at the
//! first.

use std::net::IpAddr;

use crate::indicator::{Indicator, Kind};
use crate::store::{Hit, LabelId, Store};

/// One trail that lists what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The trail.
    pub trail: String,
    /// What kind it is.
    pub kind: Kind,
    /// Its label.
    pub label: LabelId,
}

/// All trails that list the indicator: parents and patterns of a name, forms and the host of a URL, the networks
/// around an address. Its own trail comes first.
#[must_use]
pub fn listings<D: AsRef<[u8]>>(store: &Store<D>, indicator: &Indicator<'_>) -> Vec<Listed> {
    let mut out = Vec::new();
    let mut push = |trail: String, kind: Kind, label: Option<LabelId>| {
        out.extend(label.map(|label| Listed { trail, kind, label }));
    };
    match indicator {
        Indicator::Name(name) => names(store, name, &mut push),
        Indicator::Url(text) | Indicator::Path(text) => {
            for form in forms(text) {
                let kind = if form.starts_with('/') { Kind::Path } else { Kind::Url };
                push(form.to_owned(), kind, store.url(&[form.as_bytes()]));
            }
            let host = text.split('/').next().unwrap_or_default();
            match Indicator::parse(host, &mut String::new()) {
                Ok(Indicator::Name(name)) => names(store, name, &mut push),
                Ok(Indicator::Address(address)) => addresses(store, address, None, &mut push),
                Ok(Indicator::Endpoint(address, port)) => addresses(store, address, Some(port), &mut push),
                _ => {}
            }
        }
        Indicator::Address(address) => addresses(store, *address, None, &mut push),
        Indicator::Endpoint(address, port) => addresses(store, *address, Some(*port), &mut push),
        Indicator::Network(network) => {
            let around = store.network(network.address).filter(|(length, _)| *length <= network.length);
            let shown = around.map_or_else(String::new, |(length, _)| prefix(network.address, length));
            push(shown, Kind::Network, around.map(|(_, label)| label));
        }
        Indicator::CertificateSha1(sha1) => push(indicator.to_string(), Kind::CertificateSha1, store.certificate(sha1)),
        Indicator::Ja3(md5) => push(indicator.to_string(), Kind::Ja3, store.ja3(md5)),
        Indicator::Ja4(text) => push(indicator.to_string(), Kind::Ja4, store.ja4(text)),
        Indicator::Pattern(_) => {}
    }
    out
}

type Push<'p> = dyn FnMut(String, Kind, Option<LabelId>) + 'p;

fn names<D: AsRef<[u8]>>(store: &Store<D>, name: &str, push: &mut Push<'_>) {
    let mut hits = [Hit { start: 0, label: LabelId(0) }; 8];
    let count = store.name(name.as_bytes(), &mut hits);
    for hit in hits.iter().take(count) {
        push(name.get(hit.start..).unwrap_or(name).to_owned(), Kind::Name, Some(hit.label));
    }
    if let Some((label, source)) = store.pattern_match(name.as_bytes()) {
        push(source.to_owned(), Kind::Pattern, Some(label));
    }
}

fn addresses<D: AsRef<[u8]>>(store: &Store<D>, address: IpAddr, port: Option<u16>, push: &mut Push<'_>) {
    if let Some(port) = port {
        push(Indicator::Endpoint(address, port).to_string(), Kind::Endpoint, store.endpoint(address, port));
    }
    push(address.to_string(), Kind::Address, store.address(address));
    if let Some((length, label)) = store.network(address) {
        push(prefix(address, length), Kind::Network, Some(label));
    }
}

fn prefix(address: IpAddr, length: u8) -> String {
    ipnet::IpNet::new(address, length).map(|network| network.trunc().to_string()).unwrap_or_default()
}

/// The URL as it is, without its query and up to its first `=`, without a slash at its end, and its host with a
/// slash; of each also the path alone.
fn forms(text: &str) -> Vec<&str> {
    let upto = |at: Option<usize>| at.and_then(|at| text.get(..at));
    let plain = upto(text.find('?')).unwrap_or(text);
    let host = upto(text.find('/').map(|slash| slash + 1)).filter(|host| host.len() > 1);
    let with_host = [Some(text), upto(text.find('=').map(|at| at + 1)), Some(plain), plain.strip_suffix('/'), host];
    let mut forms: Vec<&str> = Vec::new();
    for form in with_host.into_iter().flatten() {
        let path = form.find('/').and_then(|slash| form.get(slash..));
        for form in [Some(form), path].into_iter().flatten() {
            if form.len() > 1 && !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::rc::Rc;

    use super::*;
    use crate::builder::{Builder, Place};
    use crate::{Stamp, Vetoes};

    #[test]
    fn everything_that_lists_it() {
        let mut builder = Builder::new(Vetoes::default());
        let file: Rc<str> = "test".into();
        let source = builder.source("x", "(static)", false);
        let trails = [
            "evil.example",
            "a.evil.example",
            r"^a\.evil",
            "evil.example/x",
            "/x?id=",
            "evil.example/",
            "192.0.2.7",
            "192.0.2.7:80",
            "192.0.2.0/24",
        ];
        for (line, trail) in (1..).zip(trails) {
            builder.add(trail, source, Place { file: &file, line });
        }
        let bytes = builder.finish(Cursor::new(Vec::new()), Stamp::default()).unwrap().0.into_inner();
        let store = Store::from_bytes(bytes).unwrap();
        let listed = |text: &str| {
            let mut scratch = String::new();
            let indicator = Indicator::parse(text, &mut scratch).unwrap();
            listings(&store, &indicator).into_iter().map(|listed| listed.trail).collect::<Vec<_>>()
        };
        assert_eq!(listed("b.a.evil.example"), ["a.evil.example", "evil.example"]);
        assert_eq!(listed("a.evil.example"), ["a.evil.example", "evil.example", r"^a\.evil"]);
        assert_eq!(listed("http://evil.example/x?id=7"), ["/x?id=", "evil.example/x", "evil.example/", "evil.example"]);
        assert_eq!(listed("192.0.2.7:80"), ["192.0.2.7:80", "192.0.2.7", "192.0.2.0/24"]);
        assert_eq!(listed("192.0.2.7:81"), ["192.0.2.7", "192.0.2.0/24"]);
        assert_eq!(listed("192.0.2.128/25"), ["192.0.2.0/24"]);
        assert!(listed("good.example").is_empty());
    }
}
