//! From copies, trees and lists to one set: what specific sources list first, then addresses that enough lists of
//! attackers agree on.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;

use regex_automata::meta::Regex;
use trails::builder::Place;
use trails::{Builder, Indicator, Source, Veto, Whitelist};

use crate::copies::{Copy, Shelf};
use crate::spec::Spec;
use crate::update::Plan;

/// Addresses of attackers that are counted at most; what comes beyond is left out and counted as named too seldom.
const MAX_COUNTED: usize = 4_000_000;

/// A feed that is used, with its copy.
pub struct Used<'a> {
    /// What it is.
    pub spec: &'a Spec,
    /// Where its copies lie.
    pub shelf: Shelf,
    /// The one that is used.
    pub copy: Copy,
}

/// What applies to all feeds.
#[derive(Debug, Default)]
pub struct Rules {
    /// IP_MINIMUM_FEEDS: how many lists of attackers must agree on an address.
    pub minimum: u32,
    /// DISABLED_TRAILS_INFO_REGEX.
    pub unwanted: Option<Regex>,
}

impl Rules {
    /// Whether what has such an info is taken.
    pub(crate) fn wants(&self, info: &str) -> bool {
        self.unwanted.as_ref().is_none_or(|unwanted| !unwanted.is_match(info))
    }
}

/// Why what a row of a feed names becomes no trail, before what applies to all sources is asked. `wanted`: whether its
/// info is; `enough`: whether an address counts that a list of attackers names.
pub(crate) fn veto(
    spec: &Spec,
    indicator: &Indicator<'_>,
    wanted: bool,
    enough: impl FnOnce(IpAddr) -> bool,
) -> Option<Veto> {
    match indicator {
        _ if !wanted => Some(Veto::Info),
        _ if !spec.takes(indicator) => Some(Veto::Kind),
        Indicator::Address(address) if spec.attackers && !enough(*address) => Some(Veto::FewFeeds),
        _ => None,
    }
}

/// The feeds of a plan that have a copy.
pub(crate) fn used<'p>(plan: &'p Plan, shelves: &[Shelf]) -> Vec<Used<'p>> {
    let with_copy = |(spec, shelf): (_, &Shelf)| Some(Used { spec, shelf: shelf.clone(), copy: shelf.copy()? });
    plan.feeds.iter().zip(shelves).filter_map(with_copy).collect()
}

/// The reference of what comes from the static tree.
const STATIC: &str = "(static)";

/// What the feeds name that very many use, for [`trails::Vetoes::popular`].
///
/// # Errors
/// A copy cannot be read.
pub fn popular(used: &[Used<'_>]) -> io::Result<Whitelist> {
    let mut popular = Whitelist::default();
    for used in used.iter().filter(|used| used.spec.veto) {
        let mut scratch = String::new();
        each_row(used, &mut |row, _| {
            if Indicator::parse(row.text, &mut scratch).is_ok_and(|indicator| used.spec.takes(&indicator)) {
                // What it does not take is of a kind that a list of what many use has none of.
                let _ = popular.add(row.text);
            }
        })?;
    }
    Ok(popular)
}

/// Adds what specific feeds list. Where two say equally much of an indicator the later wins: what comes from the static
/// tree comes last, and the trees and lists of the user after it.
///
/// # Errors
/// A copy cannot be read.
pub fn specific(builder: &mut Builder, used: &[Used<'_>], rules: &Rules) -> io::Result<()> {
    let mut listing: Vec<&Used<'_>> = used.iter().filter(|used| !used.spec.veto && !used.spec.attackers).collect();
    listing.sort_by_key(|used| used.spec.reference == STATIC);
    for used in listing {
        add(builder, used, rules, &|_, _, _| true)?;
    }
    Ok(())
}

/// Adds what lists of attackers name: addresses that enough of them agree on, or that are there already.
///
/// # Errors
/// A copy cannot be read.
pub fn attackers(builder: &mut Builder, used: &[Used<'_>], rules: &Rules) -> io::Result<()> {
    let attackers: Vec<&Used<'_>> = used.iter().filter(|used| used.spec.attackers && !used.spec.veto).collect();
    let counts = count(&attackers, |_| true)?;
    for used in attackers {
        add(builder, used, rules, &|address, indicator, builder| {
            counts.get(&address).is_some_and(|named| *named >= rules.minimum) || builder.holds(indicator)
        })?;
    }
    Ok(())
}

/// By how many lists of attackers one address is named.
pub(crate) fn attackers_of(used: &[Used<'_>], address: IpAddr) -> io::Result<u32> {
    let attackers: Vec<&Used<'_>> = used.iter().filter(|used| used.spec.attackers && !used.spec.veto).collect();
    let counts = count(&attackers, |counted| counted == address)?;
    Ok(counts.get(&address).copied().unwrap_or_default())
}

/// By how many lists each address is named, of those that are asked for.
fn count(attackers: &[&Used<'_>], of: impl Fn(IpAddr) -> bool) -> io::Result<HashMap<IpAddr, u32>> {
    let mut counts: HashMap<IpAddr, (u32, usize)> = HashMap::new();
    let mut scratch = String::new();
    for (number, used) in (1..).zip(attackers) {
        each_row(used, &mut |row, _| {
            let address = match Indicator::parse(row.text, &mut scratch) {
                Ok(Indicator::Address(address)) if of(address) => address,
                _ => return,
            };
            let full = counts.len() >= MAX_COUNTED;
            let lists = row.lists.unwrap_or(used.spec.weight);
            match counts.get_mut(&address) {
                // A feed that names it twice is still one.
                Some((_, last)) if *last == number => {}
                Some((count, last)) => {
                    *count = count.saturating_add(lists);
                    *last = number;
                }
                None if full => {}
                None => {
                    counts.insert(address, (lists, number));
                }
            }
        })?;
    }
    Ok(counts.into_iter().map(|(address, (count, _))| (address, count)).collect())
}

fn add(
    builder: &mut Builder,
    used: &Used<'_>,
    rules: &Rules,
    enough: &dyn Fn(IpAddr, &Indicator<'_>, &Builder) -> bool,
) -> io::Result<()> {
    let mut sources: Sources = Sources::default();
    let file: Rc<str> = used.spec.name.as_str().into();
    each_row(used, &mut |row, info| {
        let reference = row.reference.unwrap_or(&used.spec.reference);
        let (source, wanted) = sources.of(builder, (info, reference), used.spec.custom, rules);
        let place = Place { file: &file, line: row.line };
        builder.add_unless(row.text, source, place, |indicator, builder| {
            veto(used.spec, indicator, wanted, |address| enough(address, indicator, builder))
        });
    })
}

/// The source of each info of a feed, and whether it is wanted.
#[derive(Default)]
struct Sources {
    known: HashMap<String, HashMap<String, (Source, bool)>>,
    count: usize,
}

/// Infos of a feed that are remembered; a feed with more is asked about each time.
const MAX_INFOS: usize = 10_000;

impl Sources {
    fn of(&mut self, builder: &mut Builder, said: (&str, &str), custom: bool, rules: &Rules) -> (Source, bool) {
        let (info, reference) = said;
        if let Some(&known) = self.known.get(reference).and_then(|infos| infos.get(info)) {
            return known;
        }
        let wanted = rules.wants(info);
        let custom = custom || trails::is_custom(reference);
        let found = (builder.source(info, reference, custom), wanted);
        if self.count < MAX_INFOS {
            self.count += 1;
            self.known.entry(reference.to_owned()).or_default().insert(info.to_owned(), found);
        }
        found
    }
}

/// Calls `each` with every row of a copy and the info that it gets.
pub(crate) fn each_row(used: &Used<'_>, each: &mut dyn FnMut(crate::Row<'_>, &str)) -> io::Result<()> {
    for piece in &used.copy.pieces {
        let mut body = used.shelf.read(piece, used.spec.guard.max_bytes)?;
        let most = used.spec.first.unwrap_or(u64::MAX);
        let mut rows = 0;
        used.spec.rows(used.copy.asked, &mut *body, &mut |row| {
            rows += 1;
            if rows <= most {
                each(row, row.info.unwrap_or(&used.spec.info));
            }
        })?;
    }
    Ok(())
}
