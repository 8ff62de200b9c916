//! Lines that fit into a number of columns, and tables of them.

use super::amounts::{self, Keep, cut, harmless, width};

/// How a part of a line is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// As any text.
    Plain,
    /// Not in the way.
    Faint,
    /// A word that stands out.
    Title,
    /// The head of a section.
    Head,
    /// All is well.
    Good,
    /// It wants a look.
    Odd,
    /// It does not work.
    Bad,
}

/// A line of the screen: harmless text of a known width.
#[derive(Clone, Debug)]
pub(super) struct Line {
    parts: Vec<(Tone, String)>,
    room: usize,
}

impl Line {
    /// An empty line that takes at most so many columns.
    pub(super) fn new(columns: usize) -> Self {
        Self { parts: Vec::new(), room: columns }
    }

    /// Adds a text, made harmless; what has no room is cut.
    pub(super) fn add(&mut self, tone: Tone, text: &str) -> &mut Self {
        self.add_cut(tone, text, Keep::Begin)
    }

    /// The same, and says where it is cut.
    pub(super) fn add_cut(&mut self, tone: Tone, text: &str, keep: Keep) -> &mut Self {
        let text = cut(&harmless(text), self.room, keep);
        self.room -= width(&text);
        self.parts.push((tone, text));
        self
    }

    /// Blanks up to the end, with `text` behind them as far as it has room.
    pub(super) fn end_with(&mut self, tone: Tone, text: &str) -> &mut Self {
        let blanks = self.room.saturating_sub(width(&harmless(text)));
        if blanks > 0 {
            self.add(tone, &" ".repeat(blanks)).add(tone, text);
        }
        self
    }

    /// How many columns are left.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Its parts, one behind the other.
    pub(super) fn parts(&self) -> impl Iterator<Item = (Tone, &str)> {
        self.parts.iter().map(|(tone, text)| (*tone, text.as_str()))
    }

    /// A line of a single text.
    pub(super) fn of(columns: usize, tone: Tone, text: &str) -> Self {
        let mut line = Self::new(columns);
        line.add(tone, text);
        line
    }
}

/// A column of a table. The last one takes what the others leave.
#[derive(Clone, Copy)]
pub(super) struct Column {
    /// Its title.
    pub(super) title: &'static str,
    /// How wide it is.
    pub(super) width: usize,
    /// It is shown on screens of so many columns and more.
    pub(super) from: usize,
    /// What is kept of a text that is too long.
    pub(super) keep: Keep,
}

/// A cell: what it says, and how.
pub(super) type Cell = (Tone, String);

/// A row: cells of all columns, and lines that stand below it.
pub(super) struct Row {
    /// One for each column.
    pub(super) cells: Vec<Cell>,
    /// What has no column: why it fails.
    pub(super) notes: Vec<Cell>,
}

/// The line with the titles.
pub(super) fn titles(columns: &[Column], room: usize) -> Line {
    let cells: Vec<Cell> = columns.iter().map(|column| (Tone::Faint, column.title.to_owned())).collect();
    cells_line(columns, &cells, room)
}

/// The lines of a row.
pub(super) fn row_lines(columns: &[Column], row: &Row, room: usize) -> Vec<Line> {
    let notes = row.notes.iter().map(|(tone, text)| {
        let mut line = Line::new(room);
        line.add(Tone::Plain, "      ").add(*tone, text);
        line
    });
    std::iter::once(cells_line(columns, &row.cells, room)).chain(notes).collect()
}

fn cells_line(columns: &[Column], cells: &[Cell], room: usize) -> Line {
    let mut line = Line::new(room);
    line.add(Tone::Plain, " ");
    let last = columns.len().saturating_sub(1);
    for (number, (column, (tone, text))) in columns.iter().zip(cells).enumerate() {
        if room < column.from {
            continue;
        }
        if number == last {
            line.add_cut(*tone, text, column.keep);
        } else {
            let text = cut(&harmless(text), column.width, Keep::Begin);
            let blanks = column.width.saturating_sub(amounts::width(&text));
            line.add(Tone::Plain, &" ".repeat(blanks)).add(*tone, &text).add(Tone::Plain, "  ");
        }
    }
    line
}
