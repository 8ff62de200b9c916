use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;
use crate::crates::tests::{made_up, of_checkout, with};
use crate::package::{Architecture, Monitor, NAME, Needs, Version};
use crate::tree::Tree;

fn package() -> Package {
    let monitor = |name: &str, is_local| Monitor {
        name: name.to_owned(),
        krate: format!("{name}-crate"),
        version: "0.1.0".to_owned(),
        is_local,
        is_example: false,
        summary: "Measures.".to_owned(),
    };
    Package {
        name: NAME.to_owned(),
        version: Version { upstream: "0.2.0~rc.1".to_owned(), release: "1.local1".to_owned() },
        architecture: Architecture::X86_64,
        monitors: vec![monitor("coin", false), monitor("rain_gauge", true)],
        needs: Needs::default(),
        source_date: 1_795_436_694,
        tree: Tree::default(),
        changes: Vec::new(),
    }
}

const FILE: &str = "scalyr-agent-2-rs_0.2.0~rc.1-1.local1_amd64.deb";

fn written(crates: &Crates) -> Value {
    serde_json::from_str(&write(&package(), FILE, &"0f".repeat(32), crates)).unwrap()
}

/// What the official schema has against it.
fn problems(bill: &Value) -> Vec<String> {
    let schema = |name: &str| -> Value {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cyclonedx");
        let text = fs::read_to_string(folder.join(format!("{name}.SNAPSHOT.schema.json"))).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let others = ["spdx", "jsf-0.82"]
        .map(|name| (format!("http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json"), schema(name)));
    let registry = jsonschema::Registry::new().extend(others).unwrap().prepare().unwrap();
    let validator =
        jsonschema::options().with_registry(&registry).should_validate_formats(true).build(&schema("bom-1.6")).unwrap();
    validator.iter_errors(bill).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_official_schema_has_nothing_against_it() {
    assert_eq!(problems(&written(of_checkout())), Vec::<String>::new());
    let mut strange = made_up("rain-gauge", Some("my very own terms"));
    strange.origin = Origin::User;
    let mut elsewhere = made_up("snow", Some("MIT/Apache-2.0"));
    elsewhere.origin = Origin::Elsewhere("git+https://example.com/snow?branch=a b#0123".to_owned());
    elsewhere.repository = Some("not an address".to_owned());
    let mut crates = with(vec![strange, elsewhere, made_up("silent", None)]);
    crates.c_library = Some(CLibrary { version: Some("2.36".to_owned()), texts: Vec::new() });
    assert_eq!(problems(&written(&crates)), Vec::<String>::new());
}

#[test]
fn the_schema_does_judge() {
    let mut bill = written(of_checkout());
    bill["serialNumber"] = json!("none");
    bill["components"][0]["type"] = json!("crate");
    assert_eq!(problems(&bill).len(), 2);
}

#[test]
fn the_package_and_what_is_in_it_are_told() {
    let bill = written(of_checkout());
    let main = &bill["metadata"]["component"];
    assert_eq!(main["name"], NAME);
    assert_eq!(main["hashes"][0]["content"], json!("0f".repeat(32)));
    assert_eq!(
        main["properties"][1],
        json!({ "name": "scalyr:monitor:local", "value": "rain_gauge (rain_gauge-crate 0.1.0)" })
    );
    let components = bill["components"].as_array().unwrap();
    let named = |name: &str| components.iter().find(|one| one["name"] == name).unwrap();
    let zstd = named("zstd-sys");
    assert!(zstd["purl"].as_str().unwrap().starts_with("pkg:cargo/zstd-sys@"), "{zstd:#}");
    assert_eq!(zstd["hashes"][0]["alg"], "SHA-256");
    assert_eq!(zstd["components"][0]["name"], "zstd");
    assert_eq!(named("filetime")["licenses"][0]["expression"], "MIT OR Apache-2.0");
    assert_eq!(named("serde_derive")["scope"], "excluded");
    assert!(named("rust-std")["components"].as_array().unwrap().iter().any(|one| one["name"] == "hashbrown"));
    assert_eq!(named("coin").get("purl"), None);
}

#[test]
fn each_dependency_is_a_component() {
    let bill = written(of_checkout());
    let mut components = BTreeSet::from([PACKAGE.to_owned()]);
    let mut open: Vec<&Value> = bill["components"].as_array().unwrap().iter().collect();
    while let Some(component) = open.pop() {
        assert!(components.insert(component["bom-ref"].as_str().unwrap().to_owned()), "{component:#}");
        open.extend(component["components"].as_array().into_iter().flatten());
    }
    let dependencies = bill["dependencies"].as_array().unwrap();
    let told: BTreeSet<String> = dependencies.iter().map(|one| one["ref"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, components);
    assert_eq!(dependencies.len(), components.len());
    for need in dependencies.iter().flat_map(|one| one["dependsOn"].as_array().into_iter().flatten()) {
        assert!(components.contains(need.as_str().unwrap()), "{need}");
    }
    // Each is reached from the package.
    let mut reached = BTreeSet::new();
    let mut open = vec![PACKAGE.to_owned()];
    while let Some(reference) = open.pop() {
        let one = dependencies.iter().find(|one| one["ref"] == json!(reference)).unwrap();
        if reached.insert(reference) {
            open.extend(
                one["dependsOn"].as_array().into_iter().flatten().map(|need| need.as_str().unwrap().to_owned()),
            );
        }
    }
    assert_eq!(reached, components);
}

#[test]
fn the_same_package_gives_the_same_bytes_and_another_one_another_number() {
    let write = |sum: &str| write(&package(), FILE, &sum.repeat(32), of_checkout());
    assert_eq!(write("0f"), write("0f"));
    let number = |bill: String| serde_json::from_str::<Value>(&bill).unwrap()["serialNumber"].clone();
    assert_ne!(number(write("0f")), number(write("1f")));
    assert_eq!(written(of_checkout())["metadata"]["timestamp"], "2026-11-23T12:24:54Z");
    assert_eq!(file_name(FILE), format!("{FILE}.cdx.json"));
}
