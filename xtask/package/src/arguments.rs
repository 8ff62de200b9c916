//! What `cargo xtask package` can be told.

use std::path::PathBuf;

use clap::Parser;

use crate::preflight::name::{Name, Suffix};
use crate::preflight::target::Triple;

/// The command line.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "cargo xtask package",
    bin_name = "cargo xtask package",
    about = "Makes packages of the agent with every monitor that is linked into it",
    long_about = "Makes packages of the agent with every monitor that is linked into it: those that every agent carries, \
                  each crate in local-monitors/ (also one that was only just put there), and those linked from outside. \
                  Neither rpmbuild nor dpkg is needed.",
    after_help = EXAMPLES
)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct Arguments {
    /// Write a package for Debian, Ubuntu and their kin
    #[arg(long)]
    pub(crate) deb: bool,

    /// Write a package for Red Hat, SUSE and their kin
    #[arg(long)]
    pub(crate) rpm: bool,

    /// Write an archive that is unpacked at the root of a host without either
    #[arg(long)]
    pub(crate) tarball: bool,

    /// Call the package so; it takes the place of `scalyr-agent-2-rs`, and no upgrade of that replaces it
    #[arg(long, value_name = "NAME", default_value = crate::package::NAME)]
    pub(crate) name: Name,

    /// Put this behind the release in place of `local1`: 0.1.0-1.acme3
    #[arg(long, value_name = "SUFFIX")]
    pub(crate) suffix: Option<Suffix>,

    /// The release of this version: count it up when the same version is packaged anew
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) release: u32,

    /// Package changes that are not committed; the release then ends with `.dirty`
    #[arg(long)]
    pub(crate) allow_dirty: bool,

    /// Where the packages are written [default: target/packages]
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// How the agent is built: `dist` is what is shipped, `release` is quicker, `dev` is for tries
    #[arg(long, value_name = "PROFILE", default_value = "dist")]
    pub(crate) profile: String,

    /// Package this program, which was built before, and build nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["linked_static", "glibc", "target", "twice"])]
    pub(crate) agent: Option<PathBuf>,

    /// Link the C library into the program: it needs nothing of its host, not even glibc
    #[arg(long = "static", conflicts_with = "glibc")]
    pub(crate) linked_static: bool,

    /// The oldest glibc that the program shall run with, by zig as the linker
    #[arg(long, value_name = "X.Y", value_parser = glibc)]
    pub(crate) glibc: Option<(u16, u16)>,

    /// Build for other processors: aarch64-unknown-linux-gnu
    #[arg(long, value_name = "TRIPLE")]
    pub(crate) target: Option<Triple>,

    /// Sign each package with this OpenPGP secret key
    #[arg(long, value_name = "KEY")]
    pub(crate) sign: Option<PathBuf>,

    /// The passphrase of that key is the first line of this file [default: SCALYR_SIGN_PASSPHRASE of the environment]
    #[arg(long, value_name = "FILE", requires = "sign")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// Put zig and cargo-zigbuild (from PyPI, half a gigabyte) into target/zig, for `--glibc`
    #[arg(long)]
    pub(crate) install_zig: bool,

    /// Build once more in another folder, and compare the packages byte by byte
    #[arg(long, conflicts_with_all = ["allow_dirty", "sign"])]
    pub(crate) twice: bool,

    /// The workspace to build from, where crates from outside are linked; `cargo xtask package` says it
    #[arg(long, value_name = "CARGO.TOML", hide = true)]
    pub(crate) manifest: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask package --deb --rpm            both, in target/packages
  cargo xtask package --deb --suffix acme3   scalyr-agent-2-rs 0.1.0-1.acme3: newer than 0.1.0-1, older than 0.1.1-1
  cargo xtask package --deb --name acme-agent
                                             a package of your own: the vendor's upgrades leave it alone
  cargo xtask package --rpm --glibc 2.17 --install-zig
                                             runs on hosts from 2013 on
  cargo xtask package --tarball --static     runs on any Linux of this processor, also without glibc
  cargo xtask package --deb --rpm --twice    proves that the same sources give the same bytes
  cargo xtask package --deb --profile dev --allow-dirty
                                             a try: built in no time, big and slow

With monitors of your own the release gets `.local1` behind it, so that the package is newer than the one without them.
The time of everything in a package is SOURCE_DATE_EPOCH, else that of the last commit.";

impl Arguments {
    /// Which kinds of package are asked for.
    pub(crate) fn writes_any(&self) -> bool {
        self.deb || self.rpm || self.tarball
    }
}

/// `2.17` as `(2, 17)`.
fn glibc(text: &str) -> Result<(u16, u16), String> {
    let parts = text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    match parts {
        Some(version) if version >= (2, 17) => Ok(version),
        Some(_) => Err("Rust itself needs glibc 2.17 at least (hosts from 2013 on); `--static` needs none".to_owned()),
        None => Err("a version of glibc is two numbers: 2.17, 2.28".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parsed(line: &str) -> Result<Arguments, String> {
        let words = std::iter::once("cargo xtask package").chain(line.split_whitespace());
        Arguments::try_parse_from(words).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_is_well_made_and_every_example_is_understood() {
        Arguments::command().debug_assert();
        let examples = EXAMPLES.lines().filter_map(|line| line.trim().strip_prefix("cargo xtask package "));
        let mut count = 0;
        for example in examples {
            let words = example.split("   ").next().unwrap();
            assert!(parsed(words).is_ok(), "{words}");
            count += 1;
        }
        assert_eq!(count, 7);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_can() {
        for (line, told) in [
            ("--deb --glibc 2.12", "Rust itself needs glibc 2.17"),
            ("--deb --glibc new", "a version of glibc is two numbers"),
            ("--deb --release 0", "0 is not in 1.."),
            ("--deb --static --glibc 2.17", "cannot be used with"),
            ("--deb --agent a --static", "cannot be used with"),
            ("--deb --target armv7-unknown-linux-gnueabihf", "x86_64-unknown-linux-gnu, aarch64-unknown-linux-gnu"),
            ("--dep", "--deb"),
        ] {
            let problem = parsed(line).unwrap_err();
            assert!(problem.contains(told), "{line}: {problem}");
        }
    }
}
