//! A server of names that knows one: what `/etc/resolv.conf` of a container points to.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Answers until it is dropped.
pub(crate) struct NameServer {
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    /// Knows that `name` is 127.0.0.1, and that there is no other.
    #[expect(clippy::disallowed_methods, reason = "a test outlives its own threads")]
    pub(crate) fn start(name: &str) -> Self {
        // An address of the loopback that nobody else takes: the port is given.
        let sockets = (1..250).map(|last| UdpSocket::bind((format!("127.53.{}.{last}", std::process::id() % 250), 53)));
        let socket = sockets.flatten().next().expect("port 53 of some address of the loopback is free");
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let address = socket.local_addr().unwrap();
        let ends = Arc::new(AtomicBool::new(false));
        let (asked_to_end, name) = (Arc::clone(&ends), name.to_owned());
        let serve = move || {
            let mut bytes = [0; 512];
            while !asked_to_end.load(Ordering::Relaxed) {
                let Ok((length, peer)) = socket.recv_from(&mut bytes) else { continue };
                _ = socket.send_to(&answer(&bytes[..length], &name), peer);
            }
        };
        Self { address, ends, thread: Some(std::thread::spawn(serve)) }
    }

    /// `/etc/resolv.conf` as in a pod: names are tried within the cluster first.
    pub(crate) fn resolv_conf(&self) -> String {
        let ip = self.address.ip();
        format!("search scalyr.svc.cluster.local svc.cluster.local cluster.local\nnameserver {ip}\noptions ndots:5\n")
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

/// RFC 1035, section 4: the header, the question again, and the address if it was asked for.
fn answer(query: &[u8], known: &str) -> Vec<u8> {
    let (mut labels, mut at) = (Vec::new(), 12);
    while let Some(&length) = query.get(at).filter(|length| **length > 0) {
        at += 1;
        labels.push(String::from_utf8_lossy(&query[at..at + usize::from(length)]).into_owned());
        at += usize::from(length);
    }
    let question = &query[12..at + 5];
    let is_known = labels.join(".") == known;
    let is_v4 = question[question.len() - 4..][..2] == [0, 1];
    let count = u8::from(is_known && is_v4);
    let code = if is_known { 0 } else { 3 };
    let mut bytes = [&query[..2], &[0x85, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0], question].concat();
    if count > 0 {
        // The name of the question, an address of the internet, for a minute.
        bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    bytes
}
