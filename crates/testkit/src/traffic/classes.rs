//! Traffic of one kind, for measuring what a packet of it costs.

use std::net::Ipv4Addr;

use packet::Micros;

use super::pools::{self, Pools};
use crate::packet::Built;
use crate::payload::dns::{Message, Record};
use crate::payload::http;
use crate::random::Random;
use crate::words::START;
use crate::{Recorded, Stack, quic, tls};

/// A kind of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs, reason = "explained by about()")]
pub enum Class {
    Icmp,
    Syn,
    Http,
    HttpBig,
    Dns,
    Dns500,
    Bulk,
    Mixed,
    Hello,
    Quic,
    Hits,
}

impl Class {
    /// All of them, in the order of the table in the documentation.
    pub const ALL: [Class; 11] = [
        Class::Icmp,
        Class::Syn,
        Class::Http,
        Class::HttpBig,
        Class::Dns,
        Class::Dns500,
        Class::Bulk,
        Class::Mixed,
        Class::Hello,
        Class::Quic,
        Class::Hits,
    ];

    /// What it is, in the words of the table.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Class::Icmp => "ICMP echo requests",
            Class::Syn => "TCP SYN, 200,000 destinations",
            Class::Http => "HTTP requests, short heads",
            Class::HttpBig => "HTTP requests, heads of a browser",
            Class::Dns => "DNS queries, every name new",
            Class::Dns500 => "DNS queries, 500 names",
            Class::Bulk => "TLS records of 1.4 kB in 5,000 flows",
            Class::Mixed => "mixed",
            Class::Hello => "TLS ClientHello",
            Class::Quic => "QUIC Initial",
            Class::Hits => "DNS, HTTP and SYN, 5 % raise an event",
        }
    }
}

/// Packets a second of generated time.
const RATE: i64 = 50_000;

/// Makes packets of a class, one after another.
pub struct Generator {
    class: Class,
    random: Random,
    pools: Pools,
    destinations: Vec<Ipv4Addr>,
    flows: Vec<(Ipv4Addr, u16, Ipv4Addr)>,
    trails: Listed,
    made: i64,
}

/// What the class `hits` draws its hits from.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Names.
    pub names: Vec<String>,
    /// Host and path.
    pub urls: Vec<(String, String)>,
    /// Addresses.
    pub addresses: Vec<Ipv4Addr>,
    /// Address and port.
    pub endpoints: Vec<(Ipv4Addr, u16)>,
}

impl Listed {
    /// `count` invented trails, a quarter of each kind: names below example.com, addresses of 198.18.0.0/15.
    #[must_use]
    pub fn invented(seed: u64, count: usize) -> Self {
        let mut random = Random::new(seed ^ 0x7261_696c);
        let mut out = Listed::default();
        for i in 0..count {
            let name = format!("{}{i}.example.com", pools::word(&mut random, 2, 4));
            let address = Ipv4Addr::from(0xc612_0000 + random.below(1 << 17) as u32);
            match i % 4 {
                0 => out.names.push(name),
                1 => out.urls.push((name, pools::path(&mut random))),
                2 => out.addresses.push(address),
                _ => out.endpoints.push((address, random.between(1024, 65535) as u16)),
            }
        }
        out
    }

    /// As a trails file.
    #[must_use]
    pub fn csv(&self) -> String {
        let names = self.names.iter().cloned();
        let urls = self.urls.iter().map(|(host, path)| format!("{host}{path}"));
        let addresses = self.addresses.iter().map(ToString::to_string);
        let endpoints = self.endpoints.iter().map(|(address, port)| format!("{address}:{port}"));
        let all = names.chain(urls).chain(addresses).chain(endpoints);
        all.map(|trail| format!("{trail},invented (malware),(static)\n")).collect()
    }
}

impl Generator {
    /// Of a class; the same seed gives the same packets.
    #[must_use]
    pub fn new(class: Class, seed: u64, trails: Listed) -> Self {
        let mut random = Random::new(seed);
        let pools = Pools::new(&mut random, 5_000, 20_000);
        let destinations = (0..200_000).map(|_| pools::public(&mut random)).collect();
        let flows = (0..5_000)
            .map(|_| (*random.pick(&pools.clients), port(&mut random), *random.pick(&pools.servers)))
            .collect();
        Generator { class, random, pools, destinations, flows, trails, made: 0 }
    }

    fn packet(&mut self, class: Class) -> Built {
        let client = *self.random.pick(&self.pools.clients);
        let site = self.random.popular(self.pools.servers.len());
        let server = self.pools.servers[site];
        match class {
            Class::Icmp => between(client, server).echo_request().payload(b"abcdefghijklmnopqrstuvwabcdefghi").frame(),
            Class::Syn => {
                let destination = *self.random.pick(&self.destinations);
                self.syn(client, destination, None)
            }
            Class::Http => self.http(client, server, None, false),
            Class::HttpBig => self.http(client, server, Some(site), true),
            Class::Dns => {
                let name = pools::fresh_name(&mut self.random);
                self.query(client, &name, 1)
            }
            Class::Dns500 => {
                let name = self.pools.names[self.random.popular(500)].clone();
                self.query(client, &name, 1)
            }
            Class::Bulk => self.bulk(1402),
            Class::Mixed => self.mixed(client, server, site),
            Class::Hello => self.hello(client, server, site),
            Class::Quic => self.quic(client, server, site),
            Class::Hits => self.hits(client, server, site),
        }
    }

    fn syn(&mut self, client: Ipv4Addr, server: Ipv4Addr, to: Option<u16>) -> Built {
        const PORTS: &[u16] = &[443, 443, 443, 443, 443, 443, 443, 443, 80, 80, 8443, 22, 993, 25, 587, 5222, 8080];
        let to = to.unwrap_or_else(|| *self.random.pick(PORTS));
        between(client, server).tcp(port(&mut self.random), to, 2).frame()
    }

    fn query(&mut self, client: Ipv4Addr, name: &str, kind: u16) -> Built {
        let message =
            Message { id: self.random.number() as u16, edns: self.random.percent(50), ..Message::query(name, kind) };
        let resolver = *self.random.pick(&self.pools.resolvers);
        between(client, resolver).udp(port(&mut self.random), 53).payload(message.encode()).frame()
    }

    fn http(&mut self, client: Ipv4Addr, server: Ipv4Addr, site: Option<usize>, big: bool) -> Built {
        let site = site.unwrap_or_else(|| self.random.popular(self.pools.names.len()));
        let host = self.pools.names[site].clone();
        let path = pools::path(&mut self.random);
        self.http_to(client, server, &host, &path, big)
    }

    fn http_to(&mut self, client: Ipv4Addr, server: Ipv4Addr, host: &str, path: &str, big: bool) -> Built {
        let host_line = format!("Host: {host}");
        let request = if big {
            let agent = format!("User-Agent: {}", pools::browser(&mut self.random));
            let referer = format!("Referer: http://{host}/{}", pools::word(&mut self.random, 2, 3));
            let cookie = format!("Cookie: sid={:032x}; consent=1", u128::from(self.random.number()));
            let headers = [
                &host_line,
                "Connection: keep-alive",
                "Upgrade-Insecure-Requests: 1",
                &agent,
                "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
                &referer,
                "Accept-Encoding: gzip, deflate",
                "Accept-Language: en-US,en;q=0.9,de;q=0.7",
                &cookie,
                "Cache-Control: max-age=0",
            ];
            http::request("GET", path, "HTTP/1.1", &headers, "")
        } else {
            http::request("GET", path, "HTTP/1.1", &[&host_line, "User-Agent: Mozilla/5.0", "Accept: */*"], "")
        };
        between(client, server).tcp(port(&mut self.random), 80, 0x18).payload(request).frame()
    }

    fn bulk(&mut self, length: usize) -> Built {
        let (client, from, server) = *self.random.pick(&self.flows);
        let header = [0x17, 3, 3, (length >> 8) as u8, length as u8];
        let record = [&header[..], &self.random.bytes(length)].concat();
        if self.random.percent(80) {
            between(server, client).tcp(443, from, 0x10).payload(record).frame()
        } else {
            between(client, server).tcp(from, 443, 0x18).payload(record).frame()
        }
    }

    fn hello_to(&mut self, site: usize) -> tls::ClientHello {
        let name = self.any_name(site);
        let mut hello = tls::ClientHello::new(&name);
        hello.extra.push((51, [&[0, 36, 0, 0x1d, 0, 32][..], &self.random.bytes(32)].concat())); // key_share
        hello
    }

    fn hello(&mut self, client: Ipv4Addr, server: Ipv4Addr, site: usize) -> Built {
        let hello = tls::ClientHello { pad_to: 508, ..self.hello_to(site) };
        let records = tls::records(22, &hello.message(), 16_384);
        between(client, server).tcp(port(&mut self.random), 443, 0x18).payload(records).frame()
    }

    fn quic(&mut self, client: Ipv4Addr, server: Ipv4Addr, site: usize) -> Built {
        let message = self.hello_to(site).message();
        let id = self.random.bytes(8);
        let initial = quic::Initial::new(&id, quic::crypto(&message, 0, message.len()));
        between(client, server).udp(port(&mut self.random), 443).payload(initial.seal()).frame()
    }

    fn mixed(&mut self, client: Ipv4Addr, server: Ipv4Addr, site: usize) -> Built {
        match self.random.below(1000) {
            0..600 => {
                let length = if self.random.percent(86) { 1402 } else { self.random.between(60, 1000) };
                self.bulk(length)
            }
            600..750 => self.syn(client, server, None),
            750..800 => {
                let name = self.any_name(site);
                let kind = *self.random.pick(&[1, 1, 1, 28, 65]);
                self.query(client, &name, kind)
            }
            800..850 => {
                let name = self.any_name(site);
                let answers = vec![Record::address(&name, server.into())];
                let message = Message { id: self.random.number() as u16, ..Message::response(&name, 1, answers) };
                let resolver = *self.random.pick(&self.pools.resolvers);
                between(resolver, client).udp(53, port(&mut self.random)).payload(message.encode()).frame()
            }
            850..950 => {
                let big = self.random.percent(50);
                self.http(client, server, Some(site), big)
            }
            950..970 => self.packet(Class::Icmp),
            970..985 => between(client, server).udp(123, 123).payload([0x23; 48]).frame(),
            _ => {
                let group = Ipv4Addr::new(224, 0, 0, 251);
                between(client, group).udp(5353, 5353).payload(self.random.bytes(40)).frame()
            }
        }
    }

    fn any_name(&mut self, site: usize) -> String {
        if self.random.percent(70) { self.pools.names[site].clone() } else { pools::fresh_name(&mut self.random) }
    }

    fn hits(&mut self, client: Ipv4Addr, server: Ipv4Addr, site: usize) -> Built {
        let hit = self.random.percent(5);
        match (self.random.below(10), hit) {
            (0..4, true) => {
                let name = self.random.pick(&self.trails.names).clone();
                let name = if self.random.percent(30) { format!("www.{name}") } else { name };
                self.query(client, &name, 1)
            }
            (0..4, false) => {
                let name = self.any_name(site);
                self.query(client, &name, 1)
            }
            (4..7, true) => {
                let (host, path) = self.random.pick(&self.trails.urls).clone();
                self.http_to(client, server, &host, &path, false)
            }
            (4..7, false) => self.http(client, server, Some(site), false),
            (_, true) if self.random.percent(50) => {
                let (address, to) = *self.random.pick(&self.trails.endpoints);
                self.syn(client, address, Some(to))
            }
            (_, true) => {
                let address = *self.random.pick(&self.trails.addresses);
                self.syn(client, address, Some(443))
            }
            _ => self.packet(Class::Syn),
        }
    }
}

impl Iterator for Generator {
    type Item = Recorded;

    fn next(&mut self) -> Option<Recorded> {
        let time = START.plus(self.made * Micros::SECOND / RATE);
        self.made += 1;
        Some(Recorded::new(time, self.packet(self.class)))
    }
}

fn between(src: Ipv4Addr, dst: Ipv4Addr) -> Stack {
    Stack::ethernet().ip_between(src.into(), dst.into())
}

fn port(random: &mut Random) -> u16 {
    random.between(32768, 60999) as u16
}
