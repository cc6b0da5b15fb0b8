//! QUIC: the ClientHello in the Initial packets of a client (RFC 9000, RFC 9001, RFC 9369, and drafts).
//!
//! A client's Initials are protected with keys that follow from the first destination connection ID it chose. Later it
//! uses the one that the server chose, with the same keys; after a Retry, new keys. So connections are remembered for
//! a while: those whose ClientHello is not whole, with what came of it, and those that are done with, so that their
//! further Initials are known for what they are. Nothing but the ClientHello is looked at, and of servers nothing.

mod crypto;
mod frames;
mod header;
mod sha256;
#[cfg(test)]
mod tests;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::assembly::Assembly;
use super::context::Context;
use super::gquic;
use super::heads::flows;
use super::tls::{CLIENT_HELLO, Carrier, ClientHello, length24};
use crate::{Anomalies, Anomaly, Fact, Flow, Limits, Micros, Sink, TableLimit, TableUsage};
use crypto::{Keys, Salts};
use frames::Crypto;
use header::{Cid, Initial, Packet};

/// Connections that are remembered of one flow: further ones are read, but not waited for.
const CONNECTIONS_PER_FLOW: usize = 8;
/// The shortest destination connection ID that a client may choose (RFC 9000 section 7.2). What has a shorter one is
/// most likely a server's answer to a client that was not seen.
const FIRST_CID: usize = 8;

/// One connection of a client.
struct Connection {
    /// From client to server.
    flow: Flow,
    /// What the client chose first, and the keys follow from.
    dcid: Cid,
    /// The client's own, to which the server's answers go.
    scid: Cid,
    keys: Keys,
    touched: Micros,
    /// What came of the ClientHello; `None` once that was handed over.
    hello: Option<Box<Assembly>>,
}

/// Connections whose ClientHello is spread over datagrams, and those done with.
pub struct Tracker {
    salts: Salts,
    hasher: FixedState,
    table: HashTable<Connection>,
    room: Room,
    /// Bytes that the table's entries take, and of those the ones done with.
    held: usize,
    done: usize,
    refused: u64,
    budget: usize,
    length: usize,
    patience: i64,
}

/// Buffers used for one packet at a time.
struct Room {
    plain: Vec<u8>,
    crypto: Crypto,
    assembly: Assembly,
}

/// What a packet did to a ClientHello.
enum Hello {
    /// It is not whole.
    Waits,
    /// It was handed over, or it is none.
    Over,
    /// It does not fit.
    Refused,
}

impl Room {
    /// Whether these keys open the packet; its CRYPTO frames are in the buffers then.
    fn opens(&mut self, keys: &Keys, packet: &Initial<'_>) -> bool {
        keys.open(packet, &mut self.plain) && self.crypto.read(&self.plain, packet.cut, packet.family.is_google())
    }
}

/// Adds CRYPTO frames to what came before, and hands over the message once it is whole.
fn add<S: Sink>(
    assembly: &mut Assembly,
    crypto: &Crypto,
    plain: &[u8],
    limit: usize,
    context: &mut Context<'_, S>,
) -> Hello {
    for (offset, range) in &crypto.0 {
        let data = plain.get(range.clone()).unwrap_or_default();
        if !usize::try_from(*offset).is_ok_and(|offset| assembly.insert(offset, data, limit)) {
            context.anomalies.count(Anomaly::HeadOverflow);
            return Hello::Refused;
        }
    }
    message(assembly.prefix(), context)
}

/// Hands over the message of a packet that holds it whole in one CRYPTO frame, as most do.
fn alone<S: Sink>(crypto: &Crypto, plain: &[u8], limit: usize, context: &mut Context<'_, S>) -> Hello {
    match crypto.0.as_slice() {
        [(0, range)] if range.len() <= limit => message(plain.get(range.clone()).unwrap_or_default(), context),
        _ => Hello::Waits,
    }
}

fn message<S: Sink>(bytes: &[u8], context: &mut Context<'_, S>) -> Hello {
    let Some((&kind, rest)) = bytes.split_first() else { return Hello::Waits };
    if kind == b'C' {
        // Q050 has the CHLO of older versions in its CRYPTO frames, in one packet.
        if bytes.starts_with(b"CHLO") {
            gquic::chlo(bytes, context);
        }
        return Hello::Over;
    }
    if kind != CLIENT_HELLO {
        context.anomalies.count(Anomaly::TlsMalformed);
        return Hello::Over;
    }
    let Some((length, body)) = length24(rest) else { return Hello::Waits };
    let hello = match body.get(..length) {
        Some(body) => ClientHello::read(Carrier::Quic, body),
        None if context.last => ClientHello::read_cut(Carrier::Quic, body),
        None => return Hello::Waits,
    };
    match hello {
        Some(hello) => context.emit(Fact::ClientHello(hello)),
        None if context.last => {}
        None => context.anomalies.count(Anomaly::TlsMalformed),
    }
    Hello::Over
}

impl Tracker {
    pub(crate) fn new(limits: &Limits, seed: u64) -> Self {
        Tracker {
            salts: Salts::new(),
            hasher: FixedState::with_seed(seed),
            table: HashTable::new(),
            room: Room {
                plain: Vec::with_capacity(2048),
                crypto: Crypto::with_room(),
                assembly: Assembly::with_room(),
            },
            held: 0,
            done: 0,
            refused: 0,
            budget: limits.quic_bytes,
            length: limits.head_length,
            patience: limits.quic_seconds.saturating_mul(Micros::SECOND),
        }
    }

    /// Reads the packets of a datagram; whether it was QUIC of a known version.
    pub(crate) fn datagram(
        &mut self,
        now: Micros,
        flow: &Flow,
        payload: &[u8],
        anomalies: &mut Anomalies,
        sink: &mut impl Sink,
    ) -> bool {
        let mut rest = payload;
        let mut known = false;
        let mut context = Context { flow, last: false, seen: 0, anomalies, sink };
        loop {
            match header::next(&mut rest) {
                Ok(Some(Packet::Initial(packet))) => self.initial(now, &packet, &mut context),
                Ok(Some(Packet::Other)) => {}
                Ok(None) => return known || gquic::datagram(payload, &mut context),
                Err(()) => {
                    context.anomalies.count(Anomaly::QuicMalformed);
                    return true;
                }
            }
            known = true;
        }
    }

    fn initial<S: Sink>(&mut self, now: Micros, packet: &Initial<'_>, context: &mut Context<'_, S>) {
        let flow = *context.flow;
        let hash = flows::hash(&self.hasher, &flow);
        // A cut packet is the last word on its own, not on what other datagrams bring.
        context.last = packet.cut;
        let Tracker { table, room, length, held, done, budget, refused, .. } = self;
        let found = table.find_mut(hash, |known| {
            let finished = known.hello.is_none() && known.dcid == packet.dcid;
            known.flow == flow && (finished || room.opens(&known.keys, packet))
        });
        if let Some(known) = found {
            let Some(assembly) = &mut known.hello else { return };
            known.touched = now;
            let before = assembly.held();
            let mut outcome = add(assembly, &room.crypto, &room.plain, *length, context);
            *held = (*held + assembly.held()).saturating_sub(before);
            if *held > *budget && matches!(outcome, Hello::Waits) {
                context.anomalies.count(Anomaly::HeadLimit);
                *refused += 1;
                outcome = Hello::Refused;
            }
            if !matches!(outcome, Hello::Waits) {
                *held = held.saturating_sub(assembly.held());
                *done += size_of::<Connection>();
                known.hello = None;
            }
            return;
        }
        if !self.is_from_server(packet, &flow) {
            self.first(now, hash, packet, context);
        }
    }

    /// Whether it is an answer: it goes to the connection ID of a known client (RFC 9000 section 7.2).
    fn is_from_server(&self, packet: &Initial<'_>, flow: &Flow) -> bool {
        let client = flow.reversed();
        let asked = |known: &Connection| known.flow == client && known.scid == packet.dcid;
        self.table.find(flows::hash(&self.hasher, &client), asked).is_some()
    }

    /// The first packet of a connection.
    fn first<S: Sink>(&mut self, now: Micros, hash: u64, packet: &Initial<'_>, context: &mut Context<'_, S>) {
        let Some(keys) = self.salts.client_keys(packet.family, packet.dcid.as_bytes()) else { return };
        if !self.room.opens(&keys, packet) {
            if packet.dcid.as_bytes().len() >= FIRST_CID {
                context.anomalies.count(Anomaly::QuicUndecryptable);
            }
            return;
        }
        let Room { plain, crypto, assembly } = &mut self.room;
        if crypto.0.is_empty() {
            return;
        }
        let hello = match alone(crypto, plain, self.length, context) {
            Hello::Waits => {
                assembly.clear();
                add(assembly, crypto, plain, self.length, context)
            }
            read => read,
        };
        let hello = match hello {
            Hello::Waits => Some(Box::new(assembly.shrunk())),
            Hello::Over => None,
            Hello::Refused => return,
        };
        let connection =
            Connection { flow: *context.flow, dcid: packet.dcid, scid: packet.scid, keys, touched: now, hello };
        self.remember(hash, connection, context.anomalies);
    }

    fn remember(&mut self, hash: u64, connection: Connection, anomalies: &mut Anomalies) {
        let siblings = self.table.iter_hash(hash).filter(|known| known.flow == connection.flow).count();
        let cost = connection.cost();
        let waits = connection.hello.is_some();
        // Those done with may take half of the budget, so that they never keep others from waiting.
        let fits = if waits { self.held + cost <= self.budget } else { self.done + cost <= self.budget / 2 };
        if siblings >= CONNECTIONS_PER_FLOW || !fits {
            self.refused += 1;
            if waits {
                anomalies.count(Anomaly::HeadLimit);
            }
            return;
        }
        if !waits {
            self.done += cost;
        }
        self.held += cost;
        let hasher = &self.hasher;
        self.table.insert_unique(hash, connection, |known| flows::hash(hasher, &known.flow));
    }

    /// Lets go of what waited too long; of a ClientHello that is not whole, what there is of it is used.
    pub(crate) fn expire<S: Sink>(&mut self, now: Micros, anomalies: &mut Anomalies, sink: &mut S) {
        let Tracker { table, patience, held, done, .. } = self;
        let mut begun = Vec::new();
        for known in table.extract_if(|known| now.since(known.touched) > *patience) {
            *held = held.saturating_sub(known.cost());
            match known.hello {
                Some(hello) => begun.push((known.flow, known.dcid, hello)),
                None => *done = done.saturating_sub(size_of::<Connection>()),
            }
        }
        begun.sort_unstable_by_key(|(flow, dcid, _)| (*flow, *dcid));
        for (flow, _, hello) in &begun {
            anomalies.count(Anomaly::HeadExpired);
            message(hello.prefix(), &mut Context { flow, last: true, seen: 0, anomalies, sink });
        }
    }

    /// What it holds and refused.
    pub(crate) fn table(&self) -> TableUsage {
        TableUsage {
            name: "quic",
            entries: self.table.len() as u64,
            bytes: self.held as u64,
            limit: TableLimit::Bytes(self.budget as u64),
            refused: self.refused,
        }
    }

    /// Bytes held and connections remembered.
    #[cfg(test)]
    pub(crate) fn usage(&self) -> (usize, usize) {
        (self.held, self.table.len())
    }
}

impl Connection {
    /// What it counts in the budget.
    fn cost(&self) -> usize {
        size_of::<Connection>() + self.hello.as_ref().map_or(0, |assembly| assembly.held())
    }
}
