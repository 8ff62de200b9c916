//! The option `tags`: attributes of the metric log's lines.

use serde_json::{Map, Value};

/// Adds the tags to the log's attributes and returns what is odd about them, one sentence each.
///
/// `parser` always was overruled; a value that cannot be an attribute becomes its JSON text.
pub(super) fn apply(tags: &Map<String, Value>, attributes: &mut Map<String, Value>) -> Vec<String> {
    let mut oddities = Vec::new();
    for (key, value) in tags {
        let attribute = match value {
            _ if key == "parser" => {
                oddities.push("tags.parser is not used: the parser of these lines is always agent-metrics".to_owned());
                continue;
            }
            Value::String(_) | Value::Number(_) | Value::Bool(_) => value.clone(),
            other => {
                oddities.push(format!(
                    "tags.{key} is neither text, a number nor a boolean; it is sent as the text {other}"
                ));
                Value::String(other.to_string())
            }
        };
        attributes.insert(key.clone(), attribute);
    }
    oddities
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_become_attributes_and_odd_ones_are_told() {
        let tags = json!({ "tier": "web", "rack": 7, "parser": "mine", "owners": ["a", "b"] });
        let mut attributes = Map::new();
        let oddities = apply(tags.as_object().unwrap(), &mut attributes);
        assert_eq!(Value::Object(attributes), json!({ "tier": "web", "rack": 7, "owners": "[\"a\",\"b\"]" }));
        assert_eq!(oddities.len(), 2);
        assert!(oddities[0].starts_with("tags.parser") && oddities[1].starts_with("tags.owners"), "{oddities:?}");
    }
}
