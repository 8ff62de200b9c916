//! Who has added which monitor, and what is about to end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use scalyr_monitor::Logger;
use scalyr_monitor::monitors::AddedMonitor;

use crate::config::AddedEntries;
use crate::config::plan::LogPlan;
use crate::monitors::runner::MonitorHandle;
use crate::monitors::state::Phase;

/// At most this many monitors can be added at a time, those that were removed and hang included.
pub const MOST_ADDED: usize = 500;

/// An instance that may add monitors; each time it is built it is another one.
pub(super) struct Owner {
    id: u64,
    /// The instance's name.
    pub(super) name: String,
    /// Its own.
    pub(super) logger: Logger,
}

/// A monitor that was added.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) owner: Arc<Owner>,
    pub(super) handle: Arc<MonitorHandle>,
    /// How its metric log is copied, if it is.
    pub(super) copied: Option<LogPlan>,
}

impl Member {
    pub(super) fn ask_to_stop(&self) {
        self.handle.ask_to_stop();
    }

    /// As its owner sees it.
    pub(super) fn describe(&self) -> AddedMonitor {
        let snapshot = self.handle.snapshot();
        AddedMonitor {
            uid: format!("{}-{}", snapshot.module, snapshot.id),
            name: snapshot.name,
            module: snapshot.module,
            short_hash: snapshot.short_hash,
            running: snapshot.state == Phase::Running,
        }
    }
}

/// One that was asked to stop.
struct Leaving {
    member: Member,
    since: Option<Instant>,
    /// Somebody closes its log.
    closing: bool,
    left_behind: bool,
}

/// The book itself. Nothing foreign runs while it is locked.
#[derive(Default)]
pub(super) struct Book(Mutex<Pages>);

#[derive(Default)]
struct Pages {
    closed: bool,
    entries: Option<AddedEntries>,
    /// The names of the configuration's own monitors.
    configured: BTreeSet<String>,
    /// With the names of the instances.
    owners: BTreeMap<u64, String>,
    last_owner: u64,
    /// Names of those that are being built.
    coming: BTreeSet<String>,
    running: BTreeMap<String, Member>,
    leaving: Vec<Leaving>,
}

impl Pages {
    fn leave(&mut self, names: &[String]) -> Vec<Member> {
        let members: Vec<Member> = names.iter().filter_map(|name| self.running.remove(name)).collect();
        let leaving =
            |member: &Member| Leaving { member: member.clone(), since: None, closing: false, left_behind: false };
        self.leaving.extend(members.iter().map(leaving));
        members
    }

    fn leave_if(&mut self, leaves: impl Fn(&Member) -> bool) -> Vec<Member> {
        let names: Vec<_> =
            self.running.values().filter(|member| leaves(member)).map(|member| member.name.clone()).collect();
        self.leave(&names)
    }

    /// Why this owner can add nothing more.
    fn refusal(&self, owner: &Owner) -> Option<String> {
        if self.closed {
            return Some("the agent is stopping".to_owned());
        }
        (!self.owners.contains_key(&owner.id)).then(|| format!("{} has ended, or was asked to stop", owner.name))
    }
}

impl Book {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns those whose names the configuration takes for itself.
    pub(super) fn configure(&self, entries: AddedEntries, names: BTreeSet<String>) -> Vec<Member> {
        let mut pages = self.pages();
        pages.entries = Some(entries);
        let members = pages.leave_if(|member| names.contains(&member.name));
        pages.configured = names;
        members
    }

    pub(super) fn entries(&self) -> Option<AddedEntries> {
        self.pages().entries.clone()
    }

    pub(super) fn new_owner(&self, name: &str, logger: &Logger) -> Arc<Owner> {
        let mut pages = self.pages();
        pages.last_owner += 1;
        let id = pages.last_owner;
        pages.owners.insert(id, name.to_owned());
        Arc::new(Owner { id, name: name.to_owned(), logger: logger.clone() })
    }

    /// Lets an owner add nothing more; returns what it had added.
    pub(super) fn end_owner(&self, owner: &Owner) -> Vec<Member> {
        let mut pages = self.pages();
        if pages.owners.remove(&owner.id).is_none() {
            return Vec::new();
        }
        pages.leave_if(|member| member.owner.id == owner.id)
    }

    /// The same for all owners of this name.
    pub(super) fn end_owners(&self, name: &str) -> Vec<Member> {
        let mut pages = self.pages();
        pages.owners.retain(|_, other| other != name);
        pages.leave_if(|member| member.owner.name == name)
    }

    /// Why this owner can add nothing more.
    pub(super) fn refusal(&self, owner: &Owner) -> Option<String> {
        self.pages().refusal(owner)
    }

    /// Takes the name for one that is about to be built.
    pub(super) fn reserve(&self, owner: &Owner, name: &str) -> Result<Slot<'_>, String> {
        let mut pages = self.pages();
        if let Some(refusal) = pages.refusal(owner) {
            return Err(refusal);
        }
        if pages.configured.contains(name) {
            return Err("the configuration has a monitor of that name; give it another id".to_owned());
        }
        if let Some(other) = pages.running.get(name) {
            return Err(format!("{} has added one of that name already; give it another id", other.owner.name));
        }
        if pages.leaving.iter().any(|leaving| leaving.member.name == name) {
            return Err("one of that name was removed and has not ended yet".to_owned());
        }
        if pages.coming.contains(name) {
            return Err("one of that name is being added right now; give it another id".to_owned());
        }
        if pages.running.len() + pages.leaving.len() + pages.coming.len() >= MOST_ADDED {
            return Err(format!("there are {MOST_ADDED} added monitors already, which is the most; remove some first"));
        }
        pages.coming.insert(name.to_owned());
        Ok(Slot { book: self, name: name.to_owned() })
    }

    /// The one of this name that is about to end.
    pub(super) fn leaving(&self, name: &str) -> Option<Arc<MonitorHandle>> {
        let pages = self.pages();
        let leaving = pages.leaving.iter().find(|leaving| leaving.member.name == name);
        leaving.map(|leaving| Arc::clone(&leaving.member.handle))
    }

    /// Removes one that this owner has added, by its name or uid.
    pub(super) fn remove(&self, owner: &Owner, key: &str) -> Option<Member> {
        let mine = self.of(owner);
        let member = mine.iter().find(|member| member.name == key || member.describe().uid == key)?;
        let mut pages = self.pages();
        // Another thread may have removed it, and added one of the same name.
        let there = pages.running.get(&member.name).is_some_and(|other| Arc::ptr_eq(&other.handle, &member.handle));
        if there { pages.leave(std::slice::from_ref(&member.name)).pop() } else { None }
    }

    /// What this owner has added, by name.
    pub(super) fn of(&self, owner: &Owner) -> Vec<Member> {
        self.pages().running.values().filter(|member| member.owner.id == owner.id).cloned().collect()
    }

    /// All, those that are about to end among them.
    pub(super) fn members(&self) -> Vec<Member> {
        let pages = self.pages();
        pages.running.values().chain(pages.leaving.iter().map(|leaving| &leaving.member)).cloned().collect()
    }

    /// Those that have ended; whoever asks closes their logs and then [forgets](Self::forget) them.
    pub(super) fn begin_forgetting(&self) -> Vec<Member> {
        let mut pages = self.pages();
        let ended = pages.leaving.iter_mut().filter(|leaving| !leaving.closing && leaving.member.handle.is_finished());
        ended
            .map(|leaving| {
                leaving.closing = true;
                leaving.member.clone()
            })
            .collect()
    }

    pub(super) fn forget(&self, member: &Member) {
        self.pages().leaving.retain(|leaving| !Arc::ptr_eq(&leaving.member.handle, &member.handle));
    }

    /// Those that were asked to stop so long ago, each of them once.
    pub(super) fn overdue(&self, patience: Duration, now: Instant) -> Vec<Member> {
        let mut overdue = Vec::new();
        for leaving in &mut self.pages().leaving {
            let since = *leaving.since.get_or_insert(now);
            if !leaving.left_behind && !leaving.closing && now.saturating_duration_since(since) >= patience {
                leaving.left_behind = true;
                overdue.push(leaving.member.clone());
            }
        }
        overdue
    }

    /// Lets nobody add anything more; returns all that are there.
    pub(super) fn close(&self) -> Vec<Member> {
        let mut pages = self.pages();
        pages.closed = true;
        let running = std::mem::take(&mut pages.running).into_values();
        let mut members: Vec<Member> = running.collect();
        members.extend(
            std::mem::take(&mut pages.leaving)
                .into_iter()
                .filter(|leaving| !leaving.left_behind)
                .map(|leaving| leaving.member),
        );
        members
    }
}

/// A name that is taken by a monitor that is being built; free again when this is dropped.
pub(super) struct Slot<'b> {
    book: &'b Book,
    name: String,
}

impl Slot<'_> {
    /// The monitor runs. When its owner, or the agent, has been asked to stop meanwhile, it is among those that are about
    /// to end, and whoever asks must stop it: the reason is returned.
    pub(super) fn fill(self, member: Member) -> Result<(), String> {
        let mut pages = self.book.pages();
        let refusal = pages.refusal(&member.owner);
        pages.running.insert(member.name.clone(), member.clone());
        let Some(why) = refusal else { return Ok(()) };
        pages.leave(std::slice::from_ref(&member.name));
        Err(why)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.book.pages().coming.remove(&self.name);
    }
}
