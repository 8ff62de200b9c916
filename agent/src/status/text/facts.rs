//! Who runs, where and since when; and how it stands as a whole.

use std::fmt::{self, Write as _};

use super::super::{Health, Snapshot, build};
use super::moment;

pub(super) fn write(out: &mut String, snapshot: &Snapshot) -> fmt::Result {
    writeln!(out, "Scalyr Agent status.  See https://www.scalyr.com/help/scalyr-agent-2 for help\n")?;
    let mut fact = |label: &str, value: &dyn fmt::Display| writeln!(out, "{label:<25}{value}");
    fact("Current time:", &moment(snapshot.now))?;
    fact("Agent started at:", &moment(snapshot.started))?;
    fact("Main process pid:", &snapshot.pid)?;
    fact("Version:", &snapshot.version)?;
    fact("VCS revision:", &build::revision())?;
    // Where the Python agent tells the version of its language.
    fact("Python version:", &build::language())?;
    fact("Agent running as:", &snapshot.user)?;
    fact("Agent log:", &snapshot.log_path.join("agent.log").display())?;
    fact("ServerHost:", &snapshot.server_host)?;
    fact("Compression algorithm:", &snapshot.compression)?;
    fact("Compression level:", &snapshot.compression_level)?;
    if let Some(seconds) = snapshot.average_seconds {
        fact("Average status time:", &format!("{seconds:.4} sec."))?;
    }
    health(out, snapshot)?;
    writeln!(out)?;
    let host = form_quoted(&snapshot.server_host);
    let web = web_address(&snapshot.server);
    writeln!(out, "View data from this agent at: {web}/events?filter=$serverHost%3D%27{host}%27\n\n")
}

/// How the agent stands, and what is odd about the agent itself.
fn health(out: &mut String, snapshot: &Snapshot) -> fmt::Result {
    let word = match snapshot.health {
        Health::Good => "good",
        Health::Degraded => "degraded: data flows, yet something wants a look",
        Health::Failing => "failing: data does not flow",
    };
    writeln!(out, "{:<25}{word}", "Health:")?;
    snapshot.troubles.iter().try_for_each(|trouble| writeln!(out, "  - {trouble}"))?;
    if let Some(address) = snapshot.status_listen.as_ref().and_then(|listen| listen.address.as_ref()) {
        writeln!(out, "  {:<23}http://{address}/", "Status page:")?;
    }
    let memory = snapshot.memory_bound;
    let [total, requests, compressors, channels, files] =
        [memory.total, memory.requests, memory.compressors, memory.channels, memory.files].map(mebibytes);
    writeln!(
        out,
        "  {:<23}at most {total} MiB for uploads: {requests} for requests, {compressors} for compression, {channels} for \
         lines that wait, {files} for files",
        "Memory:"
    )?;
    let log = &snapshot.agent_log;
    if log.skipped_lines + log.lost_lines > 0 {
        let by: Vec<_> = log.skipped_by_component.iter().map(|(name, lines)| format!("{lines} of {name}")).collect();
        let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
        let (skipped, lost) = (log.skipped_lines, log.lost_lines);
        writeln!(out, "  {:<23}{skipped} lines over its limit{by}, {lost} not writable", "Agent log losses:")?;
    }
    if log.removed_unsettled_bytes > 0 {
        let bytes = log.removed_unsettled_bytes;
        writeln!(out, "  {:<23}{bytes} bytes were rotated away before they were uploaded", "Agent log:")?;
    }
    if let Some(error) = &snapshot.checkpoint.last_error {
        let since = snapshot.checkpoint.failing_since.map(|since| format!(" since {}", moment(since)));
        let path = snapshot.checkpoint.path.display();
        writeln!(out, "  Positions are not saved{}: {path}: {error}", since.unwrap_or_default())?;
    }
    Ok(())
}

/// Where a browser finds what the server has: `https://www.` in the place of the first word of a server of ours.
pub(super) fn web_address(server: &str) -> String {
    let known = ["agent.", "log.", "upload.", "app."];
    let found = known.iter().find_map(|word| server.strip_prefix("https://")?.strip_prefix(word));
    found.map_or_else(|| server.to_owned(), |rest| format!("https://www.{rest}"))
}

/// As in a form: letters, digits and `_.-~` stay, a blank is a plus sign.
fn form_quoted(text: &str) -> String {
    let mut quoted = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => quoted.push(char::from(byte)),
            b' ' => quoted.push('+'),
            _ => _ = write!(quoted, "%{byte:02X}"),
        }
    }
    quoted
}

/// To a tenth, as figures of memory are read.
#[expect(clippy::cast_precision_loss, reason = "a tenth is shown")]
fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / (1024.0 * 1024.0))
}
