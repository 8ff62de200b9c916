//! Making positions of what the checkpoint files say and what is found on disk.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use scalyr_monitor::{Level, Logger, Timestamp};
use uuid::Uuid;

use super::form::{Entry, Piece, Place};
use super::pieces::{Pieces, stat};
use super::sources::{Newest, Sources};
use crate::ledger::{Identity, Offset, Sequence, WorkerId};
use crate::logs::{Position, open_identified};

/// SHA-256 of nothing: a file that cannot be opened now is recognised by its inode alone.
const NO_HEAD: &str = "e3b0c44298fc1c14";
/// A file with not one accepted byte that was quiet for so long before the old agent's last word was passed over by it:
/// what it has no success with for so long, it skips.
const PASSED_OVER_AFTER: Duration = Duration::from_secs(900);
/// File systems and clocks are only this exact.
const SLACK: Duration = Duration::from_secs(2);

/// What is taken over.
#[derive(Debug, Default)]
pub struct Taken {
    /// Where copying goes on; of each path older generations first.
    pub positions: Vec<Position>,
    /// Every path that the old agent knew.
    pub paths: Vec<PathBuf>,
    /// When the old agent wrote for the last time.
    pub written: Option<Timestamp>,
}

/// What the old agent has left in `folder`, its `agent_data_path`. When this agent has positions of its own, written at
/// `since`, only what is newer; `None` when there is nothing (newer). The files stay as they are.
///
/// What is damaged, and what cannot be found any more, is told and treated as absent, entry by entry. No entry is too old.
pub fn read(folder: &Path, since: Option<Timestamp>, logger: &Logger) -> Option<Taken> {
    let mut sources = Sources::read(folder, since.is_none(), logger);
    if !sources.any || (since.is_some() && sources.written <= since) {
        return None;
    }
    if since.is_some() {
        sources.newest.retain(|_, newest| newest.time > since);
    }
    let inodes = sources.newest.iter().flat_map(|(path, newest)| {
        let pieces = match &newest.entry.place {
            Place::Pieces(pieces) => pieces.as_slice(),
            Place::Begin(_) => &[],
        };
        pieces.iter().map(move |piece| (path.as_path(), piece.inode))
    });
    let found = Pieces::look_for(inodes);
    for (directory, error) in &found.unreadable {
        logger.warn(format_args!("{}: cannot look for rotated files: {error}", directory.display()));
    }
    let taking = Taking { found, written: sources.written, logger };
    let mut taken = Taken { written: sources.written, ..Taken::default() };
    let mut passed_over = 0;
    for (path, newest) in sources.newest {
        match taking.positions(&path, newest) {
            Some(positions) => taken.positions.extend(positions),
            None => passed_over += 1,
        }
        taken.paths.push(path);
    }
    let from = folder.display();
    logger.info(format_args!(
        "{from}: {} positions of {} paths taken over from the Python agent",
        taken.positions.len(),
        taken.paths.len()
    ));
    if passed_over > 0 {
        logger.info(format_args!(
            "{from}: {passed_over} files were passed over by the Python agent: they were there before it and nothing was \
             written to them since; they begin as their entry says"
        ));
    }
    Some(taken)
}

struct Taking<'a> {
    found: Pieces,
    written: Option<Timestamp>,
    logger: &'a Logger,
}

impl Taking<'_> {
    /// The positions of one path; `None` when the old agent had passed it over.
    fn positions(&self, path: &Path, newest: Newest) -> Option<Vec<Position>> {
        let Newest { entry, worker, .. } = newest;
        let pieces = match &entry.place {
            Place::Begin(begin) => {
                let begin = |metadata: Metadata| position(path, path, &worker, &metadata, *begin, None);
                return Some(stat(path).map(begin).into_iter().collect());
            }
            Place::Pieces(pieces) => pieces,
        };
        if self.was_passed_over(path, &entry, pieces) {
            return None;
        }
        if entry.within_record {
            self.logger.info(format_args!(
                "{}: the Python agent was within a long record; it is sent from its begin again",
                path.display()
            ));
        }
        let mut sequence = entry.sequence.clone();
        let (mut inodes, mut positions) = (BTreeSet::new(), Vec::new());
        // No file is taken up twice.
        for piece in pieces.iter().filter(|piece| inodes.insert(piece.inode)) {
            match self.find(path, piece) {
                Some((at, metadata)) => {
                    let offset = self.offset(piece, &at, &metadata);
                    // Numbers go on in one file. The next one has a sequence of its own: the two can be read in turns.
                    let goes_on = sequence.take().filter(|_| offset == piece.offset).and_then(|(id, number)| {
                        let number = number.checked_add(piece.behind)?;
                        Some(Sequence::going_on(id, Offset(offset), number))
                    });
                    if goes_on.is_none() {
                        self.logger.debug(format_args!("{}: begins a new sequence", at.display()));
                    }
                    positions.push(position(path, &at, &worker, &metadata, offset, goes_on));
                }
                None => self.tell_missing(path, piece),
            }
        }
        if positions.is_empty() {
            // The path was followed, so what stands there now is its next generation.
            positions.extend(stat(path).map(|metadata| position(path, path, &worker, &metadata, 0, None)));
        }
        Some(positions)
    }

    /// Where a piece that is at `at` now goes on.
    fn offset(&self, piece: &Piece, at: &Path, metadata: &Metadata) -> u64 {
        if metadata.len() < piece.offset {
            self.logger.warn(format_args!(
                "{}: was truncated while no agent ran, to {} bytes; {} bytes were not read and are lost, going on at its \
                 beginning",
                at.display(),
                metadata.len(),
                piece.unread
            ));
            return 0;
        }
        if piece.offset == 0 && piece.behind == 0 && piece.unread > 0 {
            self.logger
                .info(format_args!("{}: nothing of it was accepted so far; copied from its first byte", at.display()));
        }
        piece.offset
    }

    /// The file of a piece. One that was created after the old agent's last word has only got its inode number.
    fn find(&self, path: &Path, piece: &Piece) -> Option<(PathBuf, Metadata)> {
        let found = self.found.find(path, piece.inode)?;
        let is_younger = created(&found.1).zip(self.written).is_some_and(|(created, written)| {
            let slack = i64::try_from(SLACK.as_nanos()).unwrap_or(i64::MAX);
            created.as_nanos() > written.as_nanos().saturating_add(slack)
        });
        (!is_younger).then_some(found)
    }

    fn tell_missing(&self, path: &Path, piece: &Piece) {
        let level = if piece.unread > 0 { Level::Warning } else { Level::Debug1 };
        self.logger.at(
            level,
            format_args!(
                "{}: the file with inode {} that was read up to byte {} is not there any more (removed, moved to another \
                 directory or compressed); {} bytes of it were not read and are lost",
                path.display(),
                piece.inode,
                piece.offset,
                piece.unread
            ),
        );
    }

    /// A file that was skipped to its end, and that got no line since, looks like one that was never read: it stands at
    /// byte 0. That nothing was written for so long tells them apart.
    fn was_passed_over(&self, path: &Path, entry: &Entry, pieces: &[Piece]) -> bool {
        let [Piece { offset: 0, behind: 0, unread: 1.., was_at_path: true, inode }] = pieces else { return false };
        let number = entry.sequence.as_ref().map_or(0, |(_, number)| *number);
        let Some((metadata, written)) = stat(path).filter(|metadata| metadata.ino() == *inode).zip(self.written) else {
            return false;
        };
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let quiet_since = written.as_nanos().saturating_sub(PASSED_OVER_AFTER.as_nanos() as i64);
        number == 0
            && modified
                .is_some_and(|modified| i128::try_from(modified.as_nanos()).unwrap_or(0) < i128::from(quiet_since))
    }
}

fn position(
    path: &Path,
    at: &Path,
    worker: &WorkerId,
    metadata: &Metadata,
    settled: u64,
    sequence: Option<Sequence>,
) -> Position {
    let settled = Offset(settled.min(metadata.len()));
    let same = |other: &Metadata| (other.dev(), other.ino()) == (metadata.dev(), metadata.ino());
    let identity = open_identified(at).ok().filter(|(_, opened, _)| same(opened)).map(|(.., identity)| identity);
    Position {
        worker: worker.clone(),
        path: path.to_owned(),
        identity: identity.unwrap_or_else(|| Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
            born: None,
            head_length: 0,
            head_hash: NO_HEAD.to_owned(),
        }),
        settled,
        sequence: sequence.unwrap_or_else(|| Sequence { id: Uuid::new_v4().to_string(), begin: settled }),
    }
}

fn created(metadata: &Metadata) -> Option<Timestamp> {
    let since_epoch = metadata.created().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since_epoch.as_nanos()).ok().map(Timestamp::from_nanos)
}
