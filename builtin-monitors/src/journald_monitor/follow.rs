//! The reading of the journal, from its beginning to the monitor's end: journalctl is started, read, and started again.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use scalyr_monitor::prelude::*;

use super::checkpoints::{Checkpoint, Place};
use super::cursor::{self, is_cursor, is_same_entry};
use super::entry::CURSOR;
use super::export::ExportReader;
use super::journalctl::{Extent, Journal, Journalctl};
use super::outputs::Outputs;
use super::trouble::{self, Trouble};

/// How often one and the same trouble is told of.
const FIVE_MINUTES: Duration = Duration::from_secs(300);

/// How often it is looked whether the place in the journal is to be saved.
const LOOK: Duration = Duration::from_millis(250);

/// What is read at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// journalctl has so long to tell the newest entry, and to end once its output has.
const DEADLINE: Duration = Duration::from_secs(30);
const END_DEADLINE: Duration = Duration::from_secs(2);

/// The pause before journalctl is started again: this, and twice as long each time, up to a minute.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Reads the journal.
pub(super) struct Follower {
    journal: Journal,
    reader: ExportReader,
    outputs: Outputs,
    checkpoint: Option<Checkpoint>,
    /// Up to where it was read; the last lines may not be written yet. None: it is not known where to begin.
    read: Option<Place>,
    /// Up to where all lines are written.
    written: Option<Place>,
    saved: Option<Place>,
    /// The first entry that journalctl tells is skipped if it is this one: it was read before.
    known: Option<String>,
    /// A journal that is not there yet is new from its first entry on, unless the agent is started anew before.
    is_new: bool,
    /// Why the journal is not read, while that lasts.
    trouble: Option<String>,
    buffer: Vec<u8>,
}

/// How a piece of work with journalctl ended.
enum Outcome {
    /// There is more to come.
    GoesOn,
    /// Its output has ended.
    Ended,
}

impl Follower {
    pub(super) fn new(
        journal: Journal,
        reader: ExportReader,
        outputs: Outputs,
        checkpoint: Option<Checkpoint>,
    ) -> Self {
        Self {
            journal,
            reader,
            outputs,
            checkpoint,
            read: None,
            written: None,
            saved: None,
            known: None,
            is_new: false,
            trouble: None,
            buffer: vec![0; PIECE_BYTES],
        }
    }

    /// Finds out where it stood before the start. An entry that is older than `staleness` does not count.
    pub(super) fn begin(&mut self, staleness: Option<Duration>, run: &Run) {
        let place = match self.checkpoint.as_ref().map(Checkpoint::load) {
            Some(Ok(place)) => place,
            Some(Err(error)) => {
                run.logger().error(format_args!(
                    "Where the journal was read to cannot be known: {error}. It is read from its end; what came since the \
                     agent was stopped is skipped"
                ));
                None
            }
            None => None,
        };
        let Some(place) = place else { return };
        let age = place.cursor().and_then(|cursor| cursor::age(cursor, run.clock().now()));
        if let (Some(staleness), Some(age)) = (staleness, age)
            && age > staleness
        {
            run.logger().warn(format_args!(
                "The journal was read to an entry that is {} s old, which is more than staleness_threshold_secs ({} s). It \
                 is read from its end; what lies between is skipped",
                age.as_secs(),
                staleness.as_secs_f64()
            ));
            return;
        }
        run.logger().info(match &place {
            Place::Behind(_) => "Reading the journal goes on behind the last entry that was read",
            Place::Beginning => "Reading the journal goes on at its first entry: there was none yet",
        });
        (self.read, self.written, self.saved) = (Some(place.clone()), Some(place.clone()), Some(place));
    }

    /// Follows the journal until the monitor is asked to stop.
    ///
    /// # Errors
    /// When the system gives nothing to wait with.
    pub(super) fn follow(&mut self, run: &mut Run) -> Result<()> {
        let wake = Wake::new(run.stop())?;
        let mut pause = Pause::default();
        let mut child = None;
        while !run.stop().is_stopped() {
            self.note_trouble(run);
            if run.is_due() {
                self.tell_losses(run);
                run.sample(|_| self.save());
            }
            let Some(running) = &mut child else {
                if !pause.is_over(run.clock()) {
                    run.stop().wait(LOOK);
                    continue;
                }
                pause.begin(run.clock());
                child = self.start(&wake, run);
                continue;
            };
            match self.read_piece(running, &wake, run) {
                Ok(Outcome::GoesOn) => {}
                Ok(Outcome::Ended) => {
                    if let Some(ended) = child.take() {
                        self.tell_end(ended, &wake, run);
                    }
                }
                Err(error) => {
                    child = None;
                    self.fail(format!("journalctl cannot be read: {error}"), "read", run);
                }
            }
            if !self.write(run) {
                continue;
            }
            if child.is_some() && self.read != self.written {
                pause.lift();
            }
            self.written.clone_from(&self.read);
        }
        drop(child);
        self.tell_losses(run);
        self.save().inspect_err(|error| run.logger().error(format_args!("{error}")))
    }

    /// Starts journalctl where the reading stands; none when that is not possible now, which is told.
    fn start(&mut self, wake: &Wake, run: &Run) -> Option<Journalctl> {
        if let Some((trouble, text)) = trouble::of_folder(&self.journal.folder) {
            self.fail(text, trouble.cause(), run);
            // One that is empty, or is not there yet, is new from its first entry on.
            self.is_new = self.read.is_none() && trouble == Trouble::NoJournal;
            return None;
        }
        if std::mem::take(&mut self.is_new) {
            (self.read, self.written) = (Some(Place::Beginning), Some(Place::Beginning));
        }
        if self.read.is_none() {
            match self.find_end(wake, run) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.fail(format!("The journal cannot be read: {error}"), "start", run);
                    return None;
                }
            }
        }
        self.reader.begin_anew();
        self.known = self.read.as_ref().and_then(Place::cursor).map(str::to_owned);
        let extent = self.known.as_deref().map_or(Extent::All, Extent::From);
        match Journalctl::start(&self.journal, extent) {
            Ok(child) => {
                self.trouble = None;
                Some(child)
            }
            Err(error) => {
                self.fail(format!("The journal cannot be read: {error}"), "start", run);
                None
            }
        }
    }

    /// Finds the newest entry, behind which the first start begins; false when that could not be found out. A journal
    /// without an entry is read from its beginning: what is there later has come since.
    fn find_end(&mut self, wake: &Wake, run: &Run) -> Result<bool> {
        let mut child = Journalctl::start(&self.journal, Extent::Newest)?;
        let deadline = run.clock().monotonic() + DEADLINE;
        let mut newest = None;
        self.reader.begin_anew();
        loop {
            let ready = child.wait(wake.0.as_fd(), LOOK)?;
            if run.stop().is_stopped() {
                return Ok(false);
            }
            if ready.err {
                child.read_told(|line| _ = tell_line(line, &self.journal.folder, run));
            }
            if ready.out {
                let count = child.read(&mut self.buffer)?;
                if count == 0 {
                    break;
                }
                let piece = self.buffer.get(..count).unwrap_or_default();
                self.reader.read(piece, |entry| newest = entry.text(CURSOR).map(String::from));
            }
            if run.clock().monotonic() >= deadline {
                let (program, seconds) = (&self.journal.program, DEADLINE.as_secs());
                return Err(Error::new(format!("{program} did not tell the newest entry within {seconds} s")));
            }
        }
        let ended = child.end(wake.0.as_fd(), END_DEADLINE, |line| _ = tell_line(line, &self.journal.folder, run));
        if !ended.is_some_and(|status| status.success()) {
            let how = ended.map_or_else(|| "did not end".to_owned(), |status| format!("failed: {status}"));
            let program = &self.journal.program;
            self.fail(
                format!("{program} {how} when it was asked for the newest entry; it is tried again"),
                "ended",
                run,
            );
            return Ok(false);
        }
        if let Some(cursor) = newest.as_ref().filter(|cursor| !is_cursor(cursor)) {
            let program = &self.journal.program;
            return Err(Error::new(format!(
                "{program} told {cursor:?} as the place of the newest entry, which is none"
            )));
        }
        let place = newest.map_or(Place::Beginning, Place::Behind);
        (self.read, self.written) = (Some(place.clone()), Some(place));
        // From now on nothing is skipped.
        if let Err(error) = self.save() {
            run.limited("save", FIVE_MINUTES).error(format_args!("{error}"));
        }
        run.logger().info(match &self.read {
            Some(Place::Behind(_)) => "Reading the journal begins at its end",
            _ => "Reading the journal begins with its first entry: there is none yet",
        });
        Ok(true)
    }

    /// Waits for a moment, and reads what there is.
    fn read_piece(&mut self, child: &mut Journalctl, wake: &Wake, run: &Run) -> Result<Outcome> {
        let ready = child.wait(wake.0.as_fd(), LOOK)?;
        if ready.err {
            let folder = &self.journal.folder;
            let mut bad_cursor = false;
            child.read_told(|line| bad_cursor |= tell_line(line, folder, run) == Trouble::Cursor);
            if bad_cursor {
                self.forget_cursor();
            }
        }
        if !ready.out || run.stop().is_stopped() {
            return Ok(Outcome::GoesOn);
        }
        let count = child.read(&mut self.buffer)?;
        let piece = self.buffer.get(..count).unwrap_or_default();
        let (outputs, read, known, now) = (&mut self.outputs, &mut self.read, &mut self.known, run.clock().now());
        self.reader.read(piece, |entry| {
            let cursor = entry.text(CURSOR).filter(|cursor| is_cursor(cursor));
            if let (Some(known), Some(cursor)) = (known.take(), &cursor)
                && is_same_entry(&known, cursor)
            {
                return;
            }
            outputs.push(now, entry, run);
            if let Some(cursor) = cursor {
                *read = Some(Place::Behind(cursor.into_owned()));
            }
        });
        Ok(if count == 0 { Outcome::Ended } else { Outcome::GoesOn })
    }

    /// The next start begins at the end of the journal.
    fn forget_cursor(&mut self) {
        (self.read, self.written, self.saved) = (None, None, None);
    }

    fn tell_end(&mut self, child: Journalctl, wake: &Wake, run: &Run) {
        let folder = self.journal.folder.clone();
        let mut bad_cursor = false;
        let status = child.end(wake.0.as_fd(), END_DEADLINE, |line| {
            bad_cursor |= tell_line(line, &folder, run) == Trouble::Cursor;
        });
        if bad_cursor {
            self.forget_cursor();
        }
        if run.stop().is_stopped() {
            return;
        }
        let how = status.map_or_else(|| "closed its output".to_owned(), |status| format!("ended: {status}"));
        let told = format!("{} {how}; it is started again, and reading goes on where it stood", self.journal.program);
        run.limited("ended", FIVE_MINUTES).warn(&told);
        self.trouble = Some(told);
    }

    /// Tells why the journal is not read.
    fn fail(&mut self, told: String, cause: &str, run: &Run) {
        run.limited(cause, FIVE_MINUTES).error(&told);
        self.trouble = Some(told);
    }

    fn note_trouble(&self, run: &mut Run) {
        run.note_trouble(self.outputs.trouble().or(self.trouble.as_deref()));
    }

    /// Writes the lines that were read, and waits while that is not possible; what is not read yet stays in the journal
    /// meanwhile. False when the monitor is to stop before.
    fn write(&mut self, run: &mut Run) -> bool {
        while let Some(pause) = self.outputs.write(run) {
            self.note_trouble(run);
            if run.stop().wait(pause) {
                return self.outputs.write(run).is_none();
            }
            if run.is_due() {
                run.sample(|_| self.save());
            }
        }
        true
    }

    /// Saves the place up to which all lines are written.
    fn save(&mut self) -> Result<()> {
        let (Some(checkpoint), Some(place)) = (&self.checkpoint, &self.written) else { return Ok(()) };
        if self.saved == self.written {
            return Ok(());
        }
        checkpoint.save(place).map_err(|error| {
            Error::new(format!(
                "The place in the journal cannot be saved: {error}. An agent that is started anew repeats what it has read \
                 since"
            ))
        })?;
        self.saved = Some(place.clone());
        Ok(())
    }

    fn tell_losses(&mut self, run: &Run) {
        let flaws = self.reader.take_flaws();
        let told = [
            ("cut", flaws.cut_values, "values of the journal were longer than 256 KiB; the rest of each is left out"),
            (
                "damaged",
                flaws.damaged,
                "entries of the journal could not be read to their end; the rest of each is left out",
            ),
            (
                "withheld",
                self.outputs.take_dropped(),
                "entries of the journal were left out: their entry of journald_logs is refused, and without its \
                 redaction_rules they do not leave this host",
            ),
        ];
        for (cause, count, what) in told {
            if count > 0 {
                run.limited(cause, FIVE_MINUTES).warn(format_args!("{count} {what}"));
            }
        }
    }
}

/// Tells a line of journalctl, if it is of interest.
fn tell_line(line: &str, folder: &str, run: &Run) -> Trouble {
    let trouble = Trouble::of_line(line);
    if trouble != Trouble::Nothing {
        let cause = if trouble == Trouble::Other { line } else { trouble.cause() };
        run.limited(cause, FIVE_MINUTES).error(trouble.text(line, folder));
    }
    trouble
}

/// Can be read once the monitor is asked to stop, so that nobody waits for journalctl then.
struct Wake(UnixStream);

impl Wake {
    fn new(stop: &Stop) -> io::Result<Self> {
        let (here, there) = UnixStream::pair()?;
        stop.on_stop(move || drop(there));
        Ok(Self(here))
    }
}

/// The pause between two starts.
#[derive(Default)]
struct Pause {
    until: Option<Instant>,
    last: Duration,
}

impl Pause {
    fn is_over(&self, clock: &Clock) -> bool {
        self.until.is_none_or(|until| clock.monotonic() >= until)
    }

    /// Begins with a start: so long from now there is no other one.
    fn begin(&mut self, clock: &Clock) {
        self.last = self.last.saturating_mul(2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.until = Some(clock.monotonic() + self.last);
    }

    /// It works: the next pause is the shortest one.
    fn lift(&mut self) {
        self.last = Duration::ZERO;
    }
}
