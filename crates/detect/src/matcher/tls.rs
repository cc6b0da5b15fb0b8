//! TLS, DTLS and QUIC: the server's name, the client's fingerprints, the server's certificates.

use event::{Context, Kind};
use packet::dissect::tls::{Certificate, ClientHello};
use packet::{Flow, Name};

use super::{Match, Matcher, name};
use crate::finding::{Occasion, observe};
use crate::lookup::Lookup;

impl<L: Lookup> Matcher<L> {
    pub(super) fn client_hello(&mut self, flow: &Flow, hello: &ClientHello<'_>) {
        let start = self.found.findings.len();
        if let Some(name) = hello.sni.and_then(Name::from_text) {
            let place = self.names.place(name.as_bytes());
            self.sight_name(flow, name.as_bytes(), place);
            name::look_up(&*self.store, &mut self.found, flow, name.as_bytes(), Occasion::Other, Context::default);
        }
        if self.store.has_ja3()
            && let Some(md5) = hello.ja3()
            && let Some(id) = self.store.ja3(&md5)
        {
            let label = self.store.label(id);
            let found = fingerprint(Kind::Ja3, hex(&md5), label);
            self.found.push(*flow, found);
        }
        if self.store.has_ja4()
            && let Some(text) = hello.ja4()
            && let Some(id) = self.store.ja4(&text)
        {
            let label = self.store.label(id);
            let found = fingerprint(Kind::Ja4, String::from_utf8_lossy(&text).into_owned(), label);
            self.found.push(*flow, found);
        }
        if self.found.findings.len() > start {
            self.tell_hello(start, hello);
        }
    }

    /// Findings from `start` on come of this ClientHello: they say what else it tells.
    fn tell_hello(&mut self, start: usize, hello: &ClientHello<'_>) {
        let sni = hello.sni.map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default();
        let ja3 = hello.ja3().map(|md5| hex(&md5)).unwrap_or_default();
        let ja4 = hello.ja4().map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
        for finding in self.found.findings.get_mut(start..).unwrap_or_default() {
            finding.context.sni.clone_from(&sni);
            finding.context.ja3.clone_from(&ja3);
            finding.context.ja4.clone_from(&ja4);
        }
    }

    /// A certificate of the server; the client is the side that asked for it.
    pub(super) fn certificate(&mut self, flow: &Flow, certificate: &Certificate<'_>) {
        if !self.settings.certificates {
            return;
        }
        let client = flow.reversed();
        if self.store.has_certificates() {
            let sha1 = certificate.sha1();
            if let Some(id) = self.store.certificate(&sha1) {
                let label = self.store.label(id);
                let found = fingerprint(Kind::Cert, hex(&sha1), label);
                self.found.push(client, found);
            }
        }
        let (store, found) = (&*self.store, &mut self.found);
        let start = found.findings.len();
        certificate.names(&mut |name| {
            name::look_up(store, found, &client, name.as_bytes(), Occasion::Other, Context::default);
        });
        // Shared certificates list many names, of which the client asked for one.
        self.found.at_most_medium(start);
    }
}

fn fingerprint<'s>(kind: Kind, text: String, label: trails::Label<'s>) -> Match<'s> {
    let observed = observe(&[(text.as_bytes(), true)]);
    Match { kind, observed, indicator: text, label, occasion: Occasion::Other, context: Context::default() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
