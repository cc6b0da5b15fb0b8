//! Paths that other programs have called for years, and answers of the shape they expect.
//!
//! | path | answer |
//! |---|---|
//! | /ping | `pong` |
//! | /whoami | the account's name, nothing for strangers |
//! | /events?date=D or D1_D2 | event lines; ranges of bytes |
//! | /counts?from=D&to=D | `{"2026-11-20": 123}`: lines of each day |
//! | /check?q= | `{"query", "found", "trail", "info", "reference", "confidence"}` |
//! | /trails | `trail,info,reference` lines |
//! | /geo?date= | `{"counts": {"US": 7}, "mapped", "unmapped", "home": {"lat", "lon"} or null}` |
//! | /meta?observable= | `{"observable", "kind", "first_seen", "last_seen", "count", "country"}`, `{}` if unknown; `asn`, `organization` and `alias` where they are known |
//! | /hunt?q= | what a query finds, one JSON object a line; see `/api/v1/hunt` |
//! | /fail2ban, /blacklist, /blacklist/NAME | addresses to block, one a line, for peers that the configuration names |
//! | /live?date= | server-sent events: one line each, its `id` a place to go on from |

mod check;
mod counts;
mod events;
mod geo;
mod live;
mod meta;
mod trails;

pub(super) use check::Listing;
pub(super) use events::KnownLines;
pub(super) use geo::KnownCountries;

use super::api::hunt;
use super::auth::Maybe;
use super::lists;
use super::routes::{Route, Who};

/// What `/ping` answers.
const PONG: &str = "pong";

/// The kept paths.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/ping", Who::Anyone, async || PONG),
        Route::get("/whoami", Who::Anyone, whoami),
        Route::get("/events", Who::Reader, events::events),
        Route::get("/counts", Who::Reader, counts::counts),
        Route::get("/check", Who::Anyone, check::check),
        Route::get("/trails", Who::Anyone, trails::trails),
        Route::get("/geo", Who::Reader, geo::geo),
        Route::get("/meta", Who::Reader, meta::meta),
        Route::get("/live", Who::Reader, live::live),
        Route::get("/hunt", Who::Reader, hunt::hunt),
        // Firewalls log in nowhere: the peer's address decides.
        Route::get("/fail2ban", Who::Anyone, lists::fail2ban),
        Route::get("/blacklist", Who::Anyone, lists::blacklist),
        Route::get("/blacklist/{name}", Who::Anyone, lists::named_blacklist),
    ]
}

async fn whoami(Maybe(reader): Maybe) -> String {
    reader.map(|reader| reader.name.clone()).unwrap_or_default()
}
