//! A day of an office network with hostile parts, for `make demo`.
//!
//! Ordinary people browse, resolve names and fetch pages, most of them between nine and five; in between stand
//! the incidents of [`INCIDENTS`], each of which the demonstration trails of [`TRAILS`] know.

use std::net::{IpAddr, Ipv4Addr};

use packet::Micros;

use super::pools::{self, Pools};
use crate::payload::dns::{Message, Record};
use crate::payload::{h2, http, names};
use crate::random::Random;
use crate::{Recorded, Stack, quic, tls};

/// What a day is made of.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The same seed gives the same day.
    pub seed: u64,
    /// Its midnight, UTC.
    pub midnight: Micros,
    /// Visits of ordinary people to ordinary sites, about 14 packets each.
    pub visits: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Plan { seed: 1, midnight: Micros(1_767_312_000 * Micros::SECOND), visits: 6_000 }
    }
}

/// The demonstration trails: `trail,info,reference`.
pub const TRAILS: &str = "\
c2-panel.example.com,quietfox (malware),(static)
cdn-sync.example.net,quietfox (malware),(static)
invoice-viewer.example.net/doc/2026/open.js,sleetbear (malware),(static)
signin-portal.example.org,phishing (suspicious),(static)
payroll.example.net,(custom),(custom)
192.0.2.66:4444,marlin rat (malware),(static)
203.0.113.9,known attacker,(static)
203.0.113.77,mass scanner,(static)
198.51.100.128/25,bulletproof hosting (suspicious),(static)
2001:db8:bad::17,quietfox (malware),(static)
hidden.example.org,exfil kit (malware),(static)
/gate.php?id=,sleetbear (malware),(static)
relay.example.com,spam relay (suspicious),(static)
192.0.2.200,sinkhole researchers (malware),(static)
stream-cache.example.com,quietfox (malware),(static)
e21165c767389a616c26560ebf13d6f0bd3c0902,marlin rat (malware),(static)
";

/// The configuration of a sensor and a server for the day.
pub const CONFIGURATION: &str = "\
# Written for a generated day. Paths are relative to this file.
TRAILS_FILE trails.csv
SENSOR_NAME demo
IP_ALIASES
    10.1.0.80:www
    10.1.2.14:workshop-pc
    10.1.3.3:lab-7
    10.1.4.23:laptop-anna
    10.1.5.5:mail
    10.1.7.80:laptop-ben
    10.1.7.81:laptop-cleo
    10.1.9.9:build-server
";

/// The incidents, for people: hour, who, what happens.
pub const INCIDENTS: &[(f64, &str)] = &[
    (2.1, "a mass scanner of the Internet knocks at the web server"),
    (3.4, "a known attacker tries the web server with a scanner tool"),
    (8.9, "10.1.4.23 opens a page that loads the first stage of sleetbear"),
    (9.0, "from then on it asks for quietfox names every hour and connects to its panel, once in a hurry"),
    (10.3, "10.1.7.80 follows a link to a phishing page"),
    (11.5, "10.1.2.14 connects to the controller port of marlin rat"),
    (11.9, "it looks for file shares on its neighbours, and for open ports of one that answers"),
    (12.5, "10.1.4.23 reports to a gate of sleetbear"),
    (13.2, "10.1.9.9 asks a quietfox host over HTTP/2 without TLS"),
    (14.0, "10.1.3.3 tunnels through a SOCKS proxy to a hidden name"),
    (14.6, "10.1.5.5 sends mail as a relay that is listed"),
    (15.1, "10.1.6.1 talks to a listed IPv6 address over 6in4"),
    (16.4, "10.1.8.40 resolves a harmless name to a sinkhole"),
    (17.2, "10.1.8.41 connects into a listed network"),
    (17.5, "10.1.8.42 speaks QUIC with a listed name"),
    (17.8, "10.1.8.43 receives a certificate that is listed"),
    (18.0, "10.1.7.81 looks up a name of the custom list"),
];

/// All frames of the day, in order of time.
#[must_use]
pub fn frames(plan: Plan) -> Vec<Recorded> {
    let mut random = Random::new(plan.seed);
    let pools = Pools::new(&mut random, 400, 3_000);
    let mut day = Day { midnight: plan.midnight, random, pools, out: Vec::new() };
    for _ in 0..plan.visits {
        day.visit();
    }
    for (hour, _) in INCIDENTS {
        day.incident(*hour);
    }
    day.out.sort_by_key(|frame| frame.time);
    day.out
}

struct Day {
    midnight: Micros,
    random: Random,
    pools: Pools,
    out: Vec<Recorded>,
}

/// Where a conversation has come to: its two ends and its clock.
struct Talk {
    client: IpAddr,
    server: IpAddr,
    from: u16,
    to: u16,
    now: Micros,
    sent: u32,
    received: u32,
}

impl Day {
    fn at(&mut self, hour: f64) -> Micros {
        let jitter = self.random.below(2_000_000) as i64;
        self.midnight.plus((hour * 3600.0 * 1e6) as i64 + jitter)
    }

    /// A moment of the day: mostly working hours.
    fn moment(&mut self) -> Micros {
        const SHARE: [usize; 24] = [1, 1, 1, 1, 1, 1, 2, 4, 8, 12, 12, 11, 8, 11, 12, 12, 10, 7, 4, 3, 3, 2, 2, 1];
        let mut left = self.random.below(SHARE.iter().sum());
        let hour = SHARE.iter().position(|share| left.checked_sub(*share).map(|rest| left = rest).is_none());
        let second = self.random.below(3_600_000_000) as i64;
        self.midnight.plus(hour.unwrap_or(23) as i64 * 3_600 * Micros::SECOND + second)
    }

    fn put(&mut self, time: Micros, stack: &Stack) {
        self.out.push(Recorded::new(time, stack.frame()));
    }

    /// Name resolution, a connection, a page or a TLS stream.
    fn visit(&mut self) {
        let now = self.moment();
        let client = *self.random.pick(&self.pools.clients);
        let site = self.random.popular(self.pools.servers.len());
        let (server, name) = (self.pools.servers[site], self.pools.names[site].clone());
        let now = self.resolve(now, client, &name, Some(server.into()));
        if self.random.percent(4) {
            self.put(
                now,
                &Stack::ethernet().ip_between(client.into(), server.into()).echo_request().payload([b'a'; 32]),
            );
        } else if self.random.percent(30) {
            let path = pools::path(&mut self.random);
            let agent = pools::browser(&mut self.random);
            self.page(now, client.into(), server.into(), &name, &path, &agent);
        } else {
            self.secure(now, client.into(), server.into(), &name);
        }
    }

    fn resolve(&mut self, now: Micros, client: Ipv4Addr, name: &str, answer: Option<IpAddr>) -> Micros {
        let resolver = *self.random.pick(&self.pools.resolvers);
        let (from, id) = (self.random.between(32768, 60999) as u16, self.random.number() as u16);
        let query = Message { id, edns: true, ..Message::query(name, 1) };
        let ask = Stack::ethernet().ip_between(client.into(), resolver.into()).udp(from, 53);
        self.put(now, &ask.payload(query.encode()));
        let answered = now.plus(self.random.between(2_000, 60_000) as i64);
        let response = match answer {
            Some(address) => Message { id, ..Message::response(name, 1, vec![Record::address(name, address)]) },
            None => Message { id, ..Message::response(name, 1, vec![]) }.with_rcode(3),
        };
        let say = Stack::ethernet().ip_between(resolver.into(), client.into()).udp(53, from);
        self.put(answered, &say.payload(response.encode()));
        answered.plus(1_000)
    }

    fn connect(&mut self, now: Micros, client: IpAddr, server: IpAddr, to: u16) -> Talk {
        let from = self.random.between(32768, 60999) as u16;
        let mut talk = Talk { client, server, from, to, now, sent: 1, received: 1 };
        self.segment(&mut talk, true, 0x02, &[]);
        self.segment(&mut talk, false, 0x12, &[]);
        self.segment(&mut talk, true, 0x10, &[]);
        talk
    }

    fn segment(&mut self, talk: &mut Talk, out: bool, flags: u8, payload: &[u8]) {
        let (src, dst, ports) = if out {
            (talk.client, talk.server, (talk.from, talk.to))
        } else {
            (talk.server, talk.client, (talk.to, talk.from))
        };
        let (sequence, acknowledged) = if out { (talk.sent, talk.received) } else { (talk.received, talk.sent) };
        let ports = crate::packet::Ports { src: ports.0, dst: ports.1 };
        let tcp = crate::packet::Tcp { ports, flags, sequence, acknowledged };
        let stack = Stack::ethernet().ip_between(src, dst).with(crate::packet::Layer::Tcp(tcp));
        self.put(talk.now, &stack.payload(payload));
        let next = payload.len() as u32 + u32::from(flags & 3 != 0);
        if out {
            talk.sent += next;
        } else {
            talk.received += next;
        }
        talk.now = talk.now.plus(self.random.between(300, 20_000) as i64);
    }

    fn close(&mut self, talk: &mut Talk) {
        self.segment(talk, true, 0x11, &[]);
        self.segment(talk, false, 0x11, &[]);
        self.segment(talk, true, 0x10, &[]);
    }

    fn page(&mut self, now: Micros, client: IpAddr, server: IpAddr, host: &str, path: &str, agent: &str) {
        let mut talk = self.connect(now, client, server, 80);
        let headers = [format!("Host: {host}"), format!("User-Agent: {agent}"), "Accept: */*".to_owned()];
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        self.segment(&mut talk, true, 0x18, &http::request("GET", path, "HTTP/1.1", &headers, ""));
        let body = "<html><body>".to_owned() + &pools::word(&mut self.random, 50, 300);
        let length = format!("Content-Length: {}", body.len());
        self.segment(&mut talk, false, 0x18, &http::response(200, &["Content-Type: text/html", &length], &body));
        self.close(&mut talk);
    }

    /// A TLS connection: ClientHello and records in both directions; now and then QUIC instead.
    fn secure(&mut self, now: Micros, client: IpAddr, server: IpAddr, name: &str) {
        let hello = tls::ClientHello::new(name);
        if self.random.percent(20) {
            self.quic(now, client, server, &hello.message());
            return;
        }
        let mut talk = self.connect(now, client, server, 443);
        self.segment(&mut talk, true, 0x18, &tls::records(22, &hello.message(), 16_384));
        for _ in 0..self.random.between(2, 12) {
            let out = self.random.percent(25);
            let length = self.random.between(60, 1400);
            let record = [&[0x17, 3, 3, (length >> 8) as u8, length as u8][..], &self.random.bytes(length)].concat();
            self.segment(&mut talk, out, 0x18, &record);
        }
        self.close(&mut talk);
    }

    fn quic(&mut self, now: Micros, client: IpAddr, server: IpAddr, message: &[u8]) {
        let id = self.random.bytes(8);
        let initial = quic::Initial::new(&id, quic::crypto(message, 0, message.len())).seal();
        let from = self.random.between(32768, 60999) as u16;
        self.put(now, &Stack::ethernet().ip_between(client, server).udp(from, 443).payload(initial));
        for i in 0..self.random.between(2, 10) as i64 {
            let packet = [&[0x45][..], &self.random.bytes(1100)].concat();
            let back = Stack::ethernet().ip_between(server, client).udp(443, from).payload(packet);
            self.put(now.plus(i * 9_000 + 20_000), &back);
        }
    }

    /// One conversation that carries `bytes` to a port.
    fn say(&mut self, now: Micros, client: &str, server: &str, to: u16, bytes: &[u8]) {
        let parse = |text: &str| text.parse().expect("an address of ours");
        let mut talk = self.connect(now, parse(client), parse(server), to);
        self.segment(&mut talk, true, 0x18, bytes);
        self.close(&mut talk);
    }

    fn incident(&mut self, hour: f64) {
        let now = self.at(hour);
        let web_server: IpAddr = Ipv4Addr::new(10, 1, 0, 80).into();
        let browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/128.0";
        match (hour * 10.0).round() as u32 {
            21 => self.knock(now, "203.0.113.77", web_server),
            34 => {
                let attacker = Ipv4Addr::new(203, 0, 113, 9).into();
                self.page(
                    now,
                    attacker,
                    web_server,
                    "www.example.org",
                    "/item?id=1",
                    "sqlmap/1.8.2#stable (https://sqlmap.org)",
                );
            }
            89 => {
                let site = Ipv4Addr::new(192, 0, 2, 40).into();
                let client = Ipv4Addr::new(10, 1, 4, 23).into();
                self.page(now, client, site, "invoice-viewer.example.net", "/doc/2026/open.js", browser);
            }
            90 => self.beacon(now),
            103 => {
                let client = Ipv4Addr::new(10, 1, 7, 80);
                let site: IpAddr = Ipv4Addr::new(192, 0, 2, 41).into();
                let now = self.resolve(now, client, "www.signin-portal.example.org", Some(site));
                self.page(now, client.into(), site, "www.signin-portal.example.org", "/account", browser);
            }
            115 => self.say(now, "10.1.2.14", "192.0.2.66", 4444, b"\x05\0\0\0hello"),
            119 => self.spread(now),
            125 => {
                let (client, gate) = (Ipv4Addr::new(10, 1, 4, 23).into(), Ipv4Addr::new(192, 0, 2, 90).into());
                self.page(now, client, gate, "blog.example.org", "/old/gate.php?id=4711", browser);
            }
            132 => {
                let request = h2::request("status.cdn-sync.example.net", "/", "");
                self.say(now, "10.1.9.9", "192.0.2.90", 8080, &request);
            }
            140 => self.say(now, "10.1.3.3", "10.1.0.99", 1080, &names::socks5("data.hidden.example.org", 443)),
            146 => self.say(now, "10.1.5.5", "192.0.2.25", 25, &names::smtp_hello("relay.example.com", true)),
            151 => {
                let outer = Stack::ethernet().ip("10.1.6.1", "192.0.2.6");
                let inner = outer.ip("2001:db8:6::1", "2001:db8:bad::17").tcp(50000, 443, 2);
                self.put(now, &inner);
            }
            164 => {
                let sinkhole = Ipv4Addr::new(192, 0, 2, 200).into();
                self.resolve(now, Ipv4Addr::new(10, 1, 8, 40), "weather-widgets.example.com", Some(sinkhole));
            }
            172 => self.say(now, "10.1.8.41", "198.51.100.201", 443, b"\x16\x03\x01"),
            175 => {
                let hello = tls::ClientHello::new("video.stream-cache.example.com").message();
                self.quic(now, Ipv4Addr::new(10, 1, 8, 42).into(), Ipv4Addr::new(192, 0, 2, 44).into(), &hello);
            }
            178 => self.certificate(now),
            180 => {
                self.resolve(now, Ipv4Addr::new(10, 1, 7, 81), "files.payroll.example.net", None);
            }
            other => unreachable!("no incident at {other}"),
        }
    }

    /// TLS 1.2 with a server whose certificate is listed by its SHA-1.
    fn certificate(&mut self, now: Micros) {
        let (client, server) = (Ipv4Addr::new(10, 1, 8, 43).into(), Ipv4Addr::new(192, 0, 2, 45).into());
        let mut talk = self.connect(now, client, server, 8443);
        let hello = tls::ClientHello { sni: None, versions: Vec::new(), ..tls::ClientHello::new("") };
        self.segment(&mut talk, true, 0x18, &tls::records(22, &hello.message(), 16_384));
        let flight = [tls::server_hello(), tls::certificate_message(&[listed_certificate()])].concat();
        self.segment(&mut talk, false, 0x18, &tls::records(22, &flight, 16_384));
        self.close(&mut talk);
    }

    fn knock(&mut self, now: Micros, scanner: &str, target: IpAddr) {
        for (i, to) in [22, 23, 80, 443, 3389, 8080].into_iter().enumerate() {
            let from = 40_000 + i as u16;
            let scanner = scanner.parse().expect("an address of ours");
            let syn = Stack::ethernet().ip_between(scanner, target).tcp(from, to, 2);
            self.put(now.plus(i as i64 * 40_000), &syn);
        }
    }

    /// An infected host tries file shares of its network; of one that answers it tries other ports as well.
    fn spread(&mut self, start: Micros) {
        let (client, open) = (Ipv4Addr::new(10, 1, 2, 14), Ipv4Addr::new(10, 1, 2, 44));
        let mut now = start;
        for last in (1..=120).filter(|last| *last != 14) {
            let host = Ipv4Addr::new(10, 1, 2, last);
            if host == open {
                let mut talk = self.connect(now, client.into(), host.into(), 445);
                self.close(&mut talk);
            } else {
                let from = self.random.between(32768, 60999) as u16;
                self.put(now, &Stack::ethernet().ip_between(client.into(), host.into()).tcp(from, 445, 2));
            }
            now = now.plus(self.random.between(20_000, 120_000) as i64);
        }
        for to in [21, 22, 23, 80, 135, 139, 443, 1433, 3306, 3389, 5432, 5900, 8080, 8443] {
            let from = self.random.between(32768, 60999) as u16;
            self.put(now, &Stack::ethernet().ip_between(client.into(), open.into()).tcp(from, to, 2));
            now = now.plus(self.random.between(5_000, 60_000) as i64);
        }
    }

    /// An infected host asks for its controller every hour until the evening; once it is in a hurry.
    fn beacon(&mut self, start: Micros) {
        let client = Ipv4Addr::new(10, 1, 4, 23);
        for round in 0..9 {
            let jitter = self.random.below(8_000_000) as i64;
            let now = start.plus(round * 3_600 * Micros::SECOND + jitter);
            let name = if round % 4 == 3 { "cdn-sync.example.net" } else { "api.c2-panel.example.com" };
            let panel: IpAddr = Ipv4Addr::new(192, 0, 2, 17).into();
            let hurry = if round == 5 { 12 } else { 1 };
            for again in 0..hurry {
                let after = self.resolve(now.plus(again * 2 * Micros::SECOND), client, name, Some(panel));
                self.secure(after, client.into(), panel, name);
            }
        }
    }
}

/// The certificate whose SHA-1 stands in [`TRAILS`].
fn listed_certificate() -> Vec<u8> {
    tls::certificate("localhost", &[], 256)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Plan {
        Plan { visits: 200, ..Plan::default() }
    }

    #[test]
    fn a_seed_gives_the_same_day_in_order_of_time() {
        let day = frames(small());
        assert_eq!(day, frames(small()));
        assert_ne!(day, frames(Plan { seed: 2, ..small() }));
        assert!(day.windows(2).all(|w| w[0].time <= w[1].time));
        let length = day.last().unwrap().time.since(Plan::default().midnight);
        assert!(length < 25 * 3600 * Micros::SECOND, "{length}");
    }

    #[test]
    fn the_listed_certificate_is_the_one_that_is_sent() {
        let der = listed_certificate();
        let sha1 = packet::dissect::tls::Certificate { der: &der, index: 0 }.sha1();
        let text: String = sha1.iter().map(|b| format!("{b:02x}")).collect();
        assert!(TRAILS.contains(&format!("{text},")), "{text}");
    }

    #[test]
    fn nothing_hostile_has_an_owner() {
        for line in TRAILS.lines() {
            let trail = line.split(',').next().unwrap();
            let host = trail.split('/').next().unwrap();
            let reserved = [".example.com", ".example.net", ".example.org"].iter().any(|d| host.ends_with(d))
                || ["192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:"].iter().any(|n| host.starts_with(n))
                || host.is_empty();
            let certificate = trail.len() == 40 && trail.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(reserved || certificate, "{trail}");
        }
    }
}
