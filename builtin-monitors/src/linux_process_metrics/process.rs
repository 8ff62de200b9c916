//! One process under measurement: which it is, what it used until now, and which of its files cannot be read.

use std::io::{self, ErrorKind};

use scalyr_monitor::prelude::*;

use super::DAY;
use super::figures::{Figures, Series, Stat, fill_from_io, fill_from_status};
use super::tree::{Tree, is_gone};

/// What is read beside `stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Status,
    Io,
    Fd,
}

impl Source {
    const ALL: [Self; 3] = [Self::Status, Self::Io, Self::Fd];

    fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Io => "io",
            Self::Fd => "fd",
        }
    }

    fn metrics(self) -> &'static str {
        match self {
            Self::Status => "app.mem.bytes",
            Self::Io => "app.disk.*",
            Self::Fd => "app.io.fds",
        }
    }
}

/// A process that is measured.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// The process, as its `stat` was in this sample.
    pub(super) stat: Stat,
    /// What it has used by now.
    pub(super) now: Figures,
    /// What it had used at the sample before.
    pub(super) before: Figures,
    /// What is not tried again.
    refused: [bool; Source::ALL.len()],
}

impl Process {
    pub(super) fn new(pid: u32, stat: Stat) -> Self {
        let (now, before) = (Figures::default(), Figures::default());
        Self { pid, stat, now, before, refused: [false; Source::ALL.len()] }
    }

    /// Looks whether it is still there, and still the same process.
    pub(super) fn look(&mut self, tree: &mut Tree) -> bool {
        match tree.stat(self.pid) {
            Some(stat) if stat.start == self.stat.start => {
                self.stat = stat;
                true
            }
            _ => false,
        }
    }

    /// Reads what it has used by now.
    pub(super) fn read(&mut self, tree: &mut Tree, uptime: Option<i64>, out: &Sample) {
        self.now = Figures::default();
        self.stat.fill(tree.ticks_per_second, uptime, &mut self.now);
        for source in Source::ALL {
            if self.refused[source as usize] {
                continue;
            }
            let Err(error) = self.read_source(source, tree) else { continue };
            if is_gone(&error) && (error.kind() != ErrorKind::NotFound || !self.look(tree)) {
                return; // it is ending just now: the next sample leaves it out
            }
            self.refused[source as usize] = matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound);
            self.tell(source, &error, tree, out);
        }
    }

    fn read_source(&mut self, source: Source, tree: &mut Tree) -> io::Result<()> {
        match source {
            Source::Status => fill_from_status(tree.file(self.pid, source.name())?, &mut self.now),
            Source::Io => fill_from_io(tree.file(self.pid, source.name())?, &mut self.now),
            Source::Fd => self.now[Series::Descriptors as usize] = Some(tree.count(self.pid, source.name())?),
        }
        Ok(())
    }

    /// Tells once a day for each kind of file: a group may have many processes.
    fn tell(&self, source: Source, error: &io::Error, tree: &mut Tree, out: &Sample) {
        let (metrics, path) = (source.metrics(), tree.path_of(self.pid, source.name()).display());
        let advice = advice(error.kind(), rustix::process::geteuid().is_root());
        out.limited(source.name(), DAY).warn(format_args!(
            "Cannot read {path}: {error}. {metrics} of this process cannot be told, everything else is{advice}. Further \
             processes of which this is so are left out without a word for a day"
        ));
    }
}

/// What to do about a file that cannot be read, or what becomes of it.
fn advice(kind: ErrorKind, is_root: bool) -> &'static str {
    match (kind, is_root) {
        (ErrorKind::PermissionDenied, false) => {
            ". The kernel tells it of the processes of other users only to root, or with the capability CAP_SYS_PTRACE: run \
             the agent as root, or give it that"
        }
        (ErrorKind::PermissionDenied, true) => {
            ". The agent is root, but without the capability CAP_SYS_PTRACE, which the kernel wants for it: give it to the \
             container (`--cap-add SYS_PTRACE`) or to the systemd unit (`CapabilityBoundingSet=`) in which the agent runs"
        }
        (ErrorKind::NotFound, _) => ". The process lives, so this kernel was built without that file",
        _ => "; it is tried again with the next sample",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_not_told_to_become_root() {
        let told = |is_root| advice(ErrorKind::PermissionDenied, is_root);
        assert!(told(false).contains("run the agent as root"));
        assert!(!told(true).contains("run the agent as root"));
        assert!(told(true).contains("--cap-add SYS_PTRACE"));
    }
}
