//! The options of a packet line: `{+0.5s vlan=5 via=gre,vxlan segment=20}`.

use packet::Micros;

use crate::packet::{Gre, Ip, Layer, Ports};

/// What stands in the braces.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    /// Microseconds after the packet before.
    pub step: Option<i64>,
    /// Microseconds after the start of the case.
    pub at: Option<i64>,
    /// Link layer, tags and tunnels, outermost first.
    pub layers: Vec<Layer>,
    /// Headers between the innermost IP header and the transport.
    pub extensions: Vec<Layer>,
    pub ip_options: usize,
    /// Bytes of IP payload in a fragment.
    pub fragment: Option<usize>,
    /// Bytes of payload in a TCP segment.
    pub segment: Option<usize>,
    /// Which of the line's frames are sent, and in which order, from 1.
    pub order: Option<Vec<usize>>,
    /// The same packet so often.
    pub copies: usize,
    /// The packet so often, each from the next source port.
    pub flows: usize,
    /// Microseconds between copies and flows.
    pub every: Option<i64>,
    /// Captured bytes.
    pub cut: Option<usize>,
    /// Sequence number instead of the one that follows.
    pub sequence: Option<u32>,
    pub acknowledged: Option<u32>,
}

/// The options of a line (the defaults where it has none) and the rest of it.
pub(super) fn split(text: &str) -> Result<(Options, &str), String> {
    let mut options = Options::default();
    let (mut link, mut tags, mut tunnels) = (vec![Layer::Ethernet], Vec::new(), Vec::new());
    let mut rest = text;
    if let Some(inner) = text.strip_prefix('{') {
        let (inside, after) = inner.split_once('}').ok_or("the brace is not closed")?;
        rest = after.trim_start();
        for option in inside.split_whitespace() {
            if let Some(step) = option.strip_prefix('+') {
                options.step = Some(micros(step)?);
                continue;
            }
            let (key, value) = option.split_once('=').ok_or_else(|| format!("{option:?} is no KEY=VALUE"))?;
            match key {
                "link" => link = link_layers(value)?,
                "vlan" | "qinq" | "mpls" | "pppoe" => tags.extend(tag_layers(key, value)?),
                "via" => {
                    for name in value.split(',') {
                        tunnels.extend(tunnel_layers(name)?);
                    }
                }
                _ => options.set(key, value)?,
            }
        }
    }
    options.layers = [link, tags, tunnels].concat();
    Ok((options, rest))
}

impl Options {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "at" => self.at = Some(micros(value)?),
            "every" => self.every = Some(micros(value)?),
            "ext" => self.extensions = value.split(',').map(extension).collect::<Result<_, _>>()?,
            "ip-options" => self.ip_options = number(value)?,
            "fragment" => self.fragment = Some(number::<usize>(value)?.max(8)),
            "segment" => self.segment = Some(number::<usize>(value)?.max(1)),
            "copies" => self.copies = number(value)?,
            "flows" => self.flows = number(value)?,
            "cut" => self.cut = Some(number(value)?),
            "seq" => self.sequence = Some(number(value)?),
            "ack" => self.acknowledged = Some(number(value)?),
            "order" => {
                let order: Vec<usize> = value.split(',').map(number).collect::<Result<_, _>>()?;
                if order.contains(&0) {
                    return Err("order counts from 1".to_owned());
                }
                self.order = Some(order);
            }
            other => return Err(format!("{other:?} is no option")),
        }
        Ok(())
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no number that fits"))
}

/// `0.5s`, `20ms`, `-3s`.
fn micros(text: &str) -> Result<i64, String> {
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1e3),
        None => (text.strip_suffix('s').ok_or_else(|| format!("{text:?} is no time like 0.5s or 20ms"))?, 1e6),
    };
    let value: f64 = number(digits)?;
    debug_assert_eq!(Micros::SECOND, 1_000_000);
    Ok((value * unit).round() as i64)
}

fn link_layers(name: &str) -> Result<Vec<Layer>, String> {
    Ok(vec![match name {
        "ethernet" => Layer::Ethernet,
        "snap" => Layer::Snap,
        "sll" => Layer::Sll,
        "sll2" => Layer::Sll2,
        "null" => Layer::Null,
        "null-be" => Layer::NullBigEndian,
        "loop" => Layer::Loop,
        "raw" => Layer::Raw,
        "ppp" => Layer::Ppp,
        "wifi" => Layer::Wifi,
        "radiotap" => Layer::Radiotap,
        other => return Err(format!("{other:?} is no link layer")),
    }])
}

fn tag_layers(key: &str, value: &str) -> Result<Vec<Layer>, String> {
    let numbers: Vec<u32> = value.split('.').map(number).collect::<Result<_, _>>()?;
    let last = numbers.len() - 1;
    Ok(numbers
        .iter()
        .enumerate()
        .map(|(i, n)| match key {
            "mpls" => Layer::Mpls(*n),
            "pppoe" => Layer::Pppoe(*n as u16),
            "qinq" if i < last => Layer::ServiceVlan(*n as u16),
            _ => Layer::Vlan(*n as u16),
        })
        .collect())
}

fn extension(name: &str) -> Result<Layer, String> {
    Ok(match name {
        "hop-by-hop" => Layer::HopByHop,
        "destination" => Layer::DestinationOptions,
        "routing" => Layer::Routing,
        "ah" => Layer::Authentication,
        other => return Err(format!("{other:?} is no extension header")),
    })
}

/// A tunnel between two routers, 198.51.100.1 and 198.51.100.2; a name ending in `6` has IPv6 outside.
fn tunnel_layers(name: &str) -> Result<Vec<Layer>, String> {
    let (kind, outer) = match name.strip_suffix('6') {
        Some(kind) => (kind, ["2001:db8:ffff::1", "2001:db8:ffff::2"]),
        None => (name, ["198.51.100.1", "198.51.100.2"]),
    };
    let [src, dst] = outer.map(|a| a.parse().expect("an address of ours"));
    let ip = Layer::Ip(Ip { src, dst, fragment: None, options: 0 });
    let udp = |dst| Layer::Udp(Ports { src: 49152, dst });
    let rest = match kind {
        "ip" => vec![],
        "gre" => vec![Layer::Gre(Gre::default())],
        "gre-full" => vec![Layer::Gre(Gre { checksum: true, key: Some(7), sequence: Some(8) })],
        "gre-ethernet" => vec![Layer::Gre(Gre::default()), Layer::Ethernet],
        "erspan2" => vec![Layer::Gre(Gre::default()), Layer::ErspanII, Layer::Ethernet],
        "erspan3" => vec![Layer::Gre(Gre::default()), Layer::ErspanIII, Layer::Ethernet],
        "vxlan" => vec![udp(4789), Layer::Vxlan(42), Layer::Ethernet],
        "geneve" => vec![udp(6081), Layer::Geneve(42), Layer::Ethernet],
        "gtp" => vec![udp(2152), Layer::Gtp(42)],
        "teredo" => vec![udp(3544), Layer::Teredo],
        "l2tp" => vec![udp(1701), Layer::L2tp],
        other => return Err(format!("{other:?} is no tunnel")),
    };
    Ok([vec![ip], rest].concat())
}
