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
}

impl fmt::Display for SourceTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.strip_suffix(".rs").unwrap_or(self.file);
        let (package, module) = match file.rsplit_once("/src/") {
            Some((package, module)) => (package, module),
            None => ("", file.rsplit('/').next().unwrap_or(file)),
        };
        let package = match package {
            "agent" => "scalyr_agent",
            "agent/monitor-api" => "scalyr_agent.monitor_api",
            "builtin-monitors" => "scalyr_agent.builtin_monitors",
            elsewhere => elsewhere.rsplit('/').next().unwrap_or(elsewhere),
        };
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
        write!(f, ":{}", self.line)
    }
}

/// A folder's name as part of a dotted module name.
fn write_dotted(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
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
            ("agent/tests/run_monitor.rs", "run_monitor:12"),
            ("lib.rs", "lib:12"),
        ] {
            assert_eq!(SourceTag { file, line: 12 }.to_string(), expected, "{file}");
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
