use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::sample::good;
use super::*;

fn serve(folder: &Path, threads: &Threads, stop: &Stop, clock: &Clock) {
    let socket = StatusSocket::bind(folder).unwrap();
    socket.serve(threads, stop, clock, Logger::none(), good).unwrap();
}

#[test]
fn clients_that_say_nothing_and_read_nothing_keep_others_waiting_for_a_moment_only() {
    let folder = tempfile::tempdir().unwrap();
    let (threads, stop, clock) = (Threads::new(), Stop::new(), Clock::system());
    serve(folder.path(), &threads, &stop, &clock);
    let begin = clock.monotonic();
    let silent: Vec<_> = (0..3).map(|_| connect(folder.path()).unwrap()).collect();
    let patience = Patience { limit: Duration::from_secs(60), look_every: TIMEOUT, look: &mut |_| {} };
    let report = ask_patiently(folder.path(), Format::Text, &clock, patience).unwrap();
    let (health, report) = report.split_once('\n').unwrap();
    assert_eq!(health, r#"{"health":"good","health_check_result":"Good"}"#);
    assert!(report.starts_with("Scalyr Agent status."), "{report}");
    assert!(clock.monotonic() - begin >= LONGEST_QUESTION, "the silent ones came first");
    drop(silent);
    stop.stop();
}

#[test]
fn who_reads_a_little_now_and_then_is_let_go_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (_, clock) = (folder, Clock::system());
    let (client, agent) = UnixStream::pair().unwrap();
    sockopt::set_socket_send_buffer_size(&agent, 1).unwrap();
    (&client).write_all(b"t").unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let error = std::thread::scope(|scope| {
        let over = Arc::clone(&is_over);
        let reading = &client;
        scope.spawn(move || {
            let mut byte = [0; 1];
            while !over.load(Ordering::Relaxed) {
                _ = { reading }.read(&mut byte);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let mut large = good();
        large.user = "x".repeat(4 * 1024 * 1024);
        let answered = answer(agent, &clock, || large.clone());
        is_over.store(true, Ordering::Relaxed);
        answered.unwrap_err()
    });
    assert!(matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock), "{error}");
}

#[test]
fn a_crowd_before_the_socket_keeps_nobody_from_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (threads, stop, clock) = (Threads::new(), Stop::new(), Clock::system());
    serve(folder.path(), &threads, &stop, &clock);
    // Until no more fit into the queue.
    let mut crowd = Vec::new();
    loop {
        let address = address(folder.path()).unwrap();
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
        match net::connect(&socket, &SocketAddrUnix::new(address.path()).unwrap()) {
            Ok(()) => crowd.push(socket),
            Err(error) => {
                assert_eq!(error, rustix::io::Errno::AGAIN);
                break;
            }
        }
    }
    let begin = clock.monotonic();
    stop.stop();
    assert!(!folder.path().join(NAME).exists());
    let took = clock.monotonic() - begin;
    assert!(took < LONGEST_QUESTION * u32::try_from(crowd.len()).unwrap(), "{took:?}");
    drop(crowd);
}
