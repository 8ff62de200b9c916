//! The packages as files, and what is told of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::arguments::Arguments;
use crate::crates::Crates;
use crate::formats::Format;
use crate::package::Package;
use crate::preflight::Plan;
use crate::signer::Key;
use crate::sizes::Limits;
use crate::{progress, sbom};

/// The checksums of all files in the folder, for `sha256sum --check`.
const SUMS: &str = "SHA256SUMS";

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
    /// Its SHA-256, in hexadecimal.
    pub(crate) sha256: String,
}

impl Written {
    /// Without the folder.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// Writes each kind of package that is asked for, its bill of materials, signatures, and the checksums of all. All are
/// made before the first is written.
///
/// # Errors
/// Something cannot be said in one kind of package, one is too large, or a file cannot be written.
pub(crate) fn write(
    plan: &Plan,
    arguments: &Arguments,
    package: &Package,
    limits: Limits,
    crates: &Crates,
    key: Option<&Key>,
) -> Result<Vec<Written>, Vec<String>> {
    let (mut made, mut problems) = (Vec::new(), Vec::new());
    for format in Format::asked(arguments) {
        let name = format.file_name(package);
        let step = progress::begin(&format!("packing {name}"));
        match bytes(format, package, key) {
            Ok(bytes) => {
                step.end(&format!("packed, {}", progress::size(bytes.len() as u64)));
                problems.extend(limits.check_package(&name, bytes.len() as u64).err());
                let bill = sbom::write(package, &name, &sha256(&bytes), crates);
                made.push(File { name: sbom::file_name(&name), bytes: bill.into_bytes(), is_signed: false });
                made.push(File { name, bytes, is_signed: key.is_some() && format == Format::Rpm });
            }
            Err(problem) => problems.push(format!("{name}: {problem}")),
        }
    }
    if let Some(key) = key {
        let mut signatures = Vec::new();
        for File { name, bytes, .. } in made.iter().filter(|file| !file.is_signed) {
            match key.detached(bytes, package.source_date) {
                Ok(signature) => {
                    let name = format!("{name}.asc");
                    signatures.push(File { name, bytes: signature.into_bytes(), is_signed: true });
                }
                Err(problem) => problems.push(format!("{name}: {problem}")),
            }
        }
        made.extend(signatures);
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut written = put(&plan.output, made).map_err(|problem| vec![problem])?;
    if let Some(key) = key {
        written
            .push(sign_sums(&plan.output, |sums| key.detached(sums, package.source_date).map_err(|e| e.to_string()))?);
    }
    Ok(written)
}

/// Writes a signature of the sums, by which files that have none of their own are known, too.
fn sign_sums(folder: &Path, sign: impl FnOnce(&[u8]) -> Result<String, String>) -> Result<Written, Vec<String>> {
    let told = |problem: String| vec![format!("{}: {problem}", folder.join(SUMS).display())];
    let sums = fs::read(folder.join(SUMS)).map_err(|error| told(error.to_string()))?;
    let signature = sign(&sums).map_err(told)?;
    let path = folder.join(format!("{SUMS}.asc"));
    fs::write(&path, &signature).map_err(|error| vec![format!("{}: {error}", path.display())])?;
    Ok(Written { path, size: signature.len() as u64, sha256: sha256(signature.as_bytes()) })
}

/// A file to be written.
#[derive(Clone, Debug)]
struct File {
    name: String,
    bytes: Vec<u8>,
    /// Whether nothing need be written beside it that says whose it is.
    is_signed: bool,
}

/// The package in this format; that for rpm has its signature inside.
fn bytes(format: Format, package: &Package, key: Option<&Key>) -> Result<Vec<u8>, String> {
    let bytes = format.write(package)?;
    match key {
        Some(key) if format == Format::Rpm => key.rpm(&bytes, package.source_date).map_err(|error| error.to_string()),
        _ => Ok(bytes),
    }
}

/// Writes the files, and the sums of them beside those of files that were there before.
fn put(folder: &Path, made: Vec<File>) -> Result<Vec<Written>, String> {
    let told = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| format!("{path}: {error}")
    };
    fs::create_dir_all(folder).map_err(told(folder))?;
    let sums = folder.join(SUMS);
    let before = fs::read_to_string(&sums).unwrap_or_default();
    let mut known: BTreeMap<String, String> = before
        .lines()
        .filter_map(|line| line.split_once("  "))
        .filter(|(_, name)| folder.join(name).is_file())
        .map(|(sum, name)| (name.to_owned(), sum.to_owned()))
        .collect();
    // A signature of what was here before is one of nothing now.
    let signed = made.iter().map(|file| file.name.clone()).chain([SUMS.to_owned()]);
    for name in signed.map(|name| format!("{name}.asc")) {
        match fs::remove_file(folder.join(&name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(told(&folder.join(&name))(error)),
            _ => known.remove(&name),
        };
    }
    let mut written = Vec::new();
    for File { name, bytes, .. } in made {
        let path = folder.join(&name);
        // Whole or not at all: somebody may be serving this folder.
        let new = folder.join(format!(".{name}.new"));
        fs::write(&new, &bytes).and_then(|()| fs::rename(&new, &path)).map_err(told(&path))?;
        let sha256 = sha256(&bytes);
        known.insert(name, sha256.clone());
        written.push(Written { path, size: bytes.len() as u64, sha256 });
    }
    let text: String = known.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    let new = folder.join(format!(".{SUMS}.new"));
    fs::write(&new, text).and_then(|()| fs::rename(&new, &sums)).map_err(told(&sums))?;
    Ok(written)
}

/// In hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Tells what there is now.
pub(crate) fn tell(files: &[Written], package: &Package, plan: &Plan) {
    print!("{}", told(files, package, plan));
}

fn told(files: &[Written], package: &Package, plan: &Plan) -> String {
    let mut lines = vec![String::new()];
    for file in files {
        let path = file.path.strip_prefix(&plan.root).unwrap_or(&file.path);
        lines.push(format!("{}  {}", path.display(), progress::size(file.size)));
        lines.push(format!("  sha256 {}", file.sha256));
    }
    let needs = match package.needs.glibc {
        Some((major, minor)) => format!("needs glibc {major}.{minor} or newer"),
        None => "needs no glibc".to_owned(),
    };
    lines.push(String::new());
    lines.push(format!(
        "{} {} for {}; installed {}; {needs}",
        package.name,
        package.version,
        package.architecture.of_rpm(),
        progress::size(package.tree.size())
    ));
    let width = package.monitors.iter().map(|monitor| monitor.name.len()).max().unwrap_or_default();
    lines.push(format!("{} monitors:", package.monitors.len()));
    for monitor in &package.monitors {
        let known = plan.workspace.crates.iter().find(|known| known.name == monitor.krate);
        let place = known.map_or(monitor.krate.as_str(), |known| known.place.as_str());
        let origin = match (monitor.is_local, monitor.is_example) {
            (false, _) => String::new(),
            (true, true) => format!("  local: {place} {}, an example", monitor.version),
            (true, false) => format!("  local: {place} {}", monitor.version),
        };
        lines.push(format!("  {:width$}{origin}", monitor.name).trim_end().to_owned());
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_name_what_is_in_the_folder_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let sums = || fs::read_to_string(folder.path().join(SUMS)).unwrap();
        let put = |name: &str, bytes: &[u8]| {
            put(folder.path(), vec![File { name: name.to_owned(), bytes: bytes.to_vec(), is_signed: false }]).unwrap()
        };
        let first = put("b.deb", b"b");
        assert_eq!(first[0].sha256, "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d");
        put("a.rpm", b"a");
        let names: Vec<String> = sums().lines().map(|line| line[66..].to_owned()).collect();
        assert_eq!(names, ["a.rpm", "b.deb"]);
        fs::remove_file(folder.path().join("a.rpm")).unwrap();
        put("b.deb.asc", b"of b");
        put("b.deb", b"c");
        assert!(!folder.path().join("b.deb.asc").exists());
        assert_eq!(sums(), format!("{}  b.deb\n", sha256(b"c")));
    }
}
