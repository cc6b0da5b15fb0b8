//! Feeds: every format of a list.

use std::hint::black_box;
use std::sync::OnceLock;

use feeds::Spec;
use feeds::reader::{Format, MAX_VALUE};
use jiff::Timestamp;
use trails::Indicator;

/// A description for each format, a blank line between two; the first byte of the input says which.
const FORMATS: &str = include_str!("../../crates/feeds/src/reader/formats.txt");

fn specs() -> Vec<Spec> {
    let changes = "['refang', 'drop_query', 'drop_last_element', 'drop_port', 'host_alone']";
    let of = |format: &str| {
        let text = format!(
            "about = 'x'\nurls = ['https://feed.example/']\ninfo = '{{info}}'\ninfo_default = 'x'\nreference = 'x'\n\
             kinds = ['name']\nlicence = 'x'\ntransform = {changes}\n[read]\n{format}\n"
        );
        Spec::parse("fuzzed", &text).expect("a description")
    };
    FORMATS.split("\n\n").map(of).collect()
}

/// Any bytes as a feed of each format: texts and infos keep to their limits; behind a first byte of 127 a description.
pub fn feed(data: &[u8]) {
    static SPECS: OnceLock<Vec<Spec>> = OnceLock::new();
    let Some((choice, data)) = data.split_first() else { return };
    if *choice == 127 {
        black_box(Spec::parse("fuzzed", &String::from_utf8_lossy(data)).is_ok());
        return;
    }
    let specs = SPECS.get_or_init(specs);
    let spec = &specs[usize::from(*choice) % specs.len()];
    let mut scratch = String::new();
    let read = spec.rows(Timestamp::UNIX_EPOCH, &mut &*data, &mut |row| {
        assert!(row.text.len() <= MAX_VALUE + 16, "a text of {} bytes", row.text.len());
        let info = row.info.expect("every row has an info");
        let plain = |info: &str| info.chars().count() <= feeds::MAX_INFO && !info.contains([',', '"', '\n']);
        assert!(row.reference.is_some() || plain(info), "{info:?}");
        black_box(Indicator::parse(row.text, &mut scratch).is_ok_and(|indicator| spec.takes(&indicator)));
    });
    black_box(read.is_ok());
    if let Format::Misp(misp) = &spec.read
        && let Ok(manifest) = misp.manifest(0, &mut &*data)
    {
        assert!(manifest.events.iter().all(|event| event.name.len() == 41 && !event.name.contains(['/', '\\'])));
    }
}
