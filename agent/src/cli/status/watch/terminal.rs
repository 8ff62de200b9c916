//! The terminal while it is watched on: its other screen, without a cursor, key by key. It is left as it was.

use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;

use anstyle::{AnsiColor, Style};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use super::table::{Line, Tone};

/// To the other screen, hide the cursor, do not wrap long lines.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
/// The reverse.
const LEAVE: &str = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
/// What is drawn on when the terminal does not tell its size: columns and rows.
const USUAL: (u16, u16) = (80, 24);

/// The terminal, taken over; dropping it gives it back.
pub(super) struct Terminal {
    /// How keys were read before; none when stdin is no terminal.
    before: Option<Termios>,
}

impl Terminal {
    /// Takes over the terminal of stdin and stdout.
    ///
    /// # Errors
    /// When it cannot be written to, or its settings cannot be changed.
    pub(super) fn take() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = if stdin.is_terminal() { Some(tcgetattr(stdin.as_fd())?) } else { None };
        let mut terminal = Self { before };
        terminal.take_again()?;
        Ok(terminal)
    }

    /// Takes it over once more: somebody else may have used it meanwhile.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(super) fn take_again(&mut self) -> io::Result<()> {
        if let Some(before) = &self.before {
            let mut raw = before.clone();
            raw.make_raw();
            tcsetattr(io::stdin().as_fd(), OptionalActions::Now, &raw)?;
        }
        write(ENTER)
    }

    /// Gives it back and stops this process, as Ctrl-Z does; whoever continues it is told by a signal.
    ///
    /// # Errors
    /// When the process cannot be stopped.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        self.give_back();
        stop_here()?;
        self.take_again()
    }

    fn give_back(&mut self) {
        // There is nobody to tell when the terminal is gone.
        _ = write(LEAVE);
        if let Some(before) = &self.before {
            _ = tcsetattr(io::stdin().as_fd(), OptionalActions::Now, before);
        }
    }

    /// Its columns and rows.
    pub(super) fn size(&self) -> (u16, u16) {
        match tcgetwinsize(io::stdout().as_fd()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
            _ => USUAL,
        }
    }

    /// Draws the lines, which fit, over what was there: nothing flickers.
    ///
    /// # Errors
    /// When the terminal takes nothing more.
    pub(super) fn show(&mut self, lines: &[Line], colours: bool) -> io::Result<()> {
        let mut text = String::from("\x1b[H");
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                text.push_str("\r\n");
            }
            for (tone, part) in line.parts() {
                let style = if colours { style_of(tone) } else { Style::new() };
                text.push_str(&format!("{style}{part}{style:#}"));
            }
            text.push_str("\x1b[K");
        }
        text.push_str("\x1b[J");
        write(&text)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Stops this process until it is continued.
///
/// # Errors
/// When the system refuses.
pub(super) fn stop_here() -> io::Result<()> {
    let this = nix::unistd::getpid();
    // Nobody would continue the first process of its session. It is 0 where that one is outside of this namespace.
    if nix::unistd::getsid(None)? == this {
        return Ok(());
    }
    Ok(nix::sys::signal::kill(this, nix::sys::signal::Signal::SIGSTOP)?)
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn style_of(tone: Tone) -> Style {
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    match tone {
        Tone::Plain => Style::new(),
        Tone::Faint => Style::new().dimmed(),
        Tone::Title => Style::new().bold(),
        Tone::Head => Style::new().invert(),
        Tone::Good => colour(AnsiColor::Green).bold(),
        Tone::Odd => colour(AnsiColor::Yellow).bold(),
        Tone::Bad => colour(AnsiColor::Red).bold(),
    }
}
