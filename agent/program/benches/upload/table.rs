//! The table that is printed: Markdown, so that it can stand in a document as it is.

use crate::outcome::{Figure, Outcome};

/// What a row is to reach; as issue and documentation name it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Targets {
    /// CPU seconds for each GiB of log, at most.
    pub(crate) cpu: Option<f64>,
    /// Of that, what is not the compressor's, at most.
    pub(crate) above: Option<f64>,
    /// Megabytes of log in a second, at least.
    pub(crate) speed: Option<f64>,
    /// Percent of the log on the wire, at most.
    pub(crate) wire: Option<f64>,
    /// MiB of memory, at most.
    pub(crate) peak: Option<f64>,
}

/// A row: its name, what it is to reach, and its runs, or why there are none.
pub(crate) struct Row {
    /// The name, as it can be chosen.
    pub(crate) name: &'static str,
    /// What it is to reach.
    pub(crate) targets: Targets,
    /// Its runs.
    pub(crate) runs: Vec<Outcome>,
    /// Why a run came to nothing.
    pub(crate) trouble: Option<String>,
}

const HEADINGS: [&str; 9] = [
    "row",
    "CPU s/GiB",
    "compressor alone",
    "above it",
    "MB/s",
    "1,000 lines/s",
    "wire, % of log",
    "peak RSS, MiB",
    "requests",
];

/// The whole table, and below it what came to nothing.
pub(crate) fn render(rows: &[Row]) -> String {
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(rows.iter().filter(|row| !row.runs.is_empty()).map(cells));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..HEADINGS.len()).map(width).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} "));
        text += &format!("|{}|\n", cells.collect::<Vec<_>>().join("|"));
        if number == 0 {
            let rules = widths.iter().map(|width| "-".repeat(width + 2));
            text += &format!("|{}|\n", rules.collect::<Vec<_>>().join("|"));
        }
    }
    for row in rows {
        if let Some(trouble) = &row.trouble {
            text += &format!("\n{}: {trouble}\n", row.name);
        }
    }
    text
}

fn cells(row: &Row) -> [String; 9] {
    let Row { runs, targets, .. } = row;
    let cell =
        |digits, figure: &dyn Fn(&Outcome) -> Option<f64>, target| shown(Figure::of(runs, figure), digits, target);
    let most = |target: Option<f64>| target.map(Target::Most);
    [
        row.name.to_owned(),
        cell(2, &|run| Some(run.cpu_per_gib()), most(targets.cpu)),
        cell(2, &Outcome::compressor_per_gib, None),
        cell(2, &Outcome::above_compressor, most(targets.above)),
        cell(0, &|run| Some(run.megabytes_per_second()), targets.speed.map(Target::Least)),
        cell(0, &|run| Some(run.lines_per_second() / 1e3), None),
        cell(1, &|run| Some(run.wire_percent()), most(targets.wire)),
        cell(1, &|run| Some(run.used.peak_mib), most(targets.peak)),
        cell(0, &|run| run.requests.map(|requests| requests as f64), None),
    ]
}

enum Target {
    Most(f64),
    Least(f64),
}

/// `7.9 [7.7..8.3] <= 9 ok`.
fn shown(figure: Option<Figure>, digits: usize, target: Option<Target>) -> String {
    let Some(Figure { median, range: (least, most) }) = figure else { return "–".to_owned() };
    let mut text = format!("{median:.digits$}");
    if least < most {
        text += &format!(" [{least:.digits$}..{most:.digits$}]");
    }
    let (sign, target, reached) = match target {
        None => return text,
        Some(Target::Most(target)) => ("<=", target, median <= target),
        Some(Target::Least(target)) => (">=", target, median >= target),
    };
    text + &format!(" ({sign} {target} {})", if reached { "ok" } else { "missed" })
}
