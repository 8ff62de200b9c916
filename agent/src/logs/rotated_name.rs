//! Names that rotation tools give to the generations of a log file.

use std::path::{Path, PathBuf};

/// The ending of files that gzip has compressed.
pub const PACKED: &str = ".gz";
/// The endings of compressed files.
const COMPRESSED: [&str; 5] = [PACKED, ".bz2", ".xz", ".zst", ".lz4"];

/// Whether `other` is a name that a whole generation of `name` may have been given: `<name>.<digits>`, `<name>-<date>`,
/// `<stem>.<digits><ext>`, `<stem>-<date><ext>`.
pub fn is_rotation_of(other: &str, name: &str) -> bool {
    if other.strip_prefix(name).is_some_and(is_suffix) {
        return true;
    }
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let middle = other.strip_prefix(stem).and_then(|rest| rest.strip_suffix(extension)?.strip_suffix('.'));
    middle.is_some_and(is_suffix)
}

/// The same for what a generation of `name` was compressed to by gzip; `<name>.gz` is one, too.
pub fn is_packed_rotation_of(other: &str, name: &str) -> bool {
    other.strip_suffix(PACKED).is_some_and(|other| other == name || is_rotation_of(other, name))
}

/// The same for any compression.
pub fn is_compressed_rotation_of(other: &str, name: &str) -> bool {
    let plain = COMPRESSED.iter().find_map(|end| other.strip_suffix(end));
    plain.is_some_and(|other| other == name || is_rotation_of(other, name))
}

/// Orders rotated names of one log, older ones first: small numbers are counted up with each rotation, dates go on.
pub fn order(path: &Path) -> i64 {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let plain = COMPRESSED.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let parts = plain.split(['.', '-']).rev().take(2);
    let number = parts.filter_map(|part| Some((part.len(), part.parse::<i64>().ok()?))).next();
    number.map_or(0, |(length, number)| if length < 8 { -number } else { number })
}

/// Whether a name says that the file is compressed.
pub fn is_compressed(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| COMPRESSED.iter().any(|end| name.ends_with(end)))
}

/// The paths that the file at `path` may be a rotated generation of, by its name.
pub fn bases(path: &Path) -> Vec<PathBuf> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let plain = COMPRESSED.iter().find_map(|end| name.strip_suffix(end));
    let (mut bases, name) = (Vec::new(), plain.unwrap_or(name));
    bases.extend(plain);
    let mut names: Vec<String> = bases.into_iter().map(str::to_owned).collect();
    for (at, _) in name.char_indices().filter(|(_, character)| matches!(character, '.' | '-')) {
        let (stem, rest) = name.split_at(at);
        let end = rest[1..].find(|character: char| !character.is_ascii_digit()).map_or(rest.len(), |end| end + 1);
        let (suffix, extension) = rest.split_at(end);
        if is_suffix(suffix) && (extension.is_empty() || extension.starts_with('.')) {
            names.push(format!("{stem}{extension}"));
        }
    }
    names.into_iter().map(|name| path.with_file_name(name)).collect()
}

fn is_suffix(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_date = |text: &str| text.len() >= 8 && is_number(text);
    text.strip_prefix('.').is_some_and(is_number) || text.strip_prefix('-').is_some_and(is_date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_rotated_files_count() {
        for other in ["a.log.1", "a.log.12", "a.log-20261122", "a-20261122.log", "a.3.log"] {
            assert!(is_rotation_of(other, "a.log"), "{other}");
        }
        for other in
            ["a.log", "a.log.1.gz", "a.log.gz", "b.log.1", "a.log.old", "ab.1.log", "a.log.", "a..log", "a-8080.log"]
        {
            assert!(!is_rotation_of(other, "a.log"), "{other}");
        }
    }

    #[test]
    fn rotated_names_are_ordered_by_age() {
        for (older, newer) in
            [("a.log.10.gz", "a.log.9.gz"), ("a.log-20261121.gz", "a.log-20261122.gz"), ("a.3.log.gz", "a.2.log.gz")]
        {
            assert!(order(Path::new(older)) < order(Path::new(newer)), "{older} {newer}");
        }
        assert!(is_compressed_rotation_of("a.log.1.xz", "a.log") && !is_compressed_rotation_of("a.log.1", "a.log"));
    }

    #[test]
    fn a_rotated_name_tells_what_it_was_before() {
        for (rotated, base) in [
            ("a.log.1", "a.log"),
            ("a.log-20261122", "a.log"),
            ("a-20261122.log", "a.log"),
            ("a.3.log", "a.log"),
            ("a.log.2.gz", "a.log"),
            ("a.log.zst", "a.log"),
        ] {
            assert!(
                bases(Path::new(rotated)).contains(&PathBuf::from(base)),
                "{rotated}: {:?}",
                bases(Path::new(rotated))
            );
        }
        for other in ["a.log", "a-8080.log", "a.log.old"] {
            assert!(bases(Path::new(other)).is_empty(), "{other}");
        }
    }
}
