//! Where the value of an option comes from, and what it must pass.

use super::*;
use crate::error::Error;

/// An option `mean` with a default of 0.5 in 0..=10, read from the environment, too.
fn mean(absent: Absent<f64>, env: Option<&'static str>) -> TypedOption<f64> {
    let bounds = Bounds { min: Some(|| f64::limit(0.0)), max: Some(|| f64::limit(10.0)), measure: f64::measure };
    TypedOption { env, bounds: Some(bounds), ..option("mean", absent) }
}

#[test]
fn the_entry_wins_over_the_environment_which_wins_over_the_default() {
    let option = mean(Absent::Default(|| 0.5), Some("SCALYR_MEAN"));
    let nothing = Vec::<String>::new();
    assert_eq!(look_up(&option, json!({}), &[]), (Some(0.5), nothing.clone()));
    assert_eq!(look_up(&option, json!({ "mean": null }), &[]), (Some(0.5), nothing.clone()));
    assert_eq!(look_up(&option, json!({}), &[("SCALYR_MEAN", "3")]), (Some(3.0), nothing.clone()));
    assert_eq!(look_up(&option, json!({}), &[("scalyr_mean", "3")]), (Some(3.0), nothing.clone()));
    assert_eq!(look_up(&option, json!({ "mean": 3 }), &[("SCALYR_MEAN", "3.0")]), (Some(3.0), nothing));
    let ignored =
        "Warning mean: given here and, differently, by the environment variable SCALYR_MEAN, which is ignored";
    assert_eq!(look_up(&option, json!({ "mean": 4 }), &[("SCALYR_MEAN", "x")]), (Some(4.0), vec![ignored.to_owned()]));
}

#[test]
fn bounds_hold_wherever_the_value_comes_from() {
    let refused = |told: &str| (None, vec![format!("Refused mean: {told}")]);
    let option = mean(Absent::Default(|| 0.5), Some("SCALYR_MEAN"));
    assert_eq!(look_up(&option, json!({ "mean": 11 }), &[]), refused("11 is above the maximum 10"));
    assert_eq!(look_up(&option, json!({ "mean": "-0.5" }), &[]), refused("-0.5 is below the minimum 0"));
    assert_eq!(look_up(&option, json!({ "mean": 10 }), &[]).0, Some(10.0));
    assert_eq!(
        look_up(&option, json!({}), &[("SCALYR_MEAN", "99")]),
        refused("99 is above the maximum 10 (from the environment variable SCALYR_MEAN)")
    );
    assert_eq!(
        look_up(&option, json!({}), &[("SCALYR_MEAN", "")]),
        refused("\"\" is not a number (from the environment variable SCALYR_MEAN)")
    );
    let own = mean(Absent::Default(|| 50.0), None);
    assert_eq!(look_up(&own, json!({}), &[]), refused("50 is above the maximum 10 (the monitor's own default)"));
}

#[test]
fn a_required_option_that_is_missing_is_told() {
    let option = mean(Absent::Refused, None);
    assert_eq!(look_up(&option, json!({}), &[]).1, ["Refused mean: required, but not given"]);
    let option = mean(Absent::Refused, Some("GAUSS"));
    assert_eq!(
        look_up(&option, json!({ "mean": null }), &[]).1,
        ["Refused mean: required, but not given; the environment variable GAUSS would do, too"]
    );
}

#[test]
fn a_variable_that_the_old_agent_would_have_read_is_not_ignored_in_silence() {
    let option = mean(Absent::Default(|| 0.5), None);
    let (value, told) = look_up(&option, json!({}), &[("SCALYR_MEAN", "3")]);
    assert_eq!(value, Some(0.5));
    assert_eq!(
        told,
        ["Warning mean: the environment variable SCALYR_MEAN is not read for this option; set it in the entry"]
    );
    assert!(look_up(&option, json!({ "mean": 1 }), &[("SCALYR_MEAN", "3")]).1.is_empty());
    let renamed = TypedOption { aliases: &["middle"], ..mean(Absent::Default(|| 0.5), None) };
    assert_eq!(
        look_up(&renamed, json!({}), &[("scalyr_middle", "3")]).1,
        ["Warning mean: the environment variable scalyr_middle is not read for this option; set it in the entry"]
    );
}

#[test]
fn an_older_name_is_read_with_a_warning_that_names_the_new_one() {
    let option = TypedOption { aliases: &["middle", "average"], ..mean(Absent::Refused, None) };
    let old = "Warning middle: is the older name of `mean`; write `mean` in its place";
    assert_eq!(look_up(&option, json!({ "middle": 3 }), &[]), (Some(3.0), vec![old.to_owned()]));
    assert_eq!(look_up(&option, json!({ "middle": null, "mean": 3 }), &[]), (Some(3.0), vec![]));
    // The problem stands where the user wrote the value.
    let above = "Refused middle: 11 is above the maximum 10";
    assert_eq!(look_up(&option, json!({ "middle": 11 }), &[]), (None, vec![old.to_owned(), above.to_owned()]));
    let no_number = "Refused average: \"x\" is not a number";
    assert_eq!(look_up(&option, json!({ "average": "x" }), &[]).1[1], no_number);
}

#[test]
fn of_an_older_and_the_newer_name_the_newer_counts() {
    let option = TypedOption { aliases: &["middle", "average"], ..mean(Absent::Refused, None) };
    let differs = "Warning middle: is an older name of `mean` and differs from `mean`, which counts; leave it out";
    assert_eq!(look_up(&option, json!({ "middle": 4, "mean": 3 }), &[]), (Some(3.0), vec![differs.to_owned()]));
    assert_eq!(look_up(&option, json!({ "middle": "3.0", "mean": 3 }), &[]), (Some(3.0), vec![]));
    assert_eq!(
        look_up(&option, json!({ "average": 5, "middle": 4 }), &[]),
        (
            Some(4.0),
            vec![
                "Warning middle: is the older name of `mean`; write `mean` in its place".to_owned(),
                "Warning average: is an older name of `mean` and differs from `middle`, which counts; leave it out"
                    .to_owned()
            ]
        )
    );
}

#[test]
fn the_authors_check_comes_after_the_bounds_and_its_error_is_the_message() {
    fn even(number: &f64) -> crate::Result<()> {
        if number % 2.0 == 0.0 { Ok(()) } else { Err(Error::new(format!("{number} is odd; take an even one"))) }
    }
    let option = TypedOption { check: Some(even), ..mean(Absent::Default(|| 3.0), Some("SCALYR_MEAN")) };
    assert_eq!(look_up(&option, json!({ "mean": 4 }), &[]), (Some(4.0), vec![]));
    let refused = |told: &str| (None, vec![format!("Refused mean: {told}")]);
    assert_eq!(look_up(&option, json!({ "mean": 5 }), &[]), refused("5 is odd; take an even one"));
    assert_eq!(look_up(&option, json!({ "mean": 11 }), &[]), refused("11 is above the maximum 10"));
    assert_eq!(
        look_up(&option, json!({}), &[("scalyr_mean", "7")]),
        refused(
            "7 is odd; take an even one (from the environment variable SCALYR_MEAN)"
                .replace("SCALYR_MEAN", "scalyr_mean")
                .as_str()
        )
    );
    assert_eq!(look_up(&option, json!({}), &[]), refused("3 is odd; take an even one (the monitor's own default)"));

    let optional =
        TypedOption { check: Some(|_| Err(Error::new("never"))), ..super::option("x", Absent::Nothing(|| None::<u8>)) };
    assert_eq!(look_up(&optional, json!({}), &[]), (Some(None), vec![]), "there is nothing to check");
}

#[test]
fn bounds_hold_for_each_element_of_a_list_and_each_member_of_a_map() {
    let bounds = Bounds {
        min: Some(|| Vec::<u16>::limit(1)),
        max: Some(|| Vec::<u16>::limit(1000)),
        measure: Vec::<u16>::measure,
    };
    let ports = TypedOption { bounds: Some(bounds), ..option::<Vec<u16>>("ports", Absent::Refused) };
    assert_eq!(look_up(&ports, json!({ "ports": "1, 80,1000" }), &[]), (Some(vec![1, 80, 1000]), vec![]));
    assert_eq!(
        look_up(&ports, json!({ "ports": [80, 0, 2000] }), &[]).1,
        ["Refused ports[1]: 0 is below the minimum 1", "Refused ports[2]: 2000 is above the maximum 1000"]
    );
    type Weights = std::collections::BTreeMap<String, Option<f64>>;
    let bounds = Bounds { min: Some(|| Weights::limit(0.0)), max: None, measure: Weights::measure };
    let weights = TypedOption { bounds: Some(bounds), ..option::<Weights>("weights", Absent::Refused) };
    assert_eq!(
        look_up(&weights, json!({ "weights": { "a": -1, "b c": -2, "d": null, "e": 0 } }), &[]).1,
        ["Refused weights.a: -1 is below the minimum 0", "Refused weights.\"b c\": -2 is below the minimum 0"]
    );
}

#[test]
fn a_url_is_brought_to_https_where_plain_http_is_not_allowed() {
    let url = TypedOption {
        env: Some("SCALYR_URL"),
        no_http: true,
        ..option::<String>("url", Absent::Default(|| "http://localhost/status".to_owned()))
    };
    let changed = "http:// is changed to https://, because `allow_http_monitors` of the agent is false";
    let put = "https:// is put before it, because `allow_http_monitors` of the agent is false";
    for (given, used, why) in [
        ("http://a/b?u=http://c", "https://a/b?u=http://c", Some(changed)),
        (" HTTP://a", "https://a", Some(changed)),
        ("a:8080/b", "https://a:8080/b", Some(put)),
        ("https://a", "https://a", None),
        ("unix:///run/a", "unix:///run/a", None),
        ("", "", None),
    ] {
        let told: Vec<String> = why.iter().map(|why| format!("Warning url: {why}")).collect();
        assert_eq!(look_up_with(&url, json!({ "url": given }), &[], false), (Some(used.to_owned()), told), "{given}");
        assert_eq!(look_up(&url, json!({ "url": given }), &[]), (Some(given.to_owned()), vec![]), "{given}");
    }
    let of_environment = look_up_with(&url, json!({}), &[("SCALYR_URL", "http://e")], false);
    let told = format!("Warning url: {changed} (from the environment variable SCALYR_URL)");
    assert_eq!(of_environment, (Some("https://e".to_owned()), vec![told]));
    let told = format!("Warning url: {changed} (the monitor's own default)");
    assert_eq!(look_up_with(&url, json!({}), &[], false), (Some("https://localhost/status".to_owned()), vec![told]));

    let urls = TypedOption { no_http: true, ..option::<Vec<String>>("urls", Absent::Refused) };
    let (read, told) = look_up_with(&urls, json!({ "urls": "http://a, https://b" }), &[], false);
    assert_eq!(read.unwrap(), ["https://a", "https://b"]);
    assert_eq!(told, [format!("Warning urls[0]: {changed}")]);
}

#[test]
fn a_variable_is_looked_up_in_upper_then_in_lower_case() {
    let option = mean(Absent::Default(|| 0.5), Some("Own_Mean"));
    assert_eq!(look_up(&option, json!({}), &[("OWN_MEAN", "1"), ("own_mean", "2"), ("Own_Mean", "3")]).0, Some(1.0));
    assert_eq!(look_up(&option, json!({}), &[("own_mean", "2"), ("Own_Mean", "3")]).0, Some(2.0));
    assert_eq!(look_up(&option, json!({}), &[("Own_Mean", "3")]).0, Some(3.0));
}

#[test]
fn an_empty_variable_counts_as_set() {
    fn empty<T: ConfigValue>() -> (Option<T>, Vec<String>) {
        let option = TypedOption { env: Some("X"), ..option::<T>("x", Absent::Refused) };
        look_up(&option, json!({}), &[("X", "")])
    }
    assert_eq!(empty::<String>(), (Some(String::new()), vec![]));
    assert_eq!(empty::<bool>(), (Some(false), vec![]));
    assert_eq!(empty::<Vec<String>>(), (Some(vec![]), vec![]));
    assert_eq!(empty::<Map<String, Value>>(), (Some(Map::new()), vec![]));
    assert_eq!(empty::<u8>().1, ["Refused x: \"\" is not a whole number (from the environment variable X)"]);
}

#[test]
fn a_default_that_is_no_pattern_is_refused_when_the_entry_is_read() {
    let option = option::<Option<Pattern>>("filter", Absent::Default(|| Option::from_literal("(a")));
    assert_eq!(
        look_up(&option, json!({}), &[]).1,
        ["Refused filter: \"(a\" is not a regular expression: the `(` at character 1 is never closed (the monitor's \
          own default)"]
    );
    assert!(look_up(&option, json!({ "filter": "a" }), &[]).0.flatten().unwrap().is_match("bab").unwrap());
}

/// The options of a group, taken in by a monitor beside an option of its own.
mod group {
    use super::*;

    pub(super) static URL: TypedOption<String> =
        TypedOption { aliases: &["address"], ..option("url", Absent::Refused) };
    pub(super) static TIMEOUT: TypedOption<f64> = option("timeout", Absent::Default(|| 5.0));
    pub(super) static COUNT: TypedOption<u8> = option("count", Absent::Default(|| 1));
    pub(super) static DECLARED: [DeclaredOption; 2] = [
        DeclaredOption::Group(&[DeclaredOption::One(&URL), DeclaredOption::One(&TIMEOUT)]),
        DeclaredOption::One(&COUNT),
    ];
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_of_all_that_are_known() {
    let entry = json!({
        "module": "x", "url": "a", "adress": 1, "timeuot": 2, "conut": 3, "sampel_interval": 4, "zzz": 5, "a b": 6,
        "address": null,
    });
    let Value::Object(entry) = entry else { panic!("no object") };
    let environment = Environment::default();
    let mut reader = Reader::new(&entry, &environment);
    reader.read(&group::URL);
    reader.read(&group::TIMEOUT);
    reader.read(&group::COUNT);
    reader.warn_of_unknown_keys(&DeclaredOption::all(&group::DECLARED));
    let all = "unknown option; this monitor has `url`, `timeout`, `count`";
    assert_eq!(
        told(reader.into_problems()),
        [
            "Warning adress: unknown option; did you mean `url`?".to_owned(),
            "Warning timeuot: unknown option; did you mean `timeout`?".to_owned(),
            "Warning conut: unknown option; did you mean `count`?".to_owned(),
            "Warning sampel_interval: unknown option; did you mean `sample_interval`?".to_owned(),
            format!("Warning zzz: {all}"),
            format!("Warning \"a b\": {all}"),
        ]
    );
}
