//! What is told to the compilers so that the same sources give the same bytes, wherever they lie.
//!
//! Paths are in a program by its panics (`file!()`) and by `assert` in C. Each folder that they may begin with gets one
//! name for all machines.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Between the flags in `CARGO_ENCODED_RUSTFLAGS`, so that a path may hold spaces.
const SEPARATOR: &str = "\u{1f}";

/// With a frame pointer, a function's rows in the tables for unwinding tell where its registers are once, not after every
/// push and pop: the tables are a third smaller, and the program a thirtieth.
const FRAME_POINTERS: &str = "-Cforce-frame-pointers=yes";

/// One of functions that came out alike is enough. Only the linker that Rust brings for these processors knows that word.
const FOLD: &str = "-Clink-arg=-Wl,--icf=all";

/// The folders of this build, and what they are called in the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folders(Vec<(PathBuf, String)>);

/// How the program is linked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linked {
    /// With the C library in it.
    pub(crate) is_static: bool,
    /// By the linker that comes with the compiler.
    pub(crate) by_rust: bool,
}

impl Folders {
    /// Those of this machine. Crates must have been fetched: each registry has a folder of its own.
    ///
    /// # Errors
    /// The compiler does not say where its library is.
    pub(crate) fn find(root: &Path, target: &Path, cargo_home: &Path) -> Result<Self, String> {
        let mut folders = vec![(cargo_home.to_owned(), "/cargo".to_owned())];
        let registries = std::fs::read_dir(cargo_home.join("registry/src")).into_iter().flatten().flatten();
        let mut registries: Vec<PathBuf> = registries.map(|entry| entry.path()).collect();
        registries.sort();
        // Its name has a hash of the registry's address, which is another where a mirror is used.
        folders.extend(registries.into_iter().map(|folder| (folder, "/cargo/registry".to_owned())));
        let told = rustc(root, &["--print", "sysroot"])?;
        let version = rustc(root, &["--version", "--verbose"])?;
        let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("unknown");
        // As the library's own functions are named when its sources are not installed.
        folders.push((Path::new(told.trim()).join("lib/rustlib/src/rust"), format!("/rustc/{commit}")));
        folders.push((target.to_owned(), "/target".to_owned()));
        folders.push((root.to_owned(), "/scalyr-agent".to_owned()));
        if target.starts_with(root) {
            // What stands last counts.
            let last = folders.len() - 1;
            folders.swap(last, last - 1);
        }
        Ok(Self(folders))
    }

    /// The flags of the Rust compiler. What the user gives stands behind what is for size, and so counts.
    pub(crate) fn for_rust(&self, given: Option<&str>, linked: Linked) -> OsString {
        let mut flags: Vec<OsString> = vec![FRAME_POINTERS.into()];
        let names_a_linker = given.is_some_and(|given| given.contains("linker") || given.contains("fuse-ld"));
        if linked.by_rust && !names_a_linker {
            flags.push(FOLD.into());
        }
        flags.extend(given.into_iter().flat_map(str::split_whitespace).map(OsString::from));
        if linked.is_static {
            flags.push("-Ctarget-feature=+crt-static".into());
        }
        for (folder, name) in &self.0 {
            let mut flag = OsString::from("--remap-path-prefix=");
            flag.push(folder);
            flag.push("=");
            flag.push(name);
            flags.push(flag);
        }
        flags.join(SEPARATOR.as_ref())
    }

    /// The flags of the C compiler, after those that the user gives; quoted as a shell would want them.
    pub(crate) fn for_c(&self, given: Option<&str>) -> String {
        let mut flags: Vec<String> = given.into_iter().map(str::to_owned).collect();
        for (folder, name) in &self.0 {
            let flag = format!("-ffile-prefix-map={}={name}", folder.display());
            flags.push(if flag.contains([' ', '\'', '"', '\\', '$']) {
                format!("'{}'", flag.replace('\'', "'\\''"))
            } else {
                flag
            });
        }
        flags.join(" ")
    }

    /// Folders of this machine whose paths are in the program all the same.
    pub(crate) fn left_in(&self, program: &[u8]) -> Vec<&Path> {
        let is_in = |folder: &Path| {
            let path = folder.as_os_str().as_encoded_bytes();
            // One of a few letters (`/a`) would be found by chance.
            path.len() >= 6 && contains(program, path)
        };
        self.0.iter().map(|(folder, _)| folder.as_path()).filter(|folder| is_in(folder)).collect()
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return true };
    let mut begin = 0;
    while let Some(at) = haystack[begin..].iter().position(|byte| byte == first) {
        begin += at + 1;
        if haystack[begin..].starts_with(rest) {
            return true;
        }
    }
    false
}

/// What the compiler of this repository prints.
fn rustc(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("rustc");
    let output = command.current_dir(root).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot run rustc: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("rustc {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_of_this_machine_gets_another_name_and_the_innermost_counts() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join("registry/src/index-1949")).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = Folders::find(root, &root.join("target"), home.path()).unwrap();
        let flags = folders
            .for_rust(Some("-Cdebuginfo=1 -g"), Linked { is_static: true, by_rust: true })
            .into_string()
            .unwrap();
        let flags: Vec<&str> = flags.split(SEPARATOR).collect();
        let given = ["-Cdebuginfo=1", "-g"];
        assert_eq!(flags[..5], [&[FRAME_POINTERS, FOLD], &given[..], &["-Ctarget-feature=+crt-static"]].concat());
        let flags = &flags[2..];
        let (home, root) = (home.path().display(), root.display());
        assert_eq!(flags[3], format!("--remap-path-prefix={home}=/cargo"));
        assert_eq!(flags[4], format!("--remap-path-prefix={home}/registry/src/index-1949=/cargo/registry"));
        assert!(flags[5].contains("/lib/rustlib/src/rust=/rustc/"));
        assert_eq!(flags[6], format!("--remap-path-prefix={root}=/scalyr-agent"));
        assert_eq!(flags[7], format!("--remap-path-prefix={root}/target=/target"));
        let with_another_linker =
            folders.for_rust(Some("-Clink-arg=-fuse-ld=mold"), Linked { is_static: false, by_rust: true });
        assert!(!with_another_linker.to_string_lossy().contains("icf"), "{with_another_linker:?}");
    }

    #[test]
    fn a_path_with_a_space_is_quoted_for_c() {
        let folders = Folders(vec![("/a b/it's".into(), "/x".to_owned()), ("/c".into(), "/y".to_owned())]);
        assert_eq!(folders.for_c(Some("-O3")), "-O3 '-ffile-prefix-map=/a b/it'\\''s=/x' -ffile-prefix-map=/c=/y");
    }

    #[test]
    fn a_path_that_is_left_in_a_program_is_found() {
        let folders = Folders(vec![("/work/here".into(), String::new()), ("/work/elsewhere".into(), String::new())]);
        assert_eq!(folders.left_in(b"..//work//work/here/src/lib.rs"), [Path::new("/work/here")]);
        assert!(folders.left_in(b"/work/her").is_empty());
    }
}
