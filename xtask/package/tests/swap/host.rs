//! A host with a log and an agent, of one kind of package.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::ours;
use crate::python;
use crate::receiver::Receiver;
use crate::root::{Ran, Root, kept, wait_until};

/// The log of the stories.
pub(crate) const LOG: &str = "/var/log/app/app.log";
/// Another one, which a fragment of the user's names.
pub(crate) const OTHER_LOG: &str = "/var/log/app/other.log";
/// The user's configuration.
pub(crate) const CONFIG: &str = "/etc/scalyr-agent-2/agent.json";
/// A fragment of the user's.
pub(crate) const FRAGMENT: &str = "/etc/scalyr-agent-2/agent.d/other.json";
/// The key: no agent and no package may print it.
const KEY: &str = "story-key-that-must-never-be-shown";

/// Which package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Deb,
    Rpm,
}

impl Kind {
    fn ending(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
        }
    }
}

/// A host, and the server that its agent sends to.
pub(crate) struct Host {
    pub(crate) kind: Kind,
    pub(crate) root: Root,
    pub(crate) receiver: Receiver,
    shared: PathBuf,
    /// How many lines were written to the log.
    lines: AtomicU32,
}

impl Host {
    /// One that has never had an agent.
    pub(crate) fn new(kind: Kind) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let shared = kept(&format!("shared-{}-{count}", std::process::id()));
        _ = fs::remove_dir_all(&shared);
        fs::create_dir_all(&shared).unwrap();
        let ending = kind.ending();
        for version in [python::VERSION, "2.2.9"] {
            let old = python::packages().file("scalyr-agent-2", version, ending);
            fs::hard_link(old, shared.join(format!("old-{version}.{ending}"))).unwrap();
        }
        let aio = python::packages().file("scalyr-agent-2-aio", python::VERSION, ending);
        fs::hard_link(aio, shared.join(format!("aio.{ending}"))).unwrap();
        fs::hard_link(ours::package("1", ending), shared.join(format!("ours-1.{ending}"))).unwrap();
        let receiver = Receiver::start(&ours::program(), &shared);
        let host = Self { kind, root: Root::new(&shared), receiver, shared, lines: AtomicU32::new(0) };
        if kind == Kind::Rpm {
            host.root.done(&HOST_OF_RPM.replace("@OURS@", "/mnt/ours-1.rpm"));
        }
        host
    }

    /// Has the next release of ours, `ours-2`.
    pub(crate) fn has_next_release(&self) {
        let ending = self.kind.ending();
        fs::hard_link(ours::package("2", ending), self.shared.join(format!("ours-2.{ending}"))).unwrap();
    }

    /// Installs a package of /mnt as a person types it, but with nobody there to answer.
    pub(crate) fn install(&self, name: &str) -> Ran {
        self.root.run(&match self.kind {
            Kind::Deb => format!("dpkg -i /mnt/{name}.deb"),
            Kind::Rpm => format!("rpm -U /mnt/{name}.rpm"),
        })
    }

    /// The same for what has to succeed; returns what was said.
    #[track_caller]
    pub(crate) fn installed(&self, name: &str) -> String {
        let ran = self.install(name);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.said);
        assert!(!ran.said.contains(KEY), "{}", ran.said);
        ran.said
    }

    /// Removes a package, and keeps what the user has written.
    #[track_caller]
    pub(crate) fn removed(&self, package: &str) -> String {
        self.root.done(&match self.kind {
            Kind::Deb => format!("dpkg -r {package}"),
            Kind::Rpm => format!("rpm -e {package}"),
        })
    }

    /// Installs the Python agent, and gives it a key in its own way and a configuration with this in it, too.
    #[track_caller]
    pub(crate) fn has_old_agent(&self, more: &str) {
        self.installed("old-2.2.8");
        self.root.done(&format!("scalyr-agent-2-config --set-key {KEY}"));
        let ours = format!(
            "scalyr_server: \"{}\", allow_http: true, implicit_metric_monitor: false,\n  \
             implicit_agent_process_metrics_monitor: false, implicit_agent_log_collection: false,\n  \
             max_send_rate_enforcement: \"legacy\", min_request_spacing_interval: 0.2, max_request_spacing_interval: 0.5,\n  \
             max_new_log_detection_time: 2,\n  \
             {more}\n  server_attributes: {{ serverHost: \"swapped\" }} // edited",
            self.receiver.url()
        );
        let config = self.root.read(CONFIG);
        let begin = config.find("server_attributes: {").unwrap();
        let end = begin + config[begin..].find('}').unwrap() + 1;
        let config = format!("{}{ours}{}", &config[..begin], &config[end..]);
        let logs = format!("logs: [\n    {{ path: \"{LOG}\", attributes: {{ parser: \"app\" }} }},");
        self.root.write(CONFIG, &config.replacen("logs: [", &logs, 1));
        self.root.write(FRAGMENT, &format!("{{ logs: [ {{ path: \"{OTHER_LOG}\" }} ] }}\n"));
        // Old lines, at which an agent begins with the new ones.
        self.root.append(LOG, "from before the agent\n");
        self.root.append(OTHER_LOG, "from before the agent\n");
    }

    /// Starts the agent that is installed, and waits until it ships.
    #[track_caller]
    pub(crate) fn start(&self) {
        self.root.done("/etc/init.d/scalyr-agent-2 start");
        // What is in a log when an agent sees it for the first time is old, and is not sent.
        wait_until("the agent has seen the log", || {
            let said = self.root.run("scalyr-agent-2 status -v").said;
            said.lines().any(|line| line.contains(&format!("Path {LOG}: ")) && !line.contains("Never"))
        });
        self.ships_the_next_line();
    }

    /// A line that is written, and has to be sent sooner or later.
    pub(crate) fn write_line(&self) {
        let number = self.lines.fetch_add(1, Ordering::Relaxed) + 1;
        self.root.append(LOG, &format!("line {number}\n"));
    }

    /// Writes the next line, and waits until it has arrived.
    #[track_caller]
    pub(crate) fn ships_the_next_line(&self) {
        self.write_line();
        self.receiver.wait_for(LOG, &format!("line {}", self.lines.load(Ordering::Relaxed)));
    }

    /// All lines have arrived, each once and in their order.
    #[track_caller]
    pub(crate) fn assert_each_line_once(&self) {
        let expected: Vec<String> =
            (1..=self.lines.load(Ordering::Relaxed)).map(|number| format!("line {number}")).collect();
        assert_eq!(self.receiver.lines(LOG), expected);
    }

    /// The program that runs as the agent: the path of what is executed. None when none runs.
    pub(crate) fn running(&self) -> Option<String> {
        let ran = self.root.run(
            "pid=$(cat /var/log/scalyr-agent-2/agent.pid 2>/dev/null) && [ -d /proc/$pid ] && readlink /proc/$pid/exe",
        );
        (ran.code == Some(0)).then(|| ran.said.trim_end().to_owned())
    }

    /// Our agent is installed and runs.
    #[track_caller]
    pub(crate) fn assert_ours_runs(&self) {
        wait_until("our agent runs", || self.running().as_deref() == Some("/usr/sbin/scalyr-agent-2"));
    }

    /// The Python agent runs.
    #[track_caller]
    pub(crate) fn assert_python_runs(&self) {
        wait_until("the Python agent runs", || self.running().is_some_and(|exe| exe.contains("python")));
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.shared);
    }
}

/// The rpm of Debian knows nothing of what the host has: a package that has what ours needs.
const HOST_OF_RPM: &str = r"
{
    echo '%define _binary_payload w0.gzdio'
    echo 'Name: host'
    echo 'Version: 1'
    echo 'Release: 1'
    echo 'Summary: What every host has'
    echo 'License: Apache-2.0'
    echo 'BuildArch: noarch'
    echo 'Provides: bash = 5.2'
    rpm -qp --requires @OURS@ | grep -Ev '^(rpmlib|bash)|[<>=]' | sed 's/^/Provides: /'
    echo '%description'
    echo 'What every host has.'
    echo '%files'
} >/tmp/host.spec
rpmbuild --quiet -bb --define '_topdir /tmp/host' /tmp/host.spec
rpm -i /tmp/host/RPMS/noarch/host-1-1.noarch.rpm
";
