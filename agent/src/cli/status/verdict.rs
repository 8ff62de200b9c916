//! What a report says about health, for an exit status.

use serde_json::Value;

/// Whether data flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It does; also when something else wants a look.
    Good,
    /// It does not: why.
    Bad(String),
    /// The report does not say.
    Unknown,
}

impl Verdict {
    /// Of the report as JSON: `health`, which has three levels of which two are good, before `health_check_result` of the
    /// Python agent.
    pub(super) fn of(report: &Value) -> Self {
        let old = [&report["health_check_result"], &report["copying_manager_status"]["health_check_result"]]
            .into_iter()
            .find_map(Value::as_str);
        match (report["health"].as_str(), old) {
            (Some("good" | "degraded"), _) | (None, Some("Good")) => Self::Good,
            (Some(_), Some(text)) if text != "Good" => Self::Bad(text.to_owned()),
            (Some(_), _) => {
                Self::Bad(sentences(&report["failures"]).unwrap_or_else(|| "Data does not flow.".to_owned()))
            }
            (None, Some(text)) => Self::Bad(text.to_owned()),
            (None, None) => Self::Unknown,
        }
    }
}

fn sentences(list: &Value) -> Option<String> {
    let texts: Vec<&str> = list.as_array()?.iter().filter_map(Value::as_str).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_of_three_levels_are_good_and_the_old_words_are_understood() {
        let bad = |text: &str| Verdict::Bad(text.to_owned());
        let old = |text: &str| json!({ "copying_manager_status": { "health_check_result": text } });
        for (report, expected) in [
            (json!({ "health": "good" }), Verdict::Good),
            (json!({ "health": "degraded", "troubles": ["the api key is refused"] }), Verdict::Good),
            (json!({ "health": "failing", "failures": ["One.", "Two."] }), bad("One., Two.")),
            (json!({ "health": "failing", "health_check_result": "Stuck." }), bad("Stuck.")),
            (json!({ "health": "failing" }), bad("Data does not flow.")),
            (old("Good"), Verdict::Good),
            (old("Worker session 'x' is stuck."), bad("Worker session 'x' is stuck.")),
            (json!({ "health_check_result": null }), Verdict::Unknown),
            (json!("nonsense"), Verdict::Unknown),
        ] {
            assert_eq!(Verdict::of(&report), expected, "{report}");
        }
    }
}
