//! What the packages of the Python agent leave on a host, made by the Python agent itself: version 2.2.8, which pip fetches.
//!
//! Its real packages cannot be fetched here. These have their layout and do what they do (`cli-and-service.md` sections 11
//! and 12), in words of our own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::root::{Root, have_done, kept, made_of};

/// The last version that is on PyPI.
pub(crate) const VERSION: &str = "2.2.8";

/// The packages, in a folder.
pub(crate) struct Packages {
    folder: PathBuf,
}

impl Packages {
    /// `scalyr-agent-2_2.2.8_all.deb` or `scalyr-agent-2-2.2.8-1.noarch.rpm`, as `ending` says.
    pub(crate) fn file(&self, name: &str, version: &str, ending: &str) -> PathBuf {
        let file = match ending {
            "deb" => format!("{name}_{version}_all.deb"),
            _ => format!("{name}-{version}-1.noarch.rpm"),
        };
        self.folder.join(file)
    }
}

/// Makes them, when they are first asked for, and again when this program has changed.
pub(crate) fn packages() -> Packages {
    let folder = kept("python-packages");
    made_of(&folder, &[&std::env::current_exe().unwrap()], |new| {
        fs::create_dir(new).unwrap();
        let texts = [("make.sh", MAKE), ("agent.json", AGENT_JSON), ("init.sh", INIT), ("postinst", POSTINST)];
        for (name, text) in texts.into_iter().chain([("prerm", PRERM)]) {
            fs::write(new.join(name), text).unwrap();
        }
        have_done("coreutils", Command::new("cp").arg("-a").arg(source()).arg(new.join("py")));
        let root = Root::new(new);
        root.done("cd /mnt && sh -e make.sh >make.log 2>&1 || { tail -n 40 make.log; exit 1; }");
    });
    Packages { folder }
}

/// The Python agent, as pip unpacks it.
fn source() -> PathBuf {
    let path = kept("python-agent");
    made_of(&path, &[], |new| {
        let venv = kept("pip");
        have_done("python3-venv", Command::new("/usr/bin/python3").args(["-m", "venv", "--clear"]).arg(&venv));
        let mut pip = Command::new(venv.join("bin/python3"));
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--disable-pip-version-check"]);
        have_done("python3-venv", pip.arg("--target").arg(new).arg(format!("scalyr-agent-2=={VERSION}")));
    });
    path
}

/// The configuration that comes with it.
const AGENT_JSON: &str = include_str!("old/agent.json");

const INIT: &str = include_str!("old/init.sh");

/// After it was unpacked, with `configure` or the number of versions that are installed.
const POSTINST: &str = include_str!("old/postinst.sh");

/// Before it is removed, with `remove` or 0.
const PRERM: &str = include_str!("old/prerm.sh");

/// Builds the packages in /mnt.
const MAKE: &str = include_str!("old/make.sh");
