//! What the kernel dropped of a UDP socket: Linux tells it in a table of all of them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

/// The tables of the two families, as this process sees them.
const TABLES: [&str; 2] = ["/proc/self/net/udp", "/proc/self/net/udp6"];

/// The columns of the socket's number and of the packets that were dropped.
const INODE: usize = 9;
const DROPS: usize = 12;

/// Packets that the kernel has dropped of a UDP socket since it was made, as
/// [`Packets::lost`](super::Packets::lost) says it, for a monitor that has sockets of its own.
pub fn count(socket: &UdpSocket) -> Option<u64> {
    let link = fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).ok()?;
    let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
    TABLES.iter().find_map(|table| drops(BufReader::new(File::open(table).ok()?), inode))
}

/// The drops of the socket with this number.
fn drops(table: impl BufRead, inode: &str) -> Option<u64> {
    table.lines().map_while(Result::ok).find_map(|line| {
        let mut columns = line.split_ascii_whitespace().skip(INODE);
        (columns.next() == Some(inode)).then(|| columns.nth(DROPS - INODE - 1)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_of_the_socket_is_read() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref \
                     pointer drops\n  1: 0100007F:1FBE 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        \
                     0 4711 2 0000000000000000 17\n  2: short 4712\n";
        assert_eq!(drops(table.as_bytes(), "4711"), Some(17));
        assert_eq!(drops(table.as_bytes(), "4712"), None);
    }
}
