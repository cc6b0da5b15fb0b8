//! What is written of the settings: the reference, the shipped example and the values in effect.

use std::fmt::Write as _;
use std::path::Path;

use super::keys::Section;
use super::{Config, Environment, Fate, KEYS, Key, Origin, parse};

fn keys_of(section: Section) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section == section)
}

fn help(key: &Key) -> String {
    key.help.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn effect(key: &Key) -> String {
    match key.fate {
        Fate::Used => String::new(),
        Fate::Later => "Accepted and checked; this version does not use it.".to_string(),
        Fate::NoEffect(why) => format!("Accepted, without effect: {why}."),
    }
}

/// `docs/configuration.md`.
pub(crate) fn reference() -> String {
    let mut out = String::from(REFERENCE_HEAD);
    for section in Section::ORDER {
        let _ = write!(out, "\n## {}\n", section.name());
        for key in keys_of(section) {
            let default = match (key.default, key.block) {
                (_, true) => "Default: no entries.".to_string(),
                ("", _) => "Default: unset.".to_string(),
                (default, _) => format!("Default: `{default}`."),
            };
            let _ = write!(out, "\n### {}\n\n{}\n\n", key.name, help(key));
            let _ = write!(out, "Value: {}. {default} Since {}.", (key.accepts)(), key.since);
            for shipped in key.shipped {
                let _ = write!(out, " `{shipped}` counts as unset.");
            }
            let effect = effect(key);
            let _ = if effect.is_empty() { writeln!(out) } else { writeln!(out, "\n\n{effect}") };
        }
        if section == Section::Server {
            out.push_str(REFERENCE_BLACKLIST);
        }
    }
    out
}

const REFERENCE_HEAD: &str = "# Configuration

<!-- Made by `maltrail generate config-reference > docs/configuration.md`. -->

`maltrail.conf` is looked for in this order, and the first found is the only one read: `-c FILE`, `./maltrail.conf`, `/etc/maltrail.conf`,
`/etc/maltrail/maltrail.conf`. Without any, the defaults below hold. `maltrail generate config-example` writes a file with all
settings; `maltrail sensor --dump-config` shows what is in effect and where it comes from; `maltrail sensor -T` checks it.

* A line is `KEY value`. Keys may be written in any case. `#` begins a comment, except in a value in quotes.
* `[Sensor]`, `[Server]`, `[All]` are headings without meaning of their own.
* `USERS`, `IP_ALIASES` and `BLACKLIST...` are blocks: the key alone on its line, the entries below, each beginning with a space.
* `$NAME` in a value (never in a block) stands for `HOSTNAME`, `SYSTEM_LOG_DIR` (/var/log), `CPU_CORES`, `ROOT_DIR` (the file's directory),
  `LOG_HOME`, `DATA_HOME`, `CACHE_HOME` (root: /var/log/maltrail, /var/lib/maltrail, /var/cache/maltrail; others: `maltrail` below XDG_STATE_HOME,
  XDG_DATA_HOME, XDG_CACHE_HOME), or else for a variable of the environment.
* `MALTRAIL_<KEY>` in the environment wins over the file, an argument wins over both.
* Relative paths start at the file's directory.
* A key that does not exist is a warning, a wrong value an error with its line.
* Some values count as unset, because they were shipped as defaults and would carry their blind spots over. They are named below.
";

const REFERENCE_BLACKLIST: &str = "
### BLACKLIST, BLACKLIST_NAME

Rules for the list served at /blacklist, or /blacklist/name: lines `column ~ expression` or `column !~ expression`, joined by `and`.

Default: no entries. Since 0.1.

Peers of BLACKLIST_ALLOWLIST, and this machine, read it: public source addresses of today's events that a line matches. Case does not matter.
";

/// The shipped `maltrail.conf`: every setting, commented out, with its default.
pub(crate) fn example() -> String {
    let mut out = String::from(
        "# Configuration of maltrail. Every setting is shown with its default; remove the # to change it.\n\
         # Made by `maltrail generate config-example`. Explained in docs/configuration.md.\n",
    );
    for section in Section::ORDER {
        let _ = write!(out, "\n[{}]\n", section.name());
        for key in keys_of(section).filter(|key| key.fate == Fate::Used) {
            out.push('\n');
            for line in key.help {
                let _ = writeln!(out, "# {}", line.trim());
            }
            let _ = writeln!(out, "# ({})", (key.accepts)());
            let _ = writeln!(out, "#{} {}", key.name, key.default);
        }
    }
    let mut trimmed: String = out.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    for section in Section::ORDER {
        // A heading without a setting says nothing.
        trimmed = trimmed.replace(&format!("\n[{}]\n\n[", section.name()), "\n[");
    }
    trimmed
}

/// The values in effect, in a form that can be read again.
pub(crate) fn dump(config: &Config, environment: &Environment) -> String {
    let mut out = String::new();
    let file = config.file.as_deref().unwrap_or(Path::new("no file"));
    let _ = writeln!(out, "# Settings in effect on {}, from {}", environment.hostname, file.display());
    for section in Section::ORDER {
        let _ = write!(out, "\n[{}]\n", section.name());
        for key in keys_of(section) {
            dump_key(&mut out, config, key);
        }
    }
    for (name, block) in &config.values.blacklists.0 {
        let _ = writeln!(out, "{name}");
        for rule in &block.0 {
            let _ = writeln!(out, "    {rule}");
        }
    }
    out
}

fn dump_key(out: &mut String, config: &Config, key: &Key) {
    let value = (key.show)(&config.values);
    let origin = match config.origin(key.name) {
        Origin::Default => String::new(),
        Origin::File(line) => format!("    # line {line}"),
        Origin::Shipped(line) => {
            format!("    # default; line {line} gives a value that was shipped and counts as unset")
        }
        Origin::Environment => format!("    # MALTRAIL_{}", key.name),
        Origin::Argument => "    # argument".to_string(),
    };
    // A value that counts as unset was not chosen by anybody: it cannot be written as a chosen one.
    let unsaid = value.is_empty() || key.shipped.iter().any(|shipped| *shipped == value);
    if key.block && !value.is_empty() {
        let _ = writeln!(out, "{}{origin}", key.name);
        for line in value.lines() {
            let _ = writeln!(out, "    {line}");
        }
    } else if unsaid {
        let _ = writeln!(out, "#{} {value}{origin}", key.name);
    } else {
        let _ = writeln!(out, "{} {}{origin}", key.name, parse::quoted(&value));
    }
}
