//! The tools that a build needs.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Whether this C compiler compiles; the error says what is wrong with it.
///
/// A compiler without the headers of the C library is a common half installation, so a program is compiled.
pub(crate) fn compiles(compiler: &str) -> Result<(), String> {
    const PROGRAM: &[u8] = b"#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n";
    let mut command = Command::new(compiler);
    command.args(["-x", "c", "-", "-o", "/dev/null"]).stdin(Stdio::piped());
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("there is no C compiler `{compiler}` ({error})"))?;
    if let Some(mut input) = child.stdin.take() {
        // One that ends before it has read says why by itself.
        _ = input.write_all(PROGRAM);
    }
    let output = child.wait_with_output().map_err(|error| format!("`{compiler}` could not be run ({error})"))?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let first = told.lines().next().unwrap_or("it said nothing");
    Err(format!("the C compiler `{compiler}` cannot compile a program of one line ({first})"))
}

/// Whether the tool can be started.
pub(crate) fn is_there(tool: &str) -> bool {
    let mut command = Command::new(tool);
    let status = command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_is_known_by_its_compiling() {
        assert_eq!(compiles("cc"), Ok(()));
        let absent = compiles("no-such-cc").unwrap_err();
        assert!(absent.starts_with("there is no C compiler `no-such-cc`"), "{absent}");
        let other = compiles("false").unwrap_err();
        assert!(other.contains("cannot compile"), "{other}");
    }
}
