//! One line of an exposition, taken apart in place: only what holds an escape is copied.

use std::borrow::Cow;

use super::exposition::Format;
use super::number::{Number, read_time};

/// More labels than any series has.
const MOST_LABELS: usize = 128;

/// What a line says.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'l> {
    /// It is empty, or a comment about nothing that counts here.
    Nothing,
    /// `# TYPE name word`.
    Type(Cow<'l, str>, &'l str),
    /// `# EOF`.
    End,
    /// A sample; its labels are in the list that was handed over.
    Sample(Head<'l>),
}

/// A sample without its labels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Head<'l> {
    pub(super) name: Cow<'l, str>,
    pub(super) value: Number,
    /// Milliseconds.
    pub(super) time: Option<i64>,
}

/// Name and value.
pub(super) type Label<'l> = (Cow<'l, str>, Cow<'l, str>);

/// Why a line is not understood.
pub(super) type Fault = &'static str;

impl<'l> Line<'l> {
    /// Reads a line; its labels are put into the list, in the place of what was there.
    pub(super) fn read(line: &'l str, format: Format, labels: &mut Vec<Label<'l>>) -> Result<Self, Fault> {
        labels.clear();
        let mut rest = Rest(line.trim_ascii());
        if rest.0.is_empty() {
            return Ok(Self::Nothing);
        }
        if let Some(comment) = rest.0.strip_prefix('#') {
            return Self::comment(Rest(comment), line.trim_ascii_end() == "# EOF");
        }
        let mut name = match rest.0.starts_with('{') {
            true => None,
            false => Some(Cow::Borrowed(rest.name()?)),
        };
        rest.skip_blanks();
        if rest.skip("{") {
            rest.labels(&mut name, labels)?;
        }
        let name = name.ok_or("there is no name")?;
        let value = Number::read(rest.word()).ok_or("the value is no number")?;
        let time = match rest.0 {
            "" => None,
            exemplar if exemplar.starts_with('#') => None,
            _ => Some(read_time(rest.word(), format).ok_or("what stands behind the value is no time")?),
        };
        rest.end()?;
        Ok(Self::Sample(Head { name, value, time }))
    }

    /// What a comment says, from behind its `#`.
    fn comment(mut rest: Rest<'l>, is_end: bool) -> Result<Self, Fault> {
        if is_end {
            return Ok(Self::End);
        }
        rest.skip_blanks();
        if rest.word() != "TYPE" {
            return Ok(Self::Nothing);
        }
        let name = match rest.skip("\"") {
            true => rest.quoted()?,
            false => Cow::Borrowed(rest.word()),
        };
        let word = rest.word();
        match !word.is_empty() && rest.0.is_empty() {
            true => Ok(Self::Type(name, word)),
            false => Err("a TYPE is a name and one word"),
        }
    }
}

/// What is left of a line.
struct Rest<'l>(&'l str);

impl<'l> Rest<'l> {
    fn skip_blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn skip(&mut self, token: &str) -> bool {
        let behind = self.0.strip_prefix(token);
        self.0 = behind.unwrap_or(self.0);
        behind.is_some()
    }

    /// Takes so many bytes.
    fn take(&mut self, length: usize) -> &'l str {
        let (taken, rest) = self.0.split_at_checked(length).unwrap_or((self.0, ""));
        self.0 = rest;
        taken
    }

    /// Takes what stands before the next blank, and the blanks around it.
    fn word(&mut self) -> &'l str {
        self.skip_blanks();
        let word = self.take(self.0.find([' ', '\t']).unwrap_or(self.0.len()));
        self.skip_blanks();
        word
    }

    /// Takes the name of a metric. More than Prometheus allows may stand in it: the metric log repairs it.
    fn name(&mut self) -> Result<&'l str, Fault> {
        let name = self.take(self.0.find([' ', '\t', '{', '}', '"', '=', ',']).unwrap_or(self.0.len()));
        match name.starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | ':')) {
            true => Ok(name),
            false => Err("it begins with no name"),
        }
    }

    /// Takes the labels from behind the brace to the one that closes them. A name in quotes that has no value is that of
    /// the metric, as newer exporters write it.
    fn labels(&mut self, metric: &mut Option<Cow<'l, str>>, labels: &mut Vec<Label<'l>>) -> Result<(), Fault> {
        loop {
            self.skip_blanks();
            if self.skip("}") {
                return Ok(());
            }
            let is_quoted = self.skip("\"");
            let name = match is_quoted {
                true => self.quoted()?,
                false => Cow::Borrowed(self.label_name()?),
            };
            self.skip_blanks();
            if self.skip("=") {
                self.skip_blanks();
                if !self.skip("\"") {
                    return Err("the value of a label does not stand in quotes");
                }
                let value = self.quoted()?;
                if labels.iter().any(|(other, _)| *other == name) {
                    return Err("it has a label twice");
                }
                if labels.len() == MOST_LABELS {
                    return Err("it has more than 128 labels");
                }
                labels.push((name, value));
            } else if is_quoted && metric.is_none() && labels.is_empty() {
                *metric = Some(name);
            } else {
                return Err("a label has no value");
            }
            self.skip_blanks();
            if !self.skip(",") && !self.0.starts_with('}') {
                return Err("the labels are not closed, or not separated by commas");
            }
        }
    }

    fn label_name(&mut self) -> Result<&'l str, Fault> {
        let name = self.take(self.0.find(['=', ' ', '\t', ',', '"', '{', '}']).unwrap_or(self.0.len()));
        if name.is_empty() { Err("a label has no name") } else { Ok(name) }
    }

    /// Takes text from behind its opening quote to behind its closing one. A backslash before anything else than what is
    /// escaped stands for itself.
    fn quoted(&mut self) -> Result<Cow<'l, str>, Fault> {
        const OPEN: Fault = "a quote is not closed";
        let end = self.0.find(['"', '\\']).ok_or(OPEN)?;
        let plain = self.take(end);
        if self.skip("\"") {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            let plain = self.take(self.0.find(['"', '\\']).ok_or(OPEN)?);
            text.push_str(plain);
            if self.skip("\"") {
                return Ok(Cow::Owned(text));
            }
            self.take(1);
            let escaped = self.0.chars().next().ok_or(OPEN)?;
            match escaped {
                'n' => text.push('\n'),
                '"' | '\\' => text.push(escaped),
                _ => text.extend(['\\', escaped]),
            }
            self.take(escaped.len_utf8());
        }
    }

    /// Nothing is left, or an exemplar: an example of what was counted, which has no place in a metric line.
    fn end(&mut self) -> Result<(), Fault> {
        match self.skip("#") {
            false if self.0.is_empty() => Ok(()),
            false => Err("there is text behind it"),
            true => {
                self.skip_blanks();
                if self.0.starts_with('{') { Ok(()) } else { Err("there is text behind it") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line as its parts: `name value @time label=value …`, each value in the notation of Rust.
    fn read(line: &str) -> String {
        let mut labels = Vec::new();
        match Line::read(line, Format::Prometheus, &mut labels) {
            Ok(Line::Sample(head)) => {
                let mut shown = format!("{} {:?}", head.name, head.value);
                if let Some(time) = head.time {
                    shown += &format!(" @{time}");
                }
                labels.iter().for_each(|(name, value)| shown += &format!(" {name}={value:?}"));
                shown
            }
            Ok(other) => format!("{other:?}"),
            Err(fault) => format!("fault: {fault}"),
        }
    }

    #[test]
    fn a_sample_is_taken_apart() {
        for (line, expected) in [
            ("a 1", "a Integer(1)"),
            ("  a\t1.5  ", "a Float(1.5)"),
            ("a:b_c9 1 1395066363000", "a:b_c9 Integer(1) @1395066363000"),
            ("a{} 1", "a Integer(1)"),
            (r#"a{b="c"} 1"#, r#"a Integer(1) b="c""#),
            (r#"a{b="c"}1"#, r#"a Integer(1) b="c""#),
            (r#"a { b = "c" , d = "e" , } 1 2"#, r#"a Integer(1) @2 b="c" d="e""#),
            (r#"a{b="}\",=\\n\n\x"} 1"#, r#"a Integer(1) b="}\",=\\n\n\\x""#),
            (r#"a{b="",c="é #{"} +Inf"#, r#"a Infinite b="" c="é #{""#),
            (r##"a{b="c"} 1 # {t="x"} 0.5 1.5"##, r#"a Integer(1) b="c""#),
            (r##"a 1 5 # {t="x # y"} 0.5"##, "a Integer(1) @5"),
            (r#"{"a.b",c="d"} 1"#, r#"a.b Integer(1) c="d""#),
            (r#"a{"x.y"="d"} 1"#, r#"a Integer(1) x.y="d""#),
            ("a.b-c 1\r", "a.b-c Integer(1)"),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn comments_say_a_type_the_end_or_nothing() {
        for (line, expected) in [
            ("", "Nothing"),
            (" \t", "Nothing"),
            ("#", "Nothing"),
            ("# a comment", "Nothing"),
            (r"# HELP a What it \n is", "Nothing"),
            ("# TYPE a counter", r#"Type("a", "counter")"#),
            ("#  TYPE\ta  counter ", r#"Type("a", "counter")"#),
            (r#"# TYPE "a.b" counter"#, r#"Type("a.b", "counter")"#),
            ("# EOF", "End"),
            ("#EOF", "Nothing"),
            ("# TYPE a", "fault: a TYPE is a name and one word"),
            ("# TYPE a counter x", "fault: a TYPE is a name and one word"),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn each_fault_is_told_for_what_it_is() {
        for (line, expected) in [
            ("<html>", "it begins with no name"),
            ("9 1", "it begins with no name"),
            ("a", "the value is no number"),
            ("a b", "the value is no number"),
            ("a 1 b", "what stands behind the value is no time"),
            ("a 1 1.5", "what stands behind the value is no time"),
            ("a 1 2 3", "there is text behind it"),
            ("a 1 # comment", "there is text behind it"),
            ("{} 1", "there is no name"),
            (r#"{a="b"} 1"#, "there is no name"),
            ("a{b} 1", "a label has no value"),
            (r#"a{"b"} 1"#, "a label has no value"),
            ("a{b=c} 1", "the value of a label does not stand in quotes"),
            (r#"a{b="c} 1"#, "a quote is not closed"),
            (r#"a{b="c\"#, "a quote is not closed"),
            (r#"a{b="c\"} 1"#, "a quote is not closed"),
            (r#"a{="c"} 1"#, "a label has no name"),
            (r#"a{,} 1"#, "a label has no name"),
            (r#"a{b="c" d="e"} 1"#, "the labels are not closed, or not separated by commas"),
            (r#"a{b="c" 1"#, "the labels are not closed, or not separated by commas"),
            (r#"a{b="c",b="d"} 1"#, "it has a label twice"),
        ] {
            assert_eq!(read(line), format!("fault: {expected}"), "{line}");
        }
    }
}
