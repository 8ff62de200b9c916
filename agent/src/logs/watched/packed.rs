//! Generations that came, were rotated away and compressed before anybody opened them.

use std::io;
use std::path::Path;

use scalyr_monitor::Timestamp;
use uuid::Uuid;

use super::super::follower::{self, Follower, Packed, Source};
use super::super::search::SURE_HEAD;
use super::older::{Older, rotated_wait};
use super::{Surroundings, Watched};
use crate::ledger::{Offset, Sequence};

impl Watched {
    /// Takes up what gzip has made of a generation, from its first byte; or from where it was left, should it have been
    /// seen. Nothing while it is still being written: what it is made from is there until it is complete.
    ///
    /// # Errors
    /// When it cannot be read, or is no gzip file.
    pub(super) fn follow_packed(&mut self, path: &Path, around: &Surroundings<'_>) -> io::Result<()> {
        let (file, metadata) = follower::open(path)?;
        let Some((mut packed, identity)) = Packed::identified(file, &metadata)? else { return Ok(()) };
        if self.holds_packed(&mut packed, around)? {
            around.logger.debug(format_args!(
                "{}: {} holds what is copied already",
                self.path.display(),
                path.display()
            ));
            return Ok(());
        }
        for position in around.checkpoint.earlier(&self.worker, &self.path).into_iter().rev() {
            let has_head = position.identity.head_length > 0 && packed.begins_with(&position.identity)?;
            if !has_head || position.settled.0 > packed.size() {
                continue;
            }
            if position.settled.0 < packed.size() {
                self.resume_file(Source::Packed(Box::new(packed)), &metadata, position, Some(path), around);
            }
            return Ok(());
        }
        around.logger.info(format_args!(
            "{}: also copying {}, which was rotated away and compressed before it was seen",
            self.path.display(),
            path.display()
        ));
        let sequence = Sequence { id: Uuid::new_v4().to_string(), begin: Offset(0) };
        let account = around.ledger.open(self.worker.clone(), self.path.clone(), identity, sequence, Offset(0));
        let follower = self.take_up(account, Source::Packed(Box::new(packed)), &metadata, around);
        self.older.push_back(Older { follower, quiet_since: around.now });
        Ok(())
    }

    /// Whether it holds a generation that is followed here, or was a moment ago: one that begins alike, and where that
    /// says little, is as long.
    fn holds_packed(&mut self, packed: &mut Packed, around: &Surroundings<'_>) -> io::Result<bool> {
        let older = self.older.iter_mut().map(|older| &mut older.follower);
        for follower in older.chain(&mut self.current) {
            // So that it is known how long it has become.
            follower.look(around.now, rotated_wait(around));
            if is_of(packed, follower)? {
                return Ok(true);
            }
        }
        for (identity, size) in around.followed.past(&self.worker, &self.path) {
            let is_sure = identity.head_length >= SURE_HEAD || packed.size() == size;
            if identity.head_length > 0 && is_sure && packed.begins_with(&identity)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Says so when lines may stand in what another program than gzip has compressed while no agent ran.
    pub(super) fn tell_unreadable(&self, path: &Path, seen: Timestamp, around: &Surroundings<'_>) {
        // While the agent runs, it has read what is compressed.
        if !self.told_unreadable && around.checkpoint.unseen_since().is_some_and(|before| seen <= before) {
            around.logger.warn(format_args!(
                "{}: {} was compressed while no agent ran, otherwise than by gzip, and is not read: lines in it that were \
                 not copied before are lost",
                self.path.display(),
                path.display()
            ));
        }
    }
}

fn is_of(packed: &mut Packed, follower: &Follower) -> io::Result<bool> {
    let identity = follower.account.identity();
    let is_sure = identity.head_length >= SURE_HEAD || packed.size() == follower.progress().1;
    Ok(identity.head_length > 0 && is_sure && packed.begins_with(&identity)?)
}
