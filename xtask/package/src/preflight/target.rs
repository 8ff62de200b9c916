//! For which processors a package can be made, and what that needs here.

use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;

use crate::package::Architecture;
use crate::preflight::tools;

/// A target of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Triple {
    pub(crate) architecture: Architecture,
}

/// All of them.
const ALL: [Triple; 2] =
    [Triple { architecture: Architecture::X86_64 }, Triple { architecture: Architecture::Aarch64 }];

impl Triple {
    /// That of this machine; none for processors that packages are not made for.
    pub(crate) fn of_host() -> Option<Self> {
        ALL.into_iter().find(|triple| triple.architecture.of_rpm() == std::env::consts::ARCH)
    }

    /// As the compiler calls it.
    pub(crate) fn name(self) -> &'static str {
        match self.architecture {
            Architecture::X86_64 => "x86_64-unknown-linux-gnu",
            Architecture::Aarch64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// The C compiler for it, which links as well, and Debian's packages with it.
    pub(crate) fn compiler(self) -> (&'static str, &'static str) {
        if Self::of_host() == Some(self) {
            return ("cc", "gcc libc6-dev");
        }
        match self.architecture {
            Architecture::X86_64 => ("x86_64-linux-gnu-gcc", "gcc-x86-64-linux-gnu libc6-dev-amd64-cross"),
            Architecture::Aarch64 => ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"),
        }
    }

    /// What keeps a build for it from being done here. zig brings compiler and linker for every processor.
    pub(crate) fn problems(self, root: &Path, with_zig: bool) -> Vec<String> {
        let name = self.name();
        let mut problems = Vec::new();
        let mut rustc = Command::new("rustc");
        let folder = rustc.current_dir(root).args(["--print", "target-libdir", "--target", name]).stderr(Stdio::null());
        let folder = folder.output().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        if !folder.is_ok_and(|folder| !folder.is_empty() && Path::new(&folder).is_dir()) {
            problems.push(format!(
                "the toolchain has no standard library for {name}; `rustup target add {name}` installs it"
            ));
        }
        let (compiler, packages) = self.compiler();
        if !with_zig && let Err(problem) = tools::compiles(compiler) {
            problems.push(format!("{problem}, which links the program for {name}; apt-get install {packages}"));
        }
        problems
    }
}

impl FromStr for Triple {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = ALL.map(Self::name).join(", ");
        ALL.into_iter().find(|triple| triple.name() == text).ok_or_else(|| {
            let musl =
                if text.contains("musl") { "; for a program that needs no glibc there is `--static`" } else { "" };
            format!("packages are made for {names}{musl}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_packages_are_not_made_for_is_answered_with_those_they_are() {
        assert_eq!("aarch64-unknown-linux-gnu".parse(), Ok(Triple { architecture: Architecture::Aarch64 }));
        let problem = "x86_64-unknown-linux-musl".parse::<Triple>().unwrap_err();
        let told = "packages are made for x86_64-unknown-linux-gnu, aarch64-unknown-linux-gnu; for a program that needs no \
                    glibc there is `--static`";
        assert_eq!(problem, told);
    }

    #[test]
    fn this_machine_can_build_for_itself() {
        let host = Triple::of_host().unwrap();
        assert_eq!(host.problems(Path::new(env!("CARGO_MANIFEST_DIR")), false), Vec::<String>::new());
    }
}
