//! Files whose lines must not leave the host, although other entries match them.

use super::super::patterns;

/// The patterns of such files.
#[derive(Default)]
pub(super) struct Withheld(Vec<Pattern>);

struct Pattern {
    /// As an item of `exclude`.
    exclusion: String,
    begins: Beginning,
}

/// What all paths of a pattern begin with.
struct Beginning {
    text: String,
    /// Whether it is the whole path.
    is_whole: bool,
}

impl Beginning {
    /// Of a path, or a pattern of either dialect.
    fn of(path: &str) -> Self {
        let end = path.find(['*', '?', '[', '{', '\\']);
        Self { text: path.get(..end.unwrap_or(path.len())).unwrap_or_default().to_owned(), is_whole: end.is_none() }
    }

    /// Whether a path can begin so.
    fn admits(&self, other: &Self) -> bool {
        if self.is_whole { self.text == other.text } else { other.text.starts_with(&self.text) }
    }
}

impl Withheld {
    /// Adds the path of an entry.
    pub(super) fn extend(&mut self, paths: impl IntoIterator<Item = String>) {
        self.0
            .extend(paths.into_iter().map(|path| Pattern { begins: Beginning::of(&path), exclusion: exclusion(path) }));
    }

    /// Those that may match a file of this path or pattern: all of them for each entry would be too many.
    pub(super) fn of_files(&self, path: &str) -> Vec<String> {
        let begins = Beginning::of(path);
        let may_meet = |pattern: &&Pattern| pattern.begins.admits(&begins) || begins.admits(&pattern.begins);
        self.0.iter().filter(may_meet).map(|pattern| pattern.exclusion.clone()).collect()
    }
}

/// A path as an item of `exclude`. One that is no pattern there means itself, so that it refuses no other entry.
fn exclusion(path: String) -> String {
    let is_pattern = patterns::is_pattern(&path) && patterns::check_path(&path).is_ok();
    if is_pattern && patterns::check_exclusion(&path).is_ok() { path } else { globset::escape(&path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_leaves_out_what_may_be_among_its_files() {
        let mut withheld = Withheld::default();
        withheld.extend(["/v/a.log", "/v/b*.log", "/w/{x}.log", "*"].map(str::to_owned));
        assert_eq!(withheld.of_files("/v/a.log"), ["/v/a.log", "*"]);
        assert_eq!(withheld.of_files("/v/a.log.1"), ["*"]);
        assert_eq!(withheld.of_files("/v/*.log"), ["/v/a.log", "/v/b*.log", "*"]);
        assert_eq!(withheld.of_files("/v/bc.log"), ["/v/b*.log", "*"]);
        assert_eq!(withheld.of_files("/w/{x}.log"), ["/w/[{]x[}].log", "*"]);
        assert_eq!(withheld.of_files("/[vw]/*"), ["/v/a.log", "/v/b*.log", "/w/[{]x[}].log", "*"]);
        assert_eq!(withheld.of_files("/x/*"), ["*"]);
    }
}
