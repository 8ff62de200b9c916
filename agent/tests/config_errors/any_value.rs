//! Whatever stands in a configuration, it makes nothing panic.

use proptest::prelude::*;
use scalyr_agent::config::keys::{GLOBAL, LOG_ENTRY, MONITOR_ENTRY};
use serde_json::{Map, Value};

use super::built_with;

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop_oneof![Just("inf"), Just("-1e300"), Just("coin"), Just("test_monitor"), Just("https://[::]:1")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let keys: Vec<&'static str> = LOG_ENTRY.iter().chain(MONITOR_ENTRY).map(|key| key.name).collect();
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(keys), inner), 0..4).prop_map(|members| {
                Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}") {
        _ = built_with(&text, &[]);
        _ = built_with(&format!("{{ api_key: 'k', logs: [{{ {text} }}], monitors: [{{ module: 'coin', {text} }}] }}"), &[]);
    }

    #[test]
    fn no_value_of_any_key_makes_it_panic(
        values in prop::collection::vec((prop::sample::select(GLOBAL.iter().map(|key| key.name).collect::<Vec<_>>()), any_value()), 0..8)
    ) {
        let mut members = Map::new();
        members.insert("api_key".to_owned(), "k".into());
        members.extend(values.into_iter().map(|(key, value)| (key.to_owned(), value)));
        _ = built_with(&Value::Object(members).to_string(), &[]);
    }
}
