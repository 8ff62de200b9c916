//! Makes symbolic links beside files, so that several workers copy the same file: for load tests.

mod name_format;
mod search;

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use scalyr_monitor::prelude::*;

use name_format::NameFormat;
use search::Search;

/// A trouble that lasts is told once in this time.
const TOLD_EVERY: Duration = Duration::from_secs(300);

/// So many links are made in one sample; the next one goes on.
const MOST_LINKS: usize = 10_000;

/// The greatest `symlinks_count`: as many links of a file are known as its own.
const MOST_PER_FILE: usize = 10;

/// Makes symbolic links beside each file that matches a pattern, so that one file is copied several times: for tests of
/// the agent under load, not for production. It emits nothing.
///
/// Do not let it look into a directory in which others than the agent's user may write: the agent would follow links of
/// theirs. It never removes a link.
#[scalyr_monitor(name = "symlink_file_monitor", module = "scalyr_agent.builtin_monitors.symlink_file_monitor")]
pub struct SymlinkFileMonitor {
    /// The files that get links: an absolute path with `*`, `?` and `[…]`, and `**` for directories of any
    /// depth, those behind symbolic links left out.
    #[config(required)]
    input_path_glob: String,

    /// The name of a link: `{index}` is its number, from 0, `{index:02d}` the same with two digits, and `{file_name}` the
    /// name of the file.
    #[config(required)]
    symlink_file_name_format: String,

    /// How many links each file gets.
    #[config(default = 1, min = 1, max = 10)]
    symlinks_count: usize,

    search: Search,
    format: NameFormat,
    /// How many links were made since the start.
    made: usize,
    /// Whether it was told that nothing matches, and that is still so.
    is_nothing_told: bool,
}

/// What a sample did.
#[derive(Default)]
struct Done {
    found: usize,
    made: usize,
    is_full: bool,
}

impl Monitor for SymlinkFileMonitor {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        self.search = Search::parse(&self.input_path_glob).about("input_path_glob")?;
        self.format = NameFormat::parse(&self.symlink_file_name_format).about("symlink_file_name_format")?;
        if self.symlinks_count > 1 && !self.format.has_index() {
            context.logger().warn(
                "`symlink_file_name_format` has no `{index}`, so each file gets one link only; add it, or remove \
                 `symlinks_count`",
            );
        }
        Ok(())
    }

    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        let mut done = Done::default();
        self.search.run(out.stop(), &mut |path, is_read| {
            match is_read {
                Ok(()) => {
                    done.found += 1;
                    self.link(path, &mut done, out);
                }
                Err(error) => out
                    .limited("read", TOLD_EVERY)
                    .warn(format_args!("{}: {error}; let the agent's user look into it", path.display())),
            }
            if done.is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if done.is_full {
            out.limited("full", TOLD_EVERY).warn(format_args!(
                "{MOST_LINKS} links were made, and there are files left; the next sample goes on. Is the pattern too wide?"
            ));
        }
        if done.made > 0 {
            self.made = self.made.saturating_add(done.made);
            out.limited("made", TOLD_EVERY)
                .info(format_args!("Links made: {}; since the start {}", done.made, self.made));
        }
        let is_nothing = done.found == 0 && !out.stop().is_stopped();
        if is_nothing && !self.is_nothing_told {
            out.logger().info(format_args!(
                "No file matches `input_path_glob`, {}; links are made once there is one",
                self.input_path_glob
            ));
        }
        self.is_nothing_told = is_nothing;
        Ok(())
    }
}

impl SymlinkFileMonitor {
    /// Makes the links of a file that are not there yet.
    fn link(&self, path: &Path, done: &mut Done, out: &Sample) {
        let (Some(folder), Some(file_name)) = (path.parent(), path.file_name()) else { return };
        let Some(name) = file_name.to_str() else {
            out.limited("name", TOLD_EVERY).warn(format_args!("{path:?} gets no links: its name is not UTF-8"));
            return;
        };
        if self.is_own_link(path, name) {
            return;
        }
        for index in 0..self.symlinks_count {
            if done.made == MOST_LINKS {
                done.is_full = true;
                return;
            }
            let link = folder.join(self.format.name(index, name));
            // One that leads nowhere is there, too.
            if fs::symlink_metadata(&link).is_ok() {
                continue;
            }
            // To the file beside it, which holds wherever the directory is mounted.
            match symlink(file_name, &link) {
                Ok(()) => done.made += 1,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    out.limited(&error.kind().to_string(), TOLD_EVERY).warn(format_args!(
                        "cannot make the link {}: {error}{}",
                        link.display(),
                        hint(error.kind())
                    ));
                    return;
                }
            }
        }
    }

    /// Whether it is a link that this monitor made, or could have made: it gets no links of its own.
    fn is_own_link(&self, path: &Path, name: &str) -> bool {
        let Ok(target) = fs::read_link(path) else { return false };
        let is_beside = target.parent().is_some_and(|folder| folder == Path::new("") || Some(folder) == path.parent());
        let Some(file) = target.file_name().and_then(OsStr::to_str).filter(|_| is_beside) else { return false };
        (0..MOST_PER_FILE).any(|index| self.format.name(index, file) == name)
    }
}

fn hint(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::PermissionDenied => "; let the agent's user write in this directory",
        ErrorKind::ReadOnlyFilesystem => "; the file system can only be read",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; make room on it",
        ErrorKind::InvalidFilename => "; make `symlink_file_name_format` shorter",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
