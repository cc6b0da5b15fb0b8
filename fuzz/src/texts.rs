//! Texts: event lines, journals, observables, whitelists, ignore rules, indicators, configuration.

use std::hint::black_box;
use std::io::Cursor;
use std::path::Path;
use std::rc::Rc;

use detect::{IgnoreRules, UserWhitelist};
use event::{journal, observable as observables};
use event::line::TextLine;
use trails::builder::Place;
use trails::read::{self, Origin};
use trails::{Builder, Stamp, Store, Vetoes};

use crate::config::{Config, Environment};

/// Lines of one input: patterns among them are compiled.
const LINES: usize = 16;

/// An event line; what was read and is written again must read as the same.
pub fn event(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(line) = TextLine::parse(&text) {
        let written = line.to_string();
        let again = TextLine::parse(&written).expect("what was written can be read");
        assert_eq!(again.to_string(), written, "a second writing is the same");
        assert!(!written.contains(['\n', '\r']), "a value never begins another line");
    }
}

/// A line of observables; one that was read is written so that it reads as the same.
pub fn observable(data: &[u8]) {
    if let Ok(observable) = observables::parse(&String::from_utf8_lossy(data)) {
        let written = observables::line(&observable).expect("an observable that was read can be written");
        assert!(!written.contains(['\n', '\r']), "an observable is one line");
        assert_eq!(observables::parse(&written).expect("what was written can be read"), observable);
    }
}

/// A journal line; an event that was read is written so that it reads as the same.
pub fn journal(data: &[u8]) {
    if let Ok(event) = journal::parse(&String::from_utf8_lossy(data)) {
        let written = journal::to_line(&event).expect("an event can be written");
        assert!(!written.contains(['\n', '\r']), "an event is one line");
        assert_eq!(journal::parse(&written).expect("what was written can be read"), event);
    }
}

/// A whitelist, and look-ups of its own bytes.
pub fn whitelist(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (list, _errors) = UserWhitelist::parse(&text);
    for word in text.split_whitespace().take(16) {
        black_box(list.has_host(word));
        black_box(list.has_name(word.as_bytes()));
    }
}

/// Ignore rules: a list, or behind a first byte of `~` an expression over a line.
pub fn ignore(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match text.strip_prefix('~') {
        Some(expression) => {
            let (expression, line) = expression.split_once('\n').unwrap_or((expression, "10.0.0.5 DNS x"));
            if let Ok(rules) = IgnoreRules::default().with_expression(expression) {
                black_box(rules.matches(line));
            }
        }
        None => {
            black_box(IgnoreRules::parse(&text));
        }
    }
}

/// Lines of a trail file: what is taken makes a store that is whole.
pub fn line(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut builder = Builder::new(Vetoes::default());
    let source = builder.source("fuzzed (malware)", "(static)", false);
    let file = Rc::from("lines");
    for (line, text) in (1..).zip(text.lines().take(LINES)) {
        builder.add(text, source, Place { file: &file, line });
    }
    let (bytes, report) = builder.finish(Cursor::new(Vec::new()), Stamp::default()).expect("memory can be written");
    let store = Store::from_bytes(bytes.into_inner()).expect("what was built can be opened");
    store.verify().expect("what was built is whole");
    black_box((store.len(), report.refusals.len()));
}

/// Longest list that is built, bytes: patterns among its lines are compiled.
const LIST: usize = 1024;

fn built(builder: Builder) {
    let lines = builder.report().lines;
    let (bytes, report) = builder.finish(Cursor::new(Vec::new()), Stamp::default()).expect("memory can be written");
    let store = Store::from_bytes(bytes.into_inner()).expect("what was built can be opened");
    store.verify().expect("what was built is whole");
    let causes = report.causes(3);
    assert!(causes.iter().all(|cause| !cause.text.contains(char::is_control)), "{causes:?}");
    black_box((store.len(), lines));
}

/// A trails.csv.
pub fn csv(data: &[u8]) {
    let data = &data[..data.len().min(LIST)];
    let mut builder = Builder::new(Vetoes::default());
    read::add_rows(&mut builder, Path::new("trails.csv"), data, &mut |_| {}).expect("memory can be read");
    built(builder);
}

/// A file of a tree of trails, or of the user's own.
pub fn list(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    let data = &data[..data.len().min(LIST)];
    let origin = Origin { reference: if choice % 2 == 0 { "(static)" } else { "(custom)" }, custom: choice % 2 == 1 };
    let mut builder = Builder::new(Vetoes::default());
    read::add_lines(&mut builder, Path::new("malware/some_rat-2.txt"), origin, data);
    built(builder);
}

/// A maltrail.conf.
pub fn config(data: &[u8]) {
    let environment = Environment::default();
    black_box(Config::from_text(&String::from_utf8_lossy(data), None, &environment));
}
