//! What a monitor says about log files and the session, checked as the configuration is: the same keys of an entry of
//! `logs`, the same attributes (`monitor-framework.md` sections 13 and 14, `log-copying.md` section 12).

use std::path::Path;

use glob::Pattern;
use scalyr_monitor::LogConfig;
use scalyr_monitor::registry::{Problem, ProblemKind};
use serde_json::{Map, Value};

use super::log_entries::{self, LogReader};
use super::plan::LogPlan;
use super::report::{self, Report};
use super::value;
use super::workers::Workers;

/// The keys of an entry of `logs` that have a field of their own in [`LogConfig`].
const FIELDS: [&str; 4] = ["path", "parser", "attributes", "copy_from_start"];

/// What reads a monitor's word about a file: [`metric_log`] or [`registered_log`].
pub(crate) type Reader = fn(&str, &LogConfig, &Path, &Workers, &mut Vec<Problem>) -> Result<LogPlan, Vec<Problem>>;

/// How the metric log of `monitor` is copied. What is odd goes into `warnings`.
///
/// # Errors
/// All problems, each with its path below `log_config`.
pub fn metric_log(
    monitor: &str,
    log: &LogConfig,
    log_path: &Path,
    workers: &Workers,
    warnings: &mut Vec<Problem>,
) -> Result<LogPlan, Vec<Problem>> {
    // It is one file: a bracket in its name is no pattern.
    read(monitor, log, log_path, workers, Pattern::escape, warnings)
}

/// How a log file is copied that `monitor` registers while it runs. What is odd goes into `warnings`.
///
/// # Errors
/// All problems, each with its path below `log_config`.
pub fn registered_log(
    monitor: &str,
    log: &LogConfig,
    log_path: &Path,
    workers: &Workers,
    warnings: &mut Vec<Problem>,
) -> Result<LogPlan, Vec<Problem>> {
    read(monitor, log, log_path, workers, str::to_owned, warnings)
}

fn read(
    monitor: &str,
    log: &LogConfig,
    log_path: &Path,
    workers: &Workers,
    pattern: impl FnOnce(&str) -> String,
    warnings: &mut Vec<Problem>,
) -> Result<LogPlan, Vec<Problem>> {
    let mut report = Report::new("");
    let mut entry = log.options.clone();
    for key in FIELDS.iter().filter(|key| log.options.contains_key(**key)) {
        let problem = report.refuse(format!("log_config.{key}"), "has a field of its own");
        problem.kind(report::Kind::Conflict).hint(format!("set `{key}`, not `options`"));
        entry.remove(*key);
    }
    match log.path.to_str() {
        Some(path) => _ = entry.insert("path".to_owned(), pattern(path).into()),
        None => {
            let path = log.path.display();
            report.refuse("log_config.path", format!("{path:?} cannot be copied: it is no text in UTF-8"));
            // Something that is one, so that the rest is looked at all the same.
            entry.insert("path".to_owned(), "unreadable".into());
        }
    }
    if !log.parser.is_empty() {
        entry.insert("parser".to_owned(), log.parser.clone().into());
    }
    entry.insert("attributes".to_owned(), log.attributes.clone().into());
    entry.insert("copy_from_start".to_owned(), log.copy_from_start.into());
    let read = LogReader::new(log_path, workers).read(&Value::Object(entry), "log_config", &mut report);
    let is_refused = report.worst() >= Some(report::Severity::Refused);
    let problems: Vec<Problem> = report.problems().iter().map(problem).collect();
    match read {
        Ok(plan) if !is_refused => {
            warnings.extend(problems);
            Ok(LogPlan { origin: origin(monitor), ..plan })
        }
        _ => Err(problems),
    }
}

/// Where the entries of this monitor come from, for messages.
pub fn origin(monitor: &str) -> String {
    format!("monitor {monitor}")
}

/// The attributes of this host that can be sent; of each other one a warning says that it is left out.
pub fn server_attributes(given: Map<String, Value>, warnings: &mut Vec<Problem>) -> Map<String, Value> {
    let (sent, left_out): (Map<_, _>, Map<_, _>) =
        given.into_iter().partition(|(_, attribute)| log_entries::is_scalar(attribute));
    warnings.extend(left_out.iter().map(|(key, attribute)| {
        let found = value::kind(attribute);
        let message = format!("must be a text, a number, true or false, but is {found}; it is left out");
        Problem::warning(value::member_path("server_attributes", key), message).of_kind(ProblemKind::Type)
    }));
    sent
}

fn problem(problem: &report::Problem) -> Problem {
    let report::Problem { place, message, hint, severity, .. } = problem;
    let told = match severity {
        report::Severity::Warning => Problem::warning(&place.path, message),
        report::Severity::Refused | report::Severity::Fatal => Problem::refused(&place.path, message),
    };
    told.with_hint(hint)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use expect_test::expect;
    use serde_json::json;

    use super::*;

    /// What becomes of a registered log: its plan, or its problems, then what is odd.
    fn told(log: &LogConfig) -> String {
        let mut warnings = Vec::new();
        let read = registered_log("docker()", log, Path::new("/l"), &Workers::default(), &mut warnings);
        let lines = |problems: &[Problem]| -> String {
            problems.iter().map(|problem| format!("{}: {}\n", problem.path, problem.text())).collect()
        };
        match read {
            Ok(LogPlan { origin, path, exclude, attributes, .. }) => {
                format!("{origin} {path} {exclude:?} {}\n{}", Value::Object(attributes), lines(&warnings))
            }
            Err(problems) => lines(&problems),
        }
    }

    #[test]
    fn the_parser_wins_over_an_attribute_and_an_empty_one_leaves_it() {
        let log = LogConfig::new("a.log").attribute("parser", "mine").attribute("n", 1);
        assert_eq!(told(&log), "monitor docker() /l/a.log [] {\"parser\":\"agent-metrics\",\"n\":1}\n");
        assert_eq!(told(&log.parser("")), "monitor docker() /l/a.log [] {\"parser\":\"mine\",\"n\":1}\n");
    }

    #[test]
    fn all_keys_of_a_logs_entry_are_judged_as_there() {
        let log = LogConfig::new("/v/*.log")
            .option("exclude", json!(["*.gz"]))
            .option("sampling_rules", json!([{ "match_expression": "x", "sampling_rate": 0.1 }]))
            .option("parse_format", "cri")
            .option("linegroupers", json!([]))
            .option("rename_logfile", "/renamed");
        expect![[r#"
            monitor docker() /v/*.log ["*.gz"] {"parser":"agent-metrics"}
            log_config.linegroupers: is not known and has no effect; did you mean `lineGroupers`?
        "#]]
        .assert_eq(&told(&log));
    }

    #[test]
    fn what_must_not_or_cannot_be_copied_so_is_refused_with_all_reasons_at_once() {
        let log = LogConfig::new(OsStr::from_bytes(b"/v/\xff.log"))
            .attribute("labels", json!(["a"]))
            .option("redaction_rules", json!([{ "match_expression": "x" }]))
            .option("worker_id", "other")
            .option("exclude", json!(["["]))
            .option("parser", "b");
        expect![[r#"
            log_config.parser: has a field of its own; set `parser`, not `options`
            log_config.path: "/v/\xFF.log" cannot be copied: it is no text in UTF-8
            log_config.exclude[0]: "[" is no pattern of paths: a `[` is never closed; it leaves out the file of this very name; write `[[]` for a literal one
            log_config.worker_id: "other" is no worker; there is only "default"; workers are listed in `workers`, each with its `id`
            log_config.attributes.labels: must be a text, a number, true or false, but is a list
        "#]]
        .assert_eq(&told(&log));
    }

    #[test]
    fn a_metric_log_is_one_file_whatever_its_name() {
        let plan =
            metric_log("coin()", &LogConfig::new("coin[1].log"), Path::new("/l"), &Workers::default(), &mut Vec::new())
                .unwrap();
        assert_eq!(plan.path, "/l/coin[[]1[]].log");
    }
}
