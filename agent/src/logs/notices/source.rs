//! The kernel's notices: a thread that waits for them and keeps them, one per name, until the tail thread comes round.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, PipeReader, PipeWriter};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use scalyr_monitor::Clock;

use crate::threads::Threads;

/// What is asked of a directory: all that may change which files are in it, and what these hold. The same for all, since
/// asking again for the same directory replaces what was asked before.
const ASKED: WatchFlags = WatchFlags::MODIFY
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// The name under which a directory's own changes are kept.
const ITSELF: &str = "";
/// The least time from one delivery to the next, so that a burst of writes does not wake the tail thread for each of them.
const PAUSE: Duration = Duration::from_millis(5);
/// So many notices are read between two deliveries at most.
const MOST_AT_A_TIME: usize = 4096;
/// Bytes of notices that are read at a time.
const BUFFER: usize = 16 * 1024;

/// What may have happened to one name of a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kind {
    /// Another file may stand there now, or none.
    pub replaced: bool,
    /// It is, or was, a directory.
    pub directory: bool,
    /// It is the watched directory itself that was moved, deleted, unmounted or changed its mode.
    pub itself: bool,
    /// The watch has ended, with its directory or with the file system.
    pub ended: bool,
}

impl Kind {
    fn of(events: ReadFlags) -> Self {
        let replacing = ReadFlags::CREATE | ReadFlags::DELETE | ReadFlags::MOVED_FROM | ReadFlags::MOVED_TO;
        Self {
            replaced: events.intersects(replacing),
            directory: events.contains(ReadFlags::ISDIR),
            itself: false,
            ended: false,
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            replaced: self.replaced || other.replaced,
            directory: self.directory || other.directory,
            itself: self.itself || other.itself,
            ended: self.ended || other.ended,
        }
    }
}

/// What has come since it was last taken.
#[derive(Debug, Default)]
pub struct Pending {
    /// By watch and name.
    pub changes: HashMap<(i32, Box<OsStr>), Kind>,
    /// Notices were lost: anything may have changed.
    pub everything: bool,
    /// The thread has ended: nothing comes any more.
    pub ended: bool,
}

/// Where the thread leaves what has come.
#[derive(Debug)]
struct Mailbox {
    pending: Mutex<Pending>,
    most: usize,
}

impl Mailbox {
    fn put(&self, news: &mut Pending) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.everything |= std::mem::take(&mut news.everything);
        for (name, kind) in news.changes.drain() {
            let room = pending.changes.len() < self.most;
            match pending.changes.get_mut(&name) {
                Some(before) => *before = before.and(kind),
                None if room => _ = pending.changes.insert(name, kind),
                None => pending.everything = true,
            }
        }
    }
}

/// The notices of one inotify instance.
#[derive(Debug)]
pub struct Source {
    inotify: Arc<OwnedFd>,
    mailbox: Arc<Mailbox>,
    signal: Receiver<()>,
    /// The thread ends when this is closed.
    _running: PipeWriter,
}

impl Source {
    /// Starts the thread; it keeps `most` names at most, and says "everything" beyond.
    ///
    /// # Errors
    /// When the system refuses an instance (`fs.inotify.max_user_instances`), a pipe or a thread.
    pub fn start(most: usize, threads: &Threads, clock: &Clock) -> io::Result<Self> {
        Self::over(inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?, most, threads, clock)
    }

    /// The same over this instance.
    pub(super) fn over(inotify: OwnedFd, most: usize, threads: &Threads, clock: &Clock) -> io::Result<Self> {
        let inotify = Arc::new(inotify);
        let (ended, running) = io::pipe()?;
        let (signals, signal) = bounded(1);
        let mailbox = Arc::new(Mailbox { pending: Mutex::default(), most });
        let thread = (Arc::clone(&inotify), Arc::clone(&mailbox), clock.clone());
        threads.spawn("notices", move || forward(&thread.0, &ended, &thread.1, &signals, &thread.2))?;
        Ok(Self { inotify, mailbox, signal, _running: running })
    }

    /// Tells when there is something to take.
    pub fn signal(&self) -> &Receiver<()> {
        &self.signal
    }

    /// What has come since the last time.
    pub fn take(&self) -> Pending {
        let ended = self.signal.try_recv() == Err(TryRecvError::Disconnected);
        let pending = std::mem::take(&mut *self.mailbox.pending.lock().unwrap_or_else(PoisonError::into_inner));
        Pending { ended, ..pending }
    }

    /// Asks for the notices of a directory.
    ///
    /// # Errors
    /// `NOSPC` when there are too many watches already (`fs.inotify.max_user_watches`), and as open(2).
    pub fn watch(&self, directory: &Path) -> io::Result<i32> {
        Ok(inotify::add_watch(&*self.inotify, directory, ASKED)?)
    }

    /// Asks for them no more.
    pub fn forget(&self, watch: i32) {
        // It may have ended by itself, with its directory.
        _ = inotify::remove_watch(&*self.inotify, watch);
    }
}

/// Waits for notices and leaves them in the mailbox, until the other end of `ended` is closed.
fn forward(inotify: &OwnedFd, ended: &PipeReader, mailbox: &Mailbox, signals: &Sender<()>, clock: &Clock) {
    let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
    let mut news = Pending::default();
    let mut delivered: Option<Instant> = None;
    loop {
        let mut waits = [PollFd::new(inotify, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
        match poll(&mut waits, None) {
            Ok(_) if !waits[1].revents().is_empty() => return,
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return lose(mailbox, signals),
        }
        // After a delivery that was long ago nothing is waited for: a lone line costs one wake-up.
        let since = delivered.map_or(PAUSE, |at| clock.monotonic().saturating_duration_since(at));
        if let Some(rest) = PAUSE.checked_sub(since).filter(|rest| !rest.is_zero()) {
            let rest = Timespec { tv_sec: 0, tv_nsec: rest.subsec_nanos().into() };
            let mut waits = [PollFd::new(ended, PollFlags::IN)];
            if poll(&mut waits, Some(&rest)).is_ok_and(|ready| ready > 0) {
                return;
            }
        }
        if read(inotify, &mut buffer, &mut news).is_err() {
            return lose(mailbox, signals);
        }
        if news.everything || !news.changes.is_empty() {
            mailbox.put(&mut news);
            // A signal that waits already is enough.
            _ = signals.try_send(());
            delivered = Some(clock.monotonic());
        }
    }
}

/// The descriptor cannot be read any more: all is looked at once more, and polled from then on.
fn lose(mailbox: &Mailbox, signals: &Sender<()>) {
    mailbox.put(&mut Pending { everything: true, ..Pending::default() });
    _ = signals.try_send(());
}

/// Reads what is there, a bounded number of notices.
fn read(inotify: &OwnedFd, buffer: &mut [MaybeUninit<u8>], news: &mut Pending) -> Result<(), Errno> {
    let mut reader = inotify::Reader::new(inotify, buffer);
    for _ in 0..MOST_AT_A_TIME {
        match reader.next() {
            Ok(event) => note(news, event.wd(), event.events(), event.file_name().map(|name| name.to_bytes())),
            Err(Errno::AGAIN) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    // What is in the buffer still, comes from memory alone.
    while !reader.is_buffer_empty() {
        let Ok(event) = reader.next() else { break };
        note(news, event.wd(), event.events(), event.file_name().map(|name| name.to_bytes()));
    }
    Ok(())
}

fn note(news: &mut Pending, watch: i32, events: ReadFlags, name: Option<&[u8]>) {
    if events.contains(ReadFlags::QUEUE_OVERFLOW) {
        news.everything = true;
        return;
    }
    let (name, kind) = match name {
        Some(name) => (OsStr::from_bytes(name), Kind::of(events)),
        None => {
            (OsStr::new(ITSELF), Kind { itself: true, ended: events.contains(ReadFlags::IGNORED), ..Kind::default() })
        }
    };
    news.changes.entry((watch, name.into())).and_modify(|before| *before = before.and(kind)).or_insert(kind);
}
