//! The log files of an instance, and the lines on their way into them.

use std::borrow::Cow;
use std::time::Duration;

use scalyr_monitor::prelude::*;
use scalyr_monitor::{LogRotation, LogWriter, Obstacle, WhenFull};

use super::entry::Entry;
use super::fields::LineFields;
use super::line::{LineForm, push_line};
use super::routes::Routes;

/// How often one and the same trouble is told of.
const FIVE_MINUTES: Duration = Duration::from_secs(300);

/// How long a log file is left alone that is full, or cannot be written.
const FULL_PAUSE: Duration = Duration::from_millis(50);
const DISK_PAUSE: Duration = Duration::from_secs(1);

/// What the buffers keep between two pieces of the journal.
const KEPT_CAPACITY: usize = 64 * 1024;

/// The log files, and which entry goes into which.
pub(super) struct Outputs {
    fields: LineFields,
    routes: Routes,
    /// The instance's id; empty when it has none.
    id: String,
    /// One for each route.
    files: Vec<Output>,
    /// Why a file cannot be written, while that lasts.
    trouble: Option<String>,
}

struct Output {
    form: LineForm,
    /// The name of its file.
    name: String,
    /// None: what comes here is dropped.
    file: Option<LogWriter>,
    /// Lines that are not written yet.
    lines: String,
    dropped: u64,
}

impl Outputs {
    /// Opens all files, so that each is copied from now on, also when nothing comes for it for long.
    ///
    /// # Errors
    /// When one cannot be opened or copied.
    pub(super) fn open(
        fields: LineFields,
        routes: Routes,
        id: String,
        log_files: &LogFiles,
        rotation: LogRotation,
    ) -> Result<Self> {
        let mut files = Vec::new();
        for route in routes.iter() {
            let file = match route.is_withheld {
                true => None,
                false => Some(log_files.open(route.log.clone(), rotation)?),
            };
            let name = route.log.path.display().to_string();
            files.push(Output { form: route.form, name, file, lines: String::new(), dropped: 0 });
        }
        Ok(Self { fields, routes, id, files, trouble: None })
    }

    /// Makes the line of an entry; it is written by [`write`](Self::write).
    pub(super) fn push(&mut self, time: Timestamp, entry: &Entry, run: &Run) {
        let mut fields: Vec<(&str, Cow<'_, str>)> = self.fields.of(entry).collect();
        let number = self.routes.find(&fields, |error| {
            run.limited("expression", FIVE_MINUTES).warn(format_args!("journald_unit: {error}"));
        });
        let Some(output) = self.files.get_mut(number) else { return };
        if output.file.is_none() {
            output.dropped += 1;
            return;
        }
        if !self.id.is_empty() && !fields.iter().any(|(name, _)| *name == MONITOR_ID) {
            let place = fields.partition_point(|(name, _)| *name < MONITOR_ID);
            fields.insert(place, (MONITOR_ID, self.id.as_str().into()));
        }
        push_line(&mut output.lines, time, entry, &fields, output.form);
    }

    /// Writes all lines. Those that could not be written are kept for the next call, and it is told why: then it gives
    /// the time after which to try again. When the monitor is to stop, files grow beyond their size.
    pub(super) fn write(&mut self, run: &mut Run) -> Option<Duration> {
        let when_full = if run.stop().is_stopped() { WhenFull::Grow } else { WhenFull::Leave };
        let (mut again, mut count) = (None, 0);
        self.trouble = None;
        for output in &mut self.files {
            let Some(file) = output.file.as_mut().filter(|_| !output.lines.is_empty()) else { continue };
            let appended = file.append(output.lines.as_bytes(), when_full);
            let written = output.lines.floor_char_boundary(appended.written);
            count +=
                memchr::memchr_iter(b'\n', output.lines.as_bytes().get(..written).unwrap_or_default()).count() as u64;
            output.lines.drain(..written);
            output.lines.shrink_to(KEPT_CAPACITY);
            let name = &output.name;
            let pause = match appended.obstacle {
                None => continue,
                Some(Obstacle::Full { unsettled: 0 }) => FULL_PAUSE,
                Some(Obstacle::Full { unsettled }) => {
                    run.limited("full", FIVE_MINUTES).warn(format_args!(
                        "Reading the journal waits: the log file {name} is full, and {unsettled} bytes of the oldest file \
                         are not uploaded yet, which a rotation would remove"
                    ));
                    FULL_PAUSE
                }
                Some(Obstacle::Failed(error)) => {
                    run.limited("written", FIVE_MINUTES).error(format_args!(
                        "Reading the journal waits: the log file {name} cannot be written: {error}. What was read is kept \
                         and written once that is mended"
                    ));
                    self.trouble = Some(format!("the log file {name} cannot be written: {error}"));
                    DISK_PAUSE
                }
            };
            again = again.max(Some(pause));
        }
        run.count_lines(count, 0);
        again
    }

    /// Why a file could not be written the last time, unless it only waits for its upload.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// How many entries were dropped since it was last asked, because their entry of `journald_logs` is refused.
    pub(super) fn take_dropped(&mut self) -> u64 {
        self.files.iter_mut().map(|output| std::mem::take(&mut output.dropped)).sum()
    }
}

/// The field that tells instances apart.
const MONITOR_ID: &str = "monitor_id";
