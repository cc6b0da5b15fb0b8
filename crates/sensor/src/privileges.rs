//! Giving up what is not needed once the interfaces are open.

use std::os::unix::fs::MetadataExt;

use caps::errors::CapsError;
use caps::{CapSet, Capability, CapsHashSet};

use crate::hooks::{Level, MessageHook};
use crate::settings::Settings;

/// Keeps CAP_NET_RAW, to open an interface that comes back, and where root writes into directories of another user
/// the right to do so. Must be called before threads are made: capabilities belong to a thread.
pub(crate) fn drop_needless(settings: &Settings, message: &MessageHook) {
    let Ok(permitted) = caps::read(None, CapSet::Permitted) else { return };
    let mut wanted = vec![Capability::CAP_NET_RAW];
    if permitted.contains(&Capability::CAP_DAC_OVERRIDE) && foreign_directories(settings) {
        wanted.push(Capability::CAP_DAC_OVERRIDE);
    }
    if let Err(e) = keep(&wanted) {
        message(Level::Warning, &format!("capabilities that are not needed could not be given up: {e}"));
    }
}

/// Keeps these capabilities of those that there are; to be called before threads are made.
///
/// # Errors
/// Others could not be given up.
pub fn keep(wanted: &[Capability]) -> Result<(), CapsError> {
    let permitted = caps::read(None, CapSet::Permitted)?;
    let keep: CapsHashSet = wanted.iter().copied().filter(|c| permitted.contains(c)).collect();
    if permitted == keep {
        return Ok(());
    }
    // The bounding set first: what it lacks cannot be had again by starting a program. It takes CAP_SETPCAP.
    if caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP).unwrap_or(false) {
        for capability in caps::all().difference(&keep) {
            let _ = caps::drop(None, CapSet::Bounding, *capability);
        }
    }
    caps::clear(None, CapSet::Inheritable)?;
    caps::set(None, CapSet::Effective, &keep)?;
    caps::set(None, CapSet::Permitted, &keep)
}

fn foreign_directories(settings: &Settings) -> bool {
    let trails = settings.trails_file.parent();
    let push = settings.push.as_ref();
    let directories = [
        settings.log_dir.as_deref(),
        Some(settings.cache_dir.as_path()),
        trails,
        push.map(|push| push.directory.as_path()),
        push.map(|push| push.token_file.as_path()),
    ];
    directories.into_iter().flatten().filter_map(|d| std::fs::metadata(d).ok()).any(|m| m.uid() != 0)
}
