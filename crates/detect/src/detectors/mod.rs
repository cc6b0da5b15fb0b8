//! Detectors: what no trail lists, told by how it behaves.
//!
//! A detector that needs one packet only (a request, an answer) looks at it on the capture worker, in [`witness`].
//! One that counts does so in [`Stage`], of which there is one for all workers: each worker puts what is to be counted
//! into a [`Batch`] of small records, and the batches of all workers, in order of capture, are what the stage sees. So
//! what is found does not depend on how many workers there are.
//!
//! Each detector is a file with its [`About`], of which the manual is made ([`manual`]). State is bounded: at its limit
//! a table refuses new keys and counts them. Nothing here reads a clock; time is packet time.

mod about;
mod alarm;
mod distinct;
mod evidence;
pub mod manual;
mod names;
mod net;
mod settings;
mod stage;
mod witness;

mod beaconing;
mod brute_force;
mod dga;
mod dns_exhaustion;
mod dns_tunnel;
mod excessive_nxdomain;
mod heads;
pub mod http_request;
mod infection;
mod long_domain;
mod port_scanning;
mod udp_scanning;
mod web_scanning;

pub use about::{About, Detector, Threshold};
pub use evidence::Batch;
pub use settings::{Settings, SettingsError};
pub use stage::Stage;

pub(crate) use alarm::{Alarm, When};
pub(crate) use heads::Asked;
pub(crate) use witness::Witness;
