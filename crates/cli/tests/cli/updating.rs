//! Updates that come by themselves, while a sensor looks at the loopback interface; needs root.

use std::collections::HashSet;
use std::net::UdpSocket;

use testkit::payload::dns::Message;
use testkit::web::Answer;

use crate::serving::{Server, free_port, until};
use crate::update::{Site, body};

/// A sensor that runs, and a host that asks for names.
struct Running {
    site: Site,
    sensor: Server,
    host: UdpSocket,
    sent: u64,
}

impl Running {
    /// None where nothing can be captured.
    fn start(site: Site, settings: &str, word: &str) -> Option<Running> {
        let port = free_port();
        let settings = format!("STATS_ADDRESS 127.0.0.1:{port}\nEVENT_THROTTLE_MODE off\n{settings}");
        let site = site.configured(&settings);
        let command = site.command(&["sensor", "-c", "maltrail.conf", "-i", "lo"]);
        let mut sensor = Server::run(command, port, None, word);
        let captures = until(|| match sensor.child.try_wait().unwrap() {
            Some(status) => {
                assert_eq!(status.code(), Some(4), "{}", sensor.said());
                Ok(false)
            }
            None => sensor.connect().map(|_| true).map_err(|error| error.to_string()),
        });
        if !captures {
            eprintln!("skipped: nothing can be captured here");
            return None;
        }
        let host = UdpSocket::bind("127.0.0.1:0").unwrap();
        Some(Running { site, sensor, host, sent: 0 })
    }

    fn metric(&self, name: &str) -> Option<u64> {
        let page = self.sensor.ask("GET", "/metrics", "", "").text();
        let line = page.lines().find(|line| line.split(' ').next() == Some(name))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// Asks for a name below `name` that nobody asked for before; nobody answers.
    fn query(&mut self, name: &str) {
        self.sent += 1;
        let query = Message::query(&format!("q{}.{name}", self.sent), 1).encode();
        self.host.send_to(&query, ("127.0.0.1", 9)).unwrap();
    }

    fn logged(&self) -> String {
        let mut lines = String::new();
        for entry in std::fs::read_dir(self.site.dir.path().join("log")).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "log") {
                lines.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
        lines
    }

    /// The numbers of the queries below `name` that were found.
    fn numbers(&self, name: &str) -> HashSet<u64> {
        let end = format!(").{name}");
        let logged = self.logged();
        logged.split("(q").filter_map(|text| text.split_once(&end)?.0.parse().ok()).collect()
    }

    /// Asks for names below `name` until one is found.
    fn found(&mut self, name: &str) {
        until(|| {
            self.query(name);
            if self.logged().contains(&format!(").{name}")) { Ok(()) } else { Err(self.sensor.said()) }
        });
    }
}

#[test]
fn a_sensor_begins_at_once_and_goes_on_with_what_comes() {
    let site = Site::new().feed("list", "");
    site.web.close();
    site.web.answers("/list", &[body("evil.org\n")]);
    let settings = "UPDATE_PERIOD 1\nCANARY_PERIOD 1";
    let Some(mut running) = Running::start(site, settings, "there are NO TRAILS yet") else { return };
    until(|| {
        running.query("evil.org");
        match running.metric("maltrail_packets_received_total") {
            Some(0) | None => Err("no packet was seen".to_owned()),
            Some(_) => Ok(()),
        }
    });
    assert_eq!(running.metric("maltrail_trails_count"), Some(0), "it looks at packets before there are trails");
    running.site.web.open();
    running.found("evil.org");

    let is = |running: &Running, name: &str, value: u64| match running.metric(name) {
        Some(found) if found == value => Ok(()),
        found => Err(format!("{name} is {found:?}, not {value}: {}", running.sensor.said())),
    };
    until(|| is(&running, "maltrail_canary_found{kind=\"name\"}", 1));
    assert_eq!(running.metric("maltrail_feed_rows{feed=\"list\"}"), Some(1));
    assert_eq!(running.metric("maltrail_feed_outcome{feed=\"list\",outcome=\"failed\"}"), None);

    // A name that is listed before and after is found every time while the set changes under way.
    let first = running.sent + 1;
    running.site.web.answers("/list", &[body("evil.org\nworse.org\n")]);
    until(|| {
        running.query("evil.org");
        is(&running, "maltrail_trails_count", 2)
    });
    (0..10).for_each(|_| running.query("evil.org"));
    until(|| {
        let found = running.numbers("evil.org");
        let missed: Vec<u64> = (first..=running.sent).filter(|number| !found.contains(number)).collect();
        if missed.is_empty() { Ok(()) } else { Err(format!("from {first} to {}: missed {missed:?}", running.sent)) }
    });
    running.found("worse.org");

    running.site.web.answers("/list", &[Answer::Status(404, "")]);
    until(|| is(&running, "maltrail_feed_outcome{feed=\"list\",outcome=\"failed\"}", 1));
    assert_eq!(running.metric("maltrail_feed_rows{feed=\"list\"}"), Some(2), "the last good copy is used");
    assert_eq!(running.metric("maltrail_canary_failures_total"), Some(0));
    assert_eq!(running.metric("maltrail_trails_reloads_refused_total"), Some(0));
    assert_eq!(running.sensor.end(), 0);
}

#[test]
fn without_trails_and_offline_it_ends() {
    let site = Site::new().feed("list", "");
    site.web.answers("/list", &[body("evil.org\n")]);
    let ended = site.command(&["sensor", "-c", "maltrail.conf", "-i", "lo", "--offline"]).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.contains("maltrail update"), "{said}");
    assert!(site.web.asked().is_empty());
}
