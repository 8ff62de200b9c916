//! Runs a command line with each sample; its output is the value.

mod text;

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use scalyr_monitor::prelude::*;

use crate::child::{Bounds, Children, CutShort, Ended};
use crate::excerpt::{Excerpt, ExcerptOptions};
use text::{StandardError, text_of};

/// A trouble that lasts is told once in this time.
const TOLD_EVERY: Duration = Duration::from_secs(300);

/// Runs a command line with each sample and emits what it wrote, how long it took and how it ended: a way to watch
/// whatever a command can tell.
///
/// The command runs as the agent's user, and its text is part of each line: do not write a password into it.
#[scalyr_monitor(
    name = "shell_monitor",
    module = "scalyr_agent.builtin_monitors.shell_monitor",
    log_fields(
        monitor = "`shell_monitor`.",
        metric = "The name of the metric: `output`.",
        instance = "The `id` of the entry.",
        command = "The command line.",
        value = "What the command wrote.",
        length = "How many characters that was, before lines and characters were cut off.",
        duration = "How long the command ran, in whole seconds.",
        exit_code = "The exit code; the number of the signal, below zero, where a signal ended the shell."
    )
)]
pub struct ShellMonitor {
    /// What is run, by `/bin/sh -c`.
    #[config(required)]
    command: String,

    #[config(flatten)]
    excerpt: ExcerptOptions,

    /// How long the command may take, in seconds. Then it is killed, with all processes that it started in its process
    /// group; what it has written until then is emitted.
    #[config(default = 60, min = 0.1, max = 86_400)]
    timeout: Duration,

    /// What becomes of the standard error of the command.
    #[config(default = StandardError::Before)]
    stderr: StandardError,

    /// How many bytes are kept of each of the two streams; what follows is left out, and a warning says so. (What is then
    /// emitted is bounded by `max_characters`.)
    #[config(default = 10_485_760, min = 1, max = 268_435_456)]
    max_output_bytes: usize,

    /// Whether the text is emitted as a number as well, in the metric `number`, where it is one: only numbers can be drawn
    /// in a graph.
    #[config(default = false)]
    emit_number: bool,

    /// What the command wrote, as `stderr`, `extract`, `log_all_lines` and `max_characters` leave it.
    #[metric]
    output: Metric<&'static str, Ran<'static>>,

    /// The same as a number, with `emit_number`.
    #[metric]
    number: Metric<f64, Asked<'static>>,

    /// How long the command ran.
    #[metric(unit = "sec:.001")]
    duration_ms: Metric<f64, How>,

    children: Children,
}

/// Extra fields of the output.
#[derive(Fields)]
struct Ran<'a> {
    /// The command line.
    command: &'a str,
    /// How long the command ran, in whole seconds.
    duration: u64,
    /// The exit code; the number of the signal, below zero, where a signal ended the shell.
    exit_code: i32,
    /// How many characters there were before lines and characters were cut off.
    length: usize,
}

/// Extra field of the number.
#[derive(Fields)]
struct Asked<'a> {
    /// The command line.
    command: &'a str,
}

/// Extra field of the duration.
#[derive(Fields)]
struct How {
    /// The exit code; the number of the signal, below zero, where a signal ended the shell.
    exit_code: i32,
}

impl Monitor for ShellMonitor {
    fn initialize(&mut self, _: &mut Context) -> Result<()> {
        if self.command.trim().is_empty() {
            return Err(Error::new("`command` is empty: give the command line that is run with each sample"));
        }
        match self.command.contains('\0') {
            true => Err(Error::new("`command` holds a NUL character, which no command can")),
            false => Ok(()),
        }
    }

    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(&self.command);
        let bounds = Bounds { timeout: self.timeout, max_output_bytes: self.max_output_bytes };
        let ended = self.children.run(command, bounds, out.stop())?;
        if ended.cut_short == Some(CutShort::Stopped) {
            out.logger().info("The command was ended before its time, because the monitor stops");
            return Ok(());
        }
        self.tell(&ended, out);
        let text = text_of(&ended, self.stderr);
        let Excerpt { value, length } = self.excerpt.of(&text)?;
        let exit_code = exit_code(ended.status);
        let duration = ended.took.as_secs();
        out.emit_with(self.output, &*value, Ran { command: &self.command, duration, exit_code, length });
        out.emit_with(self.duration_ms, ended.took.as_micros() as f64 / 1000.0, How { exit_code });
        if self.emit_number {
            self.emit_as_number(&value, out);
        }
        Ok(())
    }
}

impl ShellMonitor {
    /// What the user has to know of a command that did not end as it should.
    fn tell(&self, ended: &Ended, out: &Sample) {
        let seconds = self.timeout.as_secs_f64();
        match ended.cut_short {
            Some(CutShort::Deadline) => out.limited("deadline", TOLD_EVERY).warn(format_args!(
                "The command had not ended after {seconds} s and was killed, with all that it had started; make it faster, \
                 or `timeout` longer"
            )),
            Some(CutShort::OutputHeld) => out.limited("held", TOLD_EVERY).warn(format_args!(
                "The command has ended, but a process that it started held its output until it was killed after {seconds} s; \
                 let what stays in the background write elsewhere, as in `… >/dev/null 2>&1 &`"
            )),
            Some(CutShort::Stopped) | None => {}
        }
        let left_out = match self.stderr {
            StandardError::Ignore => ended.stdout.left_out,
            _ => ended.stdout.left_out + ended.stderr.left_out,
        };
        if left_out > 0 {
            out.limited("output", TOLD_EVERY).warn(format_args!(
                "The command wrote more than `max_output_bytes`, {}; the last {left_out} bytes are left out",
                self.max_output_bytes
            ));
        }
    }

    fn emit_as_number(&self, value: &str, out: &mut Sample) {
        match value.trim().parse::<f64>().ok().filter(|number| number.is_finite()) {
            Some(number) => out.emit_with(self.number, number, Asked { command: &self.command }),
            None => out.limited("number", TOLD_EVERY).warn(
                "What the command wrote is no number, so none is emitted; take the number out with `extract`, or remove \
                 `emit_number`",
            ),
        }
    }
}

/// As Python's `subprocess` has it.
fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
