//! Every event of one threat, in pages.

use std::ops::ControlFlow;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use event::Event;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Scope;
use crate::condense::ThreatId;
use crate::http::app::App;
use crate::http::auth::Known;
use crate::http::extract::{Ask, Segment};
use crate::http::problem::Problem;
use crate::http::reply::{self, Keep};
use crate::http::work::Cancelled;
use crate::http::{days, span, work};
use crate::store::{Filter, Query};

/// Events of a page where nothing is said.
const PAGE: usize = 100;

/// Most events of a page.
const MAX_PAGE: usize = 1000;

/// Which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Most events, 1 to 1000; 100 if not told.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Newest first, the default, or oldest first.
    newest: Option<bool>,
    /// `next` of the page before.
    #[param(pattern = "^-?[0-9]{1,20}[.][0-9]{1,18}$")]
    after: Option<String>,
    /// First day; all if not told.
    #[param(value_type = Option<String>, format = Date)]
    from: Option<String>,
    /// Last day.
    #[param(value_type = Option<String>, format = Date)]
    to: Option<String>,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub(super) struct Page {
    /// As the journal has them.
    events: Vec<Recorded>,
    /// Where the next page goes on; none at the end.
    next: Option<String>,
}

/// An event and its line.
#[derive(Serialize, ToSchema)]
pub(super) struct Recorded {
    #[schema(value_type = Object)]
    event: Event,
    /// As it stands in the text log.
    line: String,
}

/// Behind so many events of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    time: Timestamp,
    passed: u64,
}

impl FromStr for Place {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Place, Problem> {
        let wrong = || Problem::bad("after: give what `next` of the page before says");
        let (time, passed) = text.split_once('.').ok_or_else(wrong)?;
        let time = time.parse().ok().and_then(|time| Timestamp::from_nanosecond(time).ok()).ok_or_else(wrong)?;
        Ok(Place { time, passed: passed.parse().map_err(|_| wrong())? })
    }
}

/// Every recorded event of a threat, in pages: stable while events arrive.
#[utoipa::path(get, path = "/api/v1/threats/{id}/events", tag = "reading",
    params(("id" = String, Path, pattern = "^[0-9a-f]{16}$", description = "Id of the threat"), Asked),
    responses((status = 200, body = Page), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn of_threat(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    Segment(id): Segment<String>,
    Ask(asked): Ask<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id: ThreatId = id.parse().map_err(|error| Problem::bad(format!("{error}")))?;
    let wanted = Wanted::of(&asked, id, reader.view())?;
    let page = work::run(&app, move |app, cancelled| wanted.page(app, cancelled)).await?;
    reply::json(&headers, &page, Keep::Nothing)
}

struct Wanted {
    id: ThreatId,
    scope: Scope,
    days: days::Days,
    newest: bool,
    limit: usize,
    after: Option<Place>,
}

impl Wanted {
    fn of(asked: &Asked, id: ThreatId, scope: Scope) -> Result<Wanted, Problem> {
        let limit = asked.limit.unwrap_or(PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(Problem::bad(format!("limit: 1 to {MAX_PAGE}")));
        }
        let day = |text: &Option<String>, open| match text {
            Some(text) => days::day(text),
            None => Ok(open),
        };
        let days = days::Days {
            first: day(&asked.from, jiff::civil::Date::MIN)?,
            last: day(&asked.to, jiff::civil::Date::MAX)?,
        };
        let after = asked.after.as_deref().map(str::parse).transpose()?;
        Ok(Wanted { id, scope, days, newest: asked.newest.unwrap_or(true), limit, after })
    }

    fn page(&self, app: &App, cancelled: &Cancelled) -> Result<Page, Problem> {
        let mut page = Page { events: Vec::new(), next: None };
        let held = span::held(app.store.as_ref(), &self.scope, Some(self.days))?;
        let Some(around) = span::around(&held) else { return Ok(page) };
        let (mut from, mut to) = span::instants(around, &app.settings.zone);
        if let Some(after) = self.after {
            let behind = after.time.checked_add(jiff::SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MAX);
            if self.newest { to = to.min(behind) } else { from = from.max(after.time) }
        }
        if from >= to {
            return Ok(page);
        }
        let filter = Filter::Threat(self.id);
        let query = Query { from, to, scope: self.scope.clone(), filter, newest_first: self.newest };
        let mut place: Option<Place> = None;
        work::until(app, &query, cancelled, |stored| {
            if let Some(place) = place.filter(|_| page.events.len() >= self.limit) {
                page.next = Some(format!("{}.{}", place.time.as_nanosecond(), place.passed));
                return ControlFlow::Break(());
            }
            let time = stored.event.time;
            let passed = place.filter(|place| place.time == time).map_or(1, |place| place.passed + 1);
            place = Some(Place { time, passed });
            if self.after.is_none_or(|after| after.time != time || passed > after.passed) {
                let line = stored.text(&app.settings.zone).into_owned();
                page.events.push(Recorded { event: stored.event.clone(), line });
            }
            ControlFlow::Continue(())
        })?;
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let place: Place = "1763640000000000001.3".parse().unwrap();
        assert_eq!((place.time.as_nanosecond(), place.passed), (1_763_640_000_000_000_001, 3));
        let far = format!("{}.1", i128::MAX);
        for wrong in ["", ".", "1", "1.", ".1", "1.-1", "x.1", far.as_str(), "1.1.1"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
