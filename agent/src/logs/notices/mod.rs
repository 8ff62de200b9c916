//! What may have changed on disk, told by the kernel: one mechanism in front of those who would otherwise have to look.
//!
//! Directories are watched, never files: a directory's watch tells of everything that is created, written, renamed or
//! deleted in it. A notice only says that a look is worth while; what is done then is the same as after a look that
//! polling has made. Where notices cannot be trusted alone, or cannot be had, paths are [polled](Coverage).

mod directories;
mod file_systems;
mod source;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never};
use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
use scalyr_monitor::{Clock, Logger};
use serde::Serialize;

use self::directories::{Directories, Place, State};
pub use self::file_systems::FileSystems;
use self::source::{Kind, Source};
use crate::order;
use crate::threads::Threads;

/// A chain of symbolic links is followed so far.
const MOST_LINKS: usize = 8;
/// Directories are compared with what is watched this often while one is waited for, or while there are many, ...
const COMPARED: Duration = Duration::from_millis(500);
/// ... so many of them at a time, ...
const COMPARED_AT_A_TIME: usize = 100;
/// ... and otherwise this often: an idle agent would do nothing else. What a directory tells of itself needs no comparison; this
/// is about what is above it.
const COMPARED_AT_REST: Duration = Duration::from_secs(5);

/// How changes are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noticing {
    /// Whose notices are enough.
    pub file_systems: FileSystems,
    /// So many directories are watched at most; the files of others are polled.
    pub most_watches: usize,
    /// So many changed names are kept until somebody comes round; beyond that everything is looked at.
    pub most_pending: usize,
}

impl Default for Noticing {
    fn default() -> Self {
        Self { file_systems: FileSystems::Local, most_watches: 32_768, most_pending: 8192 }
    }
}

/// Why a path is polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Polled {
    /// There is no inotify instance.
    NoNotices,
    /// There are too many watches.
    TooManyWatches,
    /// The file system does not tell of every change.
    FileSystem,
    /// The directory may be passed through, but not read.
    Unreadable,
    /// The file has several names, and may be written through one of another directory.
    SeveralNames,
    /// The file is mounted over another one: notices go to the directory that it comes from.
    Mounted,
    /// There are too many symbolic links on the way to it.
    Links,
}

impl Polled {
    /// For `status` and the agent log.
    fn text(self) -> &'static str {
        match self {
            Self::NoNotices => "the system gives no inotify instance (fs.inotify.max_user_instances)",
            Self::TooManyWatches => "no more directories can be watched (fs.inotify.max_user_watches)",
            Self::FileSystem => "their file system does not tell of every change (network, overlay or unknown)",
            Self::Unreadable => "their directory may not be read",
            Self::SeveralNames => "they have several names (hard links)",
            Self::Mounted => "they are mounted from somewhere else (bind mounts of single files)",
            Self::Links => "too many symbolic links lead to them",
        }
    }
}

/// How a path is covered.
#[derive(Debug, Default)]
pub struct Coverage {
    /// The path itself, and the targets of the symbolic links that lead to its file.
    hops: Vec<PathBuf>,
    /// Why notices alone are not enough, if so.
    pub polled: Option<Polled>,
}

/// What may have changed. The numbers are those that were given to [`Notices::cover`].
#[derive(Debug, Default)]
pub struct Noticed {
    /// Notices were lost: everything is to be looked at.
    pub everything: bool,
    /// Paths to look at, and whether another file may stand there.
    pub looks: Vec<(usize, bool)>,
    /// Paths where a file may have appeared, in directories that globs reach into.
    pub appeared: Vec<PathBuf>,
    /// Directories that globs reach into and in which another directory came or went.
    pub directories: Vec<PathBuf>,
}

impl Noticed {
    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        !self.everything && self.looks.is_empty() && self.appeared.is_empty() && self.directories.is_empty()
    }
}

/// What `status` shows of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NoticesSnapshot {
    /// How many directories are watched.
    pub watches: usize,
    /// How many paths are polled.
    pub polled_paths: usize,
    /// Why they are, each reason with the number of paths.
    pub polled_because: BTreeMap<String, usize>,
}

/// The mechanism.
pub struct Notices {
    directories: Directories,
    /// Polled paths by reason.
    polled: BTreeMap<Polled, usize>,
    /// The reasons that the agent log has heard of.
    told: Vec<Polled>,
    /// When directories were last compared.
    compared: Instant,
    silent: Receiver<()>,
    logger: Logger,
}

impl Notices {
    /// Starts the thread that waits for notices; without it everything is polled.
    pub fn start(noticing: Noticing, threads: &Threads, logger: &Logger, clock: &Clock) -> Self {
        let source = match noticing.file_systems {
            FileSystems::Silent => None,
            FileSystems::Local | FileSystems::NoneTrusted => {
                let started = Source::start(noticing.most_pending, threads, clock);
                started.inspect_err(|error| logger.warn(format_args!("inotify cannot be used: {error}"))).ok()
            }
        };
        Self {
            directories: Directories::new(source, noticing),
            polled: BTreeMap::new(),
            told: Vec::new(),
            compared: clock.monotonic(),
            silent: never(),
            logger: logger.clone(),
        }
    }

    /// Tells when there is something to [take](Self::take).
    pub fn signal(&self) -> &Receiver<()> {
        self.directories.source().map_or(&self.silent, Source::signal)
    }

    /// What may have changed since the last time.
    pub fn take(&mut self) -> Noticed {
        let mut noticed = Noticed::default();
        let Some(pending) = self.directories.source().map(Source::take) else { return noticed };
        noticed.everything = pending.everything || pending.ended;
        if pending.ended {
            self.logger
                .error(format_args!("inotify does not tell of changes any more; all files are polled from now on"));
            self.directories.lose_source();
            return noticed;
        }
        if pending.everything {
            self.directories.renew();
        }
        for ((watch, name), kind) in pending.changes {
            let places = self.directories.of_watch(watch);
            if kind.ended {
                self.directories.end_watch(watch);
            }
            for place in places {
                if kind.itself {
                    self.directories.refresh(place);
                    self.note_all(place, &mut noticed);
                } else {
                    self.note(place, &name, kind, &mut noticed);
                }
            }
        }
        // Always in the same order, whatever the order of those that came together was.
        order::by(&mut noticed.appeared, Ord::cmp);
        noticed
    }

    fn note(&self, place: Place, name: &OsStr, kind: Kind, noticed: &mut Noticed) {
        let Some(directory) = self.directories.at(place) else { return };
        let members = directory.members.get(name).into_iter().flatten();
        noticed.looks.extend(members.map(|&number| (number, kind.replaced)));
        if directory.is_level() {
            if kind.directory {
                noticed.directories.push(directory.path.join(name));
            } else if kind.replaced {
                noticed.appeared.push(directory.path.join(name));
            }
        }
    }

    /// When [directories are compared](Self::compare_some) next.
    pub fn next_comparison(&self) -> Instant {
        let rests = self.directories.are_all_watched(COMPARED_AT_A_TIME);
        self.compared + if rests { COMPARED_AT_REST } else { COMPARED }
    }

    /// Compares some of the directories with what is watched there, when it is time to: one that appears or comes
    /// instead of another, also by a mount or because something above it was renamed, is watched from then on.
    pub fn compare_some(&mut self, now: Instant) -> Noticed {
        let mut noticed = Noticed::default();
        if now >= self.next_comparison() {
            self.compared = now;
            for place in self.directories.next_places(COMPARED_AT_A_TIME) {
                self.compare(place, &mut noticed);
            }
        }
        noticed
    }

    fn compare(&mut self, place: Place, noticed: &mut Noticed) {
        if self.directories.refresh(place) {
            self.note_all(place, noticed);
        }
    }

    /// Whatever is in a directory may be something else now.
    fn note_all(&self, place: Place, noticed: &mut Noticed) {
        let Some(directory) = self.directories.at(place) else { return };
        noticed.looks.extend(directory.members.values().flatten().map(|&number| (number, true)));
        if directory.is_level() {
            noticed.directories.push(directory.path.to_path_buf());
        }
    }

    /// Watches over a path, and over where symbolic links lead from it now. To be called again whenever another file
    /// may stand there.
    pub fn cover(&mut self, number: usize, path: &Path, before: &mut Coverage) {
        let mut coverage = Coverage::default();
        let mut hop = path.to_owned();
        for link in 0.. {
            if link == MOST_LINKS {
                coverage.polled.get_or_insert(Polled::Links);
                break;
            }
            let Some((place, name)) = hop.parent().zip(hop.file_name()) else { break };
            let (place, name) = (self.directories.enter(place), name.to_owned());
            self.directories.join(place, &name, number);
            let why = match self.directories.at(place).map(|directory| &directory.state) {
                Some(State::Refused { why, .. }) => Some(*why),
                Some(State::Watched { trusted: false, .. }) => Some(Polled::FileSystem),
                Some(State::Watched { .. } | State::Missing) | None => None,
            };
            coverage.polled = coverage.polled.or(why);
            coverage.hops.push(hop.clone());
            let Ok(metadata) = fs::symlink_metadata(&hop) else { break };
            if !metadata.is_symlink() {
                if metadata.is_file() {
                    coverage.polled = coverage.polled.or_else(|| self.blind_spot(place, &hop, &metadata));
                }
                break;
            }
            let Ok(target) = fs::read_link(&hop) else { break };
            hop = hop.parent().map_or_else(|| target.clone(), |parent| parent.join(&target));
        }
        self.count(coverage.polled, path);
        let before = std::mem::replace(before, coverage);
        // Only now, so that a directory which both need is not let go in between.
        for hop in before.hops {
            self.leave(number, &hop);
        }
        self.discount(before.polled);
    }

    /// Why the directory of a file may not tell of every change to it.
    fn blind_spot(&self, place: Place, path: &Path, metadata: &Metadata) -> Option<Polled> {
        let device = match self.directories.at(place)?.state {
            State::Watched { inode: (device, _), .. } | State::Refused { inode: (device, _), .. } => device,
            State::Missing => return None,
        };
        if metadata.dev() != device || is_mounted(path) {
            return Some(Polled::Mounted);
        }
        (metadata.nlink() > 1).then_some(Polled::SeveralNames)
    }

    /// Watches over a path no more.
    pub fn uncover(&mut self, number: usize, coverage: Coverage) {
        for hop in coverage.hops {
            self.leave(number, &hop);
        }
        self.discount(coverage.polled);
    }

    fn leave(&mut self, number: usize, hop: &Path) {
        if let Some((directory, name)) = hop.parent().zip(hop.file_name()) {
            self.directories.leave(directory, name, number);
        }
    }

    fn count(&mut self, polled: Option<Polled>, path: &Path) {
        let Some(why) = polled else { return };
        *self.polled.entry(why).or_default() += 1;
        if matches!(why, Polled::NoNotices | Polled::TooManyWatches) && !self.told.contains(&why) {
            self.told.push(why);
            self.logger.warn(format_args!(
                "{}: is polled, as others may be, because {}; status tells how many",
                path.display(),
                why.text()
            ));
        }
    }

    fn discount(&mut self, polled: Option<Polled>) {
        if let Some(paths) = polled.and_then(|why| self.polled.get_mut(&why)) {
            *paths = paths.saturating_sub(1);
        }
    }

    /// Watches over a directory in which globs look for files; before it is read. Whether its notices are enough.
    pub fn visit(&mut self, directory: &Path) -> bool {
        let place = self.directories.enter(directory);
        self.directories.mark_level(place);
        match self.directories.at(place).map(|directory| &directory.state) {
            Some(State::Watched { trusted, .. }) => *trusted,
            // It is compared until it is there.
            Some(State::Missing) => true,
            Some(State::Refused { .. }) | None => false,
        }
    }

    /// Before all globs are walked: the directories that none of them visits are forgotten [afterwards](Self::end_walk).
    pub fn begin_walk(&mut self) {
        self.directories.begin_walk();
    }

    /// All globs were walked.
    pub fn end_walk(&mut self) {
        self.directories.end_walk();
    }

    /// For `status`.
    pub fn snapshot(&self) -> NoticesSnapshot {
        let polled = self.polled.iter().filter(|(_, paths)| **paths > 0);
        NoticesSnapshot {
            watches: self.directories.watches(),
            polled_paths: self.polled.values().sum(),
            polled_because: polled.map(|(why, paths)| (why.text().to_owned(), *paths)).collect(),
        }
    }
}

/// Whether a file is the root of a mount, as far as the kernel tells (since Linux 5.8).
fn is_mounted(path: &Path) -> bool {
    statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty())
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn notices_over(source: Source, clock: &Clock) -> Notices {
        let mut notices = Notices::start(
            Noticing { file_systems: FileSystems::Silent, ..Noticing::default() },
            &Threads::new(),
            &Logger::none(),
            clock,
        );
        notices.directories = Directories::new(Some(source), Noticing::default());
        notices
    }

    /// Takes until this is seen.
    fn waits(notices: &mut Notices, what: impl Fn(&Noticed) -> bool) {
        for _ in 0..3_000 {
            if what(&notices.take()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it was never noticed");
    }

    #[test]
    fn when_notices_end_everything_is_polled_and_nobody_waits_for_more() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.log");
        fs::write(&file, "").unwrap();
        // Ready to be read at all times, which then fails.
        let broken = fs::File::open(directory.path()).unwrap();
        let clock = Clock::system();
        let source = Source::over(broken.into(), 10, &Threads::new(), &clock).unwrap();
        let mut notices = notices_over(source, &clock);
        let mut coverage = Coverage::default();
        waits(&mut notices, |noticed| noticed.everything);
        // The first was told before the end, or is the end.
        notices.signal().recv_timeout(Duration::from_millis(500)).ok();
        notices.take();
        notices.cover(0, &file, &mut coverage);
        assert_eq!(coverage.polled, Some(Polled::NoNotices));
        let quiet = notices.signal().recv_timeout(Duration::from_millis(50));
        assert_eq!(quiet, Err(crossbeam_channel::RecvTimeoutError::Timeout), "a closed channel wakes all the time");
    }

    #[test]
    fn a_watch_that_ended_while_notices_were_lost_is_begun_again() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.log");
        let clock = Clock::system();
        let mut notices = notices_over(Source::start(0, &Threads::new(), &clock).unwrap(), &clock);
        let mut coverage = Coverage::default();
        notices.cover(0, &file, &mut coverage);
        let place = notices.directories.enter(directory.path());
        let State::Watched { watch, .. } = notices.directories.at(place).unwrap().state else { panic!() };
        // As the kernel does when the directory is deleted; the next one may have the same inode.
        notices.directories.source().unwrap().forget(watch);
        waits(&mut notices, |noticed| noticed.everything);
        fs::write(&file, "x").unwrap();
        waits(&mut notices, |noticed| noticed.everything);
    }
}
