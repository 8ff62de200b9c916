//! What is measured of a process, and how the kernel's files tell it.

/// Each value that is told, in the order of its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Series {
    CpuUser,
    CpuSystem,
    Uptime,
    Nice,
    Threads,
    MajorFaults,
    IoWait,
    PeakAddressSpace,
    AddressSpace,
    PeakResident,
    Resident,
    BytesRead,
    BytesWritten,
    Reads,
    Writes,
    StorageRead,
    StorageWritten,
    Descriptors,
}

/// How the values of several processes become one, and how that goes on from sample to sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The sum of what is.
    Sum,
    /// The least of what is.
    Least,
    /// A total of what each process gained.
    Total,
    /// A total of the most that a process gained.
    MostGained,
}

/// How many there are.
pub(super) const SERIES: usize = Series::ALL.len();

/// A value of each; none when it is not known.
pub(super) type Figures = [Option<i64>; SERIES];

impl Series {
    /// All, in the order of their lines.
    pub(super) const ALL: [Self; 18] = [
        Self::CpuUser,
        Self::CpuSystem,
        Self::Uptime,
        Self::Nice,
        Self::Threads,
        Self::MajorFaults,
        Self::IoWait,
        Self::PeakAddressSpace,
        Self::AddressSpace,
        Self::PeakResident,
        Self::Resident,
        Self::BytesRead,
        Self::BytesWritten,
        Self::Reads,
        Self::Writes,
        Self::StorageRead,
        Self::StorageWritten,
        Self::Descriptors,
    ];

    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Threads
            | Self::PeakAddressSpace
            | Self::AddressSpace
            | Self::PeakResident
            | Self::Resident
            | Self::Descriptors => Kind::Sum,
            Self::Nice => Kind::Least,
            Self::Uptime => Kind::MostGained,
            _ => Kind::Total,
        }
    }
}

/// What `/proc/PID/stat` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// Whether the process has ended, and only waits for its parent to notice.
    pub(super) is_dead: bool,
    pub(super) parent: u32,
    /// When it began, in ticks since boot: tells two processes with one id apart.
    pub(super) start: i64,
    user: i64,
    system: i64,
    nice: i64,
    threads: i64,
    major_faults: i64,
    /// Missing in old kernels.
    io_wait: Option<i64>,
}

impl Stat {
    /// The fields are counted from behind the last `)`: a program's name may hold brackets and blanks.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let end = memrchr(b')', bytes)?;
        let mut words = bytes[end + 1..].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let state = *words.next()?.first()?;
        // From field 4 on.
        let mut numbers = [None; 39];
        for (number, word) in numbers.iter_mut().zip(words) {
            *number = parse(word);
        }
        let field = |number: usize| numbers[number - 4];
        let threads = field(20)?;
        Some(Self {
            // The first thread may have ended while others go on.
            is_dead: matches!(state, b'X' | b'x') || state == b'Z' && threads <= 1,
            parent: u32::try_from(field(4)?).ok()?,
            start: field(22)?,
            user: field(14)?,
            system: field(15)?,
            nice: field(19)?,
            threads,
            major_faults: field(12)?,
            io_wait: field(42),
        })
    }

    /// The name of the program, without its brackets.
    pub(super) fn program(bytes: &[u8]) -> Option<&[u8]> {
        let begin = bytes.iter().position(|&byte| byte == b'(')?;
        bytes.get(begin + 1..memrchr(b')', bytes)?)
    }

    /// Puts down what is told; `uptime` is that of the machine, in milliseconds.
    pub(super) fn fill(&self, ticks_per_second: i64, uptime: Option<i64>, figures: &mut Figures) {
        let scaled = |ticks: i64, per_second: i64| {
            let scaled = i128::from(ticks) * i128::from(per_second) / i128::from(ticks_per_second.max(1));
            i64::try_from(scaled).ok()
        };
        figures[Series::CpuUser as usize] = scaled(self.user, 100);
        figures[Series::CpuSystem as usize] = scaled(self.system, 100);
        let start = scaled(self.start, 1000);
        figures[Series::Uptime as usize] = uptime.zip(start).map(|(uptime, start)| uptime.saturating_sub(start).max(0));
        figures[Series::Nice as usize] = Some(self.nice);
        figures[Series::Threads as usize] = Some(self.threads);
        figures[Series::MajorFaults as usize] = Some(self.major_faults);
        figures[Series::IoWait as usize] = self.io_wait;
    }
}

/// Puts down what `/proc/PID/status` tells. A thread of the kernel has no memory of its own.
pub(super) fn fill_from_status(bytes: &[u8], figures: &mut Figures) {
    fill_named(bytes, figures, |name| {
        Some(match name {
            b"VmPeak" => (Series::PeakAddressSpace, 1024),
            b"VmSize" => (Series::AddressSpace, 1024),
            b"VmHWM" => (Series::PeakResident, 1024),
            b"VmRSS" => (Series::Resident, 1024),
            _ => return None,
        })
    });
}

/// Puts down what `/proc/PID/io` tells.
pub(super) fn fill_from_io(bytes: &[u8], figures: &mut Figures) {
    fill_named(bytes, figures, |name| {
        Some(match name {
            b"rchar" => (Series::BytesRead, 1),
            b"wchar" => (Series::BytesWritten, 1),
            b"syscr" => (Series::Reads, 1),
            b"syscw" => (Series::Writes, 1),
            b"read_bytes" => (Series::StorageRead, 1),
            b"write_bytes" => (Series::StorageWritten, 1),
            _ => return None,
        })
    });
}

/// Lines `NAME: NUMBER`.
fn fill_named(bytes: &[u8], figures: &mut Figures, series: impl Fn(&[u8]) -> Option<(Series, i64)>) {
    for line in bytes.split(|&byte| byte == b'\n') {
        let mut parts = line.splitn(2, |&byte| byte == b':');
        let Some((series, unit)) = parts.next().and_then(&series) else { continue };
        let mut words = parts.next().unwrap_or_default().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let value: Option<i64> = words.next().and_then(parse);
        figures[series as usize] = value.and_then(|value| value.checked_mul(unit));
    }
}

/// Seconds with a fraction, as the first word of `/proc/uptime` has them, in milliseconds.
pub(super) fn parse_uptime(bytes: &[u8]) -> Option<i64> {
    let text = str::from_utf8(bytes.split(u8::is_ascii_whitespace).next()?).ok()?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let millis: i64 = format!("{fraction:0<3.3}").parse().ok()?;
    seconds.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(millis)
}

fn parse(word: &[u8]) -> Option<i64> {
    str::from_utf8(word).ok()?.parse().ok()
}

fn memrchr(byte: u8, bytes: &[u8]) -> Option<usize> {
    bytes.iter().rposition(|&other| other == byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STAT: &str = "77 (a) b) S 5 77 77 0 -1 4194560 10 0 3 0 250 40 0 0 20 -5 9 0 1234 1000 200 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 6 0 0";

    #[test]
    fn a_name_with_brackets_moves_no_field() {
        let stat = Stat::parse(STAT.as_bytes()).unwrap();
        let expected = Stat {
            is_dead: false,
            parent: 5,
            start: 1234,
            user: 250,
            system: 40,
            nice: -5,
            threads: 9,
            major_faults: 3,
            io_wait: Some(6),
        };
        assert_eq!(stat, expected);
        assert_eq!(Stat::program(STAT.as_bytes()), Some(&b"a) b"[..]));
    }

    #[test]
    fn the_wait_for_disks_is_told_when_its_field_is_there() {
        let words: Vec<_> = STAT.split(' ').collect();
        // The name has a blank: field 42 is the 43rd word.
        for (words, io_wait) in [(&words[..43], Some(6)), (&words[..42], None)] {
            assert_eq!(Stat::parse(words.join(" ").as_bytes()).unwrap().io_wait, io_wait);
        }
    }

    #[test]
    fn a_process_whose_first_thread_alone_has_ended_lives() {
        for (state, threads, is_dead) in [("Z", "1", true), ("Z", "4", false), ("X", "1", true), ("S", "1", false)] {
            let text = STAT.replace(") S ", &format!(") {state} ")).replace(" -5 9 ", &format!(" -5 {threads} "));
            assert_eq!(Stat::parse(text.as_bytes()).unwrap().is_dead, is_dead, "{text}");
        }
    }

    #[test]
    fn an_uptime_is_read_to_the_millisecond() {
        for (text, millis) in
            [("12.50 3.00\n", Some(12_500)), ("7 1", Some(7_000)), ("0.0459 1", Some(45)), ("x 1", None), ("", None)]
        {
            assert_eq!(parse_uptime(text.as_bytes()), millis, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(content in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut figures = Figures::default();
            if let Some(stat) = Stat::parse(&[b"1 (x) S ".as_slice(), &content].concat()) {
                stat.fill(100, Some(1), &mut figures);
            }
            Stat::parse(&content);
            Stat::program(&content);
            fill_from_status(&[b"VmRSS: ".as_slice(), &content].concat(), &mut figures);
            fill_from_io(&content, &mut figures);
            parse_uptime(&content);
        }

        #[test]
        fn any_numbers_are_survived(numbers in proptest::collection::vec(any::<i64>(), 45), uptime: i64) {
            let numbers: Vec<_> = numbers.iter().map(i64::to_string).collect();
            if let Some(stat) = Stat::parse(format!("1 (x) R 1 {}", numbers.join(" ")).as_bytes()) {
                stat.fill(100, Some(uptime), &mut Figures::default());
            }
        }
    }
}
