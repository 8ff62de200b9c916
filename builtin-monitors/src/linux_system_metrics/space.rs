//! Asks mounted file systems for their size, without waiting for ever for a dead one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

use scalyr_monitor::Clock;

/// How long all file systems of one sample together may take that may hang.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many questions may be unanswered at the same time; each one costs a thread.
const MAX_WAITING: usize = 16;

/// The size of a file system, as `statvfs` tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Space {
    /// Bytes of a block.
    pub(super) block_size: u64,
    /// All blocks.
    pub(super) blocks: u64,
    /// Blocks that are free for root.
    pub(super) blocks_free: u64,
    /// Blocks that are free for everyone.
    pub(super) blocks_available: u64,
    /// All inodes; zero when the file system does not count them.
    pub(super) inodes: u64,
    /// Free inodes.
    pub(super) inodes_free: u64,
}

/// Three figures of a `df` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) total: u64,
    pub(super) used: u64,
    pub(super) free: u64,
}

impl Space {
    /// Blocks of 1024 bytes, rounded up as `df` does; free is what users can have. `None` for a file system without
    /// a size.
    pub(super) fn kilobytes(&self) -> Option<Usage> {
        let kilobytes = |blocks: u64| {
            let bytes = u128::from(blocks) * u128::from(self.block_size);
            u64::try_from(bytes.div_ceil(1024)).unwrap_or(u64::MAX)
        };
        // More available than there is: a negative number, all that is left being reserved for root.
        let available = if self.blocks_available > self.blocks { 0 } else { self.blocks_available };
        (self.blocks > 0).then(|| Usage {
            total: kilobytes(self.blocks),
            used: kilobytes(self.blocks.saturating_sub(self.blocks_free)),
            free: kilobytes(available),
        })
    }

    /// Inodes. `None` for a file system that does not count them, and for one without a size.
    pub(super) fn inodes(&self) -> Option<Usage> {
        (self.blocks > 0 && self.inodes > 0).then(|| Usage {
            total: self.inodes,
            used: self.inodes.saturating_sub(self.inodes_free),
            free: self.inodes_free,
        })
    }
}

/// What became of a question.
#[derive(Debug)]
pub(super) enum Answer {
    /// The file system told.
    Told(Space),
    /// The system refused.
    Refused(io::Error),
    /// No answer in time, now or in an earlier sample.
    Silent,
    /// Not asked, because too many others are silent.
    NotAsked,
}

impl From<io::Result<Space>> for Answer {
    fn from(result: io::Result<Space>) -> Self {
        match result {
            Ok(space) => Self::Told(space),
            Err(error) => Self::Refused(error),
        }
    }
}

type StatVfs = Arc<dyn Fn(&Path) -> io::Result<Space> + Send + Sync>;

/// Asks file systems for their size.
///
/// `statvfs` has no time limit, so one that may hang is asked on a thread of its own. When that thread does not come
/// back in time it is left behind, and the mount point is not asked again until it does.
pub(super) struct Asker {
    statvfs: StatVfs,
    patience: Duration,
    waiting: Vec<(PathBuf, Receiver<io::Result<Space>>)>,
}

impl Default for Asker {
    fn default() -> Self {
        Self::new(Arc::new(statvfs), PATIENCE)
    }
}

impl Asker {
    fn new(statvfs: StatVfs, patience: Duration) -> Self {
        Self { statvfs, patience, waiting: Vec::new() }
    }

    /// An asker of made-up file systems, for tests.
    #[cfg(test)]
    pub(super) fn with(statvfs: impl Fn(&Path) -> io::Result<Space> + Send + Sync + 'static) -> Self {
        Self::new(Arc::new(statvfs), Duration::from_secs(30))
    }

    /// Asks a file system that answers at once.
    pub(super) fn ask(&self, point: &Path) -> Answer {
        (self.statvfs)(point).into()
    }

    /// Asks file systems that may hang, all at once. Takes no longer than [`PATIENCE`].
    pub(super) fn ask_warily(&mut self, points: &[PathBuf], clock: &Clock) -> Vec<Answer> {
        self.waiting.retain(|(_, answer)| matches!(answer.try_recv(), Err(TryRecvError::Empty)));
        let deadline = clock.monotonic() + self.patience;
        let mut answers = Vec::with_capacity(points.len());
        let mut points = points.iter().peekable();
        while points.peek().is_some() {
            let room = MAX_WAITING - self.waiting.len().min(MAX_WAITING);
            let asked: Vec<_> = points.by_ref().take(room.max(1)).map(|point| (point, self.question(point))).collect();
            for (point, question) in asked {
                answers.push(match question {
                    Err(answer) => answer,
                    Ok(receiver) => {
                        match receiver.recv_timeout(deadline.saturating_duration_since(clock.monotonic())) {
                            Ok(result) => result.into(),
                            Err(_) => {
                                self.waiting.push((point.clone(), receiver));
                                Answer::Silent
                            }
                        }
                    }
                });
            }
        }
        answers
    }

    /// Starts a thread that asks, unless this mount point or too many others are silent.
    fn question(&self, point: &Path) -> Result<Receiver<io::Result<Space>>, Answer> {
        if self.waiting.iter().any(|(silent, _)| silent == point) {
            return Err(Answer::Silent);
        }
        if self.waiting.len() >= MAX_WAITING {
            return Err(Answer::NotAsked);
        }
        let (sender, receiver) = sync_channel(1);
        let (statvfs, point) = (Arc::clone(&self.statvfs), point.to_owned());
        #[expect(
            clippy::disallowed_methods,
            reason = "a thread that may never come back must not be one that the supervisor waits for at the end"
        )]
        let born = std::thread::Builder::new().name("statvfs".to_owned()).spawn(move || {
            _ = sender.send(statvfs(&point)); // fails when nobody waits for the answer any more
        });
        born.map(|_| receiver).map_err(Answer::Refused)
    }
}

fn statvfs(point: &Path) -> io::Result<Space> {
    let told = rustix::fs::statvfs(point)?;
    Ok(Space {
        block_size: if told.f_frsize > 0 { told.f_frsize } else { told.f_bsize },
        blocks: told.f_blocks,
        blocks_free: told.f_bfree,
        blocks_available: told.f_bavail,
        inodes: told.f_files,
        inodes_free: told.f_ffree,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn sizes_are_told_as_df_tells_them() {
        let space =
            Space { block_size: 512, blocks: 101, blocks_free: 50, blocks_available: 7, inodes: 10, inodes_free: 4 };
        assert_eq!(space.kilobytes(), Some(Usage { total: 51, used: 26, free: 4 }));
        assert_eq!(space.inodes(), Some(Usage { total: 10, used: 6, free: 4 }));
        assert_eq!(Space { inodes: 0, ..space }.inodes(), None);
        assert_eq!((Space { blocks: 0, ..space }.kilobytes(), Space { blocks: 0, ..space }.inodes()), (None, None));
    }

    #[test]
    fn impossible_sizes_are_survived() {
        let space = Space {
            block_size: u64::MAX,
            blocks: u64::MAX - 1,
            blocks_free: u64::MAX,
            blocks_available: u64::MAX,
            inodes: 1,
            inodes_free: 2,
        };
        assert_eq!(space.kilobytes(), Some(Usage { total: u64::MAX, used: 0, free: 0 }));
        assert_eq!(space.inodes(), Some(Usage { total: 1, used: 0, free: 2 }));
    }

    #[test]
    fn a_dead_file_system_is_left_behind_and_asked_again_when_it_wakes_up() {
        let gate = Arc::new(Mutex::new(()));
        let held = gate.lock().unwrap();
        let statvfs = {
            let gate = Arc::clone(&gate);
            move |point: &Path| {
                if point == Path::new("/dead") {
                    drop(gate.lock());
                }
                Ok(Space::default())
            }
        };
        let clock = Clock::system();
        let mut asker = Asker::new(Arc::new(statvfs), Duration::from_millis(100));
        let points = ["/dead", "/quick"].map(PathBuf::from);
        for _ in 0..3 {
            let answers = asker.ask_warily(&points, &clock);
            assert!(matches!(answers[0], Answer::Silent), "{answers:?}");
            assert_eq!(asker.waiting.len(), 1, "one thread waits, however often it was asked");
        }
        drop(held);
        asker.patience = Duration::from_secs(30);
        while !matches!(asker.ask_warily(&points, &clock)[..], [Answer::Told(_), Answer::Told(_)]) {
            assert!(asker.waiting.len() <= 1);
            std::thread::yield_now();
        }
    }

    #[test]
    fn no_more_threads_are_left_behind_than_allowed() {
        let gate = Arc::new(Mutex::new(()));
        let held = gate.lock().unwrap();
        let statvfs = {
            let gate = Arc::clone(&gate);
            move |_: &Path| {
                drop(gate.lock());
                Ok(Space::default())
            }
        };
        let points: Vec<_> = (0..MAX_WAITING + 5).map(|index| PathBuf::from(format!("/dead/{index}"))).collect();
        let mut asker = Asker::new(Arc::new(statvfs), Duration::from_millis(50));
        let answers = asker.ask_warily(&points, &Clock::system());
        let silent = answers.iter().filter(|answer| matches!(answer, Answer::Silent)).count();
        let not_asked = answers.iter().filter(|answer| matches!(answer, Answer::NotAsked)).count();
        assert_eq!((answers.len(), silent, not_asked, asker.waiting.len()), (21, 16, 5, 16));
        drop(held);
    }

    #[test]
    fn many_healthy_file_systems_are_all_told() {
        let points: Vec<_> = (0..50).map(|index| PathBuf::from(format!("/{index}"))).collect();
        let mut asker = Asker::with(|_| Ok(Space::default()));
        let answers = asker.ask_warily(&points, &Clock::system());
        assert!(answers.len() == 50 && answers.iter().all(|answer| matches!(answer, Answer::Told(_))), "{answers:?}");
    }

    #[test]
    fn the_root_of_this_machine_has_a_size() {
        let asker = Asker::default();
        assert!(matches!(asker.ask(Path::new("/")), Answer::Told(space) if space.blocks > 0));
        assert!(matches!(asker.ask(Path::new("/no/such/directory")), Answer::Refused(_)));
    }
}
