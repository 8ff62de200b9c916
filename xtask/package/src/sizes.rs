//! How large the project's own packages may be. Those with monitors of a user are as large as their monitors make them.

use crate::arguments::Arguments;
use crate::build::BuiltAgent;
use crate::package::{Monitor, Package};
use crate::progress;

/// In bytes; none for a package that is not what the project ships.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Of the program as it is installed.
    program: Option<u64>,
    /// Of each package.
    package: Option<u64>,
}

impl Limits {
    /// The program had 7.9 MiB, and 8 as its limit, before the monitors of hosts came; those are 0.8 MiB, half of it
    /// `syslog_monitor` with the server's side of TLS.
    const SHIPPED: Self = Self { program: Some(9 * 1024 * 1024), package: Some(5_000_000) };
    const NONE: Self = Self { program: None, package: None };

    /// Those for a package of this agent.
    pub(crate) fn of(package: &Package, arguments: &Arguments, agent: &BuiltAgent) -> Self {
        let is_plain = arguments.glibc.is_none() && arguments.target.is_none() && !agent.is_static;
        let is_shipped = arguments.agent.is_none() && arguments.profile == "dist" && is_plain;
        let has_more = package.monitors.iter().any(Monitor::is_of_user);
        if is_shipped && !has_more { Self::SHIPPED } else { Self::NONE }
    }

    /// # Errors
    /// How large the program is, and how large it may be.
    pub(crate) fn check_program(self, size: u64) -> Result<(), String> {
        within("the program", size, self.program)
    }

    /// # Errors
    /// How large the package of that name is, and how large it may be.
    pub(crate) fn check_package(self, name: &str, size: u64) -> Result<(), String> {
        within(name, size, self.package)
    }
}

fn within(what: &str, size: u64, limit: Option<u64>) -> Result<(), String> {
    match limit {
        Some(limit) if size > limit => {
            let (size, limit) = (progress::size(size), progress::size(limit));
            Err(format!("{what} has {size}; the project's own may have {limit} (xtask/package/src/sizes.rs)"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_named_with_its_size() {
        let limits = Limits::SHIPPED;
        assert_eq!((limits.check_program(9_437_184), limits.check_package("a.deb", 5_000_000)), (Ok(()), Ok(())));
        assert_eq!(
            limits.check_program(9_500_000).unwrap_err(),
            "the program has 9.50 MB; the project's own may have 9.44 MB (xtask/package/src/sizes.rs)"
        );
        assert_eq!(
            limits.check_package("a.rpm", 6_000_000).unwrap_err(),
            "a.rpm has 6.00 MB; the project's own may have 5.00 MB (xtask/package/src/sizes.rs)"
        );
        assert_eq!(Limits::NONE.check_program(u64::MAX), Ok(()));
    }
}
