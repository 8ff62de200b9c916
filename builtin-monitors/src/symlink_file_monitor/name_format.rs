//! The names of the links: a format with `{index}` and `{file_name}`, as Python writes one.

use std::fmt::Write as _;

use scalyr_monitor::prelude::*;

/// A format that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NameFormat(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    FileName,
    /// With so many digits at least.
    Index(usize),
}

/// More digits than any index has.
const MOST_DIGITS: usize = 20;

impl NameFormat {
    /// Reads a format.
    ///
    /// # Errors
    /// What in it is not known.
    pub(super) fn parse(format: &str) -> Result<Self> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = format;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            text.push_str(before);
            if let Some(behind) = from.strip_prefix("{{") {
                text.push('{');
                rest = behind;
            } else if let Some(behind) = from.strip_prefix("}}") {
                text.push('}');
                rest = behind;
            } else if let Some((field, behind)) = from.strip_prefix('{').and_then(|from| from.split_once('}')) {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::field(field)?);
                rest = behind;
            } else {
                let brace = if from.starts_with('{') { "`{` is never closed" } else { "`}` closes nothing" };
                return Err(Error::new(format!("{brace}; write it twice for one that is part of the name")));
            }
        }
        text.push_str(rest);
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        let read = Self(parts);
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> Result<()> {
        if self.0.iter().any(|part| matches!(part, Part::Text(text) if text.contains(['/', '\0']))) {
            return Err(Error::new("a link lies beside its file, so its name has no `/`"));
        }
        if self.0.iter().all(|part| matches!(part, Part::Text(_))) {
            return Err(Error::new("has neither `{index}` nor `{file_name}`, so there could be one link only"));
        }
        if self.0 == [Part::FileName] {
            return Err(Error::new("is the name of the file itself; write for example `worker-{index}-{file_name}`"));
        }
        Ok(())
    }

    /// Whether names differ by their index.
    pub(super) fn has_index(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Index(_)))
    }

    /// The name of a link.
    pub(super) fn name(&self, index: usize, file_name: &str) -> String {
        let mut name = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::FileName => name.push_str(file_name),
                Part::Index(digits) => {
                    let digits = *digits;
                    _ = write!(name, "{index:0digits$}");
                }
            }
        }
        name
    }
}

impl Part {
    fn field(field: &str) -> Result<Self> {
        match field.split_once(':') {
            None if field == "index" => return Ok(Self::Index(0)),
            None if field == "file_name" => return Ok(Self::FileName),
            Some(("index", "d")) => return Ok(Self::Index(0)),
            Some(("index", width)) => {
                let digits = width.strip_suffix('d').unwrap_or(width).strip_prefix('0').and_then(|d| d.parse().ok());
                if let Some(digits) = digits.filter(|digits| *digits <= MOST_DIGITS) {
                    return Ok(Self::Index(digits));
                }
            }
            _ => {}
        }
        Err(Error::new(format!(
            "`{{{field}}}` is not known; there is `{{index}}`, `{{index:02d}}` and `{{file_name}}`"
        )))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn name(format: &str, index: usize) -> String {
        NameFormat::parse(format).unwrap().name(index, "om_1.log")
    }

    #[test]
    fn a_name_is_made_as_python_formats_it() {
        assert_eq!(name("worker-{index}-{file_name}", 0), "worker-0-om_1.log");
        assert_eq!(name("{file_name}.{index:02d}", 3), "om_1.log.03");
        assert_eq!(name("{index:d}{{x}}", 12), "12{x}");
        assert_eq!(name("{index}s", 1), "1s", "the `s` of the Python agent's own description is part of the name");
    }

    #[test]
    fn a_format_that_makes_no_names_is_refused_with_what_to_do() {
        for (format, told) in [
            ("{index", "`{` is never closed; write it twice"),
            ("index}", "`}` closes nothing"),
            ("{name}", "`{name}` is not known; there is `{index}`"),
            ("{index:>3}", "`{index:>3}` is not known"),
            ("{index:099d}", "is not known"),
            ("a/{index}", "has no `/`"),
            ("link", "there could be one link only"),
            ("", "there could be one link only"),
            ("{file_name}", "the name of the file itself"),
        ] {
            let error = NameFormat::parse(format).unwrap_err().to_string();
            assert!(error.contains(told), "{format}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_format_is_read_or_refused(format in "([{}:0-9a-z]|index|file_name|ä){0,12}", index in 0_usize..10) {
            if let Ok(read) = NameFormat::parse(&format) {
                prop_assert!(!read.name(index, "x").contains('/'));
            }
        }
    }
}
