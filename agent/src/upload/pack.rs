//! The pack thread: batches into requests, encoded and compressed while the one before is on its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, never, select};
use scalyr_monitor::Clock;

use crate::logs::batch::{Batch, Blank};

use super::compress::SharedCompressor;
use super::heads::Heads;
use super::pace::Turn;
use super::request::{Pushed, Request, Room, Unpacked};
use super::snapshot::{Progress, Waiting};

/// What the pack thread works with.
pub(super) struct Pack {
    /// What every body begins with.
    pub(super) heads: Heads,
    /// `max_allowed_request_size`, and what requests are filled to.
    pub(super) room: Room,
    /// A request of this size need not wait for its turn.
    pub(super) large: usize,
    pub(super) compressor: SharedCompressor,
    pub(super) clock: Clock,
    pub(super) progress: Arc<Progress>,
    /// Set when something had to be left behind, unsettled.
    pub(super) incomplete: Arc<AtomicBool>,
    /// The tail stage's batches.
    pub(super) batches: Receiver<Batch>,
    /// The memory of packed batches, for the tail stage to use again.
    pub(super) recycled: Sender<Blank>,
    /// Whoever hands on batches knocks here when they are worth a wake-up.
    pub(super) knocks: Receiver<()>,
    /// Whether that was promised; otherwise every batch is.
    pub(super) is_knocked: Arc<AtomicBool>,
    /// Disconnected when no more batches will come: what waits is packed and the thread ends.
    pub(super) closing: Receiver<()>,
    /// The send thread is free; when it may begin. One at most waits here.
    pub(super) turns: Receiver<Turn>,
    /// To the send thread, only after it said that it is free; so it never waits.
    pub(super) requests: Sender<Request>,
    /// Requests that were dealt with, to be used again.
    pub(super) spent: Receiver<Request>,
}

/// The other side of a channel is gone: the session ends.
struct Gone;

impl Pack {
    /// Runs until the session is closed and everything was handed over, or the send thread is gone.
    pub(super) fn run(mut self) {
        let mut open = Open { request: self.fresh(), unpacked: None, turn: None, closed: false };
        while let Ok(true) = self.step(&mut open) {}
    }

    /// One step; false when all is done.
    fn step(&mut self, open: &mut Open) -> Result<bool, Gone> {
        if let Some(mut unpacked) = open.unpacked.take() {
            // It may have been begun long ago.
            if open.request.is_empty() && self.heads.renew() {
                open.request.begin(self.heads.head());
            }
            match open.request.push(&mut unpacked, self.room) {
                Pushed::All => self.recycle(unpacked),
                Pushed::Full => {
                    open.unpacked = Some(unpacked);
                    return self.hand_over_full(open);
                }
            }
            return Ok(true);
        }
        match self.batches.try_recv() {
            Ok(batch) => {
                open.unpacked = Some(Unpacked::new(batch));
                return Ok(true);
            }
            Err(TryRecvError::Disconnected) => open.closed = true,
            Err(TryRecvError::Empty) => {}
        }
        if open.request.is_empty() {
            if open.closed {
                return Ok(false);
            }
            self.wait(open, None)?;
        } else if let Some(turn) = open.turn {
            return match self.next(open, self.spaced(&open.request, turn), turn) {
                Next::Wait(due) => self.wait(open, Some(due)).map(|()| true),
                Next::HandOver => self.hand_over(open).map(|()| true),
                Next::LeaveBehind => Ok(self.leave_behind()),
            };
        } else {
            self.wait(open, None)?;
        }
        Ok(true)
    }

    /// Waits until something comes, or until `due`. While nothing waits for its turn, that is a batch, and the turn is
    /// taken when there is something to send. Once something does, batches that are not worth a wake-up stay where they
    /// are until then.
    fn wait(&mut self, open: &mut Open, due: Option<Instant>) -> Result<(), Gone> {
        let (none, no_knocks, nothing, no_turn) = (never(), never(), never(), never());
        let is_waiting = !open.request.is_empty();
        let is_quiet = is_waiting && self.is_knocked.load(Ordering::Relaxed);
        // A channel that has said all it has to say would end every wait at once; knocks end with the session's handle,
        // and once no more batches come there is nothing to knock for.
        let (closing, knocks) = if open.closed { (&none, &no_knocks) } else { (&self.closing, &self.knocks) };
        let batches = if open.closed || is_quiet { &nothing } else { &self.batches };
        let turns = if is_waiting { &self.turns } else { &no_turn };
        let timeout = due.map(|due| due.saturating_duration_since(self.clock.monotonic()));
        let timeout = timeout.map_or_else(never, crossbeam_channel::after);
        select! {
            recv(batches) -> batch => match batch {
                Ok(batch) => open.unpacked = Some(Unpacked::new(batch)),
                Err(_) => open.closed = true,
            },
            recv(knocks) -> _ => {}
            recv(turns) -> turn => {
                let turn = turn.map_err(|_| Gone)?;
                self.room.fill = turn.fill;
                open.turn = Some(turn);
            }
            recv(closing) -> _ => open.closed = true,
            recv(timeout) -> _ => {}
        }
        Ok(())
    }

    /// What is to be done with a request whose spacing lets it leave at `spaced`. Once no more batches come the spacing
    /// does not count any more, but a limit of the rate is kept: what may not be sent yet stays in its files.
    fn next(&self, open: &Open, spaced: Option<Instant>, turn: Turn) -> Next {
        let now = self.clock.monotonic();
        let log_bytes = open.request.body().message_bytes();
        let limited = turn.allowance.filter(|_| log_bytes > 0).map(|allowance| allowance.due(log_bytes));
        let limited = limited.filter(|due| *due > now);
        match (limited, spaced.filter(|due| *due > now)) {
            (Some(_), _) if open.closed => Next::LeaveBehind,
            (Some(limited), spaced) => {
                self.progress.wait_for(Waiting::Rest(Some(limited)));
                Next::Wait(spaced.map_or(limited, |spaced| spaced.max(limited)))
            }
            (None, Some(spaced)) if !open.closed => Next::Wait(spaced),
            _ => Next::HandOver,
        }
    }

    /// What was not sent stays pending, for a successor or the next start; false, since this is the end.
    fn leave_behind(&self) -> bool {
        self.incomplete.store(true, Ordering::Release);
        false
    }

    /// When the spacing lets a request leave that is not full.
    fn spaced(&self, request: &Request, turn: Turn) -> Option<Instant> {
        if !request.has_events() {
            turn.settlement
        } else if request.body().size() >= self.large {
            turn.large
        } else {
            turn.small
        }
    }

    /// Closes a full request at once, so that it is compressed while the one before is on its way, and hands it over
    /// when its turn comes; false when it has to be left behind.
    fn hand_over_full(&mut self, open: &mut Open) -> Result<bool, Gone> {
        self.close(&mut open.request);
        let turn = match open.turn {
            Some(turn) => turn,
            None => {
                self.progress.lock().requests_prepared_ahead += 1;
                // The send thread is not held up by anything that this one could do: it ends its pauses itself.
                self.turns.recv().map_err(|_| Gone)?
            }
        };
        self.room.fill = turn.fill;
        open.turn = Some(turn);
        let spaced = if open.request.has_events() { turn.large } else { turn.settlement };
        loop {
            match self.next(open, spaced, turn) {
                Next::Wait(due) => {
                    let rest = due.saturating_duration_since(self.clock.monotonic());
                    open.closed |= self.closing.recv_timeout(rest) == Err(RecvTimeoutError::Disconnected);
                }
                Next::HandOver => return self.pass_on(open).map(|()| true),
                Next::LeaveBehind => return Ok(self.leave_behind()),
            }
        }
    }

    /// Closes the request and hands it over to the send thread, which is free.
    fn hand_over(&mut self, open: &mut Open) -> Result<(), Gone> {
        self.close(&mut open.request);
        self.pass_on(open)
    }

    fn close(&mut self, request: &mut Request) {
        if request.has_events() {
            request.body_mut().close(self.clock.now());
            let begin = self.clock.monotonic();
            request.compress(&self.compressor);
            let took = self.clock.monotonic().saturating_duration_since(begin);
            self.progress.lock().compression_seconds += took.as_secs_f64();
        }
    }

    fn pass_on(&self, open: &mut Open) -> Result<(), Gone> {
        open.turn = None;
        let request = std::mem::replace(&mut open.request, self.fresh());
        self.requests.send(request).map_err(|_| Gone)
    }

    /// An empty request, used before when there is one. There are two in all: one here, one at the send thread, which
    /// gives its own back before it asks for the next.
    fn fresh(&self) -> Request {
        let mut request = self.spent.try_recv().unwrap_or_default();
        request.begin(self.heads.head());
        request
    }

    /// Gives the memory of a batch back; very much of it, or what nobody needs, is freed.
    fn recycle(&self, unpacked: Unpacked) {
        if let Some(blank) = unpacked.into_blank() {
            let _ = self.recycled.try_send(blank);
        }
    }
}

/// What is to be done with a request.
enum Next {
    /// It may leave at this moment, if nothing comes before.
    Wait(Instant),
    /// It may leave.
    HandOver,
    /// It may not leave in time, and nothing of what comes behind it either.
    LeaveBehind,
}

/// What lies on the pack thread's table.
struct Open {
    /// The request that is being filled.
    request: Request,
    /// The batch of which it has not taken everything.
    unpacked: Option<Unpacked>,
    /// The send thread is free.
    turn: Option<Turn>,
    /// No more batches will come.
    closed: bool,
}
