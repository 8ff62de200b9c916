//! The log files of an instance, and the lines on their way into them.

use std::borrow::Cow;
use std::time::Duration;

use scalyr_monitor::prelude::*;
use scalyr_monitor::{LogRotation, WrittenLog};

use super::entry::Entry;
use super::fields::LineFields;
use super::line::{LineForm, push_line};
use super::routes::Routes;

/// How often one and the same trouble is told of.
const FIVE_MINUTES: Duration = Duration::from_secs(300);

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
}

struct Output {
    form: LineForm,
    /// None: what comes here is dropped.
    file: Option<WrittenLog>,
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
            files.push(Output { form: route.form, file, lines: String::new(), dropped: 0 });
        }
        Ok(Self { fields, routes, id, files })
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

    /// Writes all lines; false when some could not be written, which are kept for the next call.
    pub(super) fn write(&mut self, stop: &Stop) -> bool {
        let mut is_done = true;
        for output in &mut self.files {
            let Some(file) = output.file.as_ref().filter(|_| !output.lines.is_empty()) else { continue };
            let lost = file.write(&output.lines, stop);
            let rest = start_of_last(&output.lines, lost);
            output.lines.drain(..rest);
            output.lines.shrink_to(KEPT_CAPACITY);
            is_done &= lost == 0;
        }
        is_done
    }

    /// How many entries were dropped since it was last asked, because their entry of `journald_logs` is refused.
    pub(super) fn take_dropped(&mut self) -> u64 {
        self.files.iter_mut().map(|output| std::mem::take(&mut output.dropped)).sum()
    }
}

/// The field that tells instances apart.
const MONITOR_ID: &str = "monitor_id";

/// Where the last `count` lines begin.
fn start_of_last(lines: &str, count: u64) -> usize {
    let Some(before) = usize::try_from(count).ok().and_then(|count| count.checked_sub(1)) else { return lines.len() };
    // The end of the line before them, behind which they stand.
    let ends = memchr::memrchr_iter(b'\n', lines.as_bytes());
    ends.skip(before + 1).next().map_or(0, |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::start_of_last;

    #[test]
    fn the_last_lines_of_a_text_are_found() {
        for (count, rest) in [(0, ""), (1, "c\n"), (2, "b\nc\n"), (3, "a\nb\nc\n"), (9, "a\nb\nc\n")] {
            let lines = "a\nb\nc\n";
            assert_eq!(&lines[start_of_last(lines, count)..], rest);
        }
    }
}
