//! A real nginx on loopback.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::{Process, Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);

/// A port of loopback that was free just now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An nginx whose files all lie in the story's folder; ended when dropped.
pub(crate) struct Nginx {
    process: Option<Process>,
    program: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Nginx {
    /// Starts one with these `server` blocks, and waits until it listens on this port.
    pub(crate) fn start(scratch: &Scratch, port: u16, servers: &str) -> Self {
        let program = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"].map(PathBuf::from);
        let program = program.into_iter().find(|program| program.exists());
        let program = program.expect("this test needs nginx: apt-get install nginx-light (as .ci/run does)");
        let folder = scratch.path("nginx");
        fs::create_dir_all(&folder).unwrap();
        // Its workers are to read the story's folder, which is the user's only.
        let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {}/{what};\n", folder.display()))
            .concat();
        let config = format!(
            "{user}\ndaemon off;\nworker_processes 1;\npid {0}/pid;\nerror_log stderr;\nevents {{ worker_connections 64; }}\n\
             http {{\naccess_log {0}/access.log;\n{temporary}\n{servers}\n}}\n",
            folder.display()
        );
        fs::write(folder.join("nginx.conf"), config).unwrap();
        let mut nginx = Self { process: None, program, folder, port };
        nginx.start_again(scratch);
        nginx
    }

    /// Starts it again after a [`stop`](Self::stop).
    pub(crate) fn start_again(&mut self, scratch: &Scratch) {
        let mut command = Command::new(&self.program);
        command.arg("-e").arg("stderr").arg("-p").arg(&self.folder).arg("-c").arg(self.folder.join("nginx.conf"));
        command.env_clear().stdin(Stdio::null());
        let mut process = Process::start(scratch, "nginx-process", command);
        wait_until("nginx listens", PATIENCE, || {
            assert!(process.ended().is_none(), "nginx ended: {}", process.stderr());
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
        self.process = Some(process);
    }

    /// Ends it, its workers, too.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::TERM);
            process.wait(PATIENCE);
        }
    }

    /// What was asked of it, a line for each request.
    pub(crate) fn access_log(&self) -> String {
        fs::read_to_string(self.folder.join("access.log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The leader ends its workers; killed, it would leave them. Its end is not insisted on here.
        let Some(process) = &mut self.process else { return };
        if process.ended().is_none() {
            process.signal(Signal::TERM);
        }
        let mut looks = 0..500;
        while process.ended().is_none() && looks.next().is_some() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
