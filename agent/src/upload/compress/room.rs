//! How large the buffer of a compressed body is made. The worst case would be more than the body itself; logs come to a
//! fraction of that.

/// Bodies below this size get room for the worst case at once.
const SMALL: usize = 32 * 1024;

/// Which part of the last body was left by compression.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ratio(Option<f64>);

impl Ratio {
    /// About how many bytes a body of this size will come to, on the large side.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number; it saturates")]
    pub(super) fn expect(self, body: usize) -> usize {
        let part = self.0.map_or(0.3, |part| part * 1.125);
        (body as f64 * part) as usize + SMALL
    }

    /// A body of this size came to so many bytes.
    pub(super) fn note(&mut self, body: usize, packed: usize) {
        // A small one says little: most of it is the head.
        if body >= SMALL {
            self.0 = Some(packed as f64 / body as f64);
        }
    }
}

/// Gives an encoder that does not grow its buffer by itself `expected` bytes of room, and `bound`, the worst case, when
/// that is not enough: `attempt`, which is told how much it has, is true when it was.
pub(super) fn with_room(
    packed: &mut Vec<u8>,
    expected: usize,
    bound: usize,
    mut attempt: impl FnMut(&mut Vec<u8>, usize) -> bool,
) -> Result<(), String> {
    for room in [expected, bound] {
        let room = room.min(bound);
        packed.clear();
        packed.try_reserve_exact(room).map_err(|error| error.to_string())?;
        if attempt(packed, room) {
            return Ok(());
        }
        if room == bound {
            break;
        }
    }
    Err(format!("it does not fit into {bound} bytes, its worst case"))
}

/// Gives back what a buffer has grown by beyond its need; it had room for `before` bytes.
pub(super) fn trim(packed: &mut Vec<u8>, before: usize) {
    let enough = packed.len() + packed.len() / 8 + SMALL;
    if packed.capacity() > before.max(enough) {
        packed.shrink_to(before.max(enough));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_case_is_only_asked_for_when_less_does_not_do_and_is_given_back() {
        let mut rooms = Vec::new();
        let mut packed = Vec::new();
        let done = with_room(&mut packed, 1_000, 10_000, |packed, room| {
            rooms.push(room);
            packed.extend([7; 1_000]);
            rooms.len() == 2
        });
        assert_eq!((done, rooms), (Ok(()), vec![1_000, 10_000]));
        packed.reserve(1_000_000);
        trim(&mut packed, 0);
        assert!(packed.capacity() < 50_000, "{}", packed.capacity());
        assert!(with_room(&mut packed, 20, 10, |_, _| false).unwrap_err().contains("10 bytes"));
    }

    #[test]
    fn what_the_last_large_body_came_to_is_expected_of_the_next_one() {
        let mut ratio = Ratio::default();
        assert!(ratio.expect(6_000_000) < 2_000_000);
        ratio.note(6_000_000, 1_000_000);
        ratio.note(1_000, 900);
        assert!((1_100_000..1_200_000).contains(&ratio.expect(6_000_000)), "{}", ratio.expect(6_000_000));
    }
}
