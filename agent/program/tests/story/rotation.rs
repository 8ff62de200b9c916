//! How a log is rotated, as logrotate and programs do it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Lines;

/// A way to rotate `app.log` away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// `app.log` becomes `app.log.1`, that one becomes `.2` and so on, and a new file begins.
    Rename,
    /// A copy of `app.log` becomes `app.log.1`, then the file is emptied. The one who writes waits for both: what is
    /// written between the two is lost to everybody, whoever reads the log.
    CopyTruncate,
    /// `app.log` becomes `app.log.1`, and what was that one becomes `app.log.2.gz`.
    Compress,
}

impl Rotation {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Rename, Self::CopyTruncate, Self::Compress];

    /// Rotates the log; at most `keep` old files are left of it.
    pub(crate) fn rotate(self, lines: &mut Lines, keep: u32) {
        let end = if self == Self::Compress { ".gz" } else { "" };
        let old = |number: u32| numbered(lines, number, if number > 1 { end } else { "" });
        let from = if self == Self::Compress { 2 } else { 1 };
        for number in (from..=keep).rev().filter(|number| old(*number).exists()) {
            match number == keep {
                true => fs::remove_file(old(number)).unwrap(),
                false => fs::rename(old(number), old(number + 1)).unwrap(),
            }
        }
        match self {
            Self::Rename => fs::rename(lines.path(), old(1)).unwrap(),
            Self::CopyTruncate => {
                fs::copy(lines.path(), old(1)).unwrap();
                return lines.truncate();
            }
            Self::Compress => {
                if old(1).exists() {
                    compress(&old(1), &old(2));
                }
                fs::rename(lines.path(), old(1)).unwrap();
            }
        }
        lines.reopen();
    }
}

fn numbered(lines: &Lines, number: u32, end: &str) -> PathBuf {
    let mut path = lines.path().as_os_str().to_owned();
    path.push(format!(".{number}{end}"));
    path.into()
}

/// `gzip FILE`, under another name.
fn compress(file: &PathBuf, to: &PathBuf) {
    let mut gzip = Command::new("gzip");
    let to = fs::File::create(to).unwrap();
    let status = gzip.args(["-1", "-c"]).arg(file).stdin(Stdio::null()).stdout(to).status();
    assert!(status.is_ok_and(|status| status.success()), "gzip could not compress {}", file.display());
    fs::remove_file(file).unwrap();
}
