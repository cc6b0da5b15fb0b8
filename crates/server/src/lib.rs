//! Keeps events and serves them.
//!
//! ```text
//! journals and text logs in LOG_DIR | UDP | HTTPS batches | the sensor of this process
//!   v  record: every event is a line of a file before anything else knows of it
//! store: segments (Parquet) of what the files hold, with how far each file was read; everything here can be rebuilt
//!   v  condense: events fold into threats; chunks of them travel to the browser
//! http: kept paths, /api/v1, the page; each answer held to the reader's scope
//! ```
//!
//! State that people make (accounts, triage, views, rules) lives in SQLite ([`state`]), never in the event store; what
//! was seen at all (names, addresses, passive DNS) in an SQLite file of its own ([`observables`]).
//! Nothing here sees packets.

pub mod access;
pub mod addresses;
pub mod blocklist;
pub mod condense;
mod database;
mod directory;
pub mod enrich;
pub mod http;
pub mod hunt;
pub mod intake;
pub mod observables;
pub mod retro;
mod run;
pub mod settings;
mod stamp;
pub mod state;
pub mod store;

pub use access::Scope;
pub use database::DatabaseError;
pub use directory::make_directory;
pub use run::{Server, ServerError};
pub use settings::Settings;
