//! Reading again what a damaged segment held.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use super::follow::{Follower, Trouble};
use super::names::Form;
use super::{journals, text};
use crate::store::{Gap, SourceId};

/// How long the file of a gap may be gone, or be too short, before what it held is told as lost: it may be moved or
/// packed at the moment.
pub(super) const GONE_AFTER: Duration = Duration::from_secs(600);

/// Fills the gaps whose files are there, and gives up those whose files have been gone for long.
pub(super) fn fill(follower: &mut Follower, now: Instant) {
    let gaps = follower.sink.gaps();
    follower.waiting_gaps.retain(|(gap, _)| gaps.contains(gap));
    let asked = |gap: &Gap| follower.settings.once.is_none_or(|asked| asked.may_concern(gap));
    let gaps: Vec<Gap> = gaps.into_iter().filter(asked).collect();
    for gap in gaps {
        let Err(trouble) = fill_one(follower, &gap) else { continue };
        let since = follower.waiting_gaps.iter().find(|(known, _)| *known == gap).map(|(_, since)| *since);
        let Some(since) = since else {
            tracing::error!("{gap} cannot be read again: {trouble}");
            follower.waiting_gaps.push((gap, now));
            continue;
        };
        // Without any file the directory is not what it was: it may be no longer mounted.
        let gone = is_gone(&trouble) && !follower.files.is_empty();
        if gone
            && now.saturating_duration_since(since) >= GONE_AFTER
            && let Err(error) = follower.sink.abandon(&gap)
        {
            tracing::error!("{gap}: {error}");
        }
    }
}

fn fill_one(follower: &mut Follower, gap: &Gap) -> Result<(), Trouble> {
    let id: &SourceId = &gap.range.source;
    if text::is_mark(id) {
        return Ok(follower.sink.fill(gap, gap.range.upto, Vec::new())?);
    }
    let name = follower.files.iter().find(|(_, tracked)| tracked.id.as_ref() == Some(id)).map(|(name, _)| name.clone());
    let known = name.and_then(|name| Some((follower.files.remove(&name)?, name)));
    let Some((tracked, name)) = known else {
        return Err(io::Error::new(ErrorKind::NotFound, "its file is gone").into());
    };
    let filled = match tracked.file.form {
        Form::Text => text::fill(follower, &name, &tracked, gap),
        _ => journals::fill(follower, &name, &tracked, gap),
    };
    follower.files.insert(name, tracked);
    filled
}

/// What a file that has fewer bytes than it had is.
pub(super) fn shorter() -> Trouble {
    io::Error::new(ErrorKind::UnexpectedEof, "its file is shorter now").into()
}

fn is_gone(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::File(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof))
}
