//! Whether a configuration may take the place of the one in use: what is wrong with it that was not wrong before.

use std::collections::{HashMap, HashSet};

use crate::config::{Kind, Problem, Severity};

/// What a problem says, wherever it stands: the same before and after an edit elsewhere in the file.
type Said = (Severity, Kind, String, String, String);

/// The problems of `new` that keep it from being used: those that are more than warnings, and that the one in use does
/// not have as well. An entry that was refused before, and is still, keeps nobody from an unrelated change.
pub(super) fn blockers<'a>(in_use: &[Problem], new: &'a [Problem]) -> Vec<&'a Problem> {
    let mut known: HashMap<Said, usize> = HashMap::new();
    for problem in in_use {
        *known.entry(said(problem)).or_default() += 1;
    }
    let is_new = |problem: &&Problem| match known.get_mut(&said(problem)) {
        Some(left) if *left > 0 && problem.severity < Severity::Fatal => {
            *left -= 1;
            false
        }
        _ => true,
    };
    new.iter().filter(|problem| problem.severity > Severity::Warning).filter(is_new).collect()
}

/// The problems of `new` that were not there before, of all severities.
pub(super) fn unheard<'a>(in_use: &[Problem], new: &'a [Problem]) -> Vec<&'a Problem> {
    let known: HashSet<Said> = in_use.iter().map(said).collect();
    new.iter().filter(|problem| !known.contains(&said(problem))).collect()
}

fn said(problem: &Problem) -> Said {
    let Problem { severity, place, kind, .. } = problem;
    (*severity, *kind, place.source.clone(), without_places(&place.path), without_places(&problem.text()))
}

/// A text without what an edit elsewhere changes: the index of an entry, lines and columns.
fn without_places(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_place = false;
    for c in text.chars() {
        if in_place && c.is_ascii_digit() {
            continue;
        }
        in_place = matches!(c, '[' | ':') || c == ' ' && (out.ends_with("line") || out.ends_with("column"));
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Report;

    fn report(problems: &[(Severity, &str, &str)]) -> Report {
        let mut report = Report::new("/etc/agent.json");
        for (severity, path, message) in problems {
            report.add(*severity, path, *message);
        }
        report
    }

    fn blocking(in_use: &[(Severity, &str, &str)], new: &[(Severity, &str, &str)]) -> Vec<String> {
        let (in_use, new) = (report(in_use), report(new));
        blockers(in_use.problems(), new.problems()).iter().map(|problem| problem.place.path.clone()).collect()
    }

    #[test]
    fn only_what_was_not_wrong_before_stands_in_the_way() {
        let old = (Severity::Refused, "logs[2]", "`path` is missing");
        assert!(blocking(&[old], &[old]).is_empty());
        assert!(blocking(&[], &[(Severity::Warning, "lgos", "nobody reads it")]).is_empty());
        assert_eq!(blocking(&[], &[old]), ["logs[2]"]);
        // The same entry, behind one that was put in front of it.
        let moved = (Severity::Refused, "logs[3]", "`path` is missing");
        assert!(blocking(&[old], &[moved]).is_empty());
        // One more of the same kind.
        assert_eq!(blocking(&[old], &[old, moved]), ["logs[3]"]);
        let other = (Severity::Refused, "logs[2]", "`path` must be a text");
        assert_eq!(blocking(&[old], &[other]), ["logs[2]"]);
        let fatal = (Severity::Fatal, "api_key", "is missing");
        assert_eq!(blocking(&[fatal], &[fatal]), ["api_key"]);
    }

    #[test]
    fn thousands_of_warnings_are_compared_at_once() {
        let paths: Vec<String> = (0..5000).map(|number| format!("logs[{number}].k{number}")).collect();
        let all: Vec<_> = paths.iter().map(|path| (Severity::Warning, path.as_str(), "nobody reads it")).collect();
        let (in_use, new) = (report(&all[1..]), report(&all));
        // The first one is another than all before. Compared one with each other this would take minutes.
        let unheard = unheard(in_use.problems(), new.problems());
        assert_eq!(unheard.iter().map(|problem| problem.place.path.as_str()).collect::<Vec<_>>(), ["logs[0].k0"]);
    }

    #[test]
    fn a_value_is_no_place() {
        let eleven = (Severity::Refused, "monitors[0].gauss_mean", "11 is above the maximum, 10");
        let twelve = (Severity::Refused, "monitors[0].gauss_mean", "12 is above the maximum, 10");
        assert_eq!(blocking(&[eleven], &[twelve]), ["monitors[0].gauss_mean"]);
        assert_eq!(
            without_places("given twice: at /etc/a.json:3:14, line 7 and 3"),
            without_places("given twice: at /etc/a.json:30:1, line 12 and 3")
        );
        assert_ne!(without_places("logs[1].path 5"), without_places("logs[1].path 6"));
    }
}
