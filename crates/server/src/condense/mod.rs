//! Events fold into threats. Pure: no I/O, no clock.
//!
//! A threat is (site, source, kind, indicator): see [`ThreatKey`]. Folding is commutative and associative: the same
//! events give the same threats, ids and counts in whatever order and portions they come.
//!
//! ```text
//! Event -> Fold::add -> Fold (an hour, a day), Fold::merge
//!   -> chunk::encode_whole   everything, for files: chunk::decode gives the fold back
//!   -> Ranked, chunk::encode_slice   rows by rank, sets cut to a few samples, for the page
//! ```

pub mod chunk;
mod direction;
mod evidence;
mod fold;
mod intern;
mod lists;
mod paged;
mod part;
mod rank;
mod row;
mod threat;
mod totals;
mod view;

pub use direction::{Direction, Directions};
pub use evidence::{Evidence, Reasons};
pub(crate) use fold::seen;
pub use fold::{Added, Fold, MAX_THREATS, OtherWindow};
pub(crate) use intern::number as address_number;
pub use intern::{Label, MAX_TEXT_BYTES};
pub use part::{MAX_DESTINATIONS, MAX_PORTS, MAX_SENSORS};
pub use rank::Ranked;
pub(crate) use row::{Address, Row, Text, shown};
pub use threat::{ThreatId, ThreatKey};
pub use totals::{MAX_SLOTS, Totals, Window};
pub use view::{Sample, Threat};
