use std::sync::Mutex;

use detect::{MatchSettings, PipelineSettings, ThrottleMode};
use jiff::tz::TimeZone;
use packet::{Limits, Micros};
use testkit::capture::{self, Recorded};
use testkit::packet::Stack;
use testkit::payload::dns::Message;

use super::*;
use crate::output::Outputs;
use crate::reload::{Rules, Trails};
use crate::worker::MAX_PANICS;

const LISTED: &str = "evil.org,x (malware),(static)\n";

/// One query for a listed name from each of many clients, a tenth of a second apart.
fn queries(count: u32) -> Vec<Recorded> {
    let query = |n: u32| {
        let client = format!("10.1.{}.{}", n / 250, n % 250 + 1);
        let payload = Message::query("www.evil.org", 1).encode();
        let frame = Stack::ethernet().ip(&client, "10.9.9.9").udp(4000, 53).payload(&payload).frame();
        Recorded::new(Micros(1_700_000_000_000_000 + i64::from(n) * 100_000), frame)
    };
    (0..count).map(query).collect()
}

struct Ran {
    result: Result<Summary, SensorError>,
    board: Arc<Board>,
    sources: Vec<String>,
}

fn replay(frames: &[Recorded], workers: usize, panic_at: &[u64]) -> Ran {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.pcap");
    fs::write(&file, capture::file(frames)).unwrap();
    let trails_file = directory.path().join("trails.csv");
    fs::write(&trails_file, LISTED).unwrap();
    let store = Arc::new(::trails::load::load(&trails_file, directory.path()).unwrap());
    let trails = Arc::new(Trails::new(store.clone()));
    let board = Arc::new(Board::new(workers, trails.clone()));
    let message: MessageHook = Arc::new(|_, _| {});
    let control = Control::default();
    let sources = Arc::new(Mutex::new(Vec::new()));
    let seen = sources.clone();
    let hook: crate::hooks::EventHook = Box::new(move |event| seen.lock().unwrap().push(event.line(&TimeZone::UTC)));
    let pipeline = PipelineSettings { throttle: ThrottleMode::Off, ..PipelineSettings::default() };
    let sink = Sink::new(&MatchSettings::default(), pipeline, Some(hook), Outputs::default());
    let replay = Replay {
        paths: &[file],
        workers,
        filter: None,
        parts: Parts {
            exchanges: Arc::default(),
            limits: Limits::default(),
            matching: Arc::new(MatchSettings::default()),
            store,
            panic_at: panic_at.to_vec(),
        },
        board: board.clone(),
        control: control.clone(),
        progress: None,
        message: message.clone(),
        reloader: Reloader::new(Rules::plain(&trails_file, directory.path()), trails, control, message),
    };
    let result = run(replay, sink);
    let sources = sources.lock().unwrap().clone();
    Ran { result, board, sources }
}

#[test]
fn a_panic_costs_its_packet_and_no_other() {
    for workers in [1, 2, 4] {
        let ran = replay(&queries(100), workers, &[0, 17, 99]);
        ran.result.unwrap();
        let report = ran.board.report();
        assert_eq!((report.panics, report.packets.lost), (3, 3), "{workers} workers");
        assert_eq!((report.packets.received, report.packets.decoded), (100, 97), "{workers} workers");
        assert_eq!(ran.sources.len(), 97, "{workers} workers");
    }
}

#[test]
fn too_many_panics_end_the_run() {
    for workers in [1, 4] {
        let at = |count: u64| (0..count).collect::<Vec<u64>>();
        assert!(replay(&queries(100), workers, &at(MAX_PANICS)).result.is_ok(), "{workers} workers");
        let over = replay(&queries(100), workers, &at(MAX_PANICS + 1)).result;
        assert!(matches!(over, Err(SensorError::WorkersFailed(_))), "{workers} workers");
    }
}
