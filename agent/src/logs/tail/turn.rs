//! A turn: looks at the paths whose time has come, and hands on one batch of each file that has something to read.

use std::time::{Duration, Instant};

use scalyr_monitor::Level;

use super::seats::Queue;
use super::{Tail, TailParts, surroundings};
use crate::config::plan::SessionId;
use crate::logs::batch::Blank;
use crate::logs::watched::Watched;
use crate::upload::Save;

/// What could not be handed on for another reason than a full channel is tried again after this.
const AGAIN: Duration = Duration::from_millis(50);
/// A file that waits for a free descriptor is looked at so often without one.
const HUNGRY: Duration = Duration::from_secs(10);
/// While files wait for one, the quietest of those that have one are looked at so often, ...
const PLEA: Duration = Duration::from_secs(1);
/// ... and so many at a time.
const MOST_PLEAS: usize = 256;

/// A turn hands on batches for so long.
const LONGEST: Duration = Duration::from_millis(50);
/// A batch of so many bytes wakes a session at once.
const MUCH: usize = 16 * 1024;

/// What a turn came to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Something was handed on.
    Progress,
    /// Something is to be handed on, and there is no room.
    Parked,
    /// Neither.
    Idle,
}

impl Tail {
    /// Looks at what is due and hands on one batch of each file that has something to read.
    pub(super) fn turn(&mut self) -> Turn {
        self.move_settled();
        self.feed_hungry();
        // Before those that become ready now, which would take the room from them.
        self.unpark();
        let now = self.parts.clock.monotonic();
        for number in self.schedule.take_due(now) {
            self.look_at(number);
        }
        save_begun(&self.parts, &mut self.saved_begun);
        let mut outcome = Turn::Idle;
        for _ in 0..self.schedule.ready.len() {
            let Some(number) = self.schedule.ready.pop_front() else { break };
            if self.hand_on(number) == Turn::Progress {
                outcome = Turn::Progress;
                if self.parts.clock.monotonic().saturating_duration_since(now) >= LONGEST {
                    // The others come first in the next one; looks and commands do not wait for them.
                    break;
                }
            }
        }
        if outcome == Turn::Idle && !self.schedule.parked.is_empty() { Turn::Parked } else { outcome }
    }

    /// Looks at a path now; what is to be read is read in this turn, or the next one.
    pub(super) fn look_at(&mut self, number: usize) {
        let Some(seat) = self.watched.at_mut(number) else { return };
        let around = surroundings(&self.parts, &self.followed);
        if seat.is_to_be_covered(around.now) {
            self.notices.cover(number, &seat.watched.path, &mut seat.coverage);
        }
        let readable = seat.watched.check(&around);
        seat.note_look(around.now, readable);
        around.logger.at(Level::Debug5, format_args!("{}: looked at", seat.watched.path.display()));
        self.looks += 1;
        if readable && seat.queue == Queue::None {
            seat.queue = Queue::Ready;
            self.schedule.ready.push_back(number);
        }
        self.note(number, around.now);
    }

    /// Notes how a path stands, and when it is looked at next.
    fn note(&mut self, number: usize, now: Instant) {
        let Some(seat) = self.watched.at_mut(number) else { return };
        let (watched, is_troubled) = (&seat.watched, seat.watched.trouble().is_some());
        let is_empty = watched.is_empty();
        self.is_news = true;
        self.is_reshaped |= std::mem::replace(&mut seat.was_empty, is_empty) != is_empty;
        if is_troubled {
            self.troubled.insert(number);
        } else {
            self.troubled.remove(&number);
        }
        if is_empty || watched.is_withdrawn() {
            self.leaving.insert(number);
        }
        let mut next = seat.next_look(number, now);
        if watched.waits_to_open() && !self.followed.has_room() {
            self.hungry.insert(number);
            if is_empty {
                next = next.max(now + HUNGRY);
            }
        }
        match seat.queue {
            // It is looked at when it was read.
            Queue::Ready => self.schedule.forget(number),
            Queue::Parked => self.schedule.set(number, seat.next_look_unread(number, now)),
            Queue::None => self.schedule.set(number, next),
        }
    }

    /// Paths that wait for a free descriptor are looked at when there is one.
    fn feed_hungry(&mut self) {
        if self.hungry.is_empty() {
            return;
        }
        let room = self.followed.limit().saturating_sub(self.followed.open());
        let now = self.parts.clock.monotonic();
        if room == 0 && now >= self.next_plea {
            self.next_plea = now + PLEA;
            self.ask_for_room(now);
        }
        for _ in 0..room.min(self.hungry.len()) {
            let Some(number) = self.hungry.pop_first() else { break };
            if self.watched.at(number).is_some() {
                self.schedule.hasten(number, now);
            }
        }
    }

    /// Looks at as many of the open files as there are others that wait for a descriptor, those that have been quiet the
    /// longest: a look closes what is quiet while there is no room.
    fn ask_for_room(&mut self, now: Instant) {
        let open = self.watched.iter().filter(|(_, watched)| watched.holds_descriptor() && !watched.is_unsettled());
        let quiet = open.filter_map(|(number, _)| Some((self.watched.at(number)?.quiet_since(), number)));
        let mut quiet: Vec<_> = quiet.collect();
        quiet.sort_unstable();
        for (_, number) in quiet.into_iter().take(self.hungry.len().min(MOST_PLEAS)) {
            self.schedule.hasten(number, now);
        }
    }

    /// Hands the next batch of a file to its session, if that has room.
    fn hand_on(&mut self, number: usize) -> Turn {
        let around = surroundings(&self.parts, &self.followed);
        let Some(seat) = self.watched.at_mut(number).filter(|seat| seat.queue == Queue::Ready) else {
            return Turn::Idle;
        };
        seat.queue = Queue::None;
        let watched = &mut seat.watched;
        self.schedule.set(number, around.now + AGAIN);
        if self.moving.contains(&number) {
            return Turn::Idle;
        }
        // It is looked at as soon as there is a port.
        let session = watched.session();
        let Some(port) = self.ports.get(&session) else {
            self.schedule.set(number, seat.next_look_unread(number, around.now));
            return Turn::Idle;
        };
        if port.batches.is_full() {
            seat.queue = Queue::Parked;
            self.schedule.parked.entry(session).or_default().push_back(number);
            self.schedule.set(number, seat.next_look_unread(number, around.now));
            return Turn::Parked;
        }
        let Some(follower) = watched.next_readable(&around) else { return Turn::Idle };
        // The session's own first, and a new one only when none of them is free: so it never has more than its channel
        // holds, one that is being packed, and this one.
        let recycled = port.recycled.try_recv().ok().or_else(|| self.spare.take());
        let blank = recycled.unwrap_or_else(Blank::new);
        match follower.read(blank, &self.parts.plan, &self.parts.clock) {
            Ok(read) => {
                watched.note_read();
                let bytes = read.as_ref().map_or(0, |batch| batch.arena.len());
                let path = watched.path.display();
                self.parts.logger.at(Level::Debug4, format_args!("{path}: {bytes} bytes are handed to {session}"));
                save_begun(&self.parts, &mut self.saved_begun);
                match read.map(|batch| port.batches.send(batch)) {
                    // Sending cannot block: this thread is the only sender and there was room.
                    Ok(Ok(())) => {
                        let many = port.batches.capacity().is_some_and(|most| port.batches.len() * 2 >= most);
                        if (many || bytes >= MUCH)
                            && let Some(knocks) = self.knocks.get(&session)
                        {
                            // One that waits there is enough.
                            _ = knocks.try_send(());
                        }
                        self.schedule.set(number, around.now);
                        return Turn::Progress;
                    }
                    Ok(Err(_)) => {
                        // The session has ended by itself and said why; its files stand still, and begin where they are
                        // settled when another one takes over.
                        self.close_port(&session);
                    }
                    Err(blank) => self.spare = Some(blank),
                }
            }
            Err(error) => {
                watched.note_read_error(&error, &around);
                self.note(number, around.now);
            }
        }
        Turn::Idle
    }

    /// Nothing goes to this session until it, or its successor, has a port again.
    pub(super) fn close_port(&mut self, session: &SessionId) {
        self.ports.remove(session);
        self.knocks.remove(session);
        let now = self.parts.clock.monotonic();
        for number in self.schedule.parked.remove(session).unwrap_or_default() {
            if let Some(seat) = self.watched.at_mut(number).filter(|seat| seat.queue == Queue::Parked) {
                seat.queue = Queue::None;
                self.schedule.hasten(number, now + AGAIN);
            }
        }
    }

    /// As many parked files as there is room for are read in this turn, those that have waited longest.
    fn unpark(&mut self) {
        let mut unparked = Vec::new();
        self.schedule.parked.retain(|session, numbers| {
            let Some(port) = self.ports.get(session) else { return true };
            let room = port.batches.capacity().map_or(1, |most| most.saturating_sub(port.batches.len()));
            unparked.extend(numbers.drain(..room.min(numbers.len())));
            !numbers.is_empty()
        });
        for number in unparked {
            if let Some(seat) = self.watched.at_mut(number).filter(|seat| seat.queue == Queue::Parked) {
                seat.queue = Queue::Ready;
                self.schedule.forget(number);
                self.schedule.ready.push_back(number);
            }
        }
    }

    /// Looks at all paths of which this is true in the next turn, however quiet they were.
    pub(super) fn look_soon(&mut self, which: impl Fn(&Watched) -> bool) {
        let now = self.parts.clock.monotonic();
        for (number, _) in self.watched.iter().filter(|(_, watched)| which(watched)) {
            self.schedule.hasten(number, now);
        }
    }

    /// Looks at all paths now.
    pub(super) fn look_at_all(&mut self) {
        let numbers: Vec<usize> = self.watched.iter().map(|(number, _)| number).collect();
        for number in numbers {
            self.look_at(number);
        }
    }
}

/// Before the first line of a file leaves, its position is on disk, and what it is recognised by: an empty head could not be
/// found again in what gzip makes of the file.
fn save_begun(parts: &TailParts, saved: &mut u64) {
    let begun = parts.ledger.begun();
    if *saved != begun {
        *saved = begun;
        parts.checkpoint.save();
    }
}
