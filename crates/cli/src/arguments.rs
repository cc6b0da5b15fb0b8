//! The command line: what can be asked for.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use trails::lint::Level;

use crate::exit;

/// Watches network traffic for what is known to be malicious.
#[derive(Debug, Parser)]
#[command(name = "maltrail", version, arg_required_else_help = true, after_help = help())]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where to begin, and how it ends.
fn help() -> String {
    format!("{BEGIN}\n\n{}", exit::HELP)
}

const BEGIN: &str = "To begin with:
  maltrail update                                fetch feeds and build trails of them
  maltrail update --offline --static-dir DIR     build trails of a directory of lists
  maltrail check evil.example                    what lists an indicator
  maltrail sensor -r capture.pcap                replay a capture, print what is found
  maltrail run                                   watch this machine, serve the page
  maltrail COMMAND --help                        more on each, with examples";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch interfaces, or replay capture files
    #[command(after_help = SENSOR_HELP)]
    Sensor(Box<SensorArguments>),
    /// Keep events of sensors and serve the reporting page
    #[command(after_help = SERVER_HELP)]
    Server(ServerArguments),
    /// Sensor and server in one process: watch this machine's interfaces and serve the page
    #[command(after_help = RUN_HELP)]
    Run(RunArguments),
    /// Fetch feeds, build the store of trails of them and of lists on disk
    #[command(after_help = UPDATE_HELP)]
    Update(UpdateArguments),
    /// Tell what lists an indicator (name, URL, address, address:port, network, fingerprint)
    #[command(after_help = CHECK_HELP)]
    Check(CheckArguments),
    /// Find events of the logs: names, addresses, networks, text
    #[command(after_help = HUNT_HELP)]
    Hunt(HuntArguments),
    /// Print events of the logs
    #[command(after_help = EVENTS_HELP)]
    Events(EventsArguments),
    /// Tell when names and addresses were first and last seen in all traffic, by whom, and what they led to
    #[command(after_help = OBSERVABLES_HELP)]
    Observables(ObservablesArguments),
    /// Tell what feeds there are, which are used, and how they are
    #[command(after_help = FEEDS_HELP)]
    Feeds(FeedsArguments),
    /// Look at a store of trails, or at lists of your own before they are used
    #[command(subcommand)]
    Trails(TrailsCommand),
    /// Build the store of a trails.csv (what a sensor starts)
    #[command(hide = true)]
    BuildStore(BuildArguments),
    /// Manage the accounts of the server's page
    #[command(subcommand)]
    User(UserCommand),
    /// Write documents that are made of the program itself
    #[command(subcommand, hide = true)]
    Generate(GenerateCommand),
}

const SENSOR_HELP: &str = "Examples:
  maltrail sensor -r capture.pcap             replay a capture, print its events
  maltrail sensor -r morning/ -r noon.pcap.gz --log-dir logs
                                              replay several as one stream, write logs
  tcpdump -w - | maltrail sensor -r -         replay what another program captures
  maltrail sensor -i eth0 -i eth1 --console   watch two interfaces, print events
  maltrail sensor -c maltrail.conf            as configured
  maltrail sensor -T -c maltrail.conf         check the configuration, then end

Exit status:
  0  done
  1  failed while running (a file that cannot be read or written, a damaged file)
  2  wrong arguments or configuration; nothing was started
  3  no trails that can be used
  4  cannot capture: no such interface, or no privilege
  5  ended by a second SIGINT (Ctrl-C) before everything was written";

#[derive(Debug, Args)]
pub(crate) struct SensorArguments {
    /// Configuration file [default: ./maltrail.conf, /etc/maltrail.conf, /etc/maltrail/maltrail.conf]
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Interface to watch; may be given several times; `any` for all
    #[arg(short = 'i', long = "interface", value_name = "IFACE", conflicts_with = "read")]
    pub(crate) interfaces: Vec<String>,
    /// Capture file to replay, or a directory of them, or - for standard input; may be given several times
    #[arg(short = 'r', long = "read", value_name = "FILE")]
    pub(crate) read: Vec<PathBuf>,
    /// Print nothing but errors
    #[arg(short = 'q', long, conflicts_with = "console")]
    pub(crate) quiet: bool,
    /// Print events, coloured, also when standard output is no terminal
    #[arg(long)]
    pub(crate) console: bool,
    /// Colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// No use of the network but for capturing
    #[arg(long)]
    pub(crate) offline: bool,
    /// Check configuration, trails, filter, privileges and log directory, print the effective settings, then end
    #[arg(short = 'T', long)]
    pub(crate) test: bool,
    /// Number of capture workers (CAPTURE_WORKERS)
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<String>,
    /// Print the settings in effect in the form of a configuration file, then end
    #[arg(long)]
    pub(crate) dump_config: bool,
    /// Directory of logs and journals (LOG_DIR); replays write none without this or -c
    #[arg(long, value_name = "DIR")]
    pub(crate) log_dir: Option<PathBuf>,
    /// Capture only what the BPF expression lets through; without EXPR, have replays use CAPTURE_FILTER too
    #[arg(long, value_name = "EXPR", num_args = 0..=1, default_missing_value = "")]
    pub(crate) filter: Option<String>,
    /// Trails to use, a .bin or a .csv (TRAILS_FILE)
    #[arg(long, value_name = "FILE")]
    pub(crate) trails: Option<PathBuf>,
    /// Send what a replay finds to the https:// server of LOG_SERVER; a live sensor does so anyway
    #[arg(long, requires = "read")]
    pub(crate) send: bool,
    /// Say more; twice for even more
    #[arg(short = 'v', long, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
}

const SERVER_HELP: &str = "Examples:
  maltrail server                     the page on http://127.0.0.1:8338, of the logs in LOG_DIR
  maltrail server -c maltrail.conf    as configured (HTTP_ADDRESS, UDP_ADDRESS, USERS, ...)
  maltrail user passwd admin          a new password for an account, beside a running server

The first login is admin / changeme! on this machine alone; on an address that others reach a
one-time password is printed instead.";

const RUN_HELP: &str = "Examples:
  maltrail run                                all interfaces, the page on http://127.0.0.1:8338
  maltrail run -i eth0 -c maltrail.conf       one interface, as configured

The first login is that of `maltrail server`, the exit status that of `maltrail sensor`.";

/// What a server takes.
#[derive(Debug, Args)]
pub(crate) struct ServerArguments {
    /// Configuration file [default: ./maltrail.conf, /etc/maltrail.conf, /etc/maltrail/maltrail.conf]
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address of the page (HTTP_ADDRESS)
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<String>,
    /// Port of the page (HTTP_PORT)
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// Directory of logs and journals (LOG_DIR)
    #[arg(long, value_name = "DIR")]
    pub(crate) log_dir: Option<PathBuf>,
    /// Directory of what the server makes of them, of accounts and notes (STATE_DIR)
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Print the settings in effect in the form of a configuration file, then end
    #[arg(long)]
    pub(crate) dump_config: bool,
    /// Print nothing but errors
    #[arg(short = 'q', long)]
    pub(crate) quiet: bool,
    /// Say more; twice for even more
    #[arg(short = 'v', long, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
}

/// What both together take.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) server: ServerArguments,
    /// Interface to watch; may be given several times; `any` for all
    #[arg(short = 'i', long = "interface", value_name = "IFACE")]
    pub(crate) interfaces: Vec<String>,
    /// Number of capture workers (CAPTURE_WORKERS)
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<String>,
    /// Trails to use, a .bin or a .csv (TRAILS_FILE)
    #[arg(long, value_name = "FILE")]
    pub(crate) trails: Option<PathBuf>,
    /// No use of the network but for capturing and serving
    #[arg(long)]
    pub(crate) offline: bool,
}

const UPDATE_HELP: &str = "Examples:
  maltrail update                                 all feeds, STATIC_TRAILS_DIR and CUSTOM_TRAILS_DIR
  maltrail update --offline                       the last good copies of feeds, and local directories
  maltrail update --offline --static-dir trails/static --custom my-trails -o trails.bin
  maltrail update --explain evil.example          which feed or list names it, and what became of it
  maltrail update --rollback                      back to the generation before";

#[derive(Debug, Args)]
pub(crate) struct UpdateArguments {
    /// Configuration file
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Fetch nothing: build from the last good copies of feeds and from local files
    #[arg(long)]
    pub(crate) offline: bool,
    /// Ask all feeds, also those whose makers want to be left alone for a while, and publish also a much smaller set
    #[arg(long)]
    pub(crate) force: bool,
    /// Only warnings and errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Go back to the generation before; once more: forth again
    #[arg(long, conflicts_with_all = ["offline", "force", "explain"])]
    pub(crate) rollback: bool,
    /// Tell which source names an indicator, and what became of it; nothing is fetched
    #[arg(long, value_name = "INDICATOR")]
    pub(crate) explain: Option<String>,
    /// An update that comes by itself: leaves a generation that was put back by hand
    #[arg(long, hide = true)]
    pub(crate) automatic: bool,
    /// Directory tree, or file, of trails (STATIC_TRAILS_DIR); may be given several times
    #[arg(long, value_name = "DIR")]
    pub(crate) static_dir: Vec<PathBuf>,
    /// Directory, or file, of your own trails (CUSTOM_TRAILS_DIR); may be given several times
    #[arg(long, value_name = "DIR")]
    pub(crate) custom: Vec<PathBuf>,
    /// Where to write the trails: a .bin, or a .csv with its .bin beside it [default: TRAILS_FILE]
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

const CHECK_HELP: &str = "Examples:
  maltrail check www.evil.example --trails trails.bin
  maltrail check 192.0.2.1:443 evil.example/gate.php";

const FEEDS_HELP: &str = "Examples:
  maltrail feeds                                  every feed: used or not, how it went, its rows and their age
  maltrail feeds urlhaus                          one of them: where it lies, licence, terms
  maltrail feeds --json                           for programs";

#[derive(Debug, Args)]
pub(crate) struct FeedsArguments {
    /// Configuration file
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Only these
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Configuration file
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Trails to look in, a .bin or a .csv (TRAILS_FILE)
    #[arg(long, value_name = "FILE")]
    pub(crate) trails: Option<PathBuf>,
    /// Answer in JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// What to look up
    #[arg(required = true)]
    pub(crate) indicators: Vec<String>,
}

const HUNT_HELP: &str = "Queries:
  evil.example 10.0.0.0/8         both (AND); OR, NOT and parentheses between
  10.0.0.5-10.0.0.9               a range of addresses
  '\"known attacker\"'              words as they stand
  src:10.0.0.0/8 sev:medium+      by field: src dst trail info sensor reason type sev threat;
                                  trail: is the fastest

What a server keeps of the logs (STATE_DIR) is used, beside it while it runs too; only what is not
in it yet is read from the logs (LOG_DIR). Without a server it is brought up to date. With --log-dir
alone these logs are read and nothing is kept; --from and --to keep that short.

Exit status:
  0  found
  1  failed: what was printed is not all
  2  wrong arguments, query or configuration
  6  nothing found";

const EVENTS_HELP: &str = "Examples:
  maltrail events --day 2026-11-20
  maltrail events --from 2026-11-20T10:00:00Z --to 2026-11-20T11:00:00Z sev:high --json

Queries and exit status are those of `maltrail hunt`.";

const OBSERVABLES_HELP: &str = "Queries:
  www.evil.example                   one name
  '*.evil.example'                   all names below it
  192.0.2.7    192.0.2.0/24          one address, those of a network

Lines: name or address, first time, last time, count, number of hosts; then `host` for each that touched any of it, and
`pair` for each name and address that an answer brought together (passive DNS).

Without a server the state directory is brought up to date with LOG_DIR. Beside a running server what it has read is
told.

Exit status:
  0  found
  1  failed: what was printed is not all
  2  wrong arguments, query or configuration
  6  nothing found";

/// Where what was kept lies.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlaceArguments {
    /// Configuration file
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Directory of logs and journals (LOG_DIR)
    #[arg(long, value_name = "DIR")]
    pub(crate) log_dir: Option<PathBuf>,
    /// Directory of what is made of them (STATE_DIR)
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ObservablesArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// Answer in JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Most lines of each kind
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// What to look for
    pub(crate) query: String,
}

/// Where to look, and how it is printed.
#[derive(Clone, Debug, Args)]
pub(crate) struct LookArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// First day, or first instant
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Last day, or first instant after
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// Print events as the journal has them, one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Most events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct HuntArguments {
    #[command(flatten)]
    pub(crate) look: LookArguments,
    /// What to look for
    #[arg(required = true, value_name = "QUERY")]
    pub(crate) query: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct EventsArguments {
    #[command(flatten)]
    pub(crate) look: LookArguments,
    /// Of one day
    #[arg(long, value_name = "DAY", conflicts_with_all = ["from", "to"])]
    pub(crate) day: Option<String>,
    /// Only what this finds
    #[arg(value_name = "QUERY")]
    pub(crate) query: Vec<String>,
}

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Show all accounts
    List(UserListArguments),
    /// Make an account; without --password-stdin a password is made and shown once
    Add(UserAddArguments),
    /// Give an account a new password, to be changed at its next login
    Passwd(UserPasswordArguments),
    /// Change what an account may do and see
    Set(UserSetArguments),
    /// Remove an account with its sessions and tokens
    Remove(UserNameArguments),
}

#[derive(Debug, Args)]
pub(crate) struct UserListArguments {
    /// Configuration file
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Answer in JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UserNameArguments {
    /// Configuration file
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Name of the account
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct UserPasswordArguments {
    #[command(flatten)]
    pub(crate) account: UserNameArguments,
    /// Read the password from standard input (one line) instead of making one
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UserAddArguments {
    #[command(flatten)]
    pub(crate) account: UserPasswordArguments,
    /// May manage accounts, tokens and rules
    #[arg(long)]
    pub(crate) admin: bool,
    /// Addresses, networks and ranges whose events it may see, separated by commas [default: all]
    #[arg(long, value_name = "NETWORKS")]
    pub(crate) networks: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct UserSetArguments {
    #[command(flatten)]
    pub(crate) account: UserNameArguments,
    /// May manage accounts, tokens and rules, or not
    #[arg(long, value_name = "BOOL")]
    pub(crate) admin: Option<bool>,
    /// Addresses, networks and ranges whose events it may see, separated by commas; empty: all
    #[arg(long, value_name = "NETWORKS")]
    pub(crate) networks: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BuildArguments {
    /// The CSV
    pub(crate) csv: PathBuf,
    /// Where the store goes if it cannot be written beside the CSV
    pub(crate) cache_dir: PathBuf,
    /// Print nothing but errors
    #[arg(short = 'q', long)]
    pub(crate) quiet: bool,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrailsCommand {
    /// Check a store's checksums
    Verify {
        /// A .bin file
        file: PathBuf,
    },
    /// What a store holds
    Info {
        /// A .bin file
        file: PathBuf,
    },
    /// Write all trails of a store to standard output: a CSV of trail, info, reference
    Export {
        /// A .bin file
        file: PathBuf,
    },
    /// Tell what is wrong with lists of your own, line by line, and what to do
    #[command(after_help = LINT_HELP)]
    Lint(LintArguments),
}

const LINT_HELP: &str = "Examples:
  maltrail trails lint                            the lists that the configuration names
  maltrail trails lint my-trails/                 the .txt and .csv files of a directory
  maltrail trails lint new.txt --level error      only lines that are of no use as they stand
  maltrail trails lint --others trails/static     as lists of others (STATIC_TRAILS_DIR)
  maltrail trails lint --format json my-trails/ | jq 'select(.level == \"error\")'

Told are, with file and line:
  errors    lines that are no indicator, can never be found (others cover them), or are on USER_WHITELIST
  warnings  whole top-level domains, public resolvers, private addresses, those of HOME_NETWORKS,
            names of local networks, URLs that list requests to a host but not its name
  notes     what stands twice, and what is read in another form (http://, www., upper case ...)

JSON has an object a line; the last one is the sum.

Exit status:
  0  no errors
  1  a list cannot be read
  2  wrong arguments or configuration
  7  there are errors";

#[derive(Debug, Args)]
pub(crate) struct LintArguments {
    /// Configuration file
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// For people or for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// The least that is told
    #[arg(long, value_enum, default_value_t = Least::Note)]
    pub(crate) level: Least,
    /// Most lines of text that are told one by one; all are counted
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) limit: usize,
    /// The lists are of others, not your own: private addresses and local names do not count there
    #[arg(long)]
    pub(crate) others: bool,
    /// Whether in colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// Files and directories [default: CUSTOM_TRAILS_DIR, and TRAILS_FILE where no update made it]
    pub(crate) paths: Vec<PathBuf>,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// How bad what is told must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Least {
    /// Lines that are of no use
    Error,
    /// And those that are hardly meant
    Warning,
    /// And what could be said better
    Note,
}

impl From<Least> for Level {
    fn from(least: Least) -> Level {
        match least {
            Least::Error => Level::Error,
            Least::Warning => Level::Warning,
            Least::Note => Level::Note,
        }
    }
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum GenerateCommand {
    /// docs/configuration.md
    ConfigReference,
    /// packaging/maltrail.conf
    ConfigExample,
}
