//! The source of an agent log line: `[scalyr_agent.upload.session:12]` (`logging.md` section 6).

use std::fmt;
use std::panic::Location;

/// Shows a place in the source as a dotted module and a line.
///
/// Agent code is `scalyr_agent.` and its module, as the Python agent's is; anything else is its crate's folder with
/// the module behind it: `coin`, `coin.client`.
#[derive(Clone, Copy, Debug)]
pub struct SourceTag {
    file: &'static str,
    line: u32,
}

impl SourceTag {
    /// The tag of this place.
    pub const fn new(place: &'static Location<'static>) -> Self {
        Self { file: place.file(), line: place.line() }
    }

    /// The module alone, as it stands in the tag.
    pub fn module(&self) -> String {
        let mut module = String::new();
        // Writing into a String does not fail.
        _ = self.write_module(&mut module);
        module
    }

    fn write_module(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        let Source { package, module } = Source::of(self.file);
        write_dotted(f, package)?;
        let mut empty = package.is_empty();
        for part in module.split('/') {
            // `lib.rs`, `main.rs` and `mod.rs` stand for the folder that they lie in.
            if matches!(part, "lib" | "main" | "mod") && !empty {
                continue;
            }
            if !empty {
                f.write_str(".")?;
            }
            write_dotted(f, part)?;
            empty = false;
        }
        Ok(())
    }
}

impl fmt::Display for SourceTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_module(f)?;
        write!(f, ":{}", self.line)
    }
}

/// What a path says of a source file.
struct Source<'a> {
    /// The dotted name of the crate, perhaps with dashes; empty where the path does not tell.
    package: &'a str,
    /// The path below `src`, without `.rs`.
    module: &'a str,
}

impl<'a> Source<'a> {
    /// The same for the path from the checkout's folder, from another workspace's and from the root: which one a build
    /// has depends on the workspace that it was started in.
    fn of(file: &'a str) -> Self {
        let file = file.strip_suffix(".rs").unwrap_or(file);
        if let Some((_, path)) = file.split_once("/registry/src/") {
            return Self::of_registry(path);
        }
        match file.rsplit_once("/src/") {
            Some((folder, module)) => Self { package: package_of(folder), module },
            None => Self { package: "", module: file.rsplit('/').next().unwrap_or(file) },
        }
    }

    /// `index.crates.io-1949cf8c6b5b557f/rain-gauge-1.2.0/src/lib`: a crate of somebody else, whatever it is called.
    fn of_registry(path: &'a str) -> Self {
        let mut parts = path.splitn(3, '/').skip(1);
        let (folder, module) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        Self { package: without_version(folder), module: module.strip_prefix("src/").unwrap_or(module) }
    }
}

/// The dotted name of the crate in this folder.
fn package_of(folder: &str) -> &str {
    let is = |own: &str| folder.strip_suffix(own).is_some_and(|before| before.is_empty() || before.ends_with('/'));
    // A monitor may be called as a folder of the agent is.
    let is_local = folder.rsplit('/').nth(1) == Some("local-monitors");
    if is("agent/monitor-api") {
        "scalyr_agent.monitor_api"
    } else if is("agent") && !is_local {
        "scalyr_agent"
    } else if is("builtin-monitors") && !is_local {
        "scalyr_agent.builtin_monitors"
    } else if let Some((_, checkout)) = folder.split_once("/git/checkouts/") {
        package_of_checkout(checkout)
    } else {
        folder.rsplit('/').next().unwrap_or(folder)
    }
}

/// `weather-0123456789abcdef/a1b2c3d/rain-gauge`: the last folder, or the repository's name where that is the crate.
fn package_of_checkout(checkout: &str) -> &str {
    let mut parts = checkout.splitn(3, '/');
    let repository = parts.next().unwrap_or_default();
    match parts.nth(1) {
        Some(folder) => folder.rsplit('/').next().unwrap_or(folder),
        None => repository.rsplit_once('-').map_or(repository, |(name, _)| name),
    }
}

/// `rain-gauge` of `rain-gauge-1.2.0-rc.1`.
fn without_version(folder: &str) -> &str {
    let starts = |(at, _): &(usize, &str)| folder[at + 1..].starts_with(|c: char| c.is_ascii_digit());
    folder.match_indices('-').find(starts).map_or(folder, |(at, _)| &folder[..at])
}

/// A folder's name as part of a dotted module name.
fn write_dotted(f: &mut dyn fmt::Write, name: &str) -> fmt::Result {
    for (at, part) in name.split('-').enumerate() {
        if at > 0 {
            f.write_str("_")?;
        }
        f.write_str(part)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_file_becomes_a_dotted_module() {
        for (file, expected) in [
            ("agent/src/upload/session.rs", "scalyr_agent.upload.session:12"),
            ("agent/src/upload/mod.rs", "scalyr_agent.upload:12"),
            ("agent/src/main.rs", "scalyr_agent:12"),
            ("agent/monitor-api/src/monitor.rs", "scalyr_agent.monitor_api.monitor:12"),
            ("builtin-monitors/src/test_monitor.rs", "scalyr_agent.builtin_monitors.test_monitor:12"),
            (
                "builtin-monitors/src/linux_system_metrics/mod.rs",
                "scalyr_agent.builtin_monitors.linux_system_metrics:12",
            ),
            ("local-monitors/coin/src/lib.rs", "coin:12"),
            ("local-monitors/coin/src/side/client.rs", "coin.side.client:12"),
            ("/somewhere/my-monitor/src/lib.rs", "my_monitor:12"),
            ("local-monitors/agent/src/lib.rs", "agent:12"),
            ("/somewhere/local-monitors/builtin-monitors/src/lib.rs", "builtin_monitors:12"),
            ("../my-agent/src/lib.rs", "my_agent:12"),
            ("agent/program/src/main.rs", "program:12"),
            (
                "/home/a/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/rain-gauge-1.2.0/src/lib.rs",
                "rain_gauge:12",
            ),
            (
                "/home/a/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/agent-0.1.0-rc.1/src/side/mod.rs",
                "agent.side:12",
            ),
            ("/home/a/.cargo/git/checkouts/weather-0123456789abcdef/a1b2c3d/rain-gauge/src/lib.rs", "rain_gauge:12"),
            ("/home/a/.cargo/git/checkouts/rain-gauge-0123456789abcdef/a1b2c3d/src/lib.rs", "rain_gauge:12"),
            ("agent/tests/run_monitor.rs", "run_monitor:12"),
            ("lib.rs", "lib:12"),
        ] {
            assert_eq!(SourceTag { file, line: 12 }.to_string(), expected, "{file}");
        }
    }

    #[test]
    fn the_tag_does_not_depend_on_the_workspace_that_was_built() {
        for (file, expected) in [
            ("agent/src/supervisor/start.rs", "scalyr_agent.supervisor.start:64"),
            ("agent/src/lib.rs", "scalyr_agent:64"),
            ("agent/monitor-api/src/monitor.rs", "scalyr_agent.monitor_api.monitor:64"),
            ("builtin-monitors/src/test_monitor.rs", "scalyr_agent.builtin_monitors.test_monitor:64"),
            ("local-monitors/coin/src/lib.rs", "coin:64"),
            ("local-monitors/gauges/src/lib.rs", "gauges:64"),
        ] {
            for before in
                ["", "/abs/path/", "../", "/usr/src/agent/", "/home/a/.cargo/git/checkouts/agent-01ab/a1b2c3d/"]
            {
                let file: &'static str = format!("{before}{file}").leak();
                assert_eq!(SourceTag { file, line: 64 }.to_string(), expected, "{file}");
            }
        }
    }

    #[test]
    fn this_file_is_where_it_says() {
        assert_eq!(
            SourceTag::new(Location::caller()).to_string(),
            format!("scalyr_agent.own_logs.source_tag:{}", line!() - 1)
        );
    }
}
