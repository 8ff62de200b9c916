//! The readers of the files of a process over any bytes: the first byte chooses the file.

use super::figures::{Figures, Series, Stat, fill_from_io, fill_from_status, parse_uptime};

/// What must hold whatever the file says: no panic, and an uptime that is not negative.
fn survive(file: u8, content: &[u8]) {
    let mut figures = Figures::default();
    match file % 4 {
        0 => {
            let stat = Stat::parse(content);
            for uptime in [None, parse_uptime(content), Some(i64::MAX), Some(i64::MIN)] {
                for ticks_per_second in [100, 0, i64::MAX] {
                    if let Some(stat) = stat {
                        stat.fill(ticks_per_second, uptime, &mut figures);
                        assert!(figures[Series::Uptime as usize].is_none_or(|uptime| uptime >= 0));
                    }
                }
            }
            assert!(Stat::program(content).is_none_or(|name| name.len() + 2 <= content.len()));
        }
        1 => fill_from_status(content, &mut figures),
        2 => fill_from_io(content, &mut figures),
        _ => _ = parse_uptime(content),
    }
}

#[test]
fn fuzz_process_files() {
    bolero::check!(name = "process_files").for_each(|bytes: &[u8]| {
        if let Some((first, content)) = bytes.split_first() {
            survive(*first, content);
        }
    });
}
