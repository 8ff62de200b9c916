//! Text while a crate is compiled: `format!` and `==` cannot be used there.

/// The longest message; the rest is cut off.
const CAPACITY: usize = 400;

/// A message that is put together while a crate is compiled.
#[derive(Clone, Copy)]
pub(crate) struct ConstText {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl ConstText {
    /// A message that begins like this.
    pub(crate) const fn of(text: &str) -> Self {
        Self { bytes: [0; CAPACITY], length: 0 }.push(text)
    }

    /// The message with this behind it.
    pub(crate) const fn push(mut self, text: &str) -> Self {
        let mut at = 0;
        while at < text.len() && self.length < CAPACITY {
            self.bytes[self.length] = text.as_bytes()[at];
            self.length += 1;
            at += 1;
        }
        self
    }

    /// The message.
    pub(crate) const fn as_str(&self) -> &str {
        match str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            // A character was cut in two at the end.
            Err(error) => match str::from_utf8(self.bytes.split_at(error.valid_up_to()).0) {
                Ok(text) => text,
                Err(_) => "",
            },
        }
    }
}

/// Whether two texts are the same. Looks from the end: names of one catalogue begin alike.
pub(crate) const fn is_same(one: &str, other: &str) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = one.len();
    while at > 0 {
        at -= 1;
        if one.as_bytes()[at] != other.as_bytes()[at] {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_too_long_is_cut_between_two_characters() {
        assert_eq!(ConstText::of("a").push("bc").as_str(), "abc");
        let long = "é".repeat(CAPACITY);
        assert_eq!(ConstText::of("a").push(&long).as_str(), format!("a{}", "é".repeat(CAPACITY / 2 - 1)));
    }

    #[test]
    fn texts_are_the_same_only_when_they_are_alike_from_end_to_end() {
        assert!(is_same("", "") && is_same("disk.reads", "disk.reads"));
        assert!(!is_same("disk.reads", "disk.read") && !is_same("a.reads", "b.reads"));
    }
}
