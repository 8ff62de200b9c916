//! Python's dialect of regular expressions, brought to that of the engine.

/// A pattern in the engine's dialect.
pub(super) struct Translated {
    /// The pattern.
    pub(super) text: String,
    /// For each place where the two texts part: a byte of the new one, and the character of the user's.
    places: Vec<(usize, usize)>,
}

impl Translated {
    /// The character of the user's text, counted from 1, that stands behind a byte of the new one.
    pub(super) fn place(&self, byte: usize) -> usize {
        self.places.iter().rev().find(|(new, _)| *new <= byte).map_or(0, |(_, own)| *own) + 1
    }
}

/// The flags that change what a character means.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    /// `m`: `$` matches before each newline.
    multi_line: bool,
    /// `x`: blanks mean nothing, and `#` begins a comment.
    verbose: bool,
}

/// Translates a pattern.
///
/// # Errors
/// A bracket that is not closed, or was never opened; and what the engine has no counterpart for.
pub(super) fn translate(pattern: &str) -> Result<Translated, String> {
    let translation = Translation {
        own: pattern.chars().collect(),
        at: 0,
        translated: Translated { text: String::new(), places: Vec::new() },
        flags: Flags::default(),
        open: Vec::new(),
    };
    translation.run()
}

struct Translation {
    own: Vec<char>,
    at: usize,
    translated: Translated,
    flags: Flags,
    /// For each open group, the flags around it and where it begins.
    open: Vec<(Flags, usize)>,
}

impl Translation {
    fn run(mut self) -> Result<Translated, String> {
        while let Some(c) = self.next() {
            match c {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' => self.group()?,
                ')' => {
                    let (around, _) =
                        self.open.pop().ok_or_else(|| format!("the `)` at character {} closes nothing", self.at))?;
                    self.flags = around;
                    self.push(")");
                }
                // Python's also matches before a newline at the end.
                '$' if !self.flags.multi_line => self.push(r"(?=\n?\z)"),
                '#' if self.flags.verbose => while self.next().is_some_and(|c| c != '\n') {},
                '{' => self.repetition(),
                _ => self.push(c.encode_utf8(&mut [0; 4])),
            }
        }
        match self.open.first() {
            Some((_, at)) => Err(format!("the `(` at character {} is never closed", at + 1)),
            None => Ok(self.translated),
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        Some(c)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.own.get(self.at + ahead).copied()
    }

    /// Writes what stands for the character that was read last.
    fn push(&mut self, text: &str) {
        self.translated.places.push((self.translated.text.len(), self.at.saturating_sub(1)));
        self.translated.text.push_str(text);
    }

    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(c) = self.next() else {
            self.push("\\");
            return Ok(());
        };
        match c {
            'Z' if !in_class => self.push(r"\z"),
            'b' if in_class => self.push(r"\x08"),
            // For the engine these two are the borders of a word.
            '<' | '>' => self.push(c.encode_utf8(&mut [0; 4])),
            'N' => {
                return Err(format!("`\\N` at character {} is not known; write the character itself", self.at - 1));
            }
            '0'..='7' => match self.octal(c, in_class) {
                Some(code) => self.push(&format!(r"\x{{{code:x}}}")),
                None => self.push(&format!("\\{c}")),
            },
            _ => self.push(&format!("\\{c}")),
        }
        Ok(())
    }

    /// The rest of an octal escape: one that begins with 0, or of three digits. Anything else refers back to a group.
    fn octal(&mut self, first: char, in_class: bool) -> Option<u32> {
        let digits: Vec<u32> =
            [Some(first), self.peek(0), self.peek(1)].into_iter().map_while(|c| c?.to_digit(8)).collect();
        if first != '0' && digits.len() < 3 && !in_class {
            return None;
        }
        self.at += digits.len() - 1;
        Some(digits.iter().fold(0, |code, digit| code * 8 + digit))
    }

    /// `[…]`: none of the engine's operators on sets mean anything in Python.
    fn class(&mut self) -> Result<(), String> {
        let begins = self.at;
        self.push("[");
        if self.peek(0) == Some('^') {
            self.next();
            self.push("^");
        }
        let mut is_first = true;
        let mut behind_dash = false;
        while let Some(c) = self.next() {
            match c {
                ']' if !is_first => {
                    self.push("]");
                    return Ok(());
                }
                '\\' => self.escape(true)?,
                '-' if is_first || behind_dash => self.push(r"\-"),
                '[' | ']' | '&' | '~' | '#' => self.push(&format!("\\{c}")),
                c if c.is_whitespace() => self.push(&format!(r"\x{{{:x}}}", u32::from(c))),
                c => self.push(c.encode_utf8(&mut [0; 4])),
            }
            behind_dash = c == '-' && !is_first && !behind_dash;
            is_first = false;
        }
        Err(format!("the `[` at character {begins} is never closed"))
    }

    fn group(&mut self) -> Result<(), String> {
        let begins = self.at - 1;
        if self.peek(0) != Some('?') {
            self.open.push((self.flags, begins));
            self.push("(");
            return Ok(());
        }
        if self.peek(1) == Some('#') {
            while self.next().is_some_and(|c| c != ')') {}
            let is_closed = self.own.get(self.at - 1) == Some(&')');
            return if is_closed {
                Ok(())
            } else {
                Err(format!("the `(` at character {} is never closed", begins + 1))
            };
        }
        let letters: String =
            self.own.iter().skip(self.at + 1).take_while(|c| c.is_ascii_alphabetic() || **c == '-').collect();
        let around = self.flags;
        let inside = around.with(&letters);
        match self.peek(1 + letters.chars().count()) {
            // `(?m)`: for all that follows in the group around it.
            Some(')') => {
                self.flags = inside;
                self.push("(");
                for c in format!("?{letters})").chars() {
                    self.next();
                    self.push(c.encode_utf8(&mut [0; 4]));
                }
                return Ok(());
            }
            Some(':') => self.flags = inside,
            _ => {}
        }
        self.open.push((around, begins));
        self.push("(");
        Ok(())
    }

    /// `{,n}` stands for `{0,n}`, and a `{` that begins no repetition for itself.
    fn repetition(&mut self) {
        let inner: String = self.own.iter().skip(self.at).take_while(|c| c.is_ascii_digit() || **c == ',').collect();
        let is_closed = self.peek(inner.len()) == Some('}');
        let is_repetition = is_closed && !inner.is_empty() && inner.matches(',').count() < 2;
        match (is_repetition, inner.starts_with(',')) {
            (true, true) => self.push("{0"),
            (true, false) => self.push("{"),
            (false, _) => self.push(r"\{"),
        }
    }
}

impl Flags {
    /// After `(?im-x)`.
    fn with(self, letters: &str) -> Self {
        let mut flags = self;
        let mut on = true;
        for letter in letters.chars() {
            match letter {
                '-' => on = false,
                'm' => flags.multi_line = on,
                'x' => flags.verbose = on,
                _ => {}
            }
        }
        flags
    }
}
