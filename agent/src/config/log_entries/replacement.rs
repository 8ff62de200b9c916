//! What takes the place of a match: replacements in the dialect of the Python agent (`log-copying.md` section 8).

use std::iter::Peekable;
use std::str::Chars;

use scalyr_monitor::config::Pattern;

use super::super::line_plan::{Piece, Replacement};

/// What is wrong with a replacement, and what to write in its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) hint: String,
}

/// A replacement that can be used, and what is odd about it.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) replacement: Replacement,
    pub(super) oddities: Vec<Fault>,
}

/// Reads the replacement of a redaction rule: one with `\H` in it has hashes, all others are templates of Python.
///
/// # Errors
/// What Python would raise on the first match.
pub(super) fn of_redaction(text: &str, salt: &str, pattern: &Pattern) -> Result<Parsed, Fault> {
    if !text.contains(r"\H") {
        return of_template(text, pattern);
    }
    let (pieces, oddities) = hashing(text, pattern.groups());
    Ok(Parsed { replacement: Replacement { pieces, salt: salt.to_owned() }, oddities })
}

/// Reads a template of Python's `re.sub`.
///
/// # Errors
/// What Python would raise.
pub(super) fn of_template(text: &str, pattern: &Pattern) -> Result<Parsed, Fault> {
    let mut template = Template { rest: text.chars().peekable(), pattern, pieces: Pieces::default() };
    template.read()?;
    Ok(Parsed { replacement: Replacement { pieces: template.pieces.0, salt: String::new() }, oddities: Vec::new() })
}

/// Pieces, literals joined.
#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn push_char(&mut self, c: char) {
        match self.0.last_mut() {
            Some(Piece::Literal(text)) => text.push(c),
            _ => self.0.push(Piece::Literal(c.to_string())),
        }
    }

    fn push_text(&mut self, text: &str) {
        text.chars().for_each(|c| self.push_char(c));
    }
}

/// `\H<n>` is a hash and `\<n>` the text of a group; everything else stands for itself.
fn hashing(text: &str, groups: usize) -> (Vec<Piece>, Vec<Fault>) {
    let mut pieces = Pieces::default();
    let mut oddities = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        pieces.push_text(before);
        let behind = escape.strip_prefix('\\').unwrap_or_default();
        let is_hash = behind.starts_with('H');
        let digits = behind.strip_prefix('H').unwrap_or(behind);
        match group_number(digits, groups) {
            Some((group, length)) => {
                pieces.0.push(if is_hash { Piece::Hash(group) } else { Piece::Group(group) });
                rest = digits.get(length..).unwrap_or_default();
            }
            None => {
                let digit = digits.chars().next().filter(char::is_ascii_digit);
                if let Some(digit) = digit {
                    let escape = format!(r"\{}{digit}", if is_hash { "H" } else { "" });
                    oddities.push(Fault {
                        message: format!("`{escape}` stands for itself: {}", number_of_groups(groups)),
                        hint: "put what it is to stand for in brackets in match_expression".to_owned(),
                    });
                }
                pieces.push_char('\\');
                rest = behind;
            }
        }
    }
    pieces.push_text(rest);
    (pieces.0, oddities)
}

/// The longest number that is a group, and how many digits it has.
fn group_number(text: &str, groups: usize) -> Option<(usize, usize)> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    (1..=digits).rev().find_map(|length| {
        let group: usize = text.get(..length)?.parse().ok()?;
        (1..=groups).contains(&group).then_some((group, length))
    })
}

fn number_of_groups(groups: usize) -> String {
    match groups {
        0 => "the expression has no groups".to_owned(),
        1 => "the expression has one group".to_owned(),
        _ => format!("the expression has {groups} groups"),
    }
}

struct Template<'t> {
    rest: Peekable<Chars<'t>>,
    pattern: &'t Pattern,
    pieces: Pieces,
}

impl Template<'_> {
    fn read(&mut self) -> Result<(), Fault> {
        while let Some(c) = self.rest.next() {
            if c == '\\' {
                self.escape()?;
            } else {
                self.pieces.push_char(c);
            }
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let Some(c) = self.rest.next() else {
            return Err(Fault {
                message: "a `\\` ends it".to_owned(),
                hint: r"write `\\` for a literal one (in the file: four of them)".to_owned(),
            });
        };
        match c {
            'g' => self.named_group()?,
            '0' => {
                let mut digits = String::new();
                while digits.len() < 2 {
                    let Some(digit) = self.rest.next_if(|c| matches!(c, '0'..='7')) else { break };
                    digits.push(digit);
                }
                self.octal(&format!("0{digits}"))?;
            }
            '1'..='9' => self.number(c)?,
            'a' => self.pieces.push_char('\x07'),
            'b' => self.pieces.push_char('\x08'),
            'f' => self.pieces.push_char('\x0c'),
            'n' => self.pieces.push_char('\n'),
            'r' => self.pieces.push_char('\r'),
            't' => self.pieces.push_char('\t'),
            'v' => self.pieces.push_char('\x0b'),
            '\\' => self.pieces.push_char('\\'),
            c if c.is_ascii_alphabetic() => {
                return Err(Fault {
                    message: format!(r"`\{c}` stands for nothing"),
                    hint: format!(r"write `\\{c}` for a literal `\{c}` (in the file: `\\\\{c}`)"),
                });
            }
            c => {
                self.pieces.push_char('\\');
                self.pieces.push_char(c);
            }
        }
        Ok(())
    }

    /// One digit or two are a group, three octal ones a character.
    fn number(&mut self, first: char) -> Result<(), Fault> {
        let mut digits = first.to_string();
        if let Some(second) = self.rest.next_if(char::is_ascii_digit) {
            digits.push(second);
            if matches!(first, '0'..='7')
                && matches!(second, '0'..='7')
                && let Some(third) = self.rest.next_if(|c| matches!(c, '0'..='7'))
            {
                digits.push(third);
                return self.octal(&digits);
            }
        }
        self.group(&digits, &format!(r"\{digits}"))
    }

    fn octal(&mut self, digits: &str) -> Result<(), Fault> {
        let Ok(code) = u8::from_str_radix(digits, 8) else {
            return Err(Fault {
                message: format!(r"`\{digits}` is no character: octal numbers end with \377"),
                hint: "write the character itself".to_owned(),
            });
        };
        self.pieces.push_char(char::from(code));
        Ok(())
    }

    /// `<1>` or `<name>`, behind `\g`.
    fn named_group(&mut self) -> Result<(), Fault> {
        let unfinished = || Fault {
            message: r"`\g` is not followed by the number or the name of a group in `<` and `>`".to_owned(),
            hint: r"write `\g<1>` or `\g<name>`".to_owned(),
        };
        self.rest.next_if_eq(&'<').ok_or_else(unfinished)?;
        let mut name = String::new();
        loop {
            match self.rest.next() {
                None => return Err(unfinished()),
                Some('>') => break,
                Some(c) => name.push(c),
            }
        }
        let written = format!(r"\g<{name}>");
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.group(&name, &written);
        }
        if let Some(group) = self.pattern.group_of(&name) {
            self.pieces.0.push(Piece::Group(group));
            return Ok(());
        }
        let names: Vec<_> = self.pattern.group_names().map(|(_, name)| name).collect();
        let hint = match super::super::keys::nearest_name(&name, names.iter().copied()) {
            Some(near) => format!(r"did you mean `\g<{near}>`?"),
            None if names.is_empty() => "its groups have no names; write their numbers".to_owned(),
            None => format!("its groups have the names {}", names.join(", ")),
        };
        Err(Fault { message: format!("`{written}` is not a group of the expression"), hint })
    }

    fn group(&mut self, number: &str, written: &str) -> Result<(), Fault> {
        let groups = self.pattern.groups();
        match number.parse() {
            Ok(group) if group <= groups => {
                self.pieces.0.push(Piece::Group(group));
                Ok(())
            }
            _ => Err(Fault {
                message: format!("`{written}` is not a group: {}", number_of_groups(groups)),
                hint: r"put what it is to stand for in brackets, or write `\g<0>` for all that was found".to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::expect;

    use super::*;

    fn pieces(text: &str, pattern: &str) -> Vec<Piece> {
        of_redaction(text, "", &Pattern::new(pattern).unwrap()).unwrap().replacement.pieces
    }

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.to_owned())
    }

    #[test]
    fn a_template_is_read_as_in_python() {
        let many = "(a)".repeat(12);
        for (text, pattern, expected) in [
            ("", "a", vec![]),
            ("x$1", "(a)", vec![literal("x$1")]),
            (r"<\1>", "(a)", vec![literal("<"), Piece::Group(1), literal(">")]),
            (r"\11\1", &many, vec![Piece::Group(11), Piece::Group(1)]),
            (r"\123", &many, vec![literal("S")]),
            (r"\189", "(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)", vec![Piece::Group(18), literal("9")]),
            (r"\0\012\08", "a", vec![literal("\0\n\0"), literal("8")].into_iter().collect()),
            (
                r"\g<1>0\g<word>\g<0>",
                "(?P<word>a)",
                vec![Piece::Group(1), literal("0"), Piece::Group(1), Piece::Group(0)],
            ),
            (r"\n\t\\n\-\.", "a", vec![literal("\n\t\\n\\-\\.")]),
        ] {
            let expected = expected.into_iter().fold(Pieces::default(), |mut pieces, piece| {
                match piece {
                    Piece::Literal(text) => pieces.push_text(&text),
                    piece => pieces.0.push(piece),
                }
                pieces
            });
            assert_eq!(pieces(text, pattern), expected.0, "{text}");
        }
    }

    #[test]
    fn a_hash_makes_everything_else_literal() {
        assert_eq!(
            pieces(r"\1=\H2\n\g<1>", "(a)(b)"),
            [Piece::Group(1), literal("="), Piece::Hash(2), literal(r"\n\g<1>"),]
        );
        assert_eq!(pieces(r"\\H1", "(a)"), [literal(r"\"), Piece::Hash(1)]);
        let ten = "(a)".repeat(10);
        assert_eq!(pieces(r"\10\1\H10", &ten), [Piece::Group(10), Piece::Group(1), Piece::Hash(10)]);
        assert_eq!(pieces(r"\H10", "(a)"), [Piece::Hash(1), literal("0")], "as the Python agent had it");
        let odd = of_redaction(r"\H2\0\H", "", &Pattern::new("(a)").unwrap()).unwrap();
        assert_eq!(odd.replacement.pieces, [literal(r"\H2\0\H")]);
        let told: Vec<_> = odd.oddities.iter().map(|oddity| oddity.message.as_str()).collect();
        assert_eq!(
            told,
            [
                r"`\H2` stands for itself: the expression has one group",
                r"`\0` stands for itself: the expression has one group",
            ]
        );
    }

    #[test]
    fn a_template_that_python_would_choke_on_is_refused() {
        let mut told = String::new();
        for (text, pattern) in [
            (r"\2", "(a)"),
            (r"\1", "a"),
            (r"\g<2>", "(a)"),
            (r"\g<wrod>", "(?P<word>a)"),
            (r"\g<x>", "(?P<word>a)(?P<other>b)"),
            (r"\g<x>", "(a)"),
            (r"\g<>", "(a)"),
            (r"\g1", "(a)"),
            (r"\g<1", "(a)"),
            (r"C:\dir", "(a)"),
            (r"\777", "(a)"),
            ("a\\", "(a)"),
        ] {
            let Fault { message, hint } = of_redaction(text, "", &Pattern::new(pattern).unwrap()).unwrap_err();
            _ = writeln!(told, "{text:<10} {message}; {hint}");
        }
        expect![[r#"
            \2         `\2` is not a group: the expression has one group; put what it is to stand for in brackets, or write `\g<0>` for all that was found
            \1         `\1` is not a group: the expression has no groups; put what it is to stand for in brackets, or write `\g<0>` for all that was found
            \g<2>      `\g<2>` is not a group: the expression has one group; put what it is to stand for in brackets, or write `\g<0>` for all that was found
            \g<wrod>   `\g<wrod>` is not a group of the expression; did you mean `\g<word>`?
            \g<x>      `\g<x>` is not a group of the expression; its groups have the names word, other
            \g<x>      `\g<x>` is not a group of the expression; its groups have no names; write their numbers
            \g<>       `\g<>` is not a group of the expression; its groups have no names; write their numbers
            \g1        `\g` is not followed by the number or the name of a group in `<` and `>`; write `\g<1>` or `\g<name>`
            \g<1       `\g` is not followed by the number or the name of a group in `<` and `>`; write `\g<1>` or `\g<name>`
            C:\dir     `\d` stands for nothing; write `\\d` for a literal `\d` (in the file: `\\\\d`)
            \777       `\777` is no character: octal numbers end with \377; write the character itself
            a\         a `\` ends it; write `\\` for a literal one (in the file: four of them)
        "#]].assert_eq(&told);
    }
}
