//! `zstandard`: Zstandard frames, by the reference library.

use zstd::zstd_safe::{CCtx, CParameter, compress_bound, get_error_name};

use crate::config::compression::ZstandardLevel;

use super::Encode;
use super::room::with_room;

/// A body becomes one frame that names its length. The context keeps its tables from one body to the next.
pub(super) struct Zstandard {
    level: ZstandardLevel,
    context: Option<CCtx<'static>>,
}

impl Zstandard {
    pub(super) fn new(level: ZstandardLevel) -> Self {
        Self { level, context: None }
    }

    fn context(&mut self) -> Result<&mut CCtx<'static>, String> {
        if self.context.is_none() {
            let mut context = CCtx::try_create().ok_or("there is no memory for its context")?;
            let level = CParameter::CompressionLevel(self.level.get().into());
            context.set_parameter(level).map_err(|code| get_error_name(code).to_owned())?;
            self.context = Some(context);
        }
        self.context.as_mut().ok_or_else(|| "it has no context".to_owned())
    }
}

impl Encode for Zstandard {
    fn encode(&mut self, body: &[u8], packed: &mut Vec<u8>, expected: usize) -> Result<(), String> {
        let context = self.context()?;
        let mut why = "";
        // Each call begins a new frame, also after one that failed.
        let done = with_room(packed, expected, compress_bound(body.len()), |packed, _| {
            let result = context.compress2(packed, body);
            why = result.map_or_else(get_error_name, |_| "");
            why.is_empty()
        });
        done.map_err(|too_small| if why.is_empty() { too_small } else { why.to_owned() })
    }
}

/// Window, chain table and hash table of each level as powers of two, and what finds matches; for more than 256 KiB
/// (`clevels.h` of the library).
const LEVELS: [(u32, u32, u32, Strategy); 22] = {
    use Strategy::{Fast, Rows, Trees};
    [
        (19, 13, 14, Fast),
        (20, 15, 16, Fast),
        (21, 16, 17, Fast),
        (21, 18, 18, Fast),
        (21, 18, 19, Rows),
        (21, 18, 19, Rows),
        (21, 19, 20, Rows),
        (21, 19, 20, Rows),
        (22, 20, 21, Rows),
        (22, 21, 22, Rows),
        (22, 21, 22, Rows),
        (22, 22, 23, Rows),
        (22, 22, 22, Trees),
        (22, 22, 23, Trees),
        (22, 23, 23, Trees),
        (22, 22, 22, Trees),
        (23, 23, 22, Trees),
        (23, 23, 22, Trees),
        (23, 24, 22, Trees),
        (25, 25, 23, Trees),
        (26, 26, 24, Trees),
        (27, 27, 25, Trees),
    ]
};

/// Which tables there are.
#[derive(Clone, Copy, PartialEq)]
enum Strategy {
    /// Numbers of 4 bytes in both.
    Fast,
    /// A row of tags for the hash table instead of a chain table.
    Rows,
    /// A binary tree over the window in place of the chain table.
    Trees,
}

/// As the library sizes its tables: a body smaller than the window makes them smaller, too. Besides them it has buffers for
/// one block, with which it stays below 1 MiB.
pub(super) fn memory(level: ZstandardLevel, body: usize) -> usize {
    const BLOCK: usize = 1 << 20;
    let Some((window, chain, hash, strategy)) = LEVELS.get(usize::from(level.get()).saturating_sub(1)).copied() else {
        return BLOCK;
    };
    // Bodies of up to 256 KiB have other levels: those from 9 on with larger tables than these would be.
    let small = if level.get() < 9 { 0 } else { 4 * ((1 << 20) + (1 << 17)) };
    let window = window.min(body.max(256 * 1024).next_power_of_two().trailing_zeros());
    let (chain, hash) = (1_usize << chain.min(window + 1), 1_usize << hash.min(window + 1));
    let tables = match strategy {
        Strategy::Fast => 4 * (chain + hash),
        Strategy::Rows => 5 * hash,
        // With the table for matches of three bytes.
        Strategy::Trees => 4 * (chain + hash + (1 << 17)),
    };
    BLOCK + tables.max(small)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_every_level_is_what_the_library_uses_itself() {
        let body: Vec<u8> = (0..6_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 28) as u8 + b'a').collect();
        for level in ZstandardLevel::all() {
            // A context of its own for each size: one that has been larger stays so.
            for size in [1, 10_000, 100_000, 200_000, 600_000, 5_900_000] {
                // The highest levels take seconds in a test.
                if level.get() > 12 && size > 600_000 {
                    continue;
                }
                let mut zstandard = Zstandard::new(level);
                zstandard.encode(&body[..size], &mut Vec::new(), size).unwrap();
                let used = zstandard.context().unwrap().sizeof();
                let told = memory(level, size);
                assert!(used <= told, "level {level:?}, {size} bytes: {used} are used, not {told}");
                assert!(size < 300_000 || told < used + (3 << 19), "level {level:?}, {size} bytes: {used}, not {told}");
            }
        }
    }
}
