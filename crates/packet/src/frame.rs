//! What a capture source hands over: time, link type and bytes.

/// Packet time: microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

impl Micros {
    /// One second.
    pub const SECOND: i64 = 1_000_000;

    /// This time plus `micros` microseconds (saturating).
    #[must_use]
    pub fn plus(self, micros: i64) -> Self {
        Micros(self.0.saturating_add(micros))
    }

    /// Microseconds from `earlier` to this time (saturating; negative where the clock stepped back).
    #[must_use]
    pub fn since(self, earlier: Micros) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A link-layer type as capture files and libpcap name it (`LINKTYPE_*`,
/// <https://www.tcpdump.org/linktypes.html>), not a platform's `DLT_*` where the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

/// One captured frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// When it was captured.
    pub time: Micros,
    /// How its first byte is to be read.
    pub link: LinkType,
    /// The captured bytes; may be fewer than were on the wire.
    pub bytes: &'a [u8],
}
