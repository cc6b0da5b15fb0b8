//! What a feed is: a TOML file that says where it lies, how it is read, what it means, and what it must look like.
//!
//! The files in `feeds/` of this crate are part of the program; files of the same form in FEEDS_DIR add to them, or replace
//! the one of the same name.
//!
//! ```
//! let spec = feeds::Spec::parse("example", r#"
//!     about = "Names of an example"
//!     urls = ["https://feed.example/list.txt"]
//!     info = "example (malware)"
//!     reference = "feed.example"
//!     kinds = ["name"]
//!     licence = "CC0-1.0"
//!     [read]
//!     format = "lines"
//! "#).unwrap();
//! assert!(spec.enabled);
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use trails::{Indicator, Kind};

use crate::reader::Format;
use crate::rows::Change;

/// Longest file of a description, bytes.
const MAX_SPEC: u64 = 64 * 1024;
/// Most descriptions in a directory.
const MAX_SPECS: usize = 1_000;
/// Longest name of a feed, bytes.
const MAX_NAME: usize = 64;
/// What stands in a url for each of `parts`.
const PART: &str = "{part}";
/// What stands in `info` for what a row says.
pub const INFO: &str = "{info}";
/// What stands in a url for the key of `auth`.
pub const KEY: &str = "{key}";

/// One feed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Its name: that of its file.
    #[serde(skip)]
    pub name: String,
    /// What it lists, in a line.
    pub about: String,
    /// Where it lies; the next is tried where one fails. With `{part}` where there are `parts`.
    pub urls: Vec<String>,
    /// A feed of several files: each is fetched, and all are read.
    #[serde(default)]
    pub parts: Vec<String>,
    /// The info of its trails; `{info}` stands for what a row says of itself.
    pub info: String,
    /// The info of a row that says nothing of itself, where `info` has `{info}`.
    #[serde(default)]
    pub info_default: String,
    /// Texts (in lower case) that are left out of what a row says of itself.
    #[serde(default)]
    pub info_drop: Vec<String>,
    /// Changes of the texts of rows, in order, before they are parsed.
    #[serde(default)]
    pub transform: Vec<Change>,
    /// The reference of its trails: whose feed it is.
    pub reference: String,
    /// What is taken from it; anything else in it is refused and counted.
    pub kinds: Vec<Taken>,
    /// Whether it is used where nothing else is said.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// A list of addresses that attack, scan or spam: an address counts when IP_MINIMUM_FEEDS of such lists agree.
    #[serde(default)]
    pub attackers: bool,
    /// An address of it counts as named by so many lists, where a row does not say by how many.
    #[serde(default = "one")]
    pub weight: u32,
    /// Licence of its data, as far as it is told.
    pub licence: String,
    /// What else its makers ask of users.
    #[serde(default)]
    pub terms: String,
    /// Seconds between two fetches at least.
    #[serde(default = "hour")]
    pub interval: u64,
    /// Seconds until its makers answer, and between two pieces of an answer, at most.
    #[serde(default = "patience")]
    pub patience: u64,
    /// The key it wants.
    pub auth: Option<Auth>,
    /// What it must look like.
    #[serde(default)]
    pub guard: Guard,
    /// Its rows become no trails, but keep others from becoming one: names, addresses and networks that very many use.
    #[serde(default)]
    pub veto: bool,
    /// Only so many of its first rows are used.
    pub first: Option<u64>,
    /// From the user's own lists.
    #[serde(skip)]
    pub custom: bool,
    /// How it is read.
    pub read: Format,
}

/// What is taken from a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Taken {
    /// Indicators of a kind.
    Kind(Kind),
    /// Names of one label, which list everything under them.
    Toplevel,
}

impl Taken {
    /// What it is called in a description.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Taken::Kind(Kind::Name) => "name",
            Taken::Kind(Kind::Url) => "url",
            Taken::Kind(Kind::Path) => "path",
            Taken::Kind(Kind::Address) => "address",
            Taken::Kind(Kind::Endpoint) => "endpoint",
            Taken::Kind(Kind::Network) => "network",
            Taken::Kind(Kind::CertificateSha1) => "sha1",
            Taken::Kind(Kind::Ja3) => "ja3",
            Taken::Kind(Kind::Ja4) => "ja4",
            Taken::Kind(Kind::Pattern) => "pattern",
            Taken::Toplevel => "toplevel",
        }
    }

    /// All that can be taken.
    fn all() -> impl Iterator<Item = Taken> {
        Kind::ALL.into_iter().map(Taken::Kind).chain([Taken::Toplevel])
    }
}

impl TryFrom<String> for Taken {
    type Error = String;

    fn try_from(word: String) -> Result<Taken, String> {
        let known = || Taken::all().map(Taken::as_str).collect::<Vec<_>>().join(", ");
        Taken::all().find(|taken| taken.as_str() == word).ok_or_else(|| format!("{word} is none of {}", known()))
    }
}

/// A key that the makers of a feed give its users.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Name of the environment variable that holds it.
    pub key: String,
    /// The header that it is sent in; none where a url has `{key}`.
    pub header: Option<String>,
}

/// What a feed must look like; else it is refused as a whole and the last good copy is used.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// Text that is in it.
    pub contains: Option<String>,
    /// Rows at least.
    pub min_rows: u64,
    /// Rows at most.
    pub max_rows: u64,
    /// Bytes at most, unpacked.
    pub max_bytes: u64,
    /// Days since its newest change (Last-Modified, or the last fetch with another content) after which it counts as stale.
    pub max_age_days: u32,
    /// The part of the rows of the last good copy that must still be there at least.
    pub min_ratio: f64,
    /// The part of the lines that must be indicators at least.
    pub min_valid: f64,
}

impl Default for Guard {
    fn default() -> Guard {
        Guard {
            contains: None,
            min_rows: 1,
            max_rows: 2_000_000,
            max_bytes: 64 << 20,
            max_age_days: 30,
            min_ratio: 0.3,
            min_valid: 0.5,
        }
    }
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

fn patience() -> u64 {
    20
}

fn hour() -> u64 {
    3_600
}

/// Why a description is none.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// It is no TOML, or not of this form.
    #[error("feed {name}: {text}")]
    Form {
        /// Of the feed.
        name: String,
        /// What is wrong, and where.
        text: String,
    },
    /// A file or directory cannot be read.
    #[error("cannot read feeds from {path}: {source}; check FEEDS_DIR and its permissions")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Whether a feed may have such a name.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(plain)
}

fn wrong(name: &str, text: impl Into<String>) -> SpecError {
    SpecError::Form { name: name.to_owned(), text: text.into() }
}

impl Spec {
    /// Reads a description.
    ///
    /// # Errors
    /// It is not of this form; the error says where.
    pub fn parse(name: &str, text: &str) -> Result<Spec, SpecError> {
        let mut spec: Spec = toml::from_str(text).map_err(|error| wrong(name, error.to_string()))?;
        name.clone_into(&mut spec.name);
        match spec.problem() {
            Some(problem) => Err(wrong(name, problem)),
            None => Ok(spec),
        }
    }

    /// The user's own list at CUSTOM_TRAILS_URL: an indicator a line, of any kind.
    ///
    /// # Errors
    /// The url is none.
    pub fn of_custom(url: &str) -> Result<Spec, SpecError> {
        let own = "licence = \"one's own\"\n[guard]\nmin_valid = 0.1\nmin_ratio = 0.0\nmax_age_days = 36500\n[read]\nformat = \"lines\"";
        let spec = Spec::of_url("custom", url, "(remote custom)", own)?;
        Ok(Spec { custom: true, ..spec })
    }

    /// All trails of another server, at UPDATE_SERVER.
    ///
    /// # Errors
    /// The url is none.
    pub fn of_server(url: &str) -> Result<Spec, SpecError> {
        let all = "licence = \"as the server says\"\n[guard]\nmax_rows = 50000000\nmax_bytes = 4294967296\nmin_ratio = 0.5\n[read]\nformat = \"trails\"";
        Spec::of_url("update_server", url, "(server)", all)
    }

    fn of_url(name: &str, url: &str, reference: &str, more: &str) -> Result<Spec, SpecError> {
        let text = format!(
            "about = \"{name}\"\nurls = [\"https://[::1]/\"]\ninfo = \"blacklisted\"\nreference = \"{reference}\"\ninterval = 60\n\
             kinds = [\"name\"]\n{more}\n"
        );
        let kinds = Taken::all().collect();
        let spec = Spec { urls: vec![url.to_owned()], kinds, ..Spec::parse(name, &text)? };
        match spec.problem() {
            Some(problem) => Err(wrong(name, problem)),
            None => Ok(spec),
        }
    }

    /// What is wrong with it beyond its form.
    fn problem(&self) -> Option<String> {
        let guard = &self.guard;
        let part = |value: f64| (0.0..=1.0).contains(&value);
        let texts = [&self.about, &self.info, &self.reference, &self.licence];
        match () {
            () if !is_name(&self.name) => Some("a feed is named in a-z, 0-9, _ and -, in up to 64 characters".into()),
            () if self.urls.is_empty() => Some("urls: name at least one".into()),
            () if self.kinds.is_empty() => Some("kinds: name at least one".into()),
            () if texts.iter().any(|text| text.trim().is_empty()) => {
                Some("about, info, reference and licence must say something".into())
            }
            () if self.info.contains(INFO) == self.info_default.trim().is_empty() => Some(format!(
                "info_default: say what stands where a row has no info, where info has {INFO}, and only then"
            )),
            () if !part(guard.min_ratio) || !part(guard.min_valid) => {
                Some("guard: min_ratio and min_valid are between 0 and 1".into())
            }
            () if self.patience == 0 => Some("patience: at least a second".into()),
            () if guard.min_rows > guard.max_rows => Some("guard: min_rows is above max_rows".into()),
            () => self.urls.iter().find_map(|url| self.url_problem(url)).or_else(|| self.read.problem()),
        }
    }

    fn url_problem(&self, url: &str) -> Option<String> {
        let key = self.auth.as_ref().is_some_and(|auth| auth.header.is_none());
        match () {
            () if !url.starts_with("https://") && !url.starts_with("http://") => {
                Some(format!("urls: {url} must begin with https:// or http://"))
            }
            () if self.parts.is_empty() == url.contains(PART) => {
                Some(format!("urls: {url} must have {PART} where there are parts, and only then"))
            }
            () if key != url.contains(KEY) => {
                Some(format!("urls: {url} must have {KEY} where auth names no header, and only then"))
            }
            () => None,
        }
    }

    /// For each file of the feed the places it may be had from, in order. Keys are not put in yet.
    #[must_use]
    pub fn files(&self) -> Vec<Vec<String>> {
        if self.parts.is_empty() {
            return vec![self.urls.clone()];
        }
        let of = |part: &String| self.urls.iter().map(|url| url.replace(PART, part)).collect();
        self.parts.iter().map(of).collect()
    }

    /// Whether an indicator is one of those that are taken from it. A name of one label lists everything under it: from a
    /// list that says nothing of it (`toplevel`) it is not taken.
    #[must_use]
    pub fn takes(&self, indicator: &Indicator<'_>) -> bool {
        let whole = matches!(indicator, Indicator::Name(name) if !name.contains('.'));
        (!whole || self.kinds.contains(&Taken::Toplevel)) && self.kinds.contains(&Taken::Kind(indicator.kind()))
    }
}

/// All feeds there are, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    specs: Vec<Spec>,
}

impl Catalogue {
    /// Those that are part of the program, and those of a directory.
    ///
    /// # Errors
    /// The directory cannot be read, or one of its files is no description.
    pub fn load(directory: Option<&Path>) -> Result<Catalogue, SpecError> {
        let mut catalogue = Catalogue::default();
        for (name, text) in crate::builtin::FEEDS {
            catalogue.put(Spec::parse(name, text)?);
        }
        if let Some(directory) = directory {
            for (name, text) in files_of(directory)? {
                catalogue.put(Spec::parse(&name, &text)?);
            }
        }
        Ok(catalogue)
    }

    /// Adds one, in place of the one of the same name.
    pub fn put(&mut self, spec: Spec) {
        match self.specs.binary_search_by(|known| known.name.cmp(&spec.name)) {
            Ok(at) => {
                if let Some(known) = self.specs.get_mut(at) {
                    *known = spec;
                }
            }
            Err(at) => self.specs.insert(at, spec),
        }
    }

    /// All of them.
    #[must_use]
    pub fn specs(&self) -> &[Spec] {
        &self.specs
    }

    /// Those that are used. `only`: ENABLED_FEEDS, names of the feeds that alone are used, or, with a `+` before them, of
    /// feeds that are used besides. `not`: DISABLED_FEEDS, which wins. Names that are of no feed are given back: old files
    /// name feeds that are no more.
    #[must_use]
    pub fn choose(&self, only: &[String], not: &[String]) -> (Vec<Spec>, Vec<String>) {
        let (besides, only): (Vec<&str>, Vec<&str>) =
            only.iter().map(String::as_str).partition(|name| name.starts_with('+'));
        let besides: Vec<&str> = besides.iter().map(|name| name.trim_start_matches('+')).collect();
        let used = |spec: &&Spec| {
            let name = spec.name.as_str();
            let wanted = if only.is_empty() { spec.enabled } else { only.contains(&name) };
            (wanted || besides.contains(&name)) && !not.iter().any(|not| not == name)
        };
        let named = only.iter().chain(&besides).copied().chain(not.iter().map(String::as_str));
        let unknown = named.filter(|name| self.get(name).is_none()).map(str::to_owned).collect();
        (self.specs.iter().filter(used).cloned().collect(), unknown)
    }

    /// The one of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Spec> {
        self.specs.iter().find(|spec| spec.name == name)
    }
}

/// Names and texts of the `.toml` files of a directory, in order.
fn files_of(directory: &Path) -> Result<Vec<(String, String)>, SpecError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| SpecError::Read { path, source }
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed(directory))? {
        let path = entry.map_err(failed(directory))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    if paths.len() > MAX_SPECS {
        return Err(failed(directory)(io::Error::other(format!("more than {MAX_SPECS} feeds"))));
    }
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        if fs::metadata(&path).map_err(failed(&path))?.len() > MAX_SPEC {
            return Err(failed(&path)(io::Error::other("larger than 64 KiB")));
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        texts.push((name, fs::read_to_string(&path).map_err(failed(&path))?));
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"
        about = "Names of an example"
        urls = ["https://feed.example/list.txt"]
        info = "example (malware)"
        reference = "feed.example"
        kinds = ["name"]
        licence = "CC0-1.0"
    "#;

    fn refused(change: &str) -> String {
        let lines = "[read]\nformat = \"lines\"\n";
        match Spec::parse("example", &format!("{EXAMPLE}\n{change}\n{lines}")) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_no_description() {
        assert_eq!(refused(""), "");
        assert!(refused("surprise = 1").contains("surprise"));
        assert!(refused("parts = [\"a\"]").contains("{part}"));
        assert!(refused("auth = { key = \"EXAMPLE_KEY\" }").contains("{key}"));
        assert!(refused("info_default = \"x\"").contains("info_default"));
        assert!(refused("guard = { min_ratio = 1.5 }").contains("min_ratio"));
        assert!(refused("guard = { min_rows = 10, max_rows = 9 }").contains("min_rows"));
        assert!(Spec::parse("../example", &format!("{EXAMPLE}\n[read]\nformat = \"lines\"")).is_err());
    }

    #[test]
    fn lists_from_settings() {
        let own = Spec::of_custom("http://192.0.2.1/my \"list\".txt").unwrap();
        assert!(own.custom && own.takes(&Indicator::Name("zip")));
        assert!(Spec::of_custom("ftp://192.0.2.1/").is_err());
        assert_eq!(Spec::of_server("https://server.example/trails").unwrap().read, Format::Trails);
    }

    #[test]
    fn which_are_used() {
        let mut catalogue = Catalogue::default();
        for (name, more) in [("a", ""), ("b", "enabled = false"), ("c", "")] {
            let text = format!("{EXAMPLE}\n{more}\n[read]\nformat = \"lines\"");
            catalogue.put(Spec::parse(name, &text).unwrap());
        }
        let used = |only: &[&str], not: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
            let (specs, unknown) = catalogue.choose(&owned(only), &owned(not));
            let names: Vec<String> = specs.into_iter().map(|spec| spec.name).collect();
            format!("{} {}", names.join(","), unknown.join(","))
        };
        assert_eq!(used(&[], &[]), "a,c ");
        assert_eq!(used(&[], &["a", "gone"]), "c gone");
        assert_eq!(used(&["b"], &[]), "b ");
        assert_eq!(used(&["+b"], &["c"]), "a,b ");
        assert_eq!(used(&["b", "+a", "odd"], &[]), "a,b odd");
    }

    #[test]
    fn a_directory_adds_and_replaces() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
        write("own.toml", &format!("{EXAMPLE}\n[read]\nformat = \"lines\""));
        write("notes.txt", "no feed");
        let known = Catalogue::load(None).unwrap();
        let more = Catalogue::load(Some(directory.path())).unwrap();
        assert_eq!(more.specs().len(), known.specs().len() + 1);
        assert_eq!(more.get("own").map(|spec| spec.reference.as_str()), Some("feed.example"));
        assert!(more.specs().is_sorted_by(|a, b| a.name < b.name));
        write("broken.toml", "about = 1");
        assert!(Catalogue::load(Some(directory.path())).unwrap_err().to_string().contains("broken"));
    }
}
