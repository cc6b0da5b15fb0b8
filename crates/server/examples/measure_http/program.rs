//! The server: its configuration, accounts and trails, its process.

use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use server::access::{Access, Policy};
use server::state::{Purpose, State};
use tokio::process::{Child, Command};
use trails::builder::Place;
use trails::{Builder, Stamp, Vetoes};

use super::client::{Connection, Way, get, trusting};

/// Names that are listed.
const LISTED: u32 = 200_000;
/// SHA-256 of a password that nobody uses: tokens are.
const HASH: &str = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";

/// What a server is started with.
pub struct Setup {
    directory: PathBuf,
    pub administrator: String,
    pub scoped: String,
    pub sensor: String,
}

/// A running server.
pub struct Program {
    child: Child,
    pid: u32,
    pub way: Way,
    pub udp: SocketAddr,
    pub administrator: String,
    pub scoped: String,
    pub sensor: String,
}

impl Setup {
    /// Accounts with tokens, and trails.
    pub fn make(directory: &Path) -> Setup {
        fs::create_dir_all(directory.join("log")).unwrap();
        fs::create_dir_all(directory.join("state")).unwrap();
        let users = [format!("root:{HASH}:0:"), format!("scoped:{HASH}:1000:10.0.1.0/24")];
        let state = Arc::new(State::open(&directory.join("state")).unwrap());
        let access = Access::new(state, &users, Policy::default()).unwrap();
        access.prepare(Timestamp::now()).unwrap();
        let token = |account, purpose| access.make_token(account, purpose, ("gw", None), Timestamp::now()).unwrap().1;
        let setup = Setup {
            directory: directory.to_owned(),
            administrator: token("root", Purpose::Api),
            scoped: token("scoped", Purpose::Api),
            sensor: token("root", Purpose::Sensor),
        };
        let mut builder = Builder::new(Vetoes::default());
        let source = builder.source("asyncrat (malware)", "(static)", false);
        let file = Rc::from("measured");
        for line in 0..LISTED {
            builder.add(&format!("evil-{line}.example"), source, Place { file: &file, line: line.into() });
        }
        trails::load::publish(builder, &directory.join("trails.bin"), Stamp::default()).unwrap();
        setup
    }

    fn configure(&self, tls: bool, ports: (u16, u16)) -> PathBuf {
        let path = self.directory.join("maltrail.conf");
        let at = |name: &str| self.directory.join(name).display().to_string();
        let text = format!(
            "HTTP_PORT {}\nUSE_SSL {tls}\nUDP_ADDRESS 127.0.0.1\nUDP_PORT {}\nLOG_DIR {}\nSTATE_DIR {}\nTRAILS_FILE {}\n\
             USERS\n    root:{HASH}:0:\n    scoped:{HASH}:1000:10.0.1.0/24\n",
            ports.0,
            ports.1,
            at("log"),
            at("state"),
            at("trails.bin")
        );
        fs::write(&path, text).unwrap();
        path
    }
}

impl Program {
    /// Starts it and waits until it answers.
    pub async fn start(binary: &str, setup: &Setup, tls: bool) -> Program {
        let http = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = setup.configure(tls, (http.port(), udp.port()));
        let log = fs::File::create(setup.directory.join("server.log")).unwrap();
        let mut command = Command::new(binary);
        command.args(["server", "-c"]).arg(config).stderr(log).kill_on_drop(true);
        let child = command.spawn().unwrap();
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(http).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not listen; its log is server.log");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let tls = tls.then(|| trusting(&fs::read(setup.directory.join("state/tls.pem")).unwrap()));
        let (administrator, scoped, sensor) = (setup.administrator.clone(), setup.scoped.clone(), setup.sensor.clone());
        let pid = child.id().unwrap();
        Program { child, pid, way: Way { address: http, tls }, udp, administrator, scoped, sensor }
    }

    /// How it is spoken to.
    pub fn over(&self) -> &'static str {
        if self.way.tls.is_some() { "HTTPS" } else { "HTTP" }
    }

    /// Processor time so far, seconds.
    pub fn processor(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap();
        let ticks: u64 = stat.split(' ').skip(13).take(2).map(|n| n.parse::<u64>().unwrap()).sum();
        ticks as f64 / 100.0
    }

    /// Memory now and at its peak.
    pub fn memory(&self) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let of = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
        };
        format!("{} MB now, {} MB at its peak", of("VmRSS:"), of("VmHWM:"))
    }

    /// An answer as JSON, as an administrator.
    pub async fn json(&self, target: &str) -> serde_json::Value {
        let mut connection = Connection::open(&self.way).await;
        let (status, body) = connection.ask(&get(target, &self.administrator)).await;
        assert_eq!(status, 200, "{target}: {}", String::from_utf8_lossy(body));
        serde_json::from_slice(body).unwrap()
    }

    /// Events of all days as the server counts them.
    pub async fn events(&self) -> u64 {
        let days = self.json("/api/v1/days").await;
        days["days"].as_array().unwrap().iter().map(|day| day["events"].as_u64().unwrap()).sum()
    }

    /// A number of /metrics.
    pub async fn metric(&self, name: &str) -> u64 {
        let connection = Connection::open(&self.way).await;
        let (status, body) = connection.whole(&get("/metrics", &self.administrator)).await;
        assert_eq!(status, 200);
        let text = String::from_utf8_lossy(&body).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("maltrail_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).trim().parse().unwrap()
    }

    pub async fn stop(mut self) {
        self.child.kill().await.unwrap();
    }
}
