//! From settings and arguments to what an update is made of.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use feeds::fetch::{Client, ClientSettings, Patience};
use feeds::gather::Rules;
use feeds::publish::Place;
use feeds::update::Plan;
use feeds::{Catalogue, Spec};
use regex_automata::meta::Regex;
use trails::{Vetoes, Whitelist};

use crate::arguments::UpdateArguments;
use crate::config::{Config, Values};
use crate::lists;

/// A plan, and what its user should know of it.
///
/// # Errors
/// Something that is named cannot be used; says what to do.
pub(crate) fn of(arguments: &UpdateArguments, config: &Config) -> Result<(Plan, Vec<String>), String> {
    let values = &config.values;
    let (feeds, notes) = chosen(values)?;
    let or = |given: &Vec<PathBuf>, configured: &Option<PathBuf>| {
        if given.is_empty() { configured.iter().cloned().collect() } else { given.clone() }
    };
    let statics: Vec<PathBuf> = or(&arguments.static_dir, &values.static_trails_dir);
    let mut plan = Plan {
        feeds,
        statics,
        custom: or(&arguments.custom, &values.custom_trails_dir),
        copies: Place::of(&values.trails_file).copies(),
        place: place(arguments, config),
        rules: rules(values)?,
        vetoes: Vetoes { user: whitelist(values.user_whitelist.as_deref())?, bogons: true, ..Vetoes::default() },
        min_ratio: (!arguments.force).then_some(values.trail_reload_min_ratio.0),
        client: None,
        patience: Patience::default(),
        force: arguments.force,
        only_news: false,
        seed: RandomState::new().hash_one(()),
    };
    if arguments.offline {
        // What was never fetched is not there.
        let copies = plan.copies.clone();
        plan.feeds.retain(|spec| copies.join(&spec.name).is_dir());
        only_the_csv(&mut plan, arguments);
    } else if !plan.feeds.is_empty() {
        let proxy = values.proxy_address.as_ref().map(|proxy| proxy.0.clone());
        let client = Client::new(&ClientSettings { proxy, ..ClientSettings::default() });
        plan.client = Some(client.map_err(|error| error.to_string())?);
    }
    Ok((plan, notes))
}

/// Where the generation goes.
pub(crate) fn place(arguments: &UpdateArguments, config: &Config) -> Place {
    Place::of(arguments.output.as_ref().unwrap_or(&config.values.trails_file))
}

/// Without feeds and trees the CSV of TRAILS_FILE is what there is: its store is built, and the CSV left alone.
fn only_the_csv(plan: &mut Plan, arguments: &UpdateArguments) {
    let csv = plan.place.csv.clone().filter(|csv| csv.exists());
    if let (Some(csv), true, true) = (csv, plan.statics.is_empty(), plan.feeds.is_empty()) {
        plan.statics.push(csv);
        if arguments.output.is_none() {
            plan.place.csv = None;
        }
    }
}

/// The feeds that are used, with the user's own lists from the web.
fn chosen(values: &Values) -> Result<(Vec<Spec>, Vec<String>), String> {
    if let Some(server) = &values.update_server {
        return Ok((vec![Spec::of_server(&server.0).map_err(|error| error.to_string())?], Vec::new()));
    }
    let (mut feeds, unknown) = if values.use_feed_updates {
        let catalogue = Catalogue::load(values.feeds_dir.as_deref()).map_err(|error| error.to_string())?;
        catalogue.choose(&values.enabled_feeds, &values.disabled_feeds)
    } else {
        (Vec::new(), Vec::new())
    };
    if let Some(url) = &values.custom_trails_url {
        feeds.push(Spec::of_custom(&url.0).map_err(|error| error.to_string())?);
    }
    let note = |name: &String| format!("there is no feed {name} (ENABLED_FEEDS, DISABLED_FEEDS); see `maltrail feeds`");
    Ok((feeds, unknown.iter().map(note).collect()))
}

fn rules(values: &Values) -> Result<Rules, String> {
    let compiled = |text: &str| Regex::new(text).map_err(|error| format!("DISABLED_TRAILS_INFO_REGEX: {error}"));
    let unwanted = values.disabled_trails_info_regex.as_ref().map(|pattern| compiled(&pattern.0)).transpose()?;
    Ok(Rules { minimum: u32::try_from(values.ip_minimum_feeds.0).unwrap_or(u32::MAX), unwanted })
}

/// USER_WHITELIST as far as it is of names, addresses and networks; its other lines apply to findings alone.
pub(crate) fn whitelist(path: Option<&Path>) -> Result<Whitelist, String> {
    let Some(path) = path else { return Ok(Whitelist::default()) };
    Ok(Whitelist::from_lines(&lists::text("USER_WHITELIST", path)?).0)
}

/// The key of a feed, from the environment.
pub(crate) fn key(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|key| !key.trim().is_empty())
}
