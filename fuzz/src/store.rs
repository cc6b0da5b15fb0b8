//! What a query becomes.

#[allow(dead_code)]
#[path = "../../crates/server/src/store/terms.rs"]
mod terms;

pub use terms::{Field, Filter};
