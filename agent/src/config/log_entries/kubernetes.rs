//! The entries of `k8s_logs` (`configuration.md` section 7.2): checked, and refused until pods are watched.

use serde_json::Value;

use super::super::keys;
use super::super::report::{Kind, Report};
use super::super::settings::{Scope, Settings};
use super::super::value;
use super::file::LogReader;
use super::shared;

/// Says what is wrong with the entry at `at`, and that it is not copied yet.
pub(super) fn refuse(entry: &Value, at: &str, reader: &mut LogReader<'_>, report: &mut Report) {
    let Value::Object(values) = entry else {
        let message = format!("must be an object, {{ ... }}, but is {}", value::kind(entry));
        report.refuse(at, message).kind(Kind::Type);
        return;
    };
    let settings = Settings::read(values, keys::K8S_LOG, at, Scope::Entry, report);
    _ = shared::read(&settings, values, at, reader, report);
    report.refuse(at, "the logs of Kubernetes pods cannot be copied yet").kind(Kind::NotBuilt);
}
