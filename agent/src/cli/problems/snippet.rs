//! Problems with the lines that they stand on.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};

use super::cells::{self, ShownLine};
use super::cursor::Cursor;
use super::{Wording, secrets};
use crate::config::masking::SecretNames;
use crate::config::report::on_one_line;
use crate::config::{Place, Position, Problem, Report};

/// The columns that the numbers of lines and their frame take.
const FRAME: usize = 12;

/// As the library draws its frame.
const FRAMED: Style = AnsiColor::BrightBlue.on_default().bold();

/// Wider than any shown line: the lines are cut here, so that what is cut off is never looked at.
const UNCUT: usize = 4000;

/// All these problems, which are in the order of their places; coloured.
pub(super) fn all(report: &Report, problems: &[&Problem], wording: Wording, width: usize) -> String {
    let width = width.saturating_sub(FRAME);
    let lines = shown_lines(report, problems, width);
    let mut text = String::new();
    for (index, problem) in problems.iter().enumerate() {
        one(problem, lines.get(&index), wording, &mut text);
    }
    text
}

/// The head is put together here: the library would count the column in the line as it is shown, which may be cut.
fn one(problem: &Problem, line: Option<&ShownLine>, wording: Wording, out: &mut String) {
    let Place { path, position, .. } = &problem.place;
    let renderer = Renderer::styled().term_width(UNCUT);
    let level = if wording.is_error(problem) { Level::ERROR } else { Level::WARNING };
    let title = if path.is_empty() { problem.message.clone() } else { format!("{path}: {}", problem.message) };
    let title = level.clone().with_name(Some(wording.word(problem))).primary_title(on_one_line(&title));
    _ = writeln!(out, "{}", renderer.render(&[Group::with_title(title)]));
    let place = Place { path: String::new(), ..problem.place.clone() };
    let number = position.filter(|_| line.is_some()).map_or(1, |position| position.line);
    if !place.source.is_empty() {
        _ = writeln!(out, "{:width$}{FRAMED}-->{FRAMED:#} {place}", "", width = number.to_string().len());
    }
    let mut body = Group::with_level(level);
    if let Some(ShownLine { text, span }) = line {
        let place = AnnotationKind::Primary.span(span.clone());
        body = body.element(Snippet::source(text).line_start(number).annotation(place));
    }
    if !problem.hint.is_empty() {
        body = body.element(Level::HELP.message(on_one_line(&problem.hint)));
    }
    if !body.is_empty() {
        _ = writeln!(out, "{}", renderer.render(&[body]));
    }
    out.push('\n');
}

/// The lines to be shown, by the numbers of their problems.
fn shown_lines(report: &Report, problems: &[&Problem], width: usize) -> HashMap<usize, ShownLine> {
    let mut by_source: HashMap<&str, Vec<(usize, Position)>> = HashMap::new();
    for (index, problem) in problems.iter().enumerate() {
        if let Some(position) = problem.place.position {
            by_source.entry(&problem.place.source).or_default().push((index, position));
        }
    }
    let names = SecretNames::known();
    let mut lines = HashMap::new();
    for (source, wanted) in by_source {
        if let Some(text) = report.sources().text(source) {
            lines.extend(shown_lines_of(text, &wanted, &names, width));
        }
    }
    lines
}

fn shown_lines_of(
    text: &str,
    wanted: &[(usize, Position)],
    names: &SecretNames,
    width: usize,
) -> Vec<(usize, ShownLine)> {
    let mut cursor = Cursor::new(text);
    let offsets: Vec<usize> = wanted.iter().map(|(_, position)| cursor.seek(*position)).collect();
    let parts: Vec<Range<usize>> = offsets.iter().map(|at| cells::around(text, *at, width)).collect();
    let secrets = secrets::secrets(text, names, &parts);
    let show = |((index, _), (at, part)): (&(usize, Position), (&usize, &Range<usize>))| {
        let token = *at..*at + cells::token_length(&text[*at..part.end]);
        (*index, cells::show(text, part, &token, &secrets, width))
    };
    wanted.iter().zip(offsets.iter().zip(&parts)).map(show).collect()
}
