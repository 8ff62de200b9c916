//! Memory of the program file that an agent at rest does not need; the only file with `unsafe`.
//!
//! Most of the program's code runs once, at the start, or for a moment every 30 seconds. Its pages would stay in the process
//! until the host is short of memory, and count as its share of it. Given back, they stay in the page cache, from where the
//! next who needs them has them without a read from disk, at the price of a page fault for each 64 KiB.
#![expect(
    unsafe_code,
    reason = "madvise(2): rustix has it as `unsafe`, since other advice, or other memory, would not be safe"
)]

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;

use rustix::mm::{Advice, madvise};
use scalyr_monitor::{Clock, Level, Logger};

/// So much of `smaps` is read: the program is what is mapped first, in about five mappings.
const MOST_READ: u64 = 8192;

/// Gives the pages of the program file back whenever the agent has come to rest.
#[derive(Debug)]
pub struct ProgramPages {
    /// What may be given back, since it was first asked for: reading `smaps` costs as much as giving back.
    unwritten: Option<Vec<Range<usize>>>,
    moved: u64,
    was_active: bool,
    is_trouble_told: bool,
}

impl ProgramPages {
    /// Begins when everything was started.
    pub fn new() -> Self {
        Self { unwritten: None, moved: 0, was_active: true, is_trouble_told: false }
    }

    /// Much was needed that is not needed any more, as after a reload.
    pub fn note_activity(&mut self) {
        self.was_active = true;
    }

    /// Gives them back once after every activity, when no byte has moved to or from a server since the look before: an agent
    /// that has something to do keeps what it has. `moved` only has to differ when bytes have moved.
    pub fn look(&mut self, moved: u64, clock: &Clock, logger: &Logger) {
        if std::mem::replace(&mut self.moved, moved) != moved {
            self.was_active = true;
            return;
        }
        if !std::mem::take(&mut self.was_active) {
            return;
        }
        let begin = clock.monotonic();
        match self.give_back() {
            Ok(bytes) => {
                let took = clock.monotonic().saturating_duration_since(begin).as_micros();
                logger.at(Level::Debug5, format_args!("The program's {bytes} bytes were given back in {took} us"));
            }
            // The agent only holds more than it needs.
            Err(error) if !std::mem::replace(&mut self.is_trouble_told, true) => {
                logger.debug(format_args!("Pages of the program cannot be given back: {error}"));
            }
            Err(_) => {}
        }
    }

    /// How many bytes of addresses these are.
    fn give_back(&mut self) -> io::Result<usize> {
        if self.unwritten.is_none() {
            self.unwritten = Some(find_unwritten()?);
        }
        let mut bytes = 0;
        for range in self.unwritten.iter().flatten() {
            let length = range.len();
            // SAFETY: DONTNEED takes the pages out of the address space, and the next access brings them back from the file.
            // That is only sound where memory holds what the file holds: `unwritten` names private mappings of the program
            // file that nobody can write to and of which no page was ever written, since none is anonymous or swapped out; so
            // the relocated part, which was written before it was protected, is not among them. It stays so: no code of this
            // process makes them writable. The file itself does not change: the kernel refuses to write to a running program
            // (ETXTBSY), and a package that replaces it leaves the old inode in place. No mapping of the program comes or goes
            // after the loader is done, so the ranges are still what they were.
            unsafe { madvise(std::ptr::with_exposed_provenance_mut(range.start), length, Advice::LinuxDontNeed)? };
            bytes += length;
        }
        Ok(bytes)
    }
}

impl Default for ProgramPages {
    fn default() -> Self {
        Self::new()
    }
}

/// What is mapped of the program file and cannot differ from it.
///
/// # Errors
/// When the kernel does not tell.
fn find_unwritten() -> io::Result<Vec<Range<usize>>> {
    let program = fs::read_link("/proc/self/exe")?;
    let mut smaps = Vec::new();
    File::open("/proc/self/smaps")?.take(MOST_READ).read_to_end(&mut smaps)?;
    Ok(program.to_str().map_or_else(Vec::new, |program| unwritten(&String::from_utf8_lossy(&smaps), program)))
}

/// The addresses at which `program` is mapped, cannot be written and never was, from the text of `smaps` (proc(5)).
/// What is not told plainly is left out.
fn unwritten(smaps: &str, program: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut lines = smaps.lines().peekable();
    while let Some(line) = lines.next() {
        let range = mapped(line, program);
        let mut zeros = 0;
        // The figures of a mapping have a name with a colon; the next mapping begins with its addresses.
        while let Some(figure) = lines.next_if(|line| figure(line).is_some()) {
            // Not the dirty ones: pages of a file that was just installed are, until the disk has them.
            zeros += u8::from(is_zero(figure, "Anonymous") || is_zero(figure, "Swap"));
        }
        found.extend(range.filter(|_| zeros == 2));
    }
    found
}

/// The addresses of a private mapping of `program` that cannot be written, if the line is the head of one.
fn mapped(line: &str, program: &str) -> Option<Range<usize>> {
    let mut words = line.splitn(6, ' ');
    let (begin, end) = words.next()?.split_once('-')?;
    let is_fixed = matches!(words.next()?, "r-xp" | "r--p");
    let path = words.nth(3)?.trim_start();
    let address = |text| usize::from_str_radix(text, 16).ok();
    let range = address(begin)?..address(end)?;
    (is_fixed && path == program && !range.is_empty()).then_some(range)
}

/// The name of a figure.
fn figure(line: &str) -> Option<&str> {
    line.split_ascii_whitespace().next()?.strip_suffix(':')
}

/// Whether this is the figure of this name, and it is zero.
fn is_zero(line: &str, name: &str) -> bool {
    figure(line) == Some(name) && line.split_ascii_whitespace().nth(1) == Some("0")
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::Timestamp;

    use super::*;

    fn entry(head: &str, anonymous: u32, swap: u32) -> String {
        format!(
            "{head}\nSize: 64 kB\nRss: 8 kB\nPrivate_Dirty: 4 kB\nAnonymous: {anonymous} kB\nSwap: {swap} kB\n\
             SwapPss: 0 kB\nVmFlags: rd mr mw me\n"
        )
    }

    #[test]
    fn only_what_cannot_differ_from_the_program_file_is_given_back() {
        let smaps = [
            entry("1000-2000 r--p 00000000 fe:00 77                         /usr/sbin/my agent", 0, 0),
            entry("2000-6000 r-xp 00001000 fe:00 77                         /usr/sbin/my agent", 0, 0),
            // What the loader has written before it protected it, in memory and swapped out.
            entry("6000-7000 r--p 00005000 fe:00 77                         /usr/sbin/my agent", 4, 0),
            entry("7000-8000 r--p 00006000 fe:00 77                         /usr/sbin/my agent", 0, 4),
            entry("8000-a000 rw-p 00007000 fe:00 77                         /usr/sbin/my agent", 0, 0),
            entry("a000-b000 r--s 00007000 fe:00 77                         /usr/sbin/my agent", 0, 0),
            entry("b000-c000 r-xp 00000000 fe:00 78                         /usr/sbin/my agent (deleted)", 0, 0),
            entry("c000-d000 r-xp 00000000 fe:00 79                         /usr/lib/libc.so.6", 0, 0),
            entry("d000-e000 r--p 00000000 00:00 0", 0, 0),
            // A kernel that tells less.
            "e000-f000 r-xp 00000000 fe:00 77 /usr/sbin/my agent\nRss: 4 kB\nSwap: 0 kB\n".to_owned(),
        ];
        assert_eq!(unwritten(&smaps.concat(), "/usr/sbin/my agent"), [0x1000..0x2000, 0x2000..0x6000]);
        assert!(unwritten("\nx\n1-\nzz-zz r-xp 0 0 0 /a\nSwap:\n", "/a").is_empty());
    }

    #[test]
    fn a_program_goes_on_while_its_pages_are_given_back() {
        let text = || fs::read_to_string("/proc/self/smaps").unwrap();
        let program = fs::read_link("/proc/self/exe").unwrap();
        let ranges = unwritten(&text(), program.to_str().unwrap());
        let here = a_program_goes_on_while_its_pages_are_given_back as fn() as usize;
        assert!(ranges.iter().any(|range| range.contains(&here)), "the code is among them: {ranges:x?}");
        // A table of addresses is among what the loader has written, which must stay.
        let table: [fn(&str) -> Option<&str>; 2] = [figure, |line| line.split(' ').next()];
        std::thread::scope(|scope| {
            let other = scope.spawn(|| (0..10_000).filter(|_| table[0](&text_of(7)).is_some()).count());
            let mut pages = ProgramPages::new();
            for _ in 0..100 {
                assert!(pages.give_back().unwrap() > 0);
            }
            assert_eq!(other.join().unwrap(), 10_000);
        });
    }

    fn text_of(number: u32) -> String {
        format!("Figure{number}: {number} kB")
    }

    #[test]
    fn they_are_given_back_once_when_the_agent_has_come_to_rest() {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let mut pages = ProgramPages::new();
        let mut is_given_back = |moved| {
            pages.look(moved, &clock, &Logger::none());
            !pages.was_active
        };
        assert!(is_given_back(0), "after the start");
        assert!(!is_given_back(7) && !is_given_back(9), "while something is sent");
        assert!(is_given_back(9));
        pages.note_activity();
        assert!(pages.was_active, "after a reload");
    }
}
