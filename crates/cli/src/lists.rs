//! The user's own lists: files that settings name, read and checked before a sensor starts.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use detect::detectors;
use detect::{Agents, IgnoreRules, UserWhitelist};
use sensor::settings::SeverityPattern;

use crate::config::{Config, Problem, Values, Weight};

/// What the user wants to hear of, and what never.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    /// USER_WHITELIST.
    pub(crate) whitelist: Arc<UserWhitelist>,
    /// USER_IGNORELIST and IGNORE_EVENTS_REGEX.
    pub(crate) ignore: Arc<IgnoreRules>,
    /// USER_AGENTS_FILE, or the built-in list.
    pub(crate) agents: Option<Agents>,
    /// USE_HEURISTICS, DISABLED_HEURISTICS, DETECTOR_THRESHOLDS and what else detectors are told.
    pub(crate) detectors: detectors::Settings,
    /// REMOTE_SEVERITY_REGEX.
    pub(crate) severity: Option<Arc<SeverityPattern>>,
}

impl Lists {
    /// Reads them; a file that cannot be read is an error, a line in it that has no meaning a warning.
    pub(crate) fn read(config: &Config) -> (Lists, Vec<Problem>) {
        let mut problems = Vec::new();
        let values = &config.values;
        let mut lists = Lists::default();
        if let Some(path) = &values.user_whitelist
            && let Some(text) = file("USER_WHITELIST", path, &mut problems)
        {
            let (whitelist, errors) = UserWhitelist::parse(&text);
            lists.whitelist = Arc::new(whitelist);
            problems.extend(errors.iter().map(|error| say(Weight::Warning, path, &error.to_string())));
        }
        lists.detectors = detectors_of(values, &mut problems);
        let mut ignore = IgnoreRules::default();
        if let Some(path) = &values.user_ignorelist
            && let Some(text) = file("USER_IGNORELIST", path, &mut problems)
        {
            let (rules, errors) = IgnoreRules::parse(&text);
            ignore = rules;
            problems.extend(errors.iter().map(|error| say(Weight::Warning, path, &error.to_string())));
        }
        match &values.ignore_events_regex {
            None => lists.ignore = Arc::new(ignore),
            Some(expression) => match ignore.with_expression(&expression.0) {
                Ok(rules) => lists.ignore = Arc::new(rules),
                Err(error) => {
                    let place = "IGNORE_EVENTS_REGEX".to_string();
                    problems.push(Problem { weight: Weight::Error, place, what: error.to_string() });
                }
            },
        }
        if let Some(expression) = &values.remote_severity_regex {
            match SeverityPattern::new(&expression.0) {
                Ok(pattern) => lists.severity = Some(Arc::new(pattern)),
                Err(what) => {
                    let place = "REMOTE_SEVERITY_REGEX".to_string();
                    problems.push(Problem { weight: Weight::Error, place, what });
                }
            }
        }
        let say_of_agents = RefCell::new(Vec::new());
        let place = values.user_agents_file.as_deref();
        match sensor::agents::load(place, &|_, text| say_of_agents.borrow_mut().push(text.to_string())) {
            Ok(agents) => lists.agents = Some(agents),
            Err(error) => {
                problems.push(Problem { weight: Weight::Error, place: String::new(), what: error.to_string() })
            }
        }
        let said = say_of_agents.into_inner().into_iter();
        problems.extend(said.map(|what| Problem { weight: Weight::Warning, place: String::new(), what }));
        (lists, problems)
    }
}

/// What detectors are told. A name that is none is a warning: files written for other versions may have it.
fn detectors_of(values: &Values, problems: &mut Vec<Problem>) -> detectors::Settings {
    let mut settings = if values.use_heuristics { detectors::Settings::default() } else { detectors::Settings::none() };
    if values.use_heuristics {
        settings.switch(detectors::Detector::MissingHost, values.check_missing_host);
    }
    settings.scan_window = u32::try_from(values.scan_window.0).unwrap_or(u32::MAX);
    let mut note = |weight, place: &str, error: detectors::SettingsError| {
        problems.push(Problem { weight, place: place.to_string(), what: error.to_string() });
    };
    for name in &values.disabled_heuristics {
        let _ = settings.disable(name).map_err(|error| note(Weight::Warning, "DISABLED_HEURISTICS", error));
    }
    for text in &values.detector_thresholds {
        let _ = settings.set_threshold(text).map_err(|error| note(Weight::Error, "DETECTOR_THRESHOLDS", error));
    }
    settings
}

fn say(weight: Weight, path: &Path, what: &str) -> Problem {
    Problem { weight, place: path.display().to_string(), what: what.to_string() }
}

/// The text of a list of the user's; what is no UTF-8 in it is replaced.
///
/// # Errors
/// It cannot be read.
pub(crate) fn text(key: &str, path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| {
        format!("{key}: cannot read {}: {error}; create the file or remove the setting", path.display())
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn file(key: &str, path: &Path, problems: &mut Vec<Problem>) -> Option<String> {
    let problem = |what| Problem { weight: Weight::Error, place: String::new(), what };
    text(key, path).map_err(|what| problems.push(problem(what))).ok()
}
