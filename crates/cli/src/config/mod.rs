//! `maltrail.conf`: where it is found, what it says, and what is wrong with it.
//!
//! The files are looked for in the order of [`search_path`]; the first that exists is read, and `MALTRAIL_<KEY>` in
//! the environment wins over it. Nothing here acts on a setting: that is for whoever takes [`Values`].

mod document;
mod environment;
mod keys;
mod parse;
mod suggest;
mod value;

use std::fmt;
use std::path::{Path, PathBuf};

pub(crate) use document::{dump, example, reference};
pub(crate) use environment::Environment;
pub(crate) use keys::{BLACKLIST, Fate, KEYS, Key, Values};
use parse::{Entry, Raw};
pub(crate) use value::{LogServer, Remote, Workers};
use value::{Place, Setting};

/// Where the value of a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nothing was said.
    Default,
    /// A line of the file.
    File(usize),
    /// A line of the file gives what was once shipped as the default: it counts as unset.
    Shipped(usize),
    /// `MALTRAIL_<KEY>`.
    Environment,
    /// An argument.
    Argument,
}

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// Nothing is wrong, but it is good to know.
    Note,
    /// Something said has no effect.
    Warning,
    /// The program must not start with it.
    Error,
}

/// Something to say about a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// How much it matters.
    pub(crate) weight: Weight,
    /// `file:line`, or the name of a variable.
    pub(crate) place: String,
    /// What is wrong and what to do.
    pub(crate) what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { f.write_str(&self.what) } else { write!(f, "{}: {}", self.place, self.what) }
    }
}

/// All settings, where they come from, and what is to be said about them.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// What was read.
    pub(crate) values: Values,
    /// One for each of [`KEYS`].
    origins: Vec<Origin>,
    /// The file, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// In the order of the lines.
    pub(crate) problems: Vec<Problem>,
}

/// Where a configuration is looked for when none is named.
fn search_path(environment: &Environment) -> [PathBuf; 3] {
    let current = environment.current_dir.join("maltrail.conf");
    [current, PathBuf::from("/etc/maltrail.conf"), PathBuf::from("/etc/maltrail/maltrail.conf")]
}

impl Config {
    /// Reads the file given, or the first that exists; without one, there are the defaults and the environment.
    pub(crate) fn load(file: Option<&Path>, environment: &Environment) -> Self {
        let file = match file {
            Some(file) => Some(environment.current_dir.join(file)),
            None => search_path(environment).into_iter().find(|path| path.is_file()),
        };
        let Some(path) = file else { return Self::from_text("", None, environment) };
        match std::fs::read(&path) {
            Ok(bytes) => Self::from_text(&String::from_utf8_lossy(&bytes), Some(path), environment),
            Err(error) => {
                let mut config = Self::from_text("", None, environment);
                let what = format!(
                    "cannot read configuration file {}: {error}; check -c and the file's permissions",
                    path.display()
                );
                config.problems.insert(0, Problem { weight: Weight::Error, place: String::new(), what });
                config
            }
        }
    }

    /// Reads a file's text.
    pub(crate) fn from_text(text: &str, file: Option<PathBuf>, environment: &Environment) -> Self {
        let directory = file.as_deref().and_then(Path::parent).unwrap_or(&environment.current_dir).to_path_buf();
        let place = Place { environment, directory: &directory };
        let expand = |text: &str| expand(text, environment, &directory).0;
        let (values, problems) = Values::defaults(&place, expand);
        let origins = vec![Origin::Default; KEYS.len()];
        let mut config = Config { values, origins, file, problems };
        config.take_lines(text, &place);
        config.take_environment(&place);
        config
    }

    fn take_lines(&mut self, text: &str, place: &Place<'_>) {
        let name = self.file.as_deref().map_or_else(|| "configuration".to_string(), |file| file.display().to_string());
        let (entries, bad) = parse::parse(text);
        for bad in bad {
            self.say(Weight::Error, format!("{name}:{}", bad.line), bad.what);
        }
        for entry in entries {
            self.take_entry(&entry, &name, place);
        }
        let line_of =
            |problem: &Problem| problem.place.rsplit_once(':').and_then(|(_, line)| line.parse::<usize>().ok());
        self.problems.sort_by_key(|problem| line_of(problem).unwrap_or(0));
    }

    fn take_entry(&mut self, entry: &Entry, file: &str, place: &Place<'_>) {
        let at = format!("{file}:{}", entry.line);
        let Some((index, key)) = find(&entry.key) else {
            if entry.key.starts_with(keys::BLACKLIST) {
                return self.take_blacklist(entry, &at, place);
            }
            return self.say(Weight::Warning, at, unknown(&entry.key));
        };
        if let Some(Origin::File(line) | Origin::Shipped(line)) = self.origins.get(index) {
            self.say(
                Weight::Warning,
                at.clone(),
                format!("{} was set in line {line} already; this line wins", key.name),
            );
        }
        let text = match (&entry.raw, key.block) {
            (Raw::Scalar(value), false) if is_shipped(key, value) => {
                self.set_origin(index, Origin::Shipped(entry.line));
                // The values that count as unset must be the default, also where an earlier line said otherwise.
                let (default, _) = expand(key.default, place.environment, place.directory);
                let _ = (key.set)(&mut self.values, &default, place);
                return;
            }
            (Raw::Scalar(value), false) => {
                let (text, unknown) = expand(value, place.environment, place.directory);
                if let Some(name) = unknown.filter(|_| !(key.accepts)().starts_with("a regular expression")) {
                    self.say(
                        Weight::Warning,
                        at.clone(),
                        format!("{}: ${name} is not set and stays as it is", key.name),
                    );
                }
                text
            }
            (Raw::Scalar(_), true) => {
                return self.say(
                    Weight::Error,
                    at,
                    format!("{} takes its entries in the lines below it, each beginning with a space", key.name),
                );
            }
            (Raw::Block(lines), false) if !lines.is_empty() => {
                return self.say(
                    Weight::Error,
                    at,
                    format!("{} takes a value on its own line, no lines below", key.name),
                );
            }
            // A key without a value says nothing.
            (Raw::Block(_), false) => return,
            (Raw::Block(lines), true) => lines.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n"),
        };
        match (key.set)(&mut self.values, &text, place) {
            Ok(()) => {
                self.set_origin(index, Origin::File(entry.line));
                self.note_fate(key, &at);
            }
            Err(error) => self.refuse(key, at, &error),
        }
    }

    /// A wrong value keeps the program from starting, but not where the setting has no effect anyway.
    fn refuse(&mut self, key: &Key, at: String, error: &str) {
        let weight = if matches!(key.fate, Fate::NoEffect(_)) { Weight::Warning } else { Weight::Error };
        self.say(weight, at, format!("{}: {error}", key.name));
    }

    fn note_fate(&mut self, key: &Key, at: &str) {
        match key.fate {
            Fate::Used => {}
            Fate::Later => {
                self.say(
                    Weight::Note,
                    at.to_string(),
                    format!("{} is accepted, but this version does not use it", key.name),
                );
            }
            Fate::NoEffect(why) => {
                self.say(Weight::Note, at.to_string(), format!("{} has no effect: {why}", key.name));
            }
        }
    }

    fn take_blacklist(&mut self, entry: &Entry, at: &str, place: &Place<'_>) {
        let Raw::Block(lines) = &entry.raw else {
            let what = format!("{} takes its rules in the lines below it, each beginning with a space", entry.key);
            return self.say(Weight::Error, at.to_string(), what);
        };
        let text = lines.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n");
        match Setting::parse(&text, place) {
            Ok(block) => {
                self.values.blacklists.0.insert(entry.key.clone(), block);
            }
            Err(error) => self.say(Weight::Error, at.to_string(), format!("{}: {error}", entry.key)),
        }
    }

    /// `MALTRAIL_<KEY>` wins over the file.
    fn take_environment(&mut self, place: &Place<'_>) {
        let mut variables: Vec<_> = place.environment.variables.iter().collect();
        variables.sort();
        for (variable, value) in variables {
            let Some(name) = variable.strip_prefix("MALTRAIL_") else { continue };
            // MALTRAIL_ROOT is set by other tools and names a directory they need.
            if value.is_empty() || name == "ROOT" {
                continue;
            }
            match find(name) {
                None => self.say(Weight::Warning, variable.clone(), unknown(name)),
                Some((_, key)) if key.block => {
                    self.say(
                        Weight::Warning,
                        variable.clone(),
                        format!("{name} is a block, which only a file can hold"),
                    );
                }
                Some((index, key)) => {
                    let (text, _) = expand(value, place.environment, place.directory);
                    match (key.set)(&mut self.values, &text, place) {
                        Ok(()) => self.set_origin(index, Origin::Environment),
                        Err(error) => self.refuse(key, variable.clone(), &error),
                    }
                }
            }
        }
    }

    /// An argument wins over everything; relative paths in it start at the current directory.
    pub(crate) fn take_argument(&mut self, name: &str, text: &str, argument: &str, environment: &Environment) {
        let place = Place { environment, directory: &environment.current_dir };
        let Some((index, key)) = find(name) else { return };
        match (key.set)(&mut self.values, text, &place) {
            Ok(()) => self.set_origin(index, Origin::Argument),
            Err(error) => self.say(Weight::Error, argument.to_string(), error),
        }
    }

    /// Where a setting comes from.
    pub(crate) fn origin(&self, name: &str) -> &Origin {
        find(name).and_then(|(index, _)| self.origins.get(index)).unwrap_or(&Origin::Default)
    }

    /// Whether something said keeps the program from starting.
    pub(crate) fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.weight == Weight::Error)
    }

    fn set_origin(&mut self, index: usize, origin: Origin) {
        if let Some(slot) = self.origins.get_mut(index) {
            *slot = origin;
        }
    }

    fn say(&mut self, weight: Weight, place: String, what: String) {
        self.problems.push(Problem { weight, place, what });
    }
}

fn find(name: &str) -> Option<(usize, &'static Key)> {
    KEYS.iter().enumerate().find(|(_, key)| key.name.eq_ignore_ascii_case(name))
}

fn unknown(name: &str) -> String {
    match suggest::nearest(name, KEYS.iter().map(|key| key.name)) {
        Some(meant) => format!("there is no setting {name}; did you mean {meant}?"),
        None => format!("there is no setting {name}; `maltrail generate config-reference` lists all"),
    }
}

/// Whether the value is one that counts as unset, whatever its spaces and case.
fn is_shipped(key: &Key, value: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let value = plain(value);
    key.shipped.iter().any(|shipped| plain(shipped) == value)
}

/// Replaces `$NAME` once; gives back the last name that stands for nothing.
fn expand(text: &str, environment: &Environment, directory: &Path) -> (String, Option<String>) {
    let mut out = String::with_capacity(text.len());
    let mut unknown = None;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let end =
            after.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')).unwrap_or(after.len());
        let (name, tail) = after.split_at_checked(end).unwrap_or((after, ""));
        match environment.expand(name, directory).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => {
                out.push('$');
                out.push_str(name);
                if !name.is_empty() {
                    unknown = Some(name.to_string());
                }
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    (out, unknown)
}

#[cfg(test)]
mod tests;
