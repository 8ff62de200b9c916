//! Running cargo, and saying which crate is to blame when it fails.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::preflight::workspace::{Crate, Workspace};

/// Builds with this call of cargo, whose progress stays on the terminal, and returns the program `agent`.
///
/// # Errors
/// It cannot be built: which crate is to blame.
pub(crate) fn agent(mut command: Command, workspace: &Workspace) -> Result<PathBuf, Vec<String>> {
    let coloured = std::io::stderr().is_terminal();
    command.arg(format!("--message-format=json{}", if coloured { "-diagnostic-rendered-ansi" } else { "" }));
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let program = || command.get_program().to_string_lossy().into_owned();
    let mut child = child.map_err(|error| vec![format!("cannot run {}: {error}", program())])?;
    let mut build = Build::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line.map_err(|error| vec![format!("cannot read what cargo prints: {error}")])?;
            if let Some(text) = build.take(&line) {
                // Over the line with the progress, if there is one.
                let over = if coloured { "\r\u{1b}[K" } else { "" };
                _ = write!(std::io::stderr(), "{over}{text}");
            }
        }
    }
    let status = child.wait().map_err(|error| vec![format!("cannot wait for {}: {error}", program())])?;
    match build.program {
        Some(path) if status.success() => Ok(path),
        _ => Err(build.problems(workspace)),
    }
}

/// What cargo's messages say.
#[derive(Debug, Default)]
struct Build {
    program: Option<PathBuf>,
    /// The manifest of each crate that does not compile, and the first error.
    failed: Vec<(PathBuf, String)>,
    /// What the linker said, if it refused.
    unlinked: Option<String>,
    /// Crates whose build script was compiled, by their manifests, and those whose script ran to its end, by their ids.
    scripts: Vec<(PathBuf, String)>,
    ran: BTreeSet<String>,
}

impl Build {
    /// Takes a message; what is to be shown of it is returned.
    fn take(&mut self, line: &[u8]) -> Option<String> {
        let message: Value = serde_json::from_slice(line).ok()?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let manifest = PathBuf::from(text(&message["manifest_path"]));
        let id = text(&message["package_id"]);
        match message["reason"].as_str()? {
            "compiler-message" => {
                let told = &message["message"];
                if told["level"] == "error" {
                    let first = text(&told["message"]);
                    // The linker's command line follows, of many lines.
                    if first.starts_with("linking with") {
                        self.unlinked = Some(text(&told["rendered"]));
                    } else if !self.failed.iter().any(|(known, _)| *known == manifest) {
                        self.failed.push((manifest, first));
                    }
                }
                return Some(text(&told["rendered"]));
            }
            "compiler-artifact" => {
                if let Some(program) = message["executable"].as_str().filter(|_| message["target"]["name"] == "agent") {
                    self.program = Some(program.into());
                }
                if message["target"]["kind"]
                    .as_array()
                    .is_some_and(|kinds| kinds.iter().any(|kind| kind == "custom-build"))
                {
                    self.scripts.push((manifest, id));
                }
            }
            "build-script-executed" => _ = self.ran.insert(id),
            _ => {}
        }
        None
    }

    /// Why there is no program.
    fn problems(&self, workspace: &Workspace) -> Vec<String> {
        let known = |manifest: &Path| workspace.crates.iter().find(|known| known.manifest == manifest);
        let name = |manifest: &Path| match known(manifest) {
            Some(known) if known.is_local() => format!("local monitor crate {} ({})", known.name, known.place),
            Some(known) => format!("{} ({})", known.name, known.place),
            None => {
                let folder = manifest.parent().and_then(Path::file_name).unwrap_or_default();
                format!("the library {}", folder.to_string_lossy())
            }
        };
        let mut problems: Vec<String> = self
            .failed
            .iter()
            .map(|(manifest, first)| format!("{} does not compile: {first}; all of it is above", name(manifest)))
            .collect();
        if let Some(told) = &self.unlinked {
            problems.push(link_problem(told, workspace));
        }
        if problems.is_empty() {
            let stuck = self.scripts.iter().filter(|(_, id)| !self.ran.contains(id));
            problems.extend(stuck.map(|(manifest, _)| {
                format!("{} cannot be built: its build script (build.rs) failed; what it said is above", name(manifest))
            }));
        }
        if problems.is_empty() {
            problems.push("cargo could not build the agent; its message is above".to_owned());
        }
        problems
    }
}

/// What to say of a linker's refusal: which crates name the symbol or library that is missing.
fn link_problem(told: &str, workspace: &Workspace) -> String {
    let missing = missing(told);
    let local = workspace.crates.iter().filter(|known| known.is_local());
    let named: Vec<String> = local
        .filter(|known| missing.iter().any(|word| names(known, word)))
        .map(|known| format!("local monitor crate {} ({})", known.name, known.place))
        .collect();
    let what = if missing.is_empty() {
        "its message is above".to_owned()
    } else {
        format!("it misses {}", missing.join(", "))
    };
    if named.is_empty() {
        return format!("the agent compiles, and the linker refuses it: {what}");
    }
    format!("{} compiles, and the linker refuses the agent: {what}, which is named there", named.join(", "))
}

/// The libraries and symbols that a linker misses, in the words of rust-lld, GNU ld and zig.
fn missing(told: &str) -> Vec<String> {
    const BEFORE: [&str; 6] = [
        "unable to find library -l",
        "cannot find -l",
        "undefined symbol: ",
        "undefined reference to `",
        "unable to find dynamic system library '",
        "undefined reference to '",
    ];
    let mut found = Vec::new();
    for line in told.lines() {
        let Some(rest) = BEFORE.iter().find_map(|before| line.split_once(before)).map(|(_, rest)| rest) else {
            continue;
        };
        let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || "_.+-:<>".contains(*c)).collect();
        let word = word.trim_end_matches([':', '.']).to_owned();
        if !word.is_empty() && !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

/// Whether a source of the crate, or its build script, has this word.
fn names(known: &Crate, word: &str) -> bool {
    let mut folders: Vec<PathBuf> = known.manifest.parent().map(Path::to_owned).into_iter().collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            // A link may lead back to where it is.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name() != "target" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && std::fs::read_to_string(&path).is_ok_and(|text| text.contains(word))
            {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_linker_misses_is_found_in_its_words() {
        let told = "error: linking with `cc` failed: exit status: 1\n  = note: rust-lld: error: unable to find library -lrain\n\
                    \x20 /usr/bin/ld: cannot find -lsnow: No such file or directory\n\
                    \x20 rust-lld: error: undefined symbol: rain_open\n>>> referenced by lib.rs\n\
                    \x20 a.rs:(.text+0x1): undefined reference to `hail_open'\n";
        assert_eq!(missing(told), ["rain", "snow", "rain_open", "hail_open"]);
    }
}
