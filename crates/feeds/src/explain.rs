//! Which sources name an indicator, where, and what became of it there.

use std::io;

use trails::{Builder, Indicator, Veto, Vetoes, Why, read};

use crate::gather::{Used, attackers_of, each_row, popular, used, veto};
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
    let used = used(plan, &plan.shelves());
    let vetoes = Vetoes { popular: popular(&used)?, ..plan.vetoes.clone() };
    let of_all = |info: &str, custom| vetoes.veto(&wanted, custom, Builder::meaning_of(info, custom).class);
    let mut sayings = Vec::new();
    for (path, origin) in plan.lists() {
        read::find(path, origin, &wanted, &mut |found| {
            sayings.push(Saying {
                source: found.file.display().to_string(),
                line: found.line,
                veto: of_all(&found.info, trails::is_custom(&found.reference)),
                info: found.info,
                reference: found.reference,
            });
        })?;
    }
    let agreed = match wanted {
        Indicator::Address(address) => attackers_of(&used, address)?,
        _ => 0,
    };
    // What a specific source names is taken from the lists of attackers as well.
    let (attackers, specific): (Vec<&Used<'_>>, Vec<&Used<'_>>) = used.iter().partition(|used| used.spec.attackers);
    for feeds in [specific, attackers] {
        let held = sayings.iter().any(|saying| saying.veto.is_none());
        for used in feeds {
            let spec = used.spec;
            each_row(used, &mut |row, info| {
                let mut scratch = String::new();
                if sayings.len() >= MAX_SAYINGS || Indicator::parse(row.text, &mut scratch) != Ok(wanted) {
                    return;
                }
                let enough = |_| held || agreed >= plan.rules.minimum;
                let reference = row.reference.unwrap_or(&spec.reference).to_owned();
                let custom = spec.custom || trails::is_custom(&reference);
                let veto = match () {
                    () if spec.veto => Some(Veto::Popular),
                    () => veto(spec, &wanted, plan.rules.wants(info), enough).or_else(|| of_all(info, custom)),
                };
                let source = spec.name.clone();
                sayings.push(Saying { source, line: row.line, info: info.to_owned(), reference, veto });
            })?;
        }
    }
    sayings.truncate(MAX_SAYINGS);
    Ok(sayings)
}
