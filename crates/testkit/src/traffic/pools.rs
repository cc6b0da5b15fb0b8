//! Who talks and what about: clients, servers, names, paths, user agents.

use std::net::Ipv4Addr;

use crate::random::Random;

const SYLLABLES: &[&str] = &[
    "ba", "co", "di", "fo", "gu", "ha", "in", "jo", "ka", "lo", "ma", "ne", "or", "pe", "qui", "ra", "so", "ta", "ul",
    "ve", "wi", "xo", "ya", "ze", "tech", "cloud", "shop", "net", "media", "data", "web", "app",
];
const SUFFIXES: &[&str] = &["com", "com", "com", "com", "com", "net", "org", "info", "nl", "fr", "io", "de", "co.uk"];
const FIRST_LABELS: &[&str] =
    &["www", "www", "www", "api", "cdn", "img", "static", "mail", "login", "assets", "edge-01", "update"];
const EXTENSIONS: &[&str] = &[".js", ".css", ".png", ".html", ".json", ".woff2"];

/// What generated traffic draws from.
pub struct Pools {
    /// Hosts of the watched network.
    pub clients: Vec<Ipv4Addr>,
    /// Hosts outside.
    pub servers: Vec<Ipv4Addr>,
    /// The site that runs on the server of the same number.
    pub names: Vec<String>,
    /// Recursive resolvers.
    pub resolvers: Vec<Ipv4Addr>,
}

impl Pools {
    /// So many clients and servers.
    #[must_use]
    pub fn new(random: &mut Random, clients: usize, servers: usize) -> Self {
        Pools {
            clients: (0..clients).map(|_| Ipv4Addr::from(0x0a01_0000 + random.between(1, 65534) as u32)).collect(),
            servers: (0..servers).map(|_| public(random)).collect(),
            names: (0..servers).map(|_| site(random)).collect(),
            resolvers: [[8, 8, 8, 8], [1, 1, 1, 1], [10, 1, 0, 1], [9, 9, 9, 9]].map(Ipv4Addr::from).to_vec(),
        }
    }
}

/// An address of the public Internet that is nobody's documentation.
pub(super) fn public(random: &mut Random) -> Ipv4Addr {
    loop {
        let address = Ipv4Addr::from(random.number() as u32);
        let [first, second, third, _] = address.octets();
        let special = address.is_private()
            || address.is_loopback()
            || address.is_link_local()
            || address.is_documentation()
            || first == 0
            || first >= 224
            || (first == 100 && (64..128).contains(&second))
            || (first == 198 && (18..20).contains(&second))
            || (first == 192 && second == 0 && third == 0);
        if !special {
            return address;
        }
    }
}

pub(super) fn word(random: &mut Random, from: usize, to: usize) -> String {
    (0..random.between(from, to)).map(|_| *random.pick(SYLLABLES)).collect()
}

fn site(random: &mut Random) -> String {
    let registered = format!("{}.{}", word(random, 2, 4), random.pick(SUFFIXES));
    if random.percent(75) { format!("{}.{registered}", random.pick(FIRST_LABELS)) } else { registered }
}

/// A name that was never seen before.
pub(super) fn fresh_name(random: &mut Random) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let label: String = (0..random.between(8, 20)).map(|_| char::from(*random.pick(LETTERS))).collect();
    let registered = format!("{label}.{}", random.pick(SUFFIXES));
    if random.percent(70) { registered } else { format!("{}.{registered}", random.pick(FIRST_LABELS)) }
}

pub(super) fn path(random: &mut Random) -> String {
    let segments: Vec<String> = (0..random.between(1, 3)).map(|_| word(random, 1, 3)).collect();
    let path = format!("/{}", segments.join("/"));
    match random.below(10) {
        0..4 => format!("{path}{}", random.pick(EXTENSIONS)),
        4..7 => format!("{path}?id={}&v={}", random.below(1 << 24), random.below(1024)),
        _ => path,
    }
}

pub(super) fn browser(random: &mut Random) -> String {
    let version = random.between(110, 131);
    if random.percent(60) {
        format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
        )
    } else {
        format!("Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
    }
}
