//! Which events are taken from elsewhere. Text in them is data: any character may stand in it.

use event::Event;
use event::import::MAX_LINE;
use jiff::{SignedDuration, Timestamp};

use crate::store::Stored;

/// Bytes of one value.
pub const MAX_VALUE: usize = 64 * 1024;
/// Values of one list (addresses, ports, ranges, reasons ...).
pub const MAX_LIST: usize = 4096;
/// Memory of one event.
const MAX_EVENT: usize = 1024 * 1024;

/// Why an event is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unfit {
    /// Before the window.
    #[error("its time is too long ago")]
    Early,
    /// After the window.
    #[error("its time is in the future")]
    Late,
    /// A value, a list or the whole is too long.
    #[error("a value of it is too long")]
    Long,
    /// What its origin wrote is no single line.
    #[error("its line is not one line")]
    Line,
}

impl Unfit {
    /// All of them.
    pub const ALL: [Unfit; 4] = [Unfit::Early, Unfit::Late, Unfit::Long, Unfit::Line];

    /// A word for metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Unfit::Early => "early",
            Unfit::Late => "late",
            Unfit::Long => "long",
            Unfit::Line => "line",
        }
    }
}

/// How far from now an event may be.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Before now.
    pub back: SignedDuration,
    /// After now.
    pub ahead: SignedDuration,
}

impl Window {
    /// Of a server's settings.
    #[must_use]
    pub fn of(settings: &crate::Settings) -> Window {
        let seconds = |n: u64| SignedDuration::from_secs(i64::try_from(n).unwrap_or(i64::MAX));
        Window { back: seconds(settings.window_back_seconds), ahead: seconds(settings.window_ahead_seconds) }
    }
}

/// Looks at an event.
///
/// # Errors
/// It is not to be taken.
pub fn fit(stored: &Stored, window: Window, now: Timestamp) -> Result<(), Unfit> {
    let age = now.duration_since(stored.event.time);
    if age > window.back {
        return Err(Unfit::Early);
    }
    if -age > window.ahead {
        return Err(Unfit::Late);
    }
    match &stored.line {
        Some(line) if line.contains('\n') => return Err(Unfit::Line),
        Some(line) if line.len() > MAX_LINE => return Err(Unfit::Long),
        _ => {}
    }
    if short(&stored.event) { Ok(()) } else { Err(Unfit::Long) }
}

fn short(event: &Event) -> bool {
    let context = &event.context;
    let texts = [
        &event.id,
        &event.site,
        &event.sensor,
        &event.observed.text,
        &event.indicator,
        &event.info,
        &event.reference,
        &event.class,
        &event.batch,
        &context.host,
        &context.sni,
        &context.user_agent,
        &context.ja3,
        &context.ja4,
        &context.community_id,
        &context.query,
    ];
    let lists = [
        event.src.len(),
        event.dst.len(),
        event.src_ports.len(),
        event.dst_ports.len(),
        event.observed.matched.len(),
        event.reasons.len(),
        context.forwarded_for.len(),
    ];
    let listed = event.reasons.iter().chain(&context.forwarded_for);
    texts.into_iter().chain(listed).all(|text| text.len() <= MAX_VALUE)
        && lists.into_iter().all(|length| length <= MAX_LIST)
        && event.memory() <= MAX_EVENT
}

#[cfg(test)]
mod tests {
    use super::super::sample::{at, noon, stored};
    use super::*;

    const WINDOW: Window = Window { back: SignedDuration::from_hours(7 * 24), ahead: SignedDuration::from_hours(1) };

    #[test]
    fn the_window_includes_its_ends() {
        let nanosecond = SignedDuration::from_nanos(1);
        for (time, expected) in [
            (noon() - WINDOW.back, Ok(())),
            (noon() - WINDOW.back - nanosecond, Err(Unfit::Early)),
            (noon() + WINDOW.ahead, Ok(())),
            (noon() + WINDOW.ahead + nanosecond, Err(Unfit::Late)),
            (Timestamp::MIN, Err(Unfit::Early)),
            (Timestamp::MAX, Err(Unfit::Late)),
        ] {
            assert_eq!(fit(&at(time, 1), WINDOW, noon()), expected, "{time}");
        }
    }

    #[test]
    fn lengths_are_limited() {
        for (length, expected) in [(MAX_VALUE - 1, Ok(())), (MAX_VALUE, Ok(())), (MAX_VALUE + 1, Err(Unfit::Long))] {
            let text = "\0".repeat(length);
            let mut event = stored(1);
            event.event.observed.text.clone_from(&text);
            assert_eq!(fit(&event, WINDOW, noon()), expected);
            let mut event = stored(1);
            event.event.context.forwarded_for = vec![text];
            assert_eq!(fit(&event, WINDOW, noon()), expected);
        }
        for (length, expected) in [(MAX_LIST - 1, Ok(())), (MAX_LIST, Ok(())), (MAX_LIST + 1, Err(Unfit::Long))] {
            let mut event = stored(1);
            event.event.dst_ports = vec![1; length];
            assert_eq!(fit(&event, WINDOW, noon()), expected);
        }
        for (line, expected) in [
            ("x".repeat(MAX_LINE), Ok(())),
            ("x".repeat(MAX_LINE + 1), Err(Unfit::Long)),
            ("a\nb".into(), Err(Unfit::Line)),
        ] {
            let mut event = stored(1);
            event.line = Some(line.into());
            assert_eq!(fit(&event, WINDOW, noon()), expected);
        }
    }
}
