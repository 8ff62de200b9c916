//! The api key from standard input: typed without being shown, or piped in.

use std::io::{self, Read};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Terminal;
use crate::config::plan::ApiKey;

/// The most that is read, in bytes. A key has about fifty.
const MOST: usize = 4096;

/// Reads the first line of standard input. On a terminal it is asked for, and not shown while it is typed.
///
/// # Errors
/// When there is none, or more than one line, or no text. Never what was read.
pub(super) fn read(terminal: &mut Terminal<'_>) -> Result<ApiKey, String> {
    let silence = terminal.input_is_terminal.then(Silence::begin);
    if terminal.input_is_terminal {
        let asked = write!(terminal.err, "Please enter key: ").and_then(|()| terminal.err.flush());
        asked.map_err(|error| format!("the key cannot be asked for: {error}"))?;
    }
    let line = if terminal.input_is_terminal { typed(terminal.input) } else { piped(terminal.input) };
    if silence.is_some() {
        _ = writeln!(terminal.err);
    }
    drop(silence);
    let failed = |why: &str| format!("--set-key-from-stdin: {why}; nothing was done");
    let bytes = line.map_err(|error| failed(&format!("the key cannot be read: {error}")))?;
    if bytes.len() > MOST {
        return Err(failed(&format!("more than {MOST} bytes came; a key is one line of text")));
    }
    let text = String::from_utf8(bytes).map_err(|_| failed("what came is not UTF-8 text"))?;
    Ok(ApiKey::new(text.trim_start_matches('\u{feff}').trim()))
}

/// All that is piped in; one byte more than allowed at most.
fn piped(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MOST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A line that is typed while the terminal leaves every key to us: so the one for an interrupt ends it with the terminal
/// as it was before.
fn typed(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    const INTERRUPT: u8 = 3;
    const END: u8 = 4;
    const ERASE: [u8; 2] = [8, 127];
    const ERASE_LINE: u8 = 21;
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while bytes.len() <= MOST {
        match input.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => match byte[0] {
                b'\n' | b'\r' | END => break,
                INTERRUPT => return Err(io::Error::other("it was interrupted")),
                ERASE_LINE => bytes.clear(),
                // A whole letter: what its first byte is followed by goes with it.
                erase if ERASE.contains(&erase) => while bytes.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
                other => bytes.push(other),
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// A terminal that does not show what is typed; as it was before when dropped.
struct Silence(Option<Termios>);

impl Silence {
    fn begin() -> Self {
        let stdin = io::stdin();
        let Ok(before) = tcgetattr(&stdin) else { return Self(None) };
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        _ = tcsetattr(&stdin, OptionalActions::Flush, &silent);
        Self(Some(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            _ = tcsetattr(io::stdin(), OptionalActions::Flush, before);
        }
    }
}
