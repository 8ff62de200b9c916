//! What is secret gets into no message and no reference.

use std::collections::BTreeMap;

use super::*;
use crate::error::Error;

const PASSWORD: &str = "hunter2";

/// Everything that is said about an option of this type with this value, in the entry and in the environment.
fn said<T: ConfigValue>(value: Value) -> String {
    let option =
        TypedOption { secret: true, aliases: &["older"], env: Some("X"), ..option::<T>("given", Absent::Refused) };
    let environment = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut told = look_up(&option, json!({ "given": value, "older": 17 }), &[("X", "23")]).1;
    told.extend(look_up(&option, json!({}), &[("X", &environment)]).1);
    told.extend(look_up(&option, json!({ "older": value }), &[]).1);
    told.join("\n")
}

#[test]
fn a_secret_that_is_refused_is_not_shown() {
    let words = json!(PASSWORD);
    for said in [
        said::<u8>(words.clone()),
        said::<f64>(words.clone()),
        said::<bool>(words.clone()),
        said::<std::time::Duration>(words.clone()),
        said::<HostPort>(words.clone()),
        said::<std::net::IpAddr>(words.clone()),
        said::<Pattern>(json!("(hunter2")),
        said::<Glob>(json!("[hunter2")),
        said::<Vec<u16>>(json!(["hunter2", 1])),
        said::<Vec<u16>>(json!("1, hunter2")),
        said::<Vec<Vec<u16>>>(json!("[['hunter2']")),
        said::<BTreeMap<String, u16>>(json!({ "hunter2": "hunter2" })),
        said::<BTreeMap<String, u16>>(json!("{ hunter2: 'hunter2' }")),
        said::<BTreeMap<String, u16>>(json!("hunter2")),
    ] {
        assert!(said.contains("Refused given") || said.contains("Warning given"), "{said}");
        assert!(!said.contains(PASSWORD), "{said}");
    }
    assert_eq!(
        look_up(&TypedOption { secret: true, ..option::<u8>("pin", Absent::Refused) }, json!({ "pin": 12345 }), &[]).1,
        ["Refused pin: the value, which is secret, is above 255, the most that fits"]
    );
}

#[test]
fn bounds_and_checks_of_a_secret_do_not_show_it() {
    fn check(pin: &f64) -> crate::Result<()> {
        Err(Error::new(if *pin == 7.5 { format!("{pin} is known to all") } else { "choose another".to_owned() }))
    }
    let bounds = Bounds { min: None, max: Some(|| f64::limit(10.0)), measure: f64::measure };
    let pin = TypedOption { secret: true, bounds: Some(bounds), check: Some(check), ..option("pin", Absent::Refused) };
    let told = |value: f64| look_up(&pin, json!({ "pin": value }), &[]).1;
    assert_eq!(told(11.25), ["Refused pin: the value, which is secret, is above the maximum 10"]);
    assert_eq!(
        told(7.5),
        ["Refused pin: is refused by the monitor; the reason is not shown, because it holds the secret"]
    );
    assert_eq!(told(3.0), ["Refused pin: choose another"]);
}

#[test]
fn a_check_that_changes_the_secret_does_not_show_it_either() {
    fn check(given: &String) -> crate::Result<()> {
        Err(Error::new(match given.trim() {
            "quoted\"" => format!("{given:?} is no good"),
            loud => format!("{} is no good", loud.to_uppercase()),
        }))
    }
    let password = TypedOption { secret: true, check: Some(check), ..option("password", Absent::Refused) };
    for given in [" hunter2 ", "quoted\""] {
        let told = look_up(&password, json!({ "password": given }), &[]).1;
        let hidden =
            "Refused password: is refused by the monitor; the reason is not shown, because it holds the secret";
        assert_eq!(told, [hidden], "{given}");
    }
}

#[test]
fn a_secret_shows_itself_as_a_mask() {
    let secret: Secret = read(json!(PASSWORD)).unwrap();
    assert_eq!(secret.reveal(), PASSWORD);
    assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(********) Some(Secret(********))");
    assert_eq!(secret.to_value(), json!(MASK));
    assert_eq!(read::<Secret>(json!(4711)).unwrap().reveal(), "4711");
    assert_eq!(refused::<Secret>(json!([PASSWORD])), "the value, which is secret, is not text (a secret)");

    let twice = TypedOption { env: Some("X"), ..option::<Secret>("password", Absent::Refused) };
    assert_eq!(look_up(&twice, json!({ "password": PASSWORD }), &[("X", PASSWORD)]).1, [] as [&str; 0]);
    assert_eq!(
        look_up(&twice, json!({ "password": PASSWORD }), &[("X", "other")]).1,
        ["Warning password: given here and, differently, by the environment variable X, which is ignored"]
    );
}

#[test]
fn the_default_of_a_secret_is_masked_where_it_is_described() {
    let typed = option::<Secret>("token", Absent::Default(|| Secret::new(PASSWORD)));
    let marked =
        TypedOption { secret: true, ..option::<Vec<String>>("tokens", Absent::Default(|| vec![PASSWORD.to_owned()])) };
    for described in [typed.describe(), marked.describe()] {
        assert!(described.secret);
        assert_eq!(described.default, Some(json!(MASK)));
        assert!(!format!("{described:?}").contains(PASSWORD));
    }
    let empty = option::<Secret>("token", Absent::Default(Secret::default)).describe();
    assert_eq!(empty.default, Some(json!("")), "that there is none is no secret");
    assert!(option::<BTreeMap<String, Vec<Secret>>>("all", Absent::Refused).describe().secret);
}
