//! A signal ends `agent receive` in good order. A process of its own, since signals reach all of a process.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser;
use scalyr_agent::cli::receive::{Args, run};
use scalyr_monitor::Clock;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_signal_ends_the_command_with_success_although_a_client_is_stalled() {
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        let screen = Screen::default();
        let mut out = screen.clone();
        let args = Command::parse_from(["receive", "--fault", "stall"]).args;
        let text = || String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
        let code = std::thread::scope(|scope| {
            let command = scope.spawn(move || run(args, &Clock::system(), &mut out, &mut io::sink()));
            let deadline = Clock::system().monotonic() + Duration::from_secs(30);
            while !text().contains('\n') {
                assert!(Clock::system().monotonic() < deadline);
                std::thread::yield_now();
            }
            let address = text().trim_end().strip_prefix("listening on http://").unwrap().to_owned();
            let mut client = TcpStream::connect(address).unwrap();
            client.write_all(b"POST /addEvents HTTP/1.1\r\nContent-Length: 1\r\n\r\nx").unwrap();
            signal_hook::low_level::raise(signal).unwrap();
            command.join().unwrap()
        });
        assert_eq!(code, ExitCode::SUCCESS);
        assert!(text().contains("\nreceived "), "{}", text());
    }
}
