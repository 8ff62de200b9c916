//! `cargo xtask new-monitor NAME`: a monitor crate that compiles, has a test, and is linked: under `local-monitors/`, or
//! with `--in DIR` in a repository of its own.

mod name;
mod outside;

use std::fs;
use std::path::Path;

use crate::link::{self, FOLDER};
use crate::taken;
use name::Name;

/// The files of the new crate, for a monitor called `rain-gauge`; the three spellings of the name are replaced.
const TEMPLATE: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("template/manifest.toml")),
    ("README.md", include_str!("template/readme.md")),
    ("src/lib.rs", include_str!("template/lib.rs.txt")),
    ("src/tests.rs", include_str!("template/tests.rs.txt")),
];

/// Makes the crate, in `folder` outside the checkout if one is given, and links it. True when it is there.
pub(crate) fn run(root: &Path, name: &str, folder: Option<&str>) -> bool {
    let made = match folder {
        Some(folder) => outside::create(root, name, folder),
        None => create(root, name),
    };
    match made {
        Ok(text) => {
            print!("{text}");
            true
        }
        Err(problems) => {
            for problem in &problems {
                eprintln!("cargo xtask new-monitor: {problem}");
            }
            eprintln!("cargo xtask new-monitor: nothing was written");
            false
        }
    }
}

fn create(root: &Path, given: &str) -> Result<String, Vec<String>> {
    let mut problems = name::problems(given, &taken::everywhere(root));
    // What would keep the new crate from being linked is told before anything is written.
    problems.extend(link::link(root, false).err().unwrap_or_default());
    if !problems.is_empty() {
        return Err(problems);
    }
    let name = Name::new(given);
    let folder = root.join(FOLDER).join(given);
    // Made out of sight of cargo and of git's users, so that a half-written crate is never in the way.
    let aside = root.join(FOLDER).join(format!(".new-{given}"));
    let made = write(&aside, &name, &TEMPLATE).and_then(|()| fs::rename(&aside, &folder));
    if let Err(error) = made {
        let left = fs::remove_dir_all(&aside).err().filter(|error| error.kind() != std::io::ErrorKind::NotFound);
        let left = left.map(|error| format!("{}: {error}; delete it by hand", aside.display()));
        return Err([Some(format!("{FOLDER}/{given}: {error}")), left].into_iter().flatten().collect());
    }
    if let Err(mut problems) = link::link(root, true) {
        let left = fs::remove_dir_all(&folder).err();
        problems.extend(left.map(|error| format!("{FOLDER}/{given}: {error}; delete it by hand")));
        return Err(problems);
    }
    Ok(told(&name))
}

fn write(folder: &Path, name: &Name, template: &[(&str, &str)]) -> std::io::Result<()> {
    if folder.exists() {
        // Left behind by a run that was killed.
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder.join("src"))?;
    for (file, text) in template {
        fs::write(folder.join(file), name.fill(text))?;
    }
    Ok(())
}

fn told(name: &Name) -> String {
    let Name { krate, monitor, .. } = name;
    format!(
        "made    {FOLDER}/{krate}: Cargo.toml, README.md, src/lib.rs, src/tests.rs\n\
         linked  {FOLDER}/Cargo.toml, {FOLDER}/lib.rs\n\n\
         The monitor is called `{monitor}`. It compiles and emits something already; src/lib.rs says what to replace.\n\n\
         next:\n\
         \x20 cargo run -- --run-monitor {monitor} -s 1 --samples 3\n\
         \x20 cargo test -p {krate}\n\
         \x20 cargo xtask remove {krate} --force    # takes it away again\n\n\
         The first of them also enters the crate in Cargo.lock; commit that with the files above.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_of_the_template_is_left_in_a_new_crate() {
        let name = Name::new("snow_depth-2");
        for (file, template) in TEMPLATE.into_iter().chain(outside::TEMPLATE) {
            let text = name.fill(template);
            assert!(!text.to_lowercase().replace(['-', '_', ' '], "").contains("raingauge"), "{file}: {text}");
            let told = if file.ends_with(".toml") { "snow_depth-2" } else { "SnowDepth2" };
            assert!(text.contains(told) || file.ends_with(".md"), "{file}: {text}");
        }
    }
}
