//! Which sources name an indicator, where, and what became of it there.

use std::io;

use trails::read::{self, Origin};
use trails::{Class, Indicator, Veto, Why};

use crate::copies::Shelf;
use crate::gather::{Used, attackers_of, each_row};
use crate::update::Plan;

/// Answers at most; what names it more often is cut.
const MAX_SAYINGS: usize = 1_000;

/// One source that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saying {
    /// The feed, or the file.
    pub source: String,
    /// Its line.
    pub line: u64,
    /// What it says.
    pub info: String,
    /// The reference that it gets.
    pub reference: String,
    /// Why it became no trail of this source.
    pub veto: Option<Veto>,
}

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// It is no indicator.
    #[error("no indicator: {0}")]
    Indicator(#[from] Why),
    /// A tree or list.
    #[error(transparent)]
    Read(#[from] read::ReadError),
    /// A copy.
    #[error("cannot read the copy of a feed: {0}")]
    Copy(#[from] io::Error),
}

/// Looks through the trees, lists and last good copies of a plan; nothing is fetched.
///
/// # Errors
/// The text is no indicator, or a source cannot be read.
pub fn explain(plan: &Plan, text: &str) -> Result<Vec<Saying>, ExplainError> {
    let mut scratch = String::new();
    let wanted = Indicator::parse(text, &mut scratch)?;
    let mut sayings = Vec::new();
    let statics = plan.statics.iter().map(|path| (path, Origin { reference: "(static)", custom: false }));
    let custom = plan.custom.iter().map(|path| (path, Origin { reference: "(custom)", custom: true }));
    for (path, origin) in statics.chain(custom) {
        read::find(path, origin, &wanted, &mut |found| {
            let class = trails::Builder::meaning_of(&found.info, origin.custom).class;
            sayings.push(Saying {
                source: found.file.display().to_string(),
                line: found.line,
                veto: plan.vetoes.veto(&wanted, origin.custom, class),
                info: found.info,
                reference: found.reference,
            });
        })?;
    }
    let mut used = Vec::new();
    for spec in &plan.feeds {
        let shelf = Shelf::open(&plan.copies, &spec.name)?;
        if let Some(copy) = shelf.copy() {
            used.push(Used { spec, shelf, copy });
        }
    }
    let specific = !sayings.is_empty();
    let agreed = match wanted {
        Indicator::Address(address) => attackers_of(&used, address)?,
        _ => 0,
    };
    let mut from_feeds = Vec::new();
    for used in &used {
        let spec = used.spec;
        each_row(used, &mut |row, info| {
            let mut scratch = String::new();
            if from_feeds.len() >= MAX_SAYINGS || Indicator::parse(row.text, &mut scratch) != Ok(wanted) {
                return;
            }
            let unwanted = plan.rules.unwanted.as_ref().is_some_and(|unwanted| unwanted.is_match(info));
            let class: Class = trails::Builder::meaning_of(info, spec.custom).class;
            let veto = match () {
                () if spec.veto => Some(Veto::Popular),
                () if unwanted => Some(Veto::Info),
                () if !spec.takes(&wanted) => Some(Veto::Kind),
                () if spec.attackers && agreed < plan.rules.minimum => Some(Veto::FewFeeds),
                () => plan.vetoes.veto(&wanted, spec.custom, class),
            };
            let reference = row.reference.unwrap_or(&spec.reference).to_owned();
            from_feeds.push(Saying {
                source: spec.name.clone(),
                line: row.line,
                info: info.to_owned(),
                reference,
                veto,
            });
        })?;
    }
    // What a specific source names is taken from the lists of attackers as well.
    let specific = specific || from_feeds.iter().any(|saying| saying.veto.is_none());
    for saying in from_feeds.iter_mut().filter(|saying| specific && saying.veto == Some(Veto::FewFeeds)) {
        saying.veto = None;
    }
    sayings.extend(from_feeds);
    sayings.truncate(MAX_SAYINGS);
    Ok(sayings)
}
