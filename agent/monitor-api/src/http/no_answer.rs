//! Why there is no answer, for a monitor that reports it.

use std::fmt;
use std::io::ErrorKind;

/// What sort of trouble kept an answer away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trouble {
    /// The request itself: its method, its URL, a header. Only the user can mend it.
    Request,
    /// The server was not reached: its name, the network, a refused connection, TLS.
    Unreachable,
    /// The time was over.
    Timeout,
    /// The answer ended before its end.
    CutShort,
    /// A redirect that is not followed.
    Redirect,
    /// Anything else, as what is no HTTP.
    Other,
}

impl Trouble {
    /// What an error of an exchange means.
    pub(super) fn of(error: &ureq::Error) -> Self {
        match error {
            ureq::Error::Timeout(_) => Self::Timeout,
            ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::Tls(_)
            | ureq::Error::Rustls(_) => Self::Unreachable,
            ureq::Error::BadUri(_) => Self::Request,
            ureq::Error::Io(error) => match error.kind() {
                ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Self::Other,
                ErrorKind::TimedOut => Self::Timeout,
                // The name's look-up, TLS, and what the system says of a connection that it cannot make.
                _ => Self::Unreachable,
            },
            _ => Self::Other,
        }
    }
}

/// Why there is no answer. Its text names the URL without its secrets, the cause, and what to do.
#[derive(Clone, Debug)]
pub struct NoAnswer {
    pub(super) place: String,
    pub(super) trouble: Trouble,
    pub(super) cause: String,
}

impl NoAnswer {
    /// What sort of trouble it is.
    pub fn trouble(&self) -> Trouble {
        self.trouble
    }

    /// The cause and what to do, without the URL.
    pub fn cause(&self) -> &str {
        &self.cause
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.cause)
    }
}

impl std::error::Error for NoAnswer {}
