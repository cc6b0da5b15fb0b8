//! Long headers (RFC 9000 section 17.2, RFC 9369 section 3.2) and the versions whose Initials can be read.

/// Bytes of a connection ID at most (RFC 9000 section 17.2).
const CID_LENGTH: usize = 20;

/// Versions that share salt, labels and packet types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Family {
    V1,
    V2,
    /// draft-ietf-quic-tls-22.
    Draft22,
    /// draft-ietf-quic-tls-23 to 28.
    Draft23,
    /// draft-ietf-quic-tls-29 to 32.
    Draft29,
    GoogleQ050,
    GoogleT050,
    GoogleT051,
}

impl Family {
    pub(super) const COUNT: usize = 8;

    pub(super) fn of(version: u32) -> Option<Family> {
        Some(match version {
            0x0000_0001 | 0xff00_0021 | 0xff00_0022 => Family::V1,
            0x6b33_43cf => Family::V2,
            // 0xfaceb00x are Facebook's.
            0xff00_0016 | 0xface_b001 => Family::Draft22,
            0xff00_0017..=0xff00_001c | 0xface_b002 | 0xface_b00e => Family::Draft23,
            0xff00_001d..=0xff00_0020 => Family::Draft29,
            0x5130_3530 => Family::GoogleQ050,
            0x5430_3530 => Family::GoogleT050,
            0x5430_3531 => Family::GoogleT051,
            _ => return None,
        })
    }

    /// Frames are those of Google QUIC, among which CRYPTO has another number.
    pub(super) fn is_google(self) -> bool {
        matches!(self, Family::GoogleQ050 | Family::GoogleT050 | Family::GoogleT051)
    }

    /// The packet type bits of an Initial.
    fn initial(self) -> u8 {
        if self == Family::V2 { 1 } else { 0 }
    }

    /// The packet type bits of a Retry, which has no length.
    fn retry(self) -> u8 {
        if self == Family::V2 { 0 } else { 3 }
    }
}

/// A connection ID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cid {
    length: u8,
    bytes: [u8; CID_LENGTH],
}

impl Cid {
    fn new(from: &[u8]) -> Option<Cid> {
        let mut cid = Cid { length: from.len() as u8, bytes: [0; CID_LENGTH] };
        cid.bytes.get_mut(..from.len())?.copy_from_slice(from);
        Some(cid)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// An Initial packet, still protected.
#[derive(Clone, Copy)]
pub(super) struct Initial<'a> {
    pub(super) family: Family,
    pub(super) dcid: Cid,
    pub(super) scid: Cid,
    /// The first byte.
    pub(super) first: u8,
    /// From the packet number on, as far as captured.
    pub(super) sealed: &'a [u8],
    /// The capture cut it.
    pub(super) cut: bool,
}

/// One packet of a datagram.
pub(super) enum Packet<'a> {
    Initial(Initial<'a>),
    /// A packet of another type.
    Other,
}

/// Takes the next packet of a datagram: `Ok(None)` at its end or where what follows has no long header of a known
/// version, `Err` where lengths contradict themselves. A packet that the capture cut is the last.
pub(super) fn next<'a>(datagram: &mut &'a [u8]) -> Result<Option<Packet<'a>>, ()> {
    let Some((&[first, v0, v1, v2, v3], rest)) = datagram.split_first_chunk::<5>() else { return Ok(None) };
    let Some(family) = Family::of(u32::from_be_bytes([v0, v1, v2, v3])).filter(|_| first & 0x80 != 0) else {
        return Ok(None);
    };
    let (dcid, rest) = cid(rest).ok_or(())?;
    let (scid, rest) = cid(rest).ok_or(())?;
    let kind = first >> 4 & 3;
    if kind == family.retry() {
        *datagram = &[];
        return Ok(Some(Packet::Other));
    }
    let mut rest = rest;
    if kind == family.initial() {
        let (length, after) = varint(rest).ok_or(())?;
        (_, rest) = after.split_at_checked(usize::try_from(length).map_err(|_| ())?).ok_or(())?;
    }
    let (length, body) = varint(rest).ok_or(())?;
    let length = usize::try_from(length).map_err(|_| ())?;
    let (sealed, after) = body.split_at(length.min(body.len()));
    *datagram = after;
    if kind != family.initial() {
        return Ok(Some(Packet::Other));
    }
    let (dcid, scid) = (Cid::new(dcid).ok_or(())?, Cid::new(scid).ok_or(())?);
    Ok(Some(Packet::Initial(Initial { family, dcid, scid, first, sealed, cut: sealed.len() < length })))
}

fn cid(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = data.split_first()?;
    if usize::from(length) > CID_LENGTH { None } else { rest.split_at_checked(usize::from(length)) }
}

/// A variable-length integer (RFC 9000 section 16) and what follows it.
pub(super) fn varint(data: &[u8]) -> Option<(u64, &[u8])> {
    let (&first, _) = data.split_first()?;
    let (digits, rest) = data.split_at_checked(1 << (first >> 6))?;
    let value = digits.iter().fold(0u64, |value, digit| value << 8 | u64::from(*digit));
    Some((value & (u64::MAX >> (66 - 8 * digits.len())), rest))
}
