//! Which problems are shown, and in which order.

use std::collections::HashMap;

use super::{MOST_SHOWN, Wording};
use crate::config::Problem;
use crate::order;

/// At most [`MOST_SHOWN`] problems by file, line and column, errors before warnings where not all of them fit; and how
/// many are left out.
pub(super) fn shown(problems: &[Problem], wording: Wording) -> (Vec<&Problem>, usize) {
    let sorted = by_place(problems);
    let more = sorted.len().saturating_sub(MOST_SHOWN);
    if more == 0 {
        return (sorted, 0);
    }
    let errors = sorted.iter().filter(|problem| wording.is_error(problem)).count().min(MOST_SHOWN);
    let (mut errors_left, mut warnings_left) = (errors, MOST_SHOWN - errors);
    let mut has_room = |problem: &&Problem| {
        let left = if wording.is_error(problem) { &mut errors_left } else { &mut warnings_left };
        let has_room = *left > 0;
        *left -= usize::from(has_room);
        has_room
    };
    (sorted.into_iter().filter(|problem| has_room(problem)).collect(), more)
}

/// All problems by file, line and column; the files in the order in which they first have one.
pub(in crate::cli) fn by_place(problems: &[Problem]) -> Vec<&Problem> {
    let mut files: HashMap<&str, usize> = HashMap::new();
    for problem in problems {
        let next = files.len();
        files.entry(&problem.place.source).or_insert(next);
    }
    let mut sorted: Vec<&Problem> = problems.iter().collect();
    order::by_key(&mut sorted, |problem| {
        let file = files.get(problem.place.source.as_str()).copied();
        (file, problem.place.position.map(|position| (position.line, position.column)))
    });
    sorted
}
