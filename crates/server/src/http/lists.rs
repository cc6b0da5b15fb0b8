//! Lists for those who block: `/fail2ban` and `/blacklist` for peers that the configuration names, without a login;
//! `/api/v1/blocklist` for readers. Each is kept up with what arrives, so that asking often costs little.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use event::Severity;
use ipnet::IpNet;
use serde::Deserialize;
use utoipa::IntoParams;

use super::app::App;
use super::auth::{Client, Known};
use super::extract::{Ask, Segment};
use super::problem::Problem;
use super::recent::Recent;
use super::reply::{self, Keep};
use super::work;
use crate::blocklist::{
    Cleared, Collected, Entry, Format, MAX_ENTRIES, Of, RuleError, Rules, Selection, Span, Written, write,
};
use crate::{Scope, Settings};

/// Lists that are kept up at the same time.
const KNOWN_LISTS: usize = 32;

/// Most days of a list.
const MAX_DAYS: u16 = 30;

/// Infos of those who attack, scan and probe: whom /fail2ban lists where FAIL2BAN_REGEX is not set.
const ATTACKS: &str =
    "attacker|reputation|scan|leak|injection|traversal|execution|command|config file access|dns changer|spammer";

/// How many entries a full list refused.
const REFUSED: HeaderName = HeaderName::from_static("maltrail-refused");

/// Fields by which a proxy shows that the peer is not who asks.
const FORWARDED: [&str; 3] = ["x-forwarded-for", "x-real-ip", "forwarded"];

/// What a list depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Fail2ban,
    Blacklist(String),
    Block { of: Of, severity: Severity, days: u16, scope: Scope },
}

/// Lists that are kept up, and their rules.
pub(super) struct Lists {
    fail2ban: Result<Arc<Rules>, RuleError>,
    /// By name in lower case; empty: without one.
    blacklists: BTreeMap<String, Result<Arc<Rules>, RuleError>>,
    known: Recent<Key, Arc<Mutex<Collected>>>,
}

impl Lists {
    pub(super) fn new(settings: &Settings) -> Lists {
        let said = |what: &str, rules: Result<Rules, RuleError>| {
            rules.map(Arc::new).inspect_err(|error| tracing::error!("{what}: {error}; its list is not served"))
        };
        let expression = settings.fail2ban_regex.as_deref().unwrap_or(ATTACKS);
        let blacklists = settings.blacklists.iter().map(|(name, lines)| {
            let rules = Rules::parse(lines.iter().map(String::as_str));
            (name.to_lowercase(), said(&format!("BLACKLIST {name}"), rules))
        });
        Lists {
            fail2ban: said("FAIL2BAN_REGEX", Rules::info(expression)),
            blacklists: blacklists.collect(),
            known: Recent::new(KNOWN_LISTS),
        }
    }

    fn list(&self, key: Key, selection: Selection, span: Span) -> Arc<Mutex<Collected>> {
        self.known.get(&key).unwrap_or_else(|| {
            let list = Arc::new(Mutex::new(Collected::new(selection, span, MAX_ENTRIES)));
            self.known.put(key, list.clone());
            list
        })
    }
}

/// `/fail2ban`: sources of today's events whose info says that they attack.
pub(super) async fn fail2ban(
    State(app): State<Arc<App>>,
    client: Client,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    allowed(client, &headers, &app.settings.fail2ban_allowlist, "FAIL2BAN_ALLOWLIST")?;
    let rules = usable(&app.lists.fail2ban, "FAIL2BAN_REGEX")?;
    matching(&app, Key::Fail2ban, rules, &headers).await
}

/// `/blacklist`: sources of today's events that the rules of BLACKLIST match.
pub(super) async fn blacklist(
    State(app): State<Arc<App>>,
    client: Client,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    listed(&app, client, "", &headers).await
}

/// `/blacklist/NAME`: those of BLACKLIST_NAME.
pub(super) async fn named_blacklist(
    State(app): State<Arc<App>>,
    client: Client,
    Segment(name): Segment<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    listed(&app, client, &name, &headers).await
}

async fn listed(app: &Arc<App>, client: Client, name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    allowed(client, headers, &app.settings.blacklist_allowlist, "BLACKLIST_ALLOWLIST")?;
    let name = name.to_lowercase();
    let rules = app.lists.blacklists.get(&name);
    let rules = rules.ok_or_else(|| Problem::missing("there is no such BLACKLIST in the configuration"))?;
    let rules = usable(rules, "BLACKLIST")?;
    matching(app, Key::Blacklist(name), rules, headers).await
}

/// Whether a peer may read a list: this machine, and whom the setting names. What a proxy on this machine hands on is
/// not of this machine.
fn allowed(client: Client, headers: &HeaderMap, list: &[IpNet], setting: &str) -> Result<(), Problem> {
    let direct = || !FORWARDED.iter().any(|name| headers.contains_key(*name));
    let named = |address: IpAddr| list.iter().any(|net| net.contains(&address));
    if named(client.address) || (client.address.is_loopback() && direct()) {
        return Ok(());
    }
    Err(Problem::forbidden(format!("{setting} does not name this address")))
}

fn usable(rules: &Result<Arc<Rules>, RuleError>, setting: &str) -> Result<Arc<Rules>, Problem> {
    rules.clone().map_err(|error| Problem::broken(&format!("{setting} cannot be used"), &error))
}

async fn matching(app: &Arc<App>, key: Key, rules: Arc<Rules>, headers: &HeaderMap) -> Result<Response, Problem> {
    let span = Span { days: 1, zone: app.settings.zone.clone(), scope: Scope::everything() };
    let list = app.lists.list(key, Selection::Matching(rules), span);
    answer(app, list, Format::Plain, 0, headers).await
}

async fn answer(
    app: &Arc<App>,
    list: Arc<Mutex<Collected>>,
    format: Format,
    ttl: u32,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let headers = headers.clone();
    work::run(app, move |app, cancelled| {
        let path = app.settings.log_dir.join("cleared.txt");
        let cleared = Cleared::read(&path)
            .map_err(|error| Problem::broken("cleared.txt cannot be read, so nothing is listed", &error))?;
        let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
        list.follow(app.store.as_ref(), app.clock.now(), &|| cancelled.is())?;
        let serial = u32::try_from(list.changed().as_second()).unwrap_or_default();
        let own = app.enrich.local().own();
        let ours = |entry: &Entry| entry.as_address().is_some_and(|address| own.contains(address));
        let entries = list.entries().filter(|entry| !cleared.contains(entry) && !ours(entry));
        let (text, refused) = (write(Written { format, ttl, serial }, entries), list.refused());
        drop(list);
        let mut response = reply::bytes(&headers, "text/plain; charset=utf-8", text.as_bytes(), Keep::Ask)?;
        if refused > 0 {
            tracing::warn!("a list is full: {refused} entries beyond {MAX_ENTRIES} are not in it");
            response.headers_mut().insert(REFUSED, HeaderValue::from(refused));
        }
        Ok::<_, Problem>(response)
    })
    .await
}

/// Which list, and how it is written.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The language: plain lines, commands for `nft -f`, a table for `pfctl -T replace -f`, a response policy zone.
    #[serde(default)]
    #[param(inline)]
    format: Format,
    /// What is listed: sources on the Internet, listed addresses that were contacted, or listed names. Names if the
    /// format is rpz, sources otherwise.
    #[param(inline)]
    of: Option<Of>,
    /// Events at least as bad: low, medium, high; high if not told.
    #[param(value_type = Option<String>, pattern = "^(low|medium|high)$")]
    severity: Option<Severity>,
    /// Of so many days, today with them: 1 (the default) to 30.
    #[param(minimum = 1, maximum = 30)]
    days: Option<u16>,
    /// Seconds for which an entry is good, for nftables and rpz: 60 to 2592000; 3600 if not told.
    #[param(minimum = 60, maximum = 2_592_000)]
    ttl: Option<u32>,
}

/// What is to be blocked, in the language of who blocks. Never local or reserved addresses, none of the own
/// networks, nothing that is cleared.
#[utoipa::path(get, path = "/api/v1/blocklist", tag = "reading", params(Asked),
    responses((status = 200, content_type = "text/plain", body = String), (status = 304, description = "As it was"),
        (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem, description = "This format has no such list"), (status = 503, body = Problem)))]
pub(super) async fn blocklist(
    State(app): State<Arc<App>>,
    Known(reader): Known,
    Ask(asked): Ask<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (days, ttl) = (asked.days.unwrap_or(1), asked.ttl.unwrap_or(3600));
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(Problem::bad(format!("days: 1 to {MAX_DAYS}")));
    }
    if !(60..=2_592_000).contains(&ttl) {
        return Err(Problem::bad("ttl: 60 to 2592000 seconds"));
    }
    let names = asked.format == Format::Rpz;
    let of = asked.of.unwrap_or(if names { Of::Names } else { Of::Sources });
    if names != (of == Of::Names) && asked.format != Format::Plain {
        return Err(Problem::missing(
            "no such list: rpz is for names, nftables and pf are for sources and destinations",
        ));
    }
    let severity = asked.severity.unwrap_or(Severity::High);
    let scope = reader.view();
    let key = Key::Block { of, severity, days, scope: scope.clone() };
    let span = Span { days, zone: app.settings.zone.clone(), scope };
    let list = app.lists.list(key, Selection::AtLeast(severity, of), span);
    answer(&app, list, asked.format, ttl, &headers).await
}
