//! The keys.

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A letter or another sign.
    Sign(char),
    /// A line up.
    Up,
    /// A line down.
    Down,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// To the top.
    Home,
    /// To the bottom.
    End,
    /// Tab.
    Next,
    /// Escape.
    Escape,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-Z.
    Suspend,
}

/// What follows from a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Draw it.
    Go,
    /// End.
    Quit,
}

/// The keys in what a terminal sent at once. Sequences that are not known are left out as a whole.
pub(super) fn read(bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = bytes;
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            0x03 => keys.push(Key::Interrupt),
            0x1a => keys.push(Key::Suspend),
            b'\t' => keys.push(Key::Next),
            0x1b => match behind.split_first() {
                Some((b'[' | b'O', sequence)) => {
                    let end = sequence.iter().position(|byte| (0x40..=0x7e).contains(byte));
                    let (sequence, behind) = sequence.split_at(end.map_or(sequence.len(), |end| end + 1));
                    keys.extend(of_sequence(sequence));
                    rest = behind;
                }
                _ => keys.push(Key::Escape),
            },
            b' '..=b'~' => keys.push(Key::Sign(char::from(first))),
            _ => {}
        }
    }
    keys
}

fn of_sequence(sequence: &[u8]) -> Option<Key> {
    Some(match sequence {
        b"A" => Key::Up,
        b"B" => Key::Down,
        b"5~" => Key::PageUp,
        b"6~" => Key::PageDown,
        b"H" | b"1~" | b"7~" => Key::Home,
        b"F" | b"4~" | b"8~" => Key::End,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_also_when_several_come_at_once() {
        assert_eq!(read(b"q"), [Key::Sign('q')]);
        assert_eq!(read(b"\x03"), [Key::Interrupt]);
        assert_eq!(read(b"\x1b"), [Key::Escape]);
        assert_eq!(read(b"\x1b[B\x1bOA\x1b[6~f"), [Key::Down, Key::Up, Key::PageDown, Key::Sign('f')]);
        assert_eq!(read(b"\x1b[1;5C?"), [Key::Sign('?')], "a sequence that is not known is no key q or C");
        assert_eq!(read("é\u{1a}".as_bytes()), [Key::Suspend]);
    }
}
