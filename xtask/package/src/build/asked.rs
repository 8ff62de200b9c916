//! The monitors of an agent, asked of the agent itself: what was forgotten by the linker is then missing here, too.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::package::Monitor;

/// More than any agent says; a program that is none may say anything.
const MOST: u64 = 64 * 1024 * 1024;

/// The version of this agent.
///
/// # Errors
/// It cannot be run, or is no agent.
pub(crate) fn version(agent: &Path) -> Result<String, String> {
    let told = ask(agent, &["version"])?;
    // `cli-and-service.md` section 1.
    let version = told.trim().strip_prefix("The Scalyr Agent 2 version is ");
    version.map(str::to_owned).ok_or_else(|| {
        format!(
            "{} is not the agent: asked for its version, it said {:?}",
            agent.display(),
            told.lines().next().unwrap_or_default()
        )
    })
}

/// Its monitors, sorted by name.
///
/// # Errors
/// It cannot be run, or refuses: two monitors of one name, for instance.
pub(crate) fn monitors(agent: &Path) -> Result<Vec<Monitor>, String> {
    let told = ask(agent, &["monitors", "--format", "json"])?;
    let list: Option<Vec<Monitor>> =
        serde_json::from_str::<Value>(&told).ok().and_then(|list| list.as_array()?.iter().map(monitor).collect());
    let mut list = list.ok_or_else(|| {
        format!("{} does not tell its monitors as this version of the agent does; build it anew", agent.display())
    })?;
    list.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(list)
}

fn monitor(told: &Value) -> Option<Monitor> {
    let text = |key: &str| told[key].as_str().map(str::to_owned);
    let description = text("description")?.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(Monitor {
        name: text("name")?,
        krate: text("crate")?,
        version: text("version")?,
        is_local: told["source"] == "local",
        is_example: false,
        summary: first_sentence(&description).to_owned(),
    })
}

/// Up to the first full stop that ends a word.
fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

/// What the program prints when it is asked this.
fn ask(agent: &Path, arguments: &[&str]) -> Result<String, String> {
    let told = || format!("`{} {}`", agent.display(), arguments.join(" "));
    let mut command = Command::new(agent);
    // No configuration of this machine may have a say.
    command.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{} cannot be run: {error}", told()))?;
    let (output, problems) = (child.stdout.take(), child.stderr.take());
    let (text, problem) = std::thread::scope(|scope| {
        let problem = scope.spawn(|| problems.map(|stream| read_some(stream, 64 * 1024)).unwrap_or_default());
        let text = output.map(|stream| read_some(stream, MOST)).unwrap_or_default();
        (text, problem.join().unwrap_or_default())
    });
    if text.len() as u64 == MOST {
        _ = child.kill();
    }
    let status = child.wait().map_err(|error| format!("{}: {error}", told()))?;
    if status.success() {
        return Ok(text);
    }
    Err(format!("{} failed ({status}): {}", told(), problem.trim_end()))
}

/// The text of a stream, up to so many bytes; what follows is read no more, which ends the writer.
fn read_some(stream: impl std::io::Read, most: u64) -> String {
    let mut bytes = Vec::new();
    // What was read before an error is told; the exit code says the rest.
    _ = stream.take(most).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_monitor_is_told_by_its_first_sentence() {
        assert_eq!(first_sentence("Reads `a.b` of it. And more."), "Reads `a.b` of it.");
        assert_eq!(first_sentence("Flips two coins"), "Flips two coins");
    }

    #[test]
    fn a_program_that_is_not_the_agent_is_told_as_that() {
        let said = version(Path::new("/bin/echo")).unwrap_err();
        assert_eq!(said, "/bin/echo is not the agent: asked for its version, it said \"version\"");
        let failed = monitors(Path::new("/bin/false")).unwrap_err();
        assert!(failed.starts_with("`/bin/false monitors --format json` failed"), "{failed}");
        let endless = version(Path::new("/usr/bin/yes")).unwrap_err();
        assert!(endless.contains("`/usr/bin/yes version` failed"), "{endless}");
        let absent = version(Path::new("/no/agent")).unwrap_err();
        assert!(absent.contains("cannot be run"), "{absent}");
    }
}
