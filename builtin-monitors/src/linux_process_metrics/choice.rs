//! Which processes are measured: those of before, as long as they live, and those that a search finds.

use std::time::{Duration, Instant};

use scalyr_monitor::prelude::*;

use super::process::Process;
use super::tree::Tree;

/// A thing that may come again and again is told once in this time.
const TOLD_EVERY: Duration = Duration::from_secs(300);

/// What the user asked for.
pub(super) enum Wanted {
    /// Processes whose command line has a match.
    Command(Pattern),
    /// Processes by their ids.
    Pids(Vec<Listed>),
}

/// A process that is asked for by its id.
pub(super) struct Listed {
    pid: u32,
    /// When the process began that had this id when it was first seen.
    start: Option<i64>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self::Pids(Vec::new())
    }
}

impl Wanted {
    /// Ids separated by commas; `$$` is the agent itself, which has the id `own`.
    ///
    /// # Errors
    /// All that are no ids.
    pub(super) fn listed(pids: &str, own: u32) -> Result<Self> {
        let words = pids.split(',').map(str::trim).filter(|word| !word.is_empty());
        let read =
            |word: &str| if word == "$$" { Ok(own) } else { word.parse::<u32>().map_err(|_| format!("`{word}`")) };
        let (mut listed, mut wrong) = (Vec::<Listed>::new(), Vec::new());
        for pid in words.map(read) {
            match pid {
                Ok(pid) if listed.iter().all(|other| other.pid != pid) => listed.push(Listed { pid, start: None }),
                Ok(_) => {}
                Err(word) => wrong.push(word),
            }
        }
        match (wrong.is_empty(), listed.is_empty()) {
            (true, false) => Ok(Self::Pids(listed)),
            (true, true) => Err(Error::new("`pid` is empty: give process ids, separated by commas, or \"$$\"")),
            (false, _) => Err(Error::new(format!(
                "`pid`: {} is no process id; give numbers, separated by commas, or \"$$\" for the agent itself",
                wrong.join(", ")
            ))),
        }
    }
}

/// The search, and when it is due.
#[derive(Default)]
pub(super) struct Choice {
    wanted: Wanted,
    is_group: bool,
    with_children: bool,
    search_every: Duration,
    searched: Option<Instant>,
    /// Whether there was any process at the last sample.
    had_some: Option<bool>,
}

impl Choice {
    pub(super) fn new(wanted: Wanted, is_group: bool, with_children: bool, search_every: Duration) -> Self {
        Self { wanted, is_group, with_children, search_every, searched: None, had_some: None }
    }

    /// Leaves out the processes that have ended, and looks for others when that is due: when none is left; for a group now
    /// and then.
    ///
    /// # Errors
    /// The process tree cannot be read.
    pub(super) fn choose(&mut self, processes: &mut Vec<Process>, tree: &mut Tree, out: &Sample) -> Result<()> {
        processes.retain_mut(|process| process.look(tree));
        let now = out.clock().monotonic();
        let is_old = self.searched.is_none_or(|searched| now.saturating_duration_since(searched) >= self.search_every);
        let changes = self.with_children || self.is_group && matches!(self.wanted, Wanted::Command(_));
        if let Wanted::Pids(listed) = &mut self.wanted {
            // Cheap, so it is done each time.
            adopt_listed(listed, processes, tree, out);
        }
        if processes.is_empty() || changes && is_old {
            self.searched = Some(now);
            self.search(processes, tree, out)?;
        }
        self.tell(!processes.is_empty(), out);
        Ok(())
    }

    /// What a search finds takes the place of what is there; a process that is found again goes on.
    fn search(&self, processes: &mut Vec<Process>, tree: &mut Tree, out: &Sample) -> Result<()> {
        let mut others = Vec::new();
        let mut found = match &self.wanted {
            Wanted::Command(pattern) => {
                let matching = Self::matching(pattern, tree, out)?;
                match self.is_group || matching.len() < 2 {
                    true => matching,
                    false => {
                        let chosen = self.chosen(&matching, processes, tree);
                        others = matching;
                        vec![chosen]
                    }
                }
            }
            Wanted::Pids(listed) => {
                let is_there = |pid: u32| processes.iter().any(|process| process.pid == pid);
                listed.iter().map(|listed| listed.pid).filter(|&pid| is_there(pid)).collect()
            }
        };
        if self.with_children && !found.is_empty() {
            add_descendants(&mut found, tree)?;
        }
        // Children that match as well are measured with their parent.
        others.retain(|pid| !found.contains(pid));
        if let (Wanted::Command(pattern), [chosen, ..], false) = (&self.wanted, &found[..], others.is_empty()) {
            let (count, pattern) = (others.len() + 1, pattern.as_str());
            out.limited("several", TOLD_EVERY).warn(format_args!(
                "{count} processes match the commandline `{pattern}`, and only {chosen} is measured; \
                 `aggregate_multiple_processes: true` measures them together"
            ));
        }
        processes.retain(|process| found.contains(&process.pid));
        for pid in found {
            if processes.iter().all(|process| process.pid != pid)
                && let Some(stat) = tree.stat(pid)
            {
                processes.push(Process::new(pid, stat));
            }
        }
        processes.sort_unstable_by_key(|process| process.pid);
        Ok(())
    }

    /// The processes whose command line matches, without the agent itself.
    fn matching(pattern: &Pattern, tree: &mut Tree, out: &Sample) -> Result<Vec<u32>> {
        let own = tree.own_pid();
        let mut found = Vec::new();
        for pid in tree.pids().about("the list of processes")? {
            let Some(command) = (pid != own).then(|| tree.command(pid)).flatten() else { continue };
            match pattern.is_match(&command) {
                // Not one that waits for its parent only.
                Ok(true) if tree.stat(pid).is_some() => found.push(pid),
                Ok(_) => {}
                // The command line is not told: it may hold a secret.
                Err(error) => {
                    out.limited("search", TOLD_EVERY).warn(format_args!("process {pid} is left out: {error}"))
                }
            }
        }
        Ok(found)
    }

    /// The one of several that is measured: that of before, else the first. With its children measured, it is none that is
    /// itself the child of a match, whatever their ids.
    fn chosen(&self, matching: &[u32], processes: &[Process], tree: &mut Tree) -> u32 {
        let mut is_child = |pid: u32| tree.stat(pid).is_some_and(|stat| matching.contains(&stat.parent));
        let parents: Vec<u32> = matching.iter().copied().filter(|&pid| !self.with_children || !is_child(pid)).collect();
        let is_measured = |pid: &&u32| processes.iter().any(|process| process.pid == **pid);
        let chosen = parents.iter().find(is_measured).or(parents.first()).or(matching.first());
        chosen.copied().unwrap_or_default()
    }

    /// Tells when there is none any more, or not yet.
    fn tell(&mut self, has_some: bool, out: &Sample) {
        let had_some = self.had_some.replace(has_some);
        if has_some || had_some == Some(false) {
            return;
        }
        let what = match &self.wanted {
            Wanted::Command(pattern) => format!("No process matches the commandline `{}`", pattern.as_str()),
            Wanted::Pids(listed) => {
                let pids: Vec<_> = listed.iter().map(|listed| listed.pid.to_string()).collect();
                format!("There is no process {}", pids.join(", "))
            }
        };
        out.limited("none", TOLD_EVERY).warn(format_args!("{what}; nothing is measured until there is one"));
    }
}

/// Takes the listed processes that are there and not measured yet.
fn adopt_listed(listed: &mut [Listed], processes: &mut Vec<Process>, tree: &mut Tree, out: &Sample) {
    for listed in listed {
        if processes.iter().any(|process| process.pid == listed.pid) {
            continue;
        }
        let Some(stat) = tree.stat(listed.pid) else { continue };
        if *listed.start.get_or_insert(stat.start) == stat.start {
            processes.push(Process::new(listed.pid, stat));
        } else {
            let pid = listed.pid;
            out.limited("reused", super::DAY).warn(format_args!(
                "The process {pid} has ended, and another one has its id now, which is not measured; `commandline` finds a \
                 program again after a restart"
            ));
        }
    }
}

/// Adds the children of those that were found, their children and so on.
fn add_descendants(found: &mut Vec<u32>, tree: &mut Tree) -> Result<()> {
    let pids = tree.pids().about("the list of processes")?;
    let parents: Vec<(u32, u32)> = pids.iter().filter_map(|&pid| Some((pid, tree.stat(pid)?.parent))).collect();
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        for &(pid, of) in &parents {
            if of == parent && !found.contains(&pid) {
                found.push(pid);
            }
        }
        at += 1;
    }
    Ok(())
}
