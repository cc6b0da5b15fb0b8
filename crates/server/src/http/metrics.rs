//! What the HTTP interface counts, and `/metrics` (Prometheus text), which shows it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::{HeaderName, header};

use super::app::App;
use super::auth::Known;
use super::problem::Problem;
use super::routes::{Route, Who};
use super::work;
use crate::intake::{self, Way};
use crate::store::Figure;

/// One number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counters of the HTTP interface.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections that were accepted.
    pub connections: Counter,
    /// Connections closed at once: too many in all.
    pub refused_all: Counter,
    /// Connections closed at once: too many from one address.
    pub refused_address: Counter,
    /// Connections that could not be accepted (no descriptors left ...).
    pub accept_errors: Counter,
    /// TLS handshakes that failed or took too long.
    pub handshakes_failed: Counter,
    /// Plain requests on a TLS port that were sent to https.
    pub redirected: Counter,
    /// Requests by the hundreds of their status: 1xx to 5xx.
    pub requests: [Counter; 5],
    /// Requests refused because every place for blocking work was taken.
    pub refused_work: Counter,
    /// Bodies refused because their client reads as many as it may, or all places for them were taken.
    pub refused_bodies: Counter,
    /// Live streams that were begun.
    pub streams: Counter,
    /// Live streams refused.
    pub refused_streams: Counter,
    /// Live streams whose client fell too far behind.
    pub lost_streams: Counter,
    /// Requests of strangers for what is not for them.
    pub denied: Counter,
    /// Requests that change something and came from another site.
    pub cross_site: Counter,
}

impl Counters {
    /// Counts an answer.
    pub(super) fn answered(&self, status: u16) {
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some(counter) = self.requests.get(class) {
            counter.add();
        }
    }
}

/// The route of the metrics.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/metrics", Who::Reader, metrics)]
}

/// Events are counted for the reader's scope; observables are told to those who may see all of them.
async fn metrics(
    State(app): State<Arc<App>>,
    Known(reader): Known,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    let (scope, now) = (reader.view(), app.clock.now());
    let all = !scope.limits_addresses();
    let (days, broken, observables, feeds) = work::run(&app, move |app, _| -> Result<_, Problem> {
        // Waits for whoever writes them.
        let observables = if all { app.observables.figures() } else { Vec::new() };
        let feeds = feeds::metrics::text(&app.settings.trails_file, now);
        Ok((app.store.days(&scope)?, app.enrich.problems().len() as u64, observables, feeds))
    })
    .await?;
    let today = app.today();
    let of_today = days.iter().find(|count| count.day == today);
    let mut page = Page(String::new());
    page.http(&app);
    page.intake(&app.intake);
    page.one("store_days", "gauge", "Days with events", days.len() as u64);
    page.one("store_events", "gauge", "Events of all days", days.iter().map(|count| count.events).sum());
    page.one("store_lines", "gauge", "Lines of all days", days.iter().map(|count| count.lines).sum());
    page.one("store_events_today", "gauge", "Events of today", of_today.map_or(0, |count| count.events));
    page.figures(&app.store.figures());
    page.figures(&observables);
    if all {
        page.figures(&app.retro.figures());
    }
    let trails = app.trails.get().await;
    page.one("trails", "gauge", "Indicators in the trail store", trails.as_ref().map_or(0, |store| store.len() as u64));
    let generation = trails.map_or(0, |store| store.generation_info().generation);
    page.one("trails_generation", "gauge", "Generation of the trail store", generation);
    page.one("enrich_problems", "gauge", "Files of places and networks that are not in use, or damaged", broken);
    let uptime = u64::try_from(now.duration_since(app.started).as_secs()).unwrap_or_default();
    page.one("server_uptime_seconds", "gauge", "Since the start", uptime);
    page.0.push_str(&feeds);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page.0))
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP maltrail_{name} {help}\n# TYPE maltrail_{name} {kind}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.head(name, kind, help);
        let _ = writeln!(self.0, "maltrail_{name} {value}");
    }

    /// Those of the same name stand behind each other.
    fn figures(&mut self, figures: &[Figure]) {
        let mut last = "";
        for Figure { name, help, reason, value } in figures {
            if *name != last {
                self.head(name, if name.ends_with("_total") { "counter" } else { "gauge" }, help);
                last = name;
            }
            let _ = match *reason {
                "" => writeln!(self.0, "maltrail_{name} {value}"),
                reason => writeln!(self.0, "maltrail_{name}{{reason=\"{reason}\"}} {value}"),
            };
        }
    }

    fn http(&mut self, app: &App) {
        let counters = &app.counters;
        self.head("http_requests_total", "counter", "Requests that were answered, by status");
        for (class, count) in (1..).zip(&counters.requests) {
            let _ = writeln!(self.0, "maltrail_http_requests_total{{status=\"{class}xx\"}} {}", count.get());
        }
        self.head("http_connections_refused_total", "counter", "Connections closed at once");
        for (reason, count) in [("all", &counters.refused_all), ("address", &counters.refused_address)] {
            let _ = writeln!(self.0, "maltrail_http_connections_refused_total{{limit=\"{reason}\"}} {}", count.get());
        }
        let totals = [
            ("http_connections", "Connections that were accepted", &counters.connections),
            ("http_accept_errors", "Connections that could not be accepted", &counters.accept_errors),
            ("http_handshakes_failed", "TLS handshakes that failed or took too long", &counters.handshakes_failed),
            ("http_redirected", "Plain requests that were sent to https", &counters.redirected),
            ("http_work_refused", "Requests refused because all places for work were taken", &counters.refused_work),
            ("http_bodies_refused", "Long bodies refused: too many at the same time", &counters.refused_bodies),
            ("http_streams", "Live streams that were begun", &counters.streams),
            ("http_streams_refused", "Live streams refused", &counters.refused_streams),
            ("http_streams_lost", "Times a live stream was too far behind", &counters.lost_streams),
            ("http_denied", "Requests of those who may not", &counters.denied),
            ("http_cross_site", "Changes refused because another site asked for them", &counters.cross_site),
        ];
        for (name, help, counter) in totals {
            self.one(&format!("{name}_total"), "counter", help, counter.get());
        }
        self.one("http_streams_open", "gauge", "Live streams", app.streams.taken() as u64);
        self.one("http_bodies_open", "gauge", "Event lines and hunts that are being read", app.bodies.taken() as u64);
        self.one("http_downloads_open", "gauge", "Sets of trails that are being read", app.downloads.taken() as u64);
        self.one("http_work_running", "gauge", "Requests that are being worked on", app.work.running() as u64);
    }
    fn intake(&mut self, counters: &intake::Counters) {
        for (name, help, of) in [
            ("received", "Events that were received", intake::Counters::received as fn(&intake::Counters, Way) -> u64),
            ("written", "Events that were received and are on disk", intake::Counters::written),
        ] {
            self.head(&format!("intake_{name}_total"), "counter", help);
            for way in Way::ALL {
                let _ =
                    writeln!(self.0, "maltrail_intake_{name}_total{{way=\"{}\"}} {}", way.name(), of(counters, way));
            }
        }
        self.head("intake_refused_total", "counter", "Events that were received and not taken, by reason");
        for way in Way::ALL {
            for (reason, count) in counters.refused(way) {
                let labels = format!("way=\"{}\",reason=\"{}\"", way.name(), reason.name());
                let _ = writeln!(self.0, "maltrail_intake_refused_total{{{labels}}} {count}");
            }
        }
        self.head("intake_dropped_total", "counter", "What came over UDP and was lost: datagrams (kernel) or events");
        let dropped = [
            ("kernel", &counters.dropped_kernel),
            ("queue", &counters.dropped_queue),
            ("record", &counters.dropped_record),
        ];
        for (place, count) in dropped {
            let count = count.load(Ordering::Relaxed);
            let _ = writeln!(self.0, "maltrail_intake_dropped_total{{place=\"{place}\"}} {count}");
        }
        let totals = [
            ("datagrams", "Datagrams of peers that may send", &counters.datagrams),
            ("peers_refused", "Datagrams of peers that may not send", &counters.peers_refused),
            ("retries", "Times the record failed while events of datagrams waited", &counters.retries),
            ("batches", "Batches that were taken", &counters.batches),
            ("batches_repeated", "Batches that came again", &counters.repeated_batches),
            ("batches_refused", "Batches that were refused as a whole", &counters.refused_batches),
            ("batches_failed", "Batches that could not be written", &counters.failed_batches),
            ("batches_busy", "Batches that were sent away: too many at the same time", &counters.busy_batches),
            ("repeated", "Events of batches that came again", &counters.repeated),
            ("renamed", "Events whose sensor was named otherwise than its token", &counters.renamed),
        ];
        for (name, help, counter) in totals {
            self.one(&format!("intake_{name}_total"), "counter", help, counter.load(Ordering::Relaxed));
        }
        let queued = counters.queued_bytes.load(Ordering::Relaxed);
        self.one("intake_queued_bytes", "gauge", "Bytes of datagrams that wait for the disk", queued);
    }
}
