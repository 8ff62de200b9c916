//! The keys of an entry of `logs`, of its relatives and of the rules in it.

use super::Stage::{Files, Kubernetes, Lines, Upload};
use super::{Key, Kind, MAX_SECONDS, flag, open_text, seconds, text, texts};

/// The keys of an entry of `logs` (`configuration.md` section 7.1).
pub const LOG_ENTRY: &[Key] = keys! {
    /// The file, or a pattern of files: `*`, `?`, `[a-z]`, and `**` for folders of any depth. Relative ones start at
    /// `agent_log_path`.
    open_text("path").at(Files).required(),
    /// Files that match `path` and are not copied; patterns whose `*` also matches `/`.
    texts("exclude", &[]).at(Files),
    /// Name of the parser that the server takes the lines apart with; the same as `parser` in `attributes`, and wins
    /// over it.
    open_text("parser").at(Upload),
    /// Attributes of all events of these files: names with a text, a number or a bool each.
    Key::new("attributes", Kind::Object).at(Upload),
    /// Copies a file that is new to the agent from its first byte; with false from its end, unless it was created while
    /// the agent ran.
    flag("copy_from_start", false).at(Files),
    /// The entry of `workers` that these files are uploaded with.
    text("worker_id", "default").at(Upload),
    /// How lines are taken apart.
    text("parse_format", "raw").at(Lines).words(&["raw", "json", "cri"]),
    /// The older way to write `parse_format: "json"`.
    flag("parse_lines_as_json", false).at(Lines),
    /// What is replaced in each line before it is uploaded.
    Key::new("redaction_rules", Kind::Objects).at(Lines),
    /// Which lines together make one event.
    Key::new("lineGroupers", Kind::Objects).at(Lines),
    /// Which share of the lines is uploaded; the first rule that matches a line counts.
    Key::new("sampling_rules", Kind::Objects).at(Lines),
    /// The path that the server is told in place of the real one: a text, or an object with `match`, a regular
    /// expression, and `replacement`.
    Key::new("rename_logfile", Kind::Any).at(Upload),
    /// Does not tell the server the real path beside the one of `rename_logfile`.
    Key::new("rename_no_original", Kind::Any).at(Upload),
    /// Member of a json line that holds the message.
    text("json_message_field", "log").at(Lines),
    /// Member of a json line that holds the time.
    text("json_timestamp_field", "time").at(Lines),
    /// Does not copy files that were last changed longer ago than `staleness_threshold_secs`.
    flag("ignore_stale_files", false).at(Files),
    /// Seconds since its last change after which a file is stale.
    seconds("staleness_threshold_secs", 300.0).at(Files),
    /// The least time between two looks at these files, in seconds; none or less than nothing says nothing.
    Key::new("minimum_scan_interval", Kind::Integer(None)).range(-MAX_SECONDS, MAX_SECONDS).at(Files),
};

/// The keys that an entry of `journald_logs` has in place of `path` (`configuration.md` section 7.2).
pub const JOURNALD_LOG_ENTRY: &[Key] = keys! {
    /// The units that it is for; a regular expression that matches from the beginning of their names. Without it, and
    /// without `journald_globs`, it is for all.
    open_text("journald_unit").at(Files),
    /// In place of units: fields, by their names in the line, each with a shell pattern of its value. All must match.
    Key::new("journald_globs", Kind::Object).at(Files),
    /// Writes the message without quotes; line breaks in it become `\n`.
    flag("emit_raw_details", false).at(Files),
    /// Leaves a message or field that stands in quotes already as it is.
    flag("detect_escaped_strings", false).at(Files),
};

/// The keys that an entry of `k8s_logs` has in place of `path` (`configuration.md` section 7.2).
pub const K8S_LOG_ENTRY: &[Key] = keys! {
    /// The pods whose logs are copied; a shell pattern.
    text("k8s_pod_glob", "*").at(Kubernetes),
    /// The namespaces whose pods are copied; a shell pattern.
    text("k8s_namespace_glob", "*").at(Kubernetes),
    /// The containers whose logs are copied; a shell pattern.
    text("k8s_container_glob", "*").at(Kubernetes),
};

/// The keys that all entries share: those of `logs` behind `path`.
const SHARED: &[Key] = LOG_ENTRY.split_at(1).1;

/// All keys of an entry of `journald_logs`.
pub const JOURNALD_LOG: &[Key] = &with_shared::<{ JOURNALD_LOG_ENTRY.len() + LOG_ENTRY.len() - 1 }>(JOURNALD_LOG_ENTRY);

/// All keys of an entry of `k8s_logs`.
pub const K8S_LOG: &[Key] = &with_shared::<{ K8S_LOG_ENTRY.len() + LOG_ENTRY.len() - 1 }>(K8S_LOG_ENTRY);

const fn with_shared<const N: usize>(own: &[Key]) -> [Key; N] {
    let mut all = [own[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < own.len() { own[at] } else { SHARED[at - own.len()] };
        at += 1;
    }
    all
}

/// The keys of an element of `lineGroupers`: `start` and exactly one of the others.
pub const LINE_GROUPER: &[Key] = keys! {
    /// Matches the first line of an event; a regular expression, like the others.
    open_text("start").at(Lines).required(),
    /// The event goes on as long as this matches the next line.
    open_text("continueThrough").at(Lines),
    /// The event goes on as long as this matches its last line.
    open_text("continuePast").at(Lines),
    /// The event ends before the line that this matches.
    open_text("haltBefore").at(Lines),
    /// The event ends with the line that this matches.
    open_text("haltWith").at(Lines),
};

/// The keys of an element of `sampling_rules`.
pub const SAMPLING_RULE: &[Key] = keys! {
    /// The lines that the rule is for; a regular expression.
    open_text("match_expression").at(Lines).required(),
    /// The share of these lines that is uploaded, from 0 to 1.
    Key::new("sampling_rate", Kind::Float(None)).at(Lines).range(0.0, 1.0).required(),
};

/// The keys of an element of `redaction_rules`.
pub const REDACTION_RULE: &[Key] = keys! {
    /// What is replaced in a line; a regular expression.
    open_text("match_expression").at(Lines).required(),
    /// What takes its place; `\1` or `\g<name>` stand for groups of the expression, `\H1` for the MD5 hash of one.
    text("replacement", "").at(Lines),
    /// Salt of these hashes, put behind the text of the group.
    text("hash_salt", "").at(Lines).secret(),
};

/// The keys of `rename_logfile` when it is an object.
pub const RENAMING: &[Key] = keys! {
    /// What is replaced in the path; a regular expression.
    open_text("match").at(Upload).required(),
    /// What takes its place; it may refer to the groups of the expression.
    text("replacement", "").at(Upload).required(),
};
