//! The status socket: whoever connects names a format, and is sent one snapshot in it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::Mode;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use scalyr_monitor::{Clock, Logger, Stop};
use serde_json::json;

use super::{Format, Snapshot, word};
use crate::threads::Threads;

/// The socket in `agent_data_path`.
pub const NAME: &str = "status.sock";
/// How long a client may take to read all of its answer, and the agent to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to say what it wants: others wait behind it.
const LONGEST_QUESTION: Duration = Duration::from_secs(1);
/// How long the socket rests after a failure.
const AFTER_FAILURE: Duration = Duration::from_millis(50);
/// What a wait cannot be shorter than: a timeout of zero is none.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);
/// A report larger than this is not ours.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A path to the socket that is short enough for any data path: addresses of Unix sockets hold 107 bytes, and the data
/// path may be longer, so it is reached through an open directory.
struct Address {
    /// Kept open while the address is used.
    _directory: File,
    path: PathBuf,
}

impl Address {
    /// Valid as long as `self` is; a method, so that closures take all of it and not the path alone.
    fn path(&self) -> &Path {
        &self.path
    }
}

fn address(data_path: &Path) -> io::Result<Address> {
    let directory = File::open(data_path)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(NAME);
    Ok(Address { _directory: directory, path })
}

/// The socket, made and not served yet: who connects waits.
pub struct StatusSocket {
    listener: UnixListener,
    address: Address,
    data_path: PathBuf,
}

impl StatusSocket {
    /// Makes the socket. Only the owner can connect. To be called before other threads make files: it changes the umask
    /// of the whole process for a moment.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn bind(data_path: &Path) -> io::Result<Self> {
        let address = address(data_path)?;
        // A socket that an agent left behind that was killed; the lock on the data path says that none is running.
        match std::fs::remove_file(address.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let before = rustix::process::umask(Mode::from_bits_truncate(0o177));
        let listener = UnixListener::bind(address.path());
        rustix::process::umask(before);
        Ok(Self { listener: listener?, address, data_path: data_path.to_owned() })
    }

    /// Serves snapshots until asked to stop, then removes the socket.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn serve(
        self,
        threads: &Threads,
        stop: &Stop,
        clock: &Clock,
        logger: Logger,
        snapshot: impl Fn() -> Snapshot + Send + 'static,
    ) -> io::Result<()> {
        let Self { listener, address, data_path } = self;
        stop.on_stop(move || {
            // Wakes the thread out of `accept`; not needed where so many wait already that no more fit.
            _ = knock(&data_path);
            _ = std::fs::remove_file(address.path());
        });
        let (stop, clock) = (stop.clone(), clock.clone());
        threads.spawn("status", move || {
            for client in listener.incoming() {
                if stop.is_stopped() {
                    break;
                }
                let answered = client.and_then(|client| answer(client, &clock, &snapshot));
                if let Err(error) = answered {
                    // Without descriptors left, `accept` fails at once, again and again.
                    stop.wait(AFTER_FAILURE);
                    logger.debug(format_args!("a status report was not taken: {error}"));
                }
            }
        })
    }
}

fn answer(mut client: UnixStream, clock: &Clock, snapshot: impl Fn() -> Snapshot) -> io::Result<()> {
    client.set_read_timeout(Some(LONGEST_QUESTION))?;
    let mut wanted = [0; 1];
    client.read_exact(&mut wanted)?;
    let format = match wanted[0] {
        b't' | b'T' => Format::Text,
        b'e' | b'E' => Format::EveryPath,
        b'j' => Format::Json,
        _ => return Err(io::Error::other("unknown format")),
    };
    let snapshot = snapshot();
    let mut text = String::new();
    if wanted[0].is_ascii_uppercase() {
        let health = json!({ "health": word(&snapshot.health), "health_check_result": snapshot.health_check() });
        text = format!("{health}\n");
    }
    text += &format.render(&snapshot);
    // Over all of it, so that nobody who reads a few bytes now and then keeps the others waiting.
    let end = clock.monotonic() + TIMEOUT;
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let left = end.saturating_duration_since(clock.monotonic());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        client.set_write_timeout(Some(left.max(SHORTEST_LOOK)))?;
        match client.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Connects, and waits for nothing.
fn knock(data_path: &Path) -> io::Result<()> {
    let address = address(data_path)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    Ok(net::connect(&socket, &SocketAddrUnix::new(address.path())?)?)
}

fn connect(data_path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(address(data_path)?.path())
}

/// How long to wait for an answer, and what to do meanwhile.
pub struct Patience<'a> {
    /// The limit of all of it.
    pub limit: Duration,
    /// How often is looked while nothing comes.
    pub look_every: Duration,
    /// Looks at the process that should answer, when its number is known.
    pub look: &'a mut dyn FnMut(Option<u32>),
}

/// Asks the running agent for its snapshot in a format, and looks after it while it does not answer. A text begins with a
/// line of JSON: the members of the same report that tell of its health.
///
/// # Errors
/// `NotFound` or `ConnectionRefused` when no agent runs there; `PermissionDenied` when this user must not ask it;
/// `TimedOut` when the limit was reached.
pub fn ask_patiently(data_path: &Path, format: Format, clock: &Clock, patience: Patience<'_>) -> io::Result<String> {
    let Patience { limit, look_every, look } = patience;
    let end = clock.monotonic() + limit;
    let mut stream = connect_within(data_path, limit)?;
    let pid =
        sockopt::socket_peercred(&stream).ok().and_then(|peer| u32::try_from(peer.pid.as_raw_nonzero().get()).ok());
    stream.write_all(&[letter_with_health(format)])?;
    let (mut text, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        let left = end.saturating_duration_since(clock.monotonic());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left.min(look_every).max(SHORTEST_LOOK)))?;
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => text.extend_from_slice(&chunk[..length]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => look(pid),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if text.len() as u64 > MAX_BYTES {
            return Err(io::Error::other("the answer is larger than any of an agent"));
        }
    }
    String::from_utf8(text).map_err(io::Error::other)
}

/// Connects; also to an agent that stands still and has so many callers waiting that no more fit.
fn connect_within(data_path: &Path, limit: Duration) -> io::Result<UnixStream> {
    let address = address(data_path)?;
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(limit))?;
    match net::connect(&socket, &SocketAddrUnix::new(address.path())?) {
        // What Linux says when the time is up.
        Err(rustix::io::Errno::AGAIN) => Err(io::ErrorKind::TimedOut.into()),
        connected => Ok(connected.map(|()| UnixStream::from(socket))?),
    }
}

fn letter(format: Format) -> u8 {
    match format {
        Format::Text => b't',
        Format::EveryPath => b'e',
        Format::Json => b'j',
    }
}

fn letter_with_health(format: Format) -> u8 {
    match format {
        Format::Text => b'T',
        Format::EveryPath => b'E',
        // Health is in it.
        Format::Json => letter(format),
    }
}

/// Asks the running agent for its snapshot in a format.
///
/// # Errors
/// `NotFound` or `ConnectionRefused` when no agent runs there; others when it does not answer.
pub fn ask(data_path: &Path, format: Format) -> io::Result<String> {
    let mut stream = connect(data_path)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(&[letter(format)])?;
    let mut text = String::new();
    stream.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
