//! Interfaces that go down, vanish and come back.

use super::{Board, Handle, InterfacePage, Level, MessageHook, Opening, Sender, SensorError, live, lock};
use crate::capture::sys;

/// Interfaces that may be captured from at once; with `any`, later ones are left out and said.
const MAX_INTERFACES: usize = 256;

/// One interface.
struct Watched {
    name: String,
    /// Its number in the kernel when it was opened; another one means that it was made anew.
    index: u32,
    up: bool,
    reopened: u64,
    /// What was last said of a failure to open it.
    complaint: String,
}

/// All interfaces.
pub(super) struct Watch {
    any: bool,
    watched: Vec<Watched>,
    /// Handles that wait to be handed to their workers: for each interface one to a worker.
    fresh: Vec<Vec<Handle>>,
}

impl Watch {
    /// Opens all of them. With `any`, those that cannot be opened are said and left out while there is one that can.
    pub(super) fn open(
        names: &[String],
        opening: &Opening,
        board: &Board,
        message: &MessageHook,
    ) -> Result<Self, SensorError> {
        let any = names.iter().any(|n| n == "any");
        let mut watch = Watch { any, watched: Vec::new(), fresh: Vec::new() };
        let mut first_error = None;
        let named = names.iter().filter(|n| *n != "any").cloned();
        for name in named.chain(if any { live::all_up() } else { Vec::new() }) {
            if watch.watched.iter().any(|w| w.name == name) {
                continue;
            }
            match live::open(&name, watch.watched.len(), opening) {
                Ok(handles) => watch.add(name, handles),
                Err(e) if any && !names.contains(&name) => {
                    message(Level::Warning, &e.to_string());
                    first_error.get_or_insert(e);
                }
                Err(e) => return Err(e),
            }
        }
        if watch.watched.is_empty() {
            let what = "no interface is up but loopback; name one with -i, or bring one up".to_string();
            return Err(first_error.unwrap_or(SensorError::Interface { name: "any".into(), what }));
        }
        for down in watch.watched.iter().filter(|w| !w.up) {
            message(Level::Warning, &format!("{} is down; packets are seen once it is up", down.name));
        }
        watch.publish(board);
        Ok(watch)
    }

    /// Their names, for people.
    pub(super) fn names(&self) -> String {
        self.watched.iter().map(|w| w.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn add(&mut self, name: String, handles: Vec<Handle>) {
        let (index, up) = (sys::interface_index(&name), sys::interface_up(&name).unwrap_or(true));
        self.watched.push(Watched { name, index, up, reopened: 0, complaint: String::new() });
        self.fresh.push(handles);
    }

    /// Gives new handles to their workers.
    pub(super) fn hand_out(&mut self, workers: &[Sender<Handle>]) {
        for handles in self.fresh.drain(..) {
            for (handle, worker) in handles.into_iter().zip(workers) {
                // A worker that is gone is noticed by its thread.
                let _ = worker.send(handle);
            }
        }
    }

    /// Looks what became of the interfaces.
    pub(super) fn look(&mut self, opening: &Opening, board: &Board, message: &MessageHook) {
        let mut changed = false;
        for (number, watched) in self.watched.iter_mut().enumerate() {
            changed |= watched.look(number, opening, &mut self.fresh, message);
        }
        if self.any {
            changed |= self.look_for_more(opening, message);
        }
        if changed {
            self.publish(board);
        }
    }

    fn look_for_more(&mut self, opening: &Opening, message: &MessageHook) -> bool {
        let mut changed = false;
        for name in live::all_up() {
            if self.watched.iter().any(|w| w.name == name) || self.watched.len() >= MAX_INTERFACES {
                continue;
            }
            if let Ok(handles) = live::open(&name, self.watched.len(), opening) {
                message(Level::Info, &format!("{name} came up and is captured from"));
                self.add(name, handles);
                changed = true;
            }
        }
        changed
    }

    fn publish(&self, board: &Board) {
        let page = |w: &Watched| InterfacePage { name: w.name.clone(), up: w.up, reopened: w.reopened };
        *lock(&board.interfaces) = self.watched.iter().map(page).collect();
    }
}

impl Watched {
    fn look(&mut self, number: usize, opening: &Opening, fresh: &mut Vec<Vec<Handle>>, message: &MessageHook) -> bool {
        let index = sys::interface_index(&self.name);
        let up = index != 0 && sys::interface_up(&self.name).unwrap_or(self.up);
        let anew = index != 0 && index != self.index;
        if up && anew {
            match live::open(&self.name, number, opening) {
                Ok(handles) => fresh.push(handles),
                Err(e) => {
                    let text = e.to_string();
                    if self.complaint != text {
                        message(Level::Warning, &text);
                        self.complaint = text;
                    }
                    return false;
                }
            }
            self.index = index;
        }
        let changed = up != self.up || (up && anew);
        if up && changed {
            self.reopened += 1;
            self.complaint.clear();
            message(Level::Info, &format!("{} is up again and captured from", self.name));
        } else if changed {
            let what = if index == 0 { "is gone" } else { "went down" };
            message(Level::Warning, &format!("{} {what}; capture goes on when it comes back", self.name));
        }
        self.up = up;
        changed
    }
}
