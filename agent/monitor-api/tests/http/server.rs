//! A server that gives each connection the same bytes and then keeps it open.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A server of the test, on a port of loopback that was free.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    answer: Vec<u8>,
    close: AtomicBool,
    ended: AtomicBool,
    asked: Mutex<String>,
    changed: Condvar,
}

impl Server {
    /// Begins to listen; `answer` is sent once per connection, or per request on it.
    pub(crate) fn answering(answer: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answer: answer.into(),
            close: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            asked: Mutex::default(),
            changed: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        #[expect(
            clippy::disallowed_methods,
            reason = "a server of the test, which the agent's threads know nothing of"
        )]
        std::thread::spawn(move || serve(&listener, &serving));
        Self { address, shared }
    }

    /// Closes each connection without an answer from now on.
    pub(crate) fn close_at_once(&self) {
        self.shared.close.store(true, Ordering::SeqCst);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All that was asked so far.
    pub(crate) fn asked(&self) -> String {
        self.shared.asked.lock().unwrap().clone()
    }

    /// What was asked, as soon as that is so.
    pub(crate) fn wait_until_asked(&self, is_so: impl Fn(&str) -> bool) -> String {
        let asked = self.shared.asked.lock().unwrap();
        let limit = Duration::from_secs(30);
        let (asked, late) = self.shared.changed.wait_timeout_while(asked, limit, |asked| !is_so(asked)).unwrap();
        assert!(!late.timed_out(), "asked was only {asked:?}");
        asked.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        _ = TcpStream::connect(self.address);
    }
}

fn serve(listener: &TcpListener, shared: &Shared) {
    // Kept open until the test ends.
    let mut connections = Vec::new();
    while let Ok((mut connection, _)) = listener.accept() {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        if !shared.close.load(Ordering::SeqCst) {
            converse(&mut connection, shared);
            connections.push(connection);
        }
    }
}

/// Answers request after request until the client is silent for a moment.
fn converse(connection: &mut TcpStream, shared: &Shared) {
    connection.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = connection.read(&mut buffer) {
        shared.asked.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
        shared.changed.notify_all();
        if connection.write_all(&shared.answer).is_err() {
            return;
        }
    }
}
