//! The two monitors that run on every host, in a real agent: what they tell of the real machine and of real processes
//! arrives at the server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod story;

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use story::{AgentProcess, Event, ReceiverProcess, Scratch, end_well, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(90);

/// A process that waits until it is ended, with this mark in its command line.
struct Job(Child);

impl Job {
    fn start(mark: &str) -> Self {
        let script = format!("read -r line # {mark}");
        Self(Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).spawn().unwrap())
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// How many lines of this metric log hold all the words.
fn count(events: &[Event], log: &str, words: &[&str]) -> usize {
    let has = |event: &&Event| event.logfile.ends_with(log) && words.iter().all(|word| event.text().contains(word));
    events.iter().filter(has).count()
}

#[test]
fn a_host_the_agent_itself_and_a_job_are_told_of_without_a_child_process() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let mark = format!("job-{}", std::process::id());
    let extra = json!({
        "implicit_metric_monitor": true,
        "implicit_agent_process_metrics_monitor": true,
        "global_monitor_sample_interval": 1,
        "global_monitor_sample_interval_enable_jitter": false,
        "monitors": [{
            "module": "linux_process_metrics", "id": "job", "commandline": mark, "monitor_log_write_rate": -1,
            "log_path": "job.log",
        }],
    });
    let config = write_config(&scratch, &receiver.url(), json!([]), extra);
    let job = Job::start(&mark);
    let mut agent = AgentProcess::start(&scratch, &config);
    for name in [
        "proc.uptime.total ",
        "proc.loadavg.1min ",
        "proc.stat.cpu ",
        "proc.kernel.entropy_avail ",
        "proc.vmstat.pgfault ",
        "proc.meminfo.memtotal ",
        "net.sockstat.num_sockets ",
        "net.stat.tcp.failed_accept ",
        "sys.cpu.count ",
    ] {
        let of_host = |events: &[Event]| count(events, "/linux_system_metrics.log", &[name]);
        wait_until(name, PATIENCE, || of_host(receiver.events()) >= 2);
    }
    let of_agent = |events: &[Event], name| count(events, "/linux_process_metrics.log", &[name, "app=\"agent\""]);
    wait_until("the agent tells of itself", PATIENCE, || of_agent(receiver.events(), "app.cpu ") >= 4);
    let of_job = |events: &[Event]| count(events, "/job.log", &["app.mem.bytes ", "app=\"job\"", "type=\"resident\""]);
    wait_until("the job is told of", PATIENCE, || of_job(receiver.events()) >= 2);

    drop(job);
    let log = || fs::read_to_string(scratch.path("log/agent.log")).unwrap();
    wait_until("the end of the job is told", PATIENCE, || {
        log().contains(&format!("No process matches the commandline `{mark}`"))
    });
    let told = of_job(receiver.events());
    let _again = Job::start(&mark);
    wait_until("the next job is found", PATIENCE, || of_job(receiver.events()) > told + 1);
    assert_eq!(log().matches("No process matches").count(), 1, "{}", log());

    // Page faults of children that were waited for: none ever were.
    let stat = fs::read_to_string(format!("/proc/{}/stat", agent.process().id())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    assert_eq!(fields[8], "0", "{stat}");
    end_well(&mut agent, PATIENCE);
}
