//! The export format of the journal, as `journalctl --output=export` writes it: an entry is lines `NAME=text`, or for
//! values that are no text a line `NAME`, their length in eight bytes, and the bytes; an empty line ends it.
//!
//! What comes is read in pieces of any size. Only the fields that are wanted are kept, each up to a bound.

use super::entry::{Entry, FieldNumber, WantedFields};

/// The longest name of a field that is read; the journal itself has 64.
const MAX_NAME_BYTES: usize = 256;

/// The longest value that is believed, wanted or not: the journal's own bound is 768 MiB.
const MAX_VALUE_BYTES: u64 = 1 << 30;

/// What is wrong with what was read so far, since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flaws {
    /// Values that were longer than what is kept of one.
    pub(super) cut_values: u64,
    /// Entries of which a part could not be read.
    pub(super) damaged: u64,
}

/// Reads entries.
pub(super) struct ExportReader {
    entry: Entry,
    state: State,
    /// The name that the line begins with.
    name: Vec<u8>,
    /// Whether anything of an entry was read.
    has_begun: bool,
    flaws: Flaws,
}

#[derive(Clone, Copy)]
enum State {
    /// In the name at the beginning of a line.
    Name,
    /// In a value that the end of the line ends; of a field that is wanted, or not.
    Text(Option<FieldNumber>),
    /// In the length of a value: the bytes that came, and how many these are.
    Length(Option<FieldNumber>, [u8; 8], usize),
    /// In a value of which so many bytes are still to come.
    Bytes(Option<FieldNumber>, u64),
    /// Behind such a value.
    AfterBytes,
    /// Beyond reading: an empty line brings it back. Whether the present line is empty so far.
    Lost { at_line_start: bool },
}

impl ExportReader {
    /// Keeps these fields of each entry.
    pub(super) fn new(wanted: WantedFields) -> Self {
        Self {
            entry: Entry::new(wanted),
            state: State::Name,
            name: Vec::new(),
            has_begun: false,
            flaws: Flaws::default(),
        }
    }

    /// Forgets the entry that was not read to its end: what comes next begins anew.
    pub(super) fn begin_anew(&mut self) {
        self.entry.clear();
        self.name.clear();
        (self.state, self.has_begun) = (State::Name, false);
    }

    /// What was wrong since it was last asked.
    pub(super) fn take_flaws(&mut self) -> Flaws {
        std::mem::take(&mut self.flaws)
    }

    /// Reads a piece and hands on each entry that ends in it.
    pub(super) fn read(&mut self, piece: &[u8], mut take: impl FnMut(&Entry)) {
        let mut rest = piece;
        while let Some(&first) = rest.first() {
            let used = match self.state {
                State::Name => self.read_name(rest, &mut take),
                State::Text(field) => self.read_text(field, rest),
                State::Length(field, bytes, count) => {
                    self.read_length(field, bytes, count, first);
                    1
                }
                State::Bytes(field, left) => self.read_bytes(field, left, rest),
                State::AfterBytes => {
                    if first == b'\n' {
                        self.state = State::Name;
                        1
                    } else {
                        self.lose(false);
                        0
                    }
                }
                State::Lost { at_line_start } => {
                    if first == b'\n' && at_line_start {
                        self.end_entry(&mut take);
                        self.state = State::Name;
                    } else {
                        self.state = State::Lost { at_line_start: first == b'\n' };
                    }
                    1
                }
            };
            rest = rest.get(used..).unwrap_or_default();
        }
    }

    /// A name, up to `=` or the end of the line.
    fn read_name(&mut self, rest: &[u8], take: &mut impl FnMut(&Entry)) -> usize {
        let end = rest.iter().position(|byte| matches!(byte, b'=' | b'\n'));
        let part = &rest[..end.unwrap_or(rest.len())];
        let is_name = part.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
        if !is_name || self.name.len() + part.len() > MAX_NAME_BYTES {
            self.lose(false);
            return 0;
        }
        self.name.extend_from_slice(part);
        let Some(end) = end else { return part.len() };
        let is_text = rest.get(end) == Some(&b'=');
        match (self.name.is_empty(), is_text) {
            (true, false) => self.end_entry(take),
            (true, true) => {
                self.lose(false);
                return end + 1;
            }
            (false, _) => {
                let field = self.entry.begin(&self.name);
                self.state = if is_text { State::Text(field) } else { State::Length(field, [0; 8], 0) };
                self.has_begun = true;
            }
        }
        self.name.clear();
        end + 1
    }

    fn read_text(&mut self, field: Option<FieldNumber>, rest: &[u8]) -> usize {
        let end = memchr::memchr(b'\n', rest);
        self.keep(field, &rest[..end.unwrap_or(rest.len())]);
        let Some(end) = end else { return rest.len() };
        self.state = State::Name;
        end + 1
    }

    fn read_length(&mut self, field: Option<FieldNumber>, mut bytes: [u8; 8], count: usize, byte: u8) {
        if let Some(place) = bytes.get_mut(count) {
            *place = byte;
        }
        self.state = State::Length(field, bytes, count + 1);
        if count + 1 < bytes.len() {
            return;
        }
        match u64::from_le_bytes(bytes) {
            0 => self.state = State::AfterBytes,
            length @ 1..=MAX_VALUE_BYTES => self.state = State::Bytes(field, length),
            _ => self.lose(false),
        }
    }

    fn read_bytes(&mut self, field: Option<FieldNumber>, left: u64, rest: &[u8]) -> usize {
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
        self.keep(field, &rest[..here]);
        let left = left - here as u64;
        self.state = if left == 0 { State::AfterBytes } else { State::Bytes(field, left) };
        here
    }

    fn keep(&mut self, field: Option<FieldNumber>, part: &[u8]) {
        if let Some(field) = field
            && self.entry.keep(field, part)
        {
            self.flaws.cut_values += 1;
        }
    }

    /// Nothing is read up to the next empty line.
    fn lose(&mut self, at_line_start: bool) {
        self.flaws.damaged += 1;
        self.name.clear();
        self.has_begun = true;
        self.state = State::Lost { at_line_start };
    }

    fn end_entry(&mut self, take: &mut impl FnMut(&Entry)) {
        if self.has_begun {
            take(&self.entry);
            self.entry.clear();
        }
        self.has_begun = false;
    }
}
