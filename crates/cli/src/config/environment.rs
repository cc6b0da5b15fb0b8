//! What the machine and the process give the configuration: variables, host name, user, memory, cores.
//!
//! Read once at start, so that everything behind it is a function of its arguments and tests can bring their own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Facts about where the program runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// Environment variables (those that are valid UTF-8).
    pub(crate) variables: HashMap<String, String>,
    /// Name of the machine.
    pub(crate) hostname: String,
    /// Whether the effective user is root.
    pub(crate) root: bool,
    /// Processor cores this process may use.
    pub(crate) cores: u64,
    /// Physical memory, bytes; 0 if unknown.
    pub(crate) memory_bytes: u64,
    /// Current directory.
    pub(crate) current_dir: PathBuf,
}

impl Environment {
    /// Of this process.
    pub(crate) fn of_process() -> Self {
        Environment {
            variables: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            hostname: hostname(),
            root: effective_user().is_some_and(|uid| uid == 0),
            cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64),
            memory_bytes: memory_bytes(),
            current_dir: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
        }
    }

    /// A variable that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn home(&self) -> PathBuf {
        PathBuf::from(self.variable("HOME").unwrap_or("/"))
    }

    /// What `$NAME` stands for in a value; `conf_dir` is the directory of the configuration file.
    pub(crate) fn expand(&self, name: &str, conf_dir: &Path) -> Option<String> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        Some(match name {
            "HOSTNAME" => self.hostname.clone(),
            "SYSTEM_LOG_DIR" => "/var/log".to_string(),
            "CPU_CORES" => self.cores.to_string(),
            "ROOT_DIR" => text(conf_dir.to_path_buf()),
            "LOG_HOME" => text(self.place("/var/log/maltrail", "XDG_STATE_HOME", ".local/state")),
            "DATA_HOME" => text(self.place("/var/lib/maltrail", "XDG_DATA_HOME", ".local/share")),
            "CACHE_HOME" => text(self.place("/var/cache/maltrail", "XDG_CACHE_HOME", ".cache")),
            _ => return self.variable(name).map(str::to_string),
        })
    }

    /// Where stores are built that cannot lie beside their CSV.
    pub(crate) fn cache_dir(&self) -> PathBuf {
        self.expand("CACHE_HOME", &self.current_dir).unwrap_or_default().into()
    }

    /// A directory of ours: `system` for root, otherwise `maltrail` below an XDG base directory.
    fn place(&self, system: &str, variable: &str, below_home: &str) -> PathBuf {
        if self.root {
            return PathBuf::from(system);
        }
        // A relative path in an XDG variable is to be ignored (XDG Base Directory Specification 0.8).
        let base = self.variable(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        base.unwrap_or_else(|| self.home().join(below_home)).join("maltrail")
    }

    /// `text` as a path: `~` is the home directory, a relative path starts at `base`.
    pub(crate) fn path(&self, text: &str, base: &Path) -> PathBuf {
        match text.strip_prefix('~') {
            Some("") => self.home(),
            Some(rest) if rest.starts_with('/') => self.home().join(rest.trim_start_matches('/')),
            _ => normal(&base.join(text)),
        }
    }

    /// Where another installation of the same tools keeps its trails, to be named in messages.
    pub(crate) fn legacy_trails_file(&self) -> PathBuf {
        self.home().join(".maltrail/trails.csv")
    }
}

/// The path without `.` and with `..` taken back, without looking at the disk.
fn normal(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .or_else(|_| std::env::var("HOSTNAME").map_err(std::io::Error::other))
        .unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_string() } else { name.to_string() }
}

/// Effective user number.
fn effective_user() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().nth(1)?.parse().ok()
}

fn memory_bytes() -> u64 {
    let read = || -> Option<u64> {
        let info = std::fs::read_to_string("/proc/meminfo").ok()?;
        let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kilobytes.checked_mul(1024)
    };
    read().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_root_and_of_others() {
        let mut env = Environment { root: true, ..Environment::default() };
        assert_eq!(env.expand("LOG_HOME", Path::new("/")).unwrap(), "/var/log/maltrail");
        assert_eq!(env.expand("DATA_HOME", Path::new("/")).unwrap(), "/var/lib/maltrail");
        env.root = false;
        env.variables.insert("HOME".into(), "/home/ada".into());
        assert_eq!(env.expand("LOG_HOME", Path::new("/")).unwrap(), "/home/ada/.local/state/maltrail");
        env.variables.insert("XDG_STATE_HOME".into(), "/data/state".into());
        assert_eq!(env.expand("LOG_HOME", Path::new("/")).unwrap(), "/data/state/maltrail");
        env.variables.insert("XDG_STATE_HOME".into(), "relative".into());
        assert_eq!(env.expand("LOG_HOME", Path::new("/")).unwrap(), "/home/ada/.local/state/maltrail");
        assert_eq!(env.expand("NO_SUCH", Path::new("/")), None);
    }

    #[test]
    fn paths_are_relative_to_their_base() {
        let mut env = Environment::default();
        env.variables.insert("HOME".into(), "/home/ada".into());
        for (text, want) in [
            ("trails.csv", "/etc/maltrail/trails.csv"),
            ("./trails/custom", "/etc/maltrail/trails/custom"),
            ("../x/./y", "/etc/x/y"),
            ("/abs/../z", "/z"),
            ("~/t.csv", "/home/ada/t.csv"),
            ("~", "/home/ada"),
            ("~ada/t", "/etc/maltrail/~ada/t"),
        ] {
            assert_eq!(env.path(text, Path::new("/etc/maltrail")), PathBuf::from(want), "{text}");
        }
    }
}
