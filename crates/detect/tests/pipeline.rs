//! Findings to events: what repeats, what is joined, what is excused, and that all of it adds up.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::single_range_in_vec_init)] // Helpers of tests.

mod common;

use std::sync::Arc;

use common::flow;
use detect::{Finding, IgnoreRules, Occasion, Pipeline, PipelineSettings, ThrottleMode, UserWhitelist};
use event::{Context, Event, Kind, Observed, Severity};
use packet::{Micros, TableLimit};
use proptest::prelude::*;
use trails::Class;

const SECOND: i64 = Micros::SECOND;

fn finding(seconds: f64, port: u16, text: &str) -> Finding {
    Finding {
        late: false,
        time: Micros((seconds * SECOND as f64) as i64),
        sequence: 1,
        flow: flow("10.0.0.5", port, "8.8.8.8", 53, 17),
        kind: Kind::Dns,
        observed: Observed { text: text.into(), matched: vec![0..text.len() as u32] },
        indicator: text.into(),
        info: "fox (malware)".into(),
        reference: "(static)".into(),
        class: Class::Malware,
        severity: Severity::High,
        reasons: Vec::new(),
        confidence: 80,
        custom: false,
        occasion: Occasion::Other,
        context: Context::default(),
    }
}

fn scan(seconds: f64, port: u16) -> Finding {
    Finding { class: Class::Scanner, severity: Severity::Low, kind: Kind::Ip, ..finding(seconds, port, "10.0.0.5") }
}

fn off() -> PipelineSettings {
    PipelineSettings { throttle: ThrottleMode::Off, sensor: "s".into(), ..PipelineSettings::default() }
}

fn run(settings: PipelineSettings, findings: impl IntoIterator<Item = Finding>) -> (Vec<Event>, Pipeline) {
    let mut pipeline = Pipeline::new(settings);
    let mut events = Vec::new();
    for finding in findings {
        pipeline.take(finding, &mut events);
        assert!(pipeline.accounts().balanced(), "{:?}", pipeline.accounts());
    }
    pipeline.finish(&mut events);
    assert!(pipeline.accounts().balanced() && pipeline.accounts().held == 0, "{:?}", pipeline.accounts());
    assert_eq!(pipeline.accounts().events, events.len() as u64);
    (events, pipeline)
}

#[test]
fn once_a_flow_second_and_trail() {
    let same = |seconds| finding(seconds, 1, "a");
    let (events, pipeline) =
        run(off(), [same(10.0), same(10.9), finding(10.9, 2, "a"), finding(10.9, 1, "b"), same(11.0), same(10.5)]);
    assert_eq!(events.len(), 4);
    assert_eq!(pipeline.accounts().repeated, 2, "a step back of the clock opens no second again");
}

#[test]
fn a_running_flow_is_told_once_an_hour() {
    let at = |seconds, occasion| Finding { occasion, ..finding(seconds, 1, "a") };
    let (events, _) = run(
        off(),
        [
            at(0.0, Occasion::Opening),
            at(5.0, Occasion::Running),
            Finding { flow: finding(0.0, 1, "a").flow.reversed(), ..at(6.0, Occasion::Running) },
            at(7.0, Occasion::Opening),
            at(3607.0, Occasion::Running),
        ],
    );
    let times: Vec<_> = events.iter().map(|event| event.time.as_second()).collect();
    assert_eq!(times, [0, 7, 3607]);
}

#[test]
fn a_response_repeats_its_query_for_a_minute() {
    let at = |seconds, port, occasion| Finding { occasion, ..finding(seconds, port, "a") };
    let (events, _) = run(
        off(),
        [
            at(0.0, 1, Occasion::Response),
            at(1.0, 2, Occasion::Query),
            at(2.0, 2, Occasion::Response),
            at(60.9, 2, Occasion::Response),
            at(61.0, 2, Occasion::Response),
            Finding { flow: flow("10.0.0.6", 1, "8.8.8.8", 53, 17), ..at(61.0, 1, Occasion::Response) },
        ],
    );
    let times: Vec<_> = events.iter().map(|event| event.time.as_second()).collect();
    assert_eq!(times, [0, 1, 61, 61]);
}

#[test]
fn a_burst_passes_and_the_rest_is_one_summary() {
    let findings = (0..10).map(|n| finding(f64::from(n), 40_000 + n as u16, "a"));
    let later = [finding(80.0, 41_000, "a"), finding(80.0, 41_000, "b")];
    let (events, pipeline) = run(PipelineSettings::default(), findings.chain(later));
    let counts: Vec<_> = events.iter().map(|event| (event.time.as_second(), event.count)).collect();
    assert_eq!(counts, [(0, 1), (1, 1), (2, 1), (3, 7), (80, 1), (80, 1)]);
    let summary = &events[3];
    assert_eq!(summary.src_ports, (40_003..40_010).collect::<Vec<u16>>());
    assert_eq!(summary.last.as_second(), 9);
    assert_eq!(summary.reasons, ["7 more within 60 s"]);
    assert_eq!((pipeline.accounts().at_once, pipeline.accounts().in_summaries), (5, 7));
}

#[test]
fn noisy_classes_are_bundled_for_ten_seconds_also_without_throttling() {
    let mut findings: Vec<_> = [443, 22, 80].iter().enumerate().map(|(n, port)| scan(n as f64, *port)).collect();
    findings.push(finding(9.0, 7, "high"));
    findings.push(scan(10.0, 1));
    let (events, pipeline) = run(off(), findings);
    let seen: Vec<_> = events.iter().map(|event| (event.time.as_second(), event.count)).collect();
    assert_eq!(seen, [(9, 1), (0, 3), (10, 1)], "what is high does not wait");
    assert_eq!(events[1].src_ports, [22, 80, 443]);
    assert_eq!(pipeline.accounts().in_bundles, 4);
}

#[test]
fn high_and_custom_findings_of_noisy_classes_do_not_wait() {
    let high = Finding { severity: Severity::High, ..scan(0.0, 1) };
    let custom = Finding { custom: true, ..scan(0.0, 2) };
    let (_, pipeline) = run(off(), [high, custom]);
    assert_eq!(pipeline.accounts().at_once, 2);
}

#[test]
fn a_full_bundle_is_written_and_another_begun() {
    for (ports, expected) in [(255u16, vec![255u64]), (256, vec![256]), (257, vec![256, 1])] {
        let (events, _) = run(off(), (1..=ports).map(|port| scan(0.0, port)));
        assert_eq!(events.iter().map(|event| event.count).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn at_the_limit_of_keys_findings_pass_and_are_counted() {
    for (keys, refused) in [(4, 0), (3, 0), (2, 1)] {
        let settings = PipelineSettings { throttle_keys: keys, throttle_burst: 0, ..PipelineSettings::default() };
        let (events, pipeline) = run(settings, ["a", "b", "c"].map(|text| finding(0.0, 1, text)));
        assert_eq!(events.len(), 3);
        let [_, windows, ..] = pipeline.tables();
        let (name, limit) = ("throttle_windows", TableLimit::Entries(keys as u64));
        assert_eq!((windows.name, windows.limit, windows.refused), (name, limit, refused), "{keys}");
        assert_eq!(pipeline.accounts().at_once, refused);
    }
}

#[test]
fn whitelisted_and_ignored_findings_are_counted_and_no_events() {
    let (whitelist, _) = UserWhitelist::parse("good.com, 192.0.2.0/24, 8.8.8.8");
    let (ignore, _) = IgnoreRules::parse("10.0.0.9;*;*;*");
    let ignore = ignore.with_expression("loud-[0-9]").unwrap();
    let settings = PipelineSettings { whitelist: Arc::new(whitelist), ignore: Arc::new(ignore), ..off() };
    let of = |src: &str, dst: &str, kind, text: &str| Finding {
        flow: flow(src, 1, dst, 53, 17),
        kind,
        ..finding(0.0, 1, text)
    };
    let url = of("10.0.0.5", "9.9.9.9", Kind::Url, "x.good.com/a");
    let url = Finding { context: Context { host: "x.good.com:80".into(), ..Context::default() }, ..url };
    let answer = of("10.0.0.5", "9.9.9.9", Kind::Ip, "192.0.2.7 bad.com");
    let answer = Finding { observed: Observed { matched: vec![0..9], ..answer.observed }, ..answer };
    let (events, pipeline) = run(
        settings,
        [
            of("10.0.0.5", "8.8.8.8", Kind::Dns, "a.good.com"),
            of("10.0.0.5", "8.8.8.8", Kind::Dns, "bad.com"),
            of("10.0.0.5", "8.8.8.8", Kind::Ip, "8.8.8.8"),
            of("10.0.0.5", "9.9.9.9", Kind::Ip, "9.9.9.9"),
            url,
            answer,
            of("10.0.0.9", "9.9.9.9", Kind::Dns, "bad.com"),
            of("10.0.0.5", "9.9.9.9", Kind::Dns, "LOUD-7.com"),
        ],
    );
    let texts: Vec<_> = events.iter().map(|event| event.observed.text.as_str()).collect();
    assert_eq!(texts, ["bad.com", "9.9.9.9"], "a trusted resolver excuses no name");
    assert_eq!((pipeline.accounts().whitelisted, pipeline.accounts().ignored), (4, 2));
}

#[test]
fn events_say_who_and_what_and_have_the_same_id_every_time() {
    let settings = PipelineSettings { site: "lab".into(), ..off() };
    let (once, _) = run(settings.clone(), [finding(1.5, 1, "a"), finding(1.5, 2, "a")]);
    let (again, _) = run(PipelineSettings { seed: 99, ..settings }, [finding(1.5, 1, "a"), finding(1.5, 2, "a")]);
    assert_eq!(once, again);
    assert_ne!(once[0].id, once[1].id);
    let event = &once[0];
    assert_eq!((event.sensor.as_str(), event.site.as_str(), event.class.as_str()), ("s", "lab", "malware"));
    assert_eq!(event.time.as_microsecond(), 1_500_000);
    assert!(event.context.community_id.starts_with("1:"));
}

fn findings() -> impl Strategy<Value = Vec<Finding>> {
    let one = (
        -5_000i64..200_000,
        0u16..4,
        0u8..3,
        proptest::sample::select(vec!["a", "b.com", "10.0.0.5"]),
        proptest::sample::select(vec![Class::Malware, Class::Scanner, Class::Attacker, Class::Other]),
        proptest::sample::select(vec![Severity::Low, Severity::Medium, Severity::High]),
        proptest::sample::select(vec![
            Occasion::Opening,
            Occasion::Running,
            Occasion::Query,
            Occasion::Response,
            Occasion::Other,
        ]),
        proptest::sample::select(vec![Kind::Dns, Kind::Ip, Kind::Ua]),
    );
    let one = one.prop_map(|(milliseconds, port, host, text, class, severity, occasion, kind)| Finding {
        time: Micros(milliseconds * 1000),
        flow: flow(&format!("10.0.0.{host}"), port, "8.8.8.8", 53, 17),
        class,
        severity,
        occasion,
        kind,
        ..finding(0.0, 0, text)
    });
    proptest::collection::vec(one, 0..120)
}

prop_compose! {
    fn settings()(
        throttle in proptest::sample::select(vec![ThrottleMode::Off, ThrottleMode::Summarize]),
        throttle_window in -1i64..100,
        throttle_burst in 0u64..4,
        throttle_keys in 0usize..4,
        white in any::<bool>(),
        ignore in any::<bool>(),
        seed in any::<u64>(),
    ) -> PipelineSettings {
        let whitelist = if white { UserWhitelist::parse("b.com 10.0.0.1").0 } else { UserWhitelist::default() };
        let ignore = if ignore { IgnoreRules::parse("*;2;*;*").0 } else { IgnoreRules::default() };
        PipelineSettings {
            throttle, throttle_window, throttle_burst, throttle_keys, seed,
            whitelist: Arc::new(whitelist), ignore: Arc::new(ignore), ..PipelineSettings::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Every finding is repeated, excused, or counted in exactly one event.
    #[test]
    fn nothing_is_lost(findings in findings(), settings in settings()) {
        let count = findings.len() as u64;
        let (events, pipeline) = run(settings, findings);
        let accounts = pipeline.accounts();
        prop_assert_eq!(accounts.findings, count);
        let told: u64 = events.iter().map(|event| event.count).sum();
        prop_assert_eq!(told, accounts.at_once + accounts.in_bundles + accounts.in_summaries);
        prop_assert_eq!(told + accounts.repeated + accounts.whitelisted + accounts.ignored, count);
    }

    /// Events, their order and identifiers depend neither on the seed nor on how often somebody looks at the time.
    #[test]
    fn events_are_the_same_however_often_time_is_told(findings in findings(), settings in settings(), seed in any::<u64>()) {
        let (expected, _) = run(settings.clone(), findings.clone());
        let mut pipeline = Pipeline::new(PipelineSettings { seed, ..settings });
        let mut events = Vec::new();
        let mut before: Option<Micros> = None;
        for finding in findings {
            if let Some(before) = before {
                for step in 1..4 {
                    pipeline.advance(before.plus(finding.time.since(before) * step / 4), &mut events);
                }
            }
            before = Some(finding.time);
            pipeline.take(finding, &mut events);
        }
        pipeline.finish(&mut events);
        prop_assert_eq!(events, expected);
    }
}
