//! The files of places and networks that the user gives, each read anew when it is replaced. What cannot be read is
//! told, and leaves what was read before in use.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::mmdb::{Database, Fault, Record, Scalar};
use crate::stamp::Stamp;

/// Largest file that is read; it is held in memory as a whole.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// After which a file that could not be read is tried again.
const RETRY: Duration = Duration::from_secs(60);
/// Names of organisations and cities are cut to so many characters.
const MAX_NAME: usize = 120;

/// Two letters of ISO 3166, upper case.
pub type Country = [u8; 2];

/// What files say about an address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// Where it is.
    pub country: Option<Country>,
    /// Where in it.
    pub city: Option<String>,
    /// Latitude and longitude, degrees.
    pub point: Option<(f64, f64)>,
    /// Number of the autonomous system that it is routed by.
    pub asn: Option<u32>,
    /// Who runs that.
    pub organization: Option<String>,
}

/// A file that was read.
#[derive(Debug)]
struct Opened {
    path: PathBuf,
    database: Database,
    /// Look-ups that found it damaged.
    faults: AtomicU64,
    /// Counts files that were read.
    number: u64,
}

/// A file as it is now.
#[derive(Debug, Default)]
struct State {
    /// Of the file that was tried last.
    tried: Option<Stamp>,
    opened: Option<Arc<Opened>>,
    /// Why what bears the name now is not in use.
    problem: Option<String>,
    /// When reading what bears the name now failed.
    failed: Option<Instant>,
    /// Files that were read under this name.
    read: u64,
}

#[derive(Debug)]
struct Followed {
    path: PathBuf,
    state: Mutex<State>,
}

/// Files, followed.
#[derive(Debug, Default)]
pub struct Databases {
    files: Vec<Followed>,
}

/// Files as they are at a moment. Look-ups cost no system call.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    files: Vec<Arc<Opened>>,
}

impl Databases {
    /// Reads the files. What is wrong with one is told in the log, and by [`Databases::problems`].
    #[must_use]
    pub fn open(paths: &[PathBuf]) -> Databases {
        let files = paths.iter().map(|path| Followed { path: path.clone(), state: Mutex::default() }).collect();
        let databases = Databases { files };
        for opened in databases.now().files {
            let built = jiff::Timestamp::from_second(i64::try_from(opened.database.built()).unwrap_or_default());
            let built = built.map(|built| built.to_string()).unwrap_or_default();
            tracing::info!(path = %opened.path.display(), kind = opened.database.kind(), built, "places and networks");
        }
        databases
    }

    /// The files as they are now; those that were replaced are read. Blocks while it reads.
    #[must_use]
    pub fn now(&self) -> Opening {
        Opening { files: self.files.iter().filter_map(|file| file.now().opened).collect() }
    }

    /// What is wrong, and what to do about it.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for file in &self.files {
            let Current { opened, problem } = file.now();
            problems.extend(problem);
            let faults = opened.map_or(0, |opened| opened.faults.load(Ordering::Relaxed));
            if faults > 0 {
                problems.push(format!(
                    "{} is damaged: {faults} addresses could not be looked up in it; bring it anew",
                    file.path.file_name().unwrap_or_default().display()
                ));
            }
        }
        problems
    }
}

struct Current {
    opened: Option<Arc<Opened>>,
    problem: Option<String>,
}

impl Followed {
    fn now(&self) -> Current {
        let found = Stamp::of(&self.path);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let again = state.failed.is_some_and(|failed| failed.elapsed() >= RETRY);
        let unchanged = state.tried == found && (found.is_some() || state.problem.is_some()) && !again;
        if !unchanged {
            state.tried = found;
            match read(&self.path) {
                Ok(database) => {
                    let faults = AtomicU64::new(0);
                    state.read += 1;
                    let number = state.read;
                    state.opened = Some(Arc::new(Opened { path: self.path.clone(), database, faults, number }));
                    (state.problem, state.failed) = (None, None);
                }
                Err(why) => {
                    let before =
                        if state.opened.is_some() { "what was read before stays in use" } else { "it is not used" };
                    let name = self.path.file_name().unwrap_or_default().display();
                    let problem = format!(
                        "GEO_FILES: {name}: {why}; {before}. Bring a file of MaxMind's format (.mmdb), it is read by itself"
                    );
                    tracing::error!(path = %self.path.display(), "{problem}");
                    state.problem = Some(problem);
                    // A file that is gone is seen when it is back.
                    state.failed = found.map(|_| Instant::now());
                }
            }
        }
        Current { opened: state.opened.clone(), problem: state.problem.clone() }
    }
}

fn read(path: &Path) -> Result<Database, String> {
    let meta = fs::metadata(path).map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is no file".to_owned());
    }
    if meta.len() > MAX_FILE_BYTES {
        return Err(format!("it is larger than {MAX_FILE_BYTES} bytes"));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    Database::from_bytes(bytes).map_err(|fault| fault.to_string())
}

impl Opening {
    /// Grows with every file that is read anew.
    pub(super) fn number(&self) -> u64 {
        self.files.iter().map(|file| file.number).sum()
    }

    /// What the files say about an address; of each thing, what the first file says that knows it.
    #[must_use]
    pub fn place(&self, address: IpAddr) -> Place {
        let mut place = Place::default();
        self.each(address, |record| place.add(record));
        place
    }

    /// Where an address is, and nothing else: quick.
    #[must_use]
    pub fn country(&self, address: IpAddr) -> Option<Country> {
        let mut found = None;
        self.each(address, |record| {
            found = match found {
                None => country(record)?,
                known => known,
            };
            Ok(())
        });
        found
    }

    fn each(&self, address: IpAddr, mut see: impl FnMut(&Record<'_>) -> Result<(), Fault>) {
        let address = address.to_canonical();
        for file in &self.files {
            let seen = file.database.lookup(address).and_then(|record| record.as_ref().map_or(Ok(()), &mut see));
            if seen.is_err() {
                file.faults.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// The makers of such files name the same things differently: GeoLite2 and DB-IP have maps within maps, ip-location-db
/// has all at the top, others have `asn` as text.
const COUNTRY: [&[&str]; 4] =
    [&["country", "iso_code"], &["registered_country", "iso_code"], &["country_code"], &["country"]];
const CITY: [&[&str]; 2] = [&["city", "names", "en"], &["city"]];
const LATITUDE: [&[&str]; 2] = [&["location", "latitude"], &["latitude"]];
const LONGITUDE: [&[&str]; 2] = [&["location", "longitude"], &["longitude"]];
const ASN: [&[&str]; 2] = [&["autonomous_system_number"], &["asn"]];
const ORGANIZATION: [&[&str]; 2] = [&["autonomous_system_organization"], &["as_name"]];

fn first<'d, T>(
    record: &Record<'d>,
    paths: &[&[&str]],
    read: impl Fn(Scalar<'d>) -> Option<T>,
) -> Result<Option<T>, Fault> {
    for path in paths {
        if let Some(value) = record.find(path)?.and_then(&read) {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn country(record: &Record<'_>) -> Result<Option<Country>, Fault> {
    first(record, &COUNTRY, |value| match value {
        Scalar::Text(code) => {
            let code: Country = code.as_bytes().try_into().ok()?;
            code.iter().all(u8::is_ascii_alphabetic).then(|| code.map(|letter| letter.to_ascii_uppercase()))
        }
        _ => None,
    })
}

fn name(record: &Record<'_>, paths: &[&[&str]]) -> Result<Option<String>, Fault> {
    first(record, paths, |value| match value {
        Scalar::Text(text) if !text.is_empty() => Some(text.chars().take(MAX_NAME).collect()),
        _ => None,
    })
}

fn degrees(record: &Record<'_>, paths: &[&[&str]], most: f64) -> Result<Option<f64>, Fault> {
    first(record, paths, |value| match value {
        Scalar::Real(degrees) => Some(degrees),
        Scalar::Text(text) => text.parse().ok(),
        _ => None,
    })
    .map(|found| found.filter(|degrees| degrees.abs() <= most))
}

impl Place {
    /// Takes what is not known yet.
    fn add(&mut self, record: &Record<'_>) -> Result<(), Fault> {
        if self.country.is_none() {
            self.country = country(record)?;
        }
        if self.city.is_none() {
            self.city = name(record, &CITY)?;
        }
        if self.point.is_none() {
            self.point = degrees(record, &LATITUDE, 90.0)?.zip(degrees(record, &LONGITUDE, 180.0)?);
        }
        if self.asn.is_none() {
            self.asn = first(record, &ASN, |value| match value {
                Scalar::Number(number) => u32::try_from(number).ok(),
                Scalar::Text(text) => text.trim_start_matches(['A', 'S', 'a', 's']).parse().ok(),
                _ => None,
            })?;
        }
        if self.organization.is_none() {
            self.organization = name(record, &ORGANIZATION)?;
        }
        Ok(())
    }
}
