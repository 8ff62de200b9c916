//! `cargo xtask package`: what it does before it hands over to the crate that writes packages.
#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod repository;

use repository::Repository;

/// A crate that stands for the one that writes packages: it says what it was called with, and ends with 7.
fn with_packager(test: &str) -> Repository {
    let repository = Repository::with_program(test);
    let manifest = "[package]\nname = \"scalyr-package\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
                    [features]\nsign = []\n\n[workspace]\n";
    repository.put("xtask/Cargo.toml", manifest);
    let program = "fn main() {\n    let words: Vec<String> = std::env::args().skip(1).collect();\n    \
                   println!(\"packager: {} sign={}\", words.join(\" \"), cfg!(feature = \"sign\"));\n    \
                   std::process::exit(7);\n}\n";
    repository.put("xtask/src/main.rs", program);
    repository
}

#[test]
fn a_folder_that_was_only_just_put_there_is_linked_before_the_packages_are_written() {
    let repository = with_packager("package-links");
    repository.put_monitor("local-monitors/rain-gauge", "rain-gauge", "scalyr-monitor.workspace = true");
    let output = repository.xtask(&["package", "--deb", "--release", "2"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(7), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.starts_with("link    local_rain_gauge = "), "{told}");
    assert!(told.ends_with("packager: --deb --release 2 sign=false\n"), "{told}");
    assert!(repository.text("local-monitors/lib.rs").contains("use local_rain_gauge as _;"));
    // What is needed for signing is only built for who signs.
    let signed = repository.xtask(&["package", "--sign", "a.key"]);
    assert!(String::from_utf8_lossy(&signed.stdout).ends_with("packager: --sign a.key sign=true\n"));
}

#[test]
fn an_agent_that_was_built_before_is_packaged_without_linking() {
    let repository = with_packager("package-agent");
    repository.put_monitor("local-monitors/rain", "rain", "scalyr-monitor.workspace = true");
    let output = repository.xtask(&["package", "--deb", "--agent=a"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "packager: --deb --agent=a sign=false\n");
    assert!(!repository.text("local-monitors/lib.rs").contains("rain"));
}

#[test]
fn two_monitors_of_one_name_are_refused_before_anything_is_built() {
    let repository = with_packager("package-clash");
    repository.put_monitor("local-monitors/rain-gauge", "rain-gauge", "scalyr-monitor.workspace = true");
    let text = repository.text("local-monitors/rain-gauge/src/lib.rs").replace("rain_gauge", "Coin");
    repository.put("local-monitors/rain-gauge/src/lib.rs", &text);
    let told = repository.refused(&["package", "--deb"]);
    let clash = "cargo xtask package: a monitor of local-monitors/coin and a monitor of local-monitors/rain-gauge have one \
                 name (`coin` and `Coin`); rename one in its `#[scalyr_monitor(name = …)]`\n";
    assert_eq!(told, clash);
}
