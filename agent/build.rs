//! Lists the modules of the agent, so that a name in `debug_level_logger_names` can be checked, and the compiler's version.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// The folders of sources, and what the modules in them are called in the agent log.
const TREES: [(&str, &str); 2] = [("src", "scalyr_agent"), ("monitor-api/src", "scalyr_agent.monitor_api")];

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by its environment where to write")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut modules = Vec::new();
    for (folder, name) in TREES {
        println!("cargo::rerun-if-changed={folder}");
        list(Path::new(folder), name, &mut modules)?;
    }
    modules.sort_unstable();
    modules.dedup();
    let folder = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(Path::new(&folder).join("modules.txt"), modules.join("\n"))?;
    let compiler = env::var_os("RUSTC").ok_or("cargo sets RUSTC")?;
    let version = String::from_utf8(Command::new(compiler).arg("--version").output()?.stdout)?;
    println!("cargo::rustc-env=SCALYR_AGENT_RUSTC={}", version.trim().trim_start_matches("rustc "));
    println!("cargo::rerun-if-env-changed=SCALYR_AGENT_REVISION");
    Ok(())
}

/// Adds the module of each source file below `folder`, and that of the folder itself, which is called `name`.
fn list(folder: &Path, name: &str, modules: &mut Vec<String>) -> std::io::Result<()> {
    modules.push(name.to_owned());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.file_name();
        let file = file.to_string_lossy();
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{name}.{file}"), modules)?;
        } else if let Some(module) = file.strip_suffix(".rs")
            && !matches!(module, "lib" | "main" | "mod")
        {
            modules.push(format!("{name}.{module}"));
        }
    }
    Ok(())
}
