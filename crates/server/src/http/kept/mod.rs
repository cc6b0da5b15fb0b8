//! Paths that other programs have called for years, and answers of the shape they expect.

use super::routes::{Route, Who};

/// What `/ping` answers.
const PONG: &str = "pong";

/// The kept paths.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/ping", Who::Anyone, async || PONG)]
}
