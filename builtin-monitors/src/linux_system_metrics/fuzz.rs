//! The readers of the kernel's files over any bytes: the first byte chooses the file.
//!
//! The corpus holds the files of the fixture trees, one for each reader.

use super::*;

/// Reads any bytes as those of one file.
type Reader = fn(&[u8]);

/// The readers, by the first byte.
const READERS: [(&str, Reader); 11] = [
    ("stat", cpu::survive),
    ("uptime", uptime::survive),
    ("loadavg", load::survive),
    ("meminfo", memory::survive),
    ("diskstats", disks::survive),
    ("net/dev", interfaces::survive),
    ("mountinfo", mounts::survive),
    ("entropy_avail", entropy::survive),
    ("numastat", numa::survive),
    ("sockstat", sockets::survive),
    ("netstat", tcp::survive),
];

#[test]
fn fuzz_kernel_files() {
    bolero::check!(name = "kernel_files").for_each(|bytes: &[u8]| {
        if let Some((first, content)) = bytes.split_first() {
            let (_, survive) = READERS[usize::from(*first) % READERS.len()];
            survive(content);
        }
    });
}
