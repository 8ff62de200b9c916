//! Versions as packages write them.

use crate::arguments::Arguments;
use crate::package::Version;

/// The version of the workspace, as packages write it: what comes before a release is older than that.
///
/// # Errors
/// dpkg or rpm would not take it.
pub(crate) fn upstream(version: &str) -> Result<String, String> {
    let (plain, early) = match version.split_once('-') {
        Some((plain, early)) => (plain, Some(early)),
        None => (version, None),
    };
    // Both take `version-release` apart at a dash.
    if early.is_some_and(|early| early.contains('-')) {
        return Err(format!(
            "the version of the workspace is {version}, and in one of a package there can be no second `-`; write it with \
             dots in Cargo.toml ([workspace.package]): {plain}-{}",
            early.unwrap_or_default().replace('-', ".")
        ));
    }
    Ok(early.map_or_else(|| plain.to_owned(), |early| format!("{plain}~{early}")))
}

/// The whole version: `has_local` is whether there are monitors that this repository does not have.
pub(crate) fn of_package(upstream: &str, arguments: &Arguments, has_local: bool, is_dirty: bool) -> Version {
    let mut release = arguments.release.to_string();
    match &arguments.suffix {
        Some(suffix) => release.push_str(&format!(".{suffix}")),
        None if has_local => release.push_str(".local1"),
        None => {}
    }
    if is_dirty {
        release.push_str(".dirty");
    }
    Version { upstream: upstream.to_owned(), release }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn what_comes_before_a_release_is_older_than_it() {
        assert_eq!(upstream("0.1.0"), Ok("0.1.0".to_owned()));
        assert_eq!(upstream("0.2.0-rc.1"), Ok("0.2.0~rc.1".to_owned()));
        assert!(upstream("0.2.0-rc-1").unwrap_err().ends_with("0.2.0-rc.1"));
    }

    #[test]
    fn local_monitors_a_suffix_and_changes_stand_behind_the_release() {
        let told = |line: &str, has_local, is_dirty| {
            let arguments = Arguments::parse_from(std::iter::once("package").chain(line.split_whitespace()));
            of_package("0.1.0", &arguments, has_local, is_dirty).to_string()
        };
        assert_eq!(told("--deb", false, false), "0.1.0-1");
        assert_eq!(told("--deb", true, false), "0.1.0-1.local1");
        assert_eq!(told("--deb --suffix acme3 --release 4", true, false), "0.1.0-4.acme3");
        assert_eq!(told("--deb --allow-dirty", true, true), "0.1.0-1.local1.dirty");
    }
}
