//! `maltrail update` and `maltrail feeds`, with feeds of a server on loopback that fails in every way.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use testkit::web::{Answer, Web};
use trails::{Indicator, Store};

use crate::directory;
use crate::serving::until;

/// Nobody, in most systems; no test needs it to have a name.
const SOMEBODY: u32 = 65_534;

/// A user with feeds of their own and a server that has them.
pub(crate) struct Site {
    pub(crate) dir: TempDir,
    pub(crate) web: Web,
    settings: String,
    feeds: Vec<String>,
}

impl Site {
    pub(crate) fn new() -> Site {
        Site::of(Web::with_tls())
    }

    fn of(web: Web) -> Site {
        let dir = directory();
        fs::create_dir(dir.path().join("descriptions")).unwrap();
        let site = Site { dir, web, settings: String::new(), feeds: Vec::new() };
        // No other authority is trusted, so that no test depends on the system's.
        let shown = site.web.certificate.clone().or(Web::with_tls().certificate).unwrap();
        site.write("authorities.pem", &shown.pem);
        site.configured("")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A description of a list of names, at the path of its name.
    fn described(&self, name: &str, url: &str, more: &str) {
        let patience = if more.contains("patience") { "" } else { "patience = 1" };
        let text = format!(
            "about = \"{name}\"\nurls = [\"{url}\"]\ninfo = \"{name} (malware)\"\nreference = \"{name}.example\"\n\
             licence = \"CC0-1.0\"\nkinds = [\"name\"]\n{patience}\n{more}\n[read]\nformat = \"lines\"\n"
        );
        self.write(&format!("descriptions/{name}.toml"), &text);
    }

    /// With a feed more, which is asked each time.
    pub(crate) fn feed(self, name: &str, more: &str) -> Site {
        let url = self.web.url(&format!("/{name}"));
        self.described(name, &url, if more.is_empty() { "interval = 0" } else { more });
        let (mut feeds, settings) = (self.feeds.clone(), self.settings.clone());
        feeds.push(name.to_owned());
        Site { feeds, ..self }.configured(&settings)
    }

    /// With these settings.
    pub(crate) fn configured(mut self, settings: &str) -> Site {
        settings.clone_into(&mut self.settings);
        let own = ["ENABLED_FEEDS", "USE_FEED_UPDATES"].iter().all(|key| !settings.contains(key));
        let only = match &self.feeds[..] {
            _ if !own => String::new(),
            // Without a name all feeds there are would be used.
            [] => "USE_FEED_UPDATES false\n".to_owned(),
            feeds => format!("ENABLED_FEEDS {}\n", feeds.join(",")),
        };
        let text = format!("TRAILS_FILE trails/trails.csv\nLOG_DIR log\nFEEDS_DIR descriptions\n{only}{settings}\n");
        self.write("maltrail.conf", &text);
        self
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_maltrail"));
        command.args(arguments).current_dir(self.dir.path()).env_clear();
        command.env("HOME", self.dir.path()).env("TZ", "UTC").env("NO_COLOR", "1");
        command.env("SSL_CERT_FILE", self.path("authorities.pem"));
        command
    }

    fn run(&self, arguments: &[&str]) -> assert_cmd::assert::Assert {
        assert_cmd::Command::from_std(self.command(arguments)).assert()
    }

    /// An update that publishes.
    fn update(&self, arguments: &[&str]) -> assert_cmd::assert::Assert {
        self.run(&[&["update"], arguments].concat()).success()
    }

    /// The info of a trail in use.
    fn info(&self, text: &str) -> Option<String> {
        let store = Store::open(&self.path("trails/trails.bin")).ok()?;
        let mut scratch = String::new();
        let wanted = Indicator::parse(text, &mut scratch).unwrap();
        let found = store.trails().find(|(known, _)| *known == wanted);
        found.map(|(_, label)| store.label(label).info.to_owned())
    }

    /// Paths that were asked for since the last time.
    fn asked(&self) -> Vec<String> {
        self.web.asked().into_iter().map(|asked| asked.path).collect()
    }

    /// Files that are of no finished update.
    fn drafts(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut directories = vec![self.path("trails")];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if path.is_dir() {
                    directories.push(path);
                } else if name.ends_with(".tmp") || name.starts_with("draft") {
                    found.push(path);
                }
            }
        }
        found
    }
}

/// A body of so many names of a feed.
fn names(feed: &str, count: usize) -> Vec<u8> {
    (0..count).map(|number| format!("n{number}.{feed}.org\n")).collect::<String>().into_bytes()
}

pub(crate) fn body(text: &str) -> Answer {
    Answer::Body(text.as_bytes().to_vec(), None)
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn what_fails_is_told_and_the_last_good_copies_are_used() {
    let page = "<!DOCTYPE html><html><body>Down for maintenance</body></html>";
    let addresses: String = (0..100).map(|number| format!("192.0.2.{number}\n")).collect();
    let half = names("half", 50);
    let slow = [names("slow", 100), b"new.slow.org\n".to_vec()].concat();
    let failures = [
        ("gone", Answer::Status(404, ""), "the server answered 404"),
        ("silent", Answer::Silent, "timeout"),
        ("cut", Answer::Cut(names("cut", 90), 5_000), "cut: "),
        ("page", body(page), "it is an HTML page"),
        ("huge", Answer::Endless, "more than 10000 bytes"),
        ("wrong", body(&addresses), "of 100 rows only 0 are what it lists"),
        ("half", Answer::Body(half, None), "it has 50 rows, and had 100: fewer than 60 are not believed"),
        ("slow", Answer::Slow(slow, Duration::from_millis(20)), ""),
    ];
    let mut site = Site::new();
    for (name, _, _) in &failures {
        site = site.feed(name, "interval = 0\nguard = { max_bytes = 10000, min_ratio = 0.6 }");
        site.web.answers(&format!("/{name}"), &[Answer::Body(names(name, 100), None)]);
    }
    site.update(&[]).stdout(contains("800 trails"));
    for (name, answer, _) in &failures {
        site.web.answers(&format!("/{name}"), std::slice::from_ref(answer));
    }
    let said = site.update(&["--quiet"]).get_output().clone();
    assert_eq!(String::from_utf8_lossy(&said.stdout), "");
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    for (name, _, why) in &failures {
        assert!(site.info(&format!("n99.{name}.org")).is_some(), "the last good copy of {name} is used");
        let told = said.lines().find(|line| line.contains(&format!("feed {name}: ")));
        match *why {
            "" => assert_eq!(told, None),
            why => {
                assert!(told.is_some_and(|told| told.contains(why) && told.contains("its 100 rows")), "{why} in {said}")
            }
        }
    }
    assert!(site.info("new.slow.org").is_some(), "what is slow comes");
    assert_eq!(site.drafts(), Vec::<PathBuf>::new());

    let table = String::from_utf8(site.run(&["feeds"]).success().get_output().stdout.clone()).unwrap();
    for (name, word) in [("gone", "FAILED"), ("half", "REFUSED"), ("slow", "new")] {
        let line = table.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.contains("yes") && line.contains(word), "{line}");
    }
    site.run(&["feeds", "half"]).success().stdout(contains("REFUSED").and(contains("fewer than 60")));
    let json = site.run(&["feeds", "--json", "gone", "slow"]).success().get_output().stdout.clone();
    let rows: Vec<serde_json::Value> =
        String::from_utf8(json).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&rows[0]["name"], &rows[0]["health"]["outcome"]), (&"gone".into(), &"failed".into()));
    assert_eq!((&rows[0]["health"]["failures"], &rows[1]["health"]["rows"]), (&1.into(), &101.into()));
    site.run(&["feeds", "nothing"]).code(2).stderr(contains("there is no feed nothing"));
}

#[test]
fn every_source_of_an_indicator_is_told() {
    let site = Site::new().feed("list", "").configured("CUSTOM_TRAILS_DIR own\nUSER_WHITELIST good.txt");
    site.write("own/mine.txt", "evil.org\n");
    site.write("good.txt", "fine.org\n");
    site.web.answers("/list", &[body("# names\nwww.evil.org\nfine.org\n")]);
    site.update(&[]);
    assert_eq!(site.asked(), ["/list"]);
    let told = contains("own/mine.txt:1: mine ((custom)), taken")
        .and(contains("list:2: list (malware) (list.example), taken"));
    site.run(&["update", "--explain", "evil.org"]).success().stdout(told.and(contains("in use: name evil.org: mine")));
    site.run(&["update", "--explain", "fine.org"])
        .success()
        .stdout(contains("list:3").and(contains("left out: on the user's whitelist")).and(contains("in use").not()));
    site.run(&["update", "--explain", "none.org"]).code(6).stderr(contains("no source names it"));
    site.run(&["update", "--explain", "..."]).code(2);
    assert_eq!(site.asked(), [""; 0], "nothing is fetched");
}

#[test]
fn a_generation_is_put_back_and_left_there() {
    let site = Site::new().feed("list", "");
    site.run(&["update", "--rollback"]).code(1).stderr(contains("no generation before"));
    site.web.answers("/list", &[body("one.org\nboth.org\n"), body("two.org\nboth.org\n")]);
    site.update(&[]);
    site.update(&[]).stdout(contains("change    1 new, 1 gone"));
    assert_eq!((site.info("one.org"), site.info("two.org").is_some()), (None, true));
    site.run(&["update", "--rollback"]).success().stdout(contains("is back"));
    assert_eq!((site.info("one.org").is_some(), site.info("two.org")), (true, None));
    site.asked();
    site.update(&["--automatic"]).stderr(contains("put back by hand"));
    assert_eq!((site.info("one.org").is_some(), site.asked().len()), (true, 0));
    site.update(&[]);
    assert!(site.info("two.org").is_some());
}

#[test]
fn force_asks_again_and_publishes_a_smaller_set() {
    let site = Site::new().feed("list", "interval = 86400");
    site.web.answers("/list", &[Answer::Body(names("list", 100), None), Answer::Body(names("list", 40), None)]);
    site.update(&[]);
    site.update(&[]).stderr(contains("as they were"));
    assert_eq!(site.asked().len(), 1);
    site.update(&["--force"]).stdout(contains("40 trails"));
    assert_eq!(site.asked().len(), 1);
    site.web.answers("/list", &[Answer::Body(names("list", 19), None)]);
    let shrunk = Site { settings: String::new(), ..site }.feed("list", "interval = 0\nguard = { min_ratio = 0.0 }");
    shrunk.run(&["update"]).code(1).stderr(contains("there would be 19 trails, and were 40"));
    assert!(shrunk.info("n39.list.org").is_some());
    shrunk.update(&["--force"]).stdout(contains("19 trails"));
}

#[test]
fn offline_nothing_is_asked() {
    let site = Site::new().feed("list", "");
    site.web.answers("/list", &[body("evil.org\n")]);
    site.run(&["update", "--offline"]).code(3).stderr(contains("nothing to build from"));
    site.update(&[]);
    assert_eq!(site.asked(), ["/list"]);
    site.write("own/more.txt", "more.org\n");
    site.update(&["--offline", "--custom", "own"]).stdout(contains("2 trails"));
    assert_eq!(site.asked(), [""; 0]);
    assert!(site.info("evil.org").is_some() && site.info("more.org").is_some());
}

#[test]
fn which_feeds_are_used() {
    let site = Site::new().feed("one", "").feed("two", "").feed("off", "interval = 0\nenabled = false");
    for name in ["one", "two", "off"] {
        site.web.answers(&format!("/{name}"), &[Answer::Body(names(name, 1), None)]);
    }
    let site = site.configured("ENABLED_FEEDS one,off,gone");
    site.update(&[]).stderr(contains("there is no feed gone"));
    let mut asked = site.asked();
    asked.sort();
    assert_eq!(asked, ["/off", "/one"]);
    let site = site.configured("ENABLED_FEEDS one,two\nDISABLED_FEEDS one");
    site.update(&[]);
    assert_eq!(site.asked(), ["/two"]);
    let table = String::from_utf8(site.run(&["feeds"]).success().get_output().stdout.clone()).unwrap();
    let used: Vec<&str> = table.lines().filter(|line| line.contains("  yes ")).collect();
    assert!(used.len() == 1 && used[0].starts_with("two"), "{used:?}");
    let site = site.configured("USE_FEED_UPDATES false");
    site.run(&["update"]).code(3).stderr(contains("nothing to build from"));
    assert_eq!(site.asked(), [""; 0]);
}

#[test]
fn trails_of_another_server_and_lists_on_the_web() {
    let site = Site::new().feed("list", "");
    site.web.answers("/trails", &[body("evil.org,testbot (malware),(static)\nmine.org,mine,(custom)\n")]);
    site.web.answers("/own.txt", &[body("own.org\n192.0.2.0/24\n")]);
    site.web.answers("/list", &[body("listed.org\n")]);
    let server = site.web.url("/trails");
    let site = site.configured(&format!("UPDATE_SERVER {server}"));
    site.update(&[]);
    assert_eq!(site.asked(), ["/trails"], "nothing but the server is asked");
    assert_eq!(site.info("evil.org").as_deref(), Some("testbot (malware)"));
    let own = site.web.url("/own.txt");
    let site = site.configured(&format!("CUSTOM_TRAILS_URL {own}"));
    site.update(&["--force"]);
    assert_eq!(site.asked().len(), 2);
    let infos = ["own.org", "192.0.2.0/24", "listed.org", "evil.org"].map(|text| site.info(text));
    let expected = [Some("blacklisted"), Some("blacklisted"), Some("list (malware)"), None];
    assert_eq!(infos, expected.map(|info| info.map(str::to_owned)));
}

#[test]
fn a_proxy_is_asked_instead() {
    let site = Site::of(Web::new());
    site.described("list", "http://feeds.example/list", "interval = 0");
    for path in ["/list", "http://feeds.example/list"] {
        site.web.answers(path, &[body("evil.org\n")]);
    }
    let proxy = site.web.url("");
    let site = site.configured(&format!("ENABLED_FEEDS list\nPROXY_ADDRESS {proxy}"));
    site.update(&[]);
    assert!(site.info("evil.org").is_some());
    assert!(site.asked()[0].contains("feeds.example"), "the proxy was told where to go");
}

#[test]
fn what_nobody_vouches_for_is_not_used() {
    let site = Site::new().feed("list", "");
    site.web.answers("/list", &[body("evil.org\n")]);
    site.write("authorities.pem", &Web::with_tls().certificate.unwrap().pem);
    site.write("own/mine.txt", "mine.org\n");
    site.update(&["--custom", "own"]).stderr(contains("feed list: ").and(contains("ertificate")));
    assert_eq!(site.info("evil.org"), None);
}

#[test]
fn the_causes_of_refused_lines_are_told_where_nothing_is_left() {
    let site = Site::new().configured("USE_FEED_UPDATES false");
    site.write("own/mine.txt", "192.0.2.1:70000\n");
    site.run(&["update", "--custom", "own"])
        .code(3)
        .stderr(contains("not one indicator").and(contains("refused   1: not a port")).and(contains("mine.txt:1")));
}

#[test]
fn a_signal_leaves_nothing_half_written() {
    let site = Site::new().feed("list", "").feed("held", "interval = 0");
    site.web.answers("/list", &[body("evil.org\n")]);
    site.web.answers("/held", &[body("held.org\n"), Answer::Silent]);
    site.update(&[]);
    site.asked();
    let before = fs::read(site.path("trails/trails.bin")).unwrap();
    let begin = || {
        let child = site.command(&["update"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        until(|| if site.asked().contains(&"/held".to_owned()) { Ok(()) } else { Err("not asked".to_owned()) });
        child
    };
    let child = begin();
    signal(&child, Signal::TERM);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("stopped; the trails were left as they are"));
    assert_eq!((fs::read(site.path("trails/trails.bin")).unwrap() == before, site.drafts().len()), (true, 0));

    site.described("held", &site.web.url("/held"), "interval = 0\npatience = 600");
    for last in [Signal::INT, Signal::KILL] {
        let mut child = begin();
        if last == Signal::INT {
            signal(&child, Signal::INT);
            let said = BufReader::new(child.stderr.as_mut().unwrap()).lines();
            assert!(said.map_while(Result::ok).any(|line| line.contains("stopping")));
        }
        signal(&child, last);
        assert_eq!(child.wait().unwrap().signal(), Some(last.as_raw()));
        assert!(fs::read(site.path("trails/trails.bin")).unwrap() == before);
    }
    site.web.answers("/held", &[body("new.org\n")]);
    site.update(&[]);
    assert!(site.info("new.org").is_some());
    assert_eq!(site.drafts(), Vec::<PathBuf>::new(), "what was left is removed");
}

/// Owners of everything below a directory.
fn owners(directory: &Path) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        found.push(fs::symlink_metadata(&path).unwrap().uid());
        if path.is_dir() {
            found.extend(owners(&path));
        }
    }
    found
}

#[test]
fn root_updates_trails_as_their_owner() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can go on as another user");
        return;
    }
    let site = Site::new().feed("list", "");
    site.web.answers("/list", &[body("evil.org\n")]);
    fs::set_permissions(site.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(site.path("trails")).unwrap();
    chown(site.path("trails"), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    for arguments in [&[][..], &["--automatic"], &[], &["--rollback"]] {
        site.update(arguments);
    }
    let owners = owners(&site.path("trails"));
    assert!(owners.len() > 5 && owners.iter().all(|owner| *owner == SOMEBODY), "{owners:?}");
}

#[test]
fn an_update_that_comes_by_itself_has_no_capabilities() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: there are none to give up");
        return;
    }
    let site = Site::new();
    site.write("own/mine.txt", "evil.org\n");
    // Not even root may read it but for a capability.
    let own = site.path("own");
    chown(&own, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).unwrap();
    site.run(&["update", "--custom", "own", "--automatic"]).code(1).stderr(contains("ermission denied"));
    site.update(&["--custom", "own"]);
    assert!(site.info("evil.org").is_some());
}
