//! Writes files of MaxMind's format (MaxMind DB File Format Specification 2.0), small ones.

use std::net::IpAddr;

use ipnet::IpNet;

/// A value of the data.
#[derive(Clone, Debug)]
pub enum Value {
    Text(&'static str),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    I32(i32),
    Double(f64),
    Float(f32),
    Bool(bool),
    Bytes(Vec<u8>),
    Array(Vec<Value>),
    Map(Vec<(&'static str, Value)>),
    /// A pointer to this offset of the data.
    Pointer(usize),
}

/// A map.
pub fn map<const N: usize>(pairs: [(&'static str, Value); N]) -> Value {
    Value::Map(pairs.to_vec())
}

/// `{"country": {"iso_code": code}}`, as most makers have it.
pub fn country(code: &'static str) -> Value {
    map([("country", map([("iso_code", Value::Text(code))]))])
}

/// A system and who runs it.
pub fn system(number: u32, name: &'static str) -> Value {
    map([("autonomous_system_number", Value::U32(number)), ("autonomous_system_organization", Value::Text(name))])
}

/// What a file is made of.
#[derive(Clone, Debug)]
pub struct Shape {
    /// 24, 28 or 32.
    pub record_bits: usize,
    /// 4 or 6.
    pub version: u16,
    /// Names of keys that came before are pointers to them.
    pub pointers: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Shape { record_bits: 24, version: 6, pointers: true }
    }
}

#[derive(Clone, Copy)]
enum Link {
    Nothing,
    Node(usize),
    Data(usize),
}

/// The file: networks with their values, larger networks before those within.
pub fn file(shape: &Shape, networks: &[(&str, Value)]) -> Vec<u8> {
    let mut nodes = vec![[Link::Nothing; 2]];
    let mut data = Vec::new();
    let mut keys = Vec::new();
    for (network, value) in networks {
        let at = data.len();
        write(&mut data, value, &mut keys, shape.pointers);
        place(&mut nodes, &bits(network.parse().unwrap(), shape.version), at);
    }
    let mut bytes = Vec::new();
    for node in &nodes {
        let number = |link: Link| match link {
            Link::Nothing => nodes.len(),
            Link::Node(node) => node,
            Link::Data(at) => nodes.len() + 16 + at,
        };
        let (left, right) = (number(node[0]) as u64, number(node[1]) as u64);
        let (left_bytes, right_bytes) = (left.to_be_bytes(), right.to_be_bytes());
        match shape.record_bits {
            24 => bytes.extend([&left_bytes[5..], &right_bytes[5..]].concat()),
            28 => {
                bytes.extend(&left_bytes[5..]);
                bytes.push(left_bytes[4] << 4 | right_bytes[4] & 15);
                bytes.extend(&right_bytes[5..]);
            }
            _ => bytes.extend([&left_bytes[4..], &right_bytes[4..]].concat()),
        }
    }
    bytes.extend([0; 16]);
    bytes.extend(data);
    bytes.extend(metadata(shape, nodes.len() as u32));
    bytes
}

/// What stands at the end of a file.
pub fn metadata(shape: &Shape, nodes: u32) -> Vec<u8> {
    let mut bytes = b"\xab\xcd\xefMaxMind.com".to_vec();
    let value = map([
        ("binary_format_major_version", Value::U16(2)),
        ("binary_format_minor_version", Value::U16(0)),
        ("build_epoch", Value::U64(1_763_600_000)),
        ("database_type", Value::Text("Test-Country")),
        ("description", map([("en", Value::Text("A file for tests"))])),
        ("ip_version", Value::U16(shape.version)),
        ("languages", Value::Array(vec![Value::Text("en")])),
        ("node_count", Value::U32(nodes)),
        ("record_size", Value::U16(shape.record_bits as u16)),
    ]);
    write(&mut bytes, &value, &mut Vec::new(), false);
    bytes
}

fn bits(network: IpNet, version: u16) -> Vec<usize> {
    let (number, all) = match (network.addr(), version) {
        (IpAddr::V4(v4), 4) => (u128::from(v4.to_bits()) << 96, 0),
        (IpAddr::V4(v4), _) => (u128::from(v4.to_bits()), 96),
        (IpAddr::V6(v6), _) => (v6.to_bits(), 0),
    };
    (0..all + usize::from(network.prefix_len())).map(|place| (number >> (127 - place) & 1) as usize).collect()
}

fn place(nodes: &mut Vec<[Link; 2]>, bits: &[usize], at: usize) {
    let mut node = 0;
    for (depth, bit) in bits.iter().enumerate() {
        if depth + 1 == bits.len() {
            nodes[node][*bit] = Link::Data(at);
            return;
        }
        let old = nodes[node][*bit];
        node = match old {
            Link::Node(next) => next,
            // What the larger network says is true on both sides.
            other => {
                nodes.push([other; 2]);
                let new = nodes.len() - 1;
                nodes[node][*bit] = Link::Node(new);
                new
            }
        };
    }
}

fn head(bytes: &mut Vec<u8>, kind: u8, size: usize) {
    let (low, rest) = match size {
        0..29 => (size as u8, vec![]),
        29..285 => (29, vec![(size - 29) as u8]),
        285..65_821 => (30, ((size - 285) as u16).to_be_bytes().to_vec()),
        _ => (31, ((size - 65_821) as u32).to_be_bytes()[1..].to_vec()),
    };
    match kind {
        0..8 => bytes.push(kind << 5 | low),
        _ => bytes.extend([low, kind - 7]),
    }
    bytes.extend(rest);
}

/// A pointer in the shortest form.
fn pointer(bytes: &mut Vec<u8>, to: usize) {
    let of = |size: u8, number: usize, bytes: usize| {
        let number = number.to_be_bytes();
        let (high, low) = (number[8 - bytes - 1], &number[8 - bytes..]);
        [&[1 << 5 | size << 3 | if size == 3 { 0 } else { high }], low].concat()
    };
    bytes.extend(match to {
        0..2048 => of(0, to, 1),
        2048..526_336 => of(1, to - 2048, 2),
        526_336..134_744_064 => of(2, to - 526_336, 3),
        _ => of(3, to, 4),
    });
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    head(bytes, 2, text.len());
    bytes.extend(text.as_bytes());
}

fn number(bytes: &mut Vec<u8>, kind: u8, number: u128) {
    let digits = number.to_be_bytes();
    let digits: Vec<u8> = digits.into_iter().skip_while(|digit| *digit == 0).collect();
    head(bytes, kind, digits.len());
    bytes.extend(digits);
}

fn write(bytes: &mut Vec<u8>, value: &Value, keys: &mut Vec<(&'static str, usize)>, pointers: bool) {
    match value {
        Value::Text(value) => text(bytes, value),
        Value::U16(value) => number(bytes, 5, (*value).into()),
        Value::U32(value) => number(bytes, 6, (*value).into()),
        Value::U64(value) => number(bytes, 9, (*value).into()),
        Value::U128(value) => number(bytes, 10, *value),
        Value::I32(value) => {
            head(bytes, 8, 4);
            bytes.extend(value.to_be_bytes());
        }
        Value::Double(value) => {
            head(bytes, 3, 8);
            bytes.extend(value.to_be_bytes());
        }
        Value::Float(value) => {
            head(bytes, 15, 4);
            bytes.extend(value.to_be_bytes());
        }
        Value::Bool(value) => head(bytes, 14, usize::from(*value)),
        Value::Bytes(value) => {
            head(bytes, 4, value.len());
            bytes.extend(value);
        }
        Value::Array(values) => {
            head(bytes, 11, values.len());
            values.iter().for_each(|value| write(bytes, value, keys, pointers));
        }
        Value::Map(pairs) => {
            head(bytes, 7, pairs.len());
            for (key, value) in pairs {
                match keys.iter().find(|(known, _)| known == key) {
                    Some((_, at)) if pointers => pointer(bytes, *at),
                    _ => {
                        keys.push((key, bytes.len()));
                        text(bytes, key);
                    }
                }
                write(bytes, value, keys, pointers);
            }
        }
        Value::Pointer(to) => pointer(bytes, *to),
    }
}
