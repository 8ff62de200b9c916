//! What is wrong with a pickle.

use std::fmt;

use super::MOST_THINGS;

/// Why a pickle is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Fault {
    /// It ends before its end.
    EndsEarly,
    /// It has an instruction that makes something else than data, by its name in Python's `pickletools`.
    Forbidden {
        /// The instruction.
        opcode: &'static str,
        /// Where it stands.
        at: usize,
        /// What of Python it asks for, if it says so.
        asked: Option<String>,
    },
    /// It has a byte where an instruction should stand that is none.
    NoOpcode {
        /// The byte.
        byte: u8,
        /// Where it stands.
        at: usize,
    },
    /// A protocol that came after this was written.
    Protocol(u8),
    /// What stands behind an instruction is not what belongs there.
    BadArgument {
        /// The instruction.
        opcode: &'static str,
        /// Where it stands.
        at: usize,
    },
    /// An instruction takes something from the stack that is not there, or that it cannot use.
    BadStack {
        /// The instruction.
        opcode: &'static str,
        /// Where it stands.
        at: usize,
    },
    /// It makes more things than are allowed.
    TooLarge,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndsEarly => f.write_str("it ends before its end"),
            Self::Forbidden { opcode, at, asked } => {
                write!(f, "{opcode} at byte {at}")?;
                if let Some(asked) = asked {
                    write!(f, " asks for {asked:?}")?;
                }
                f.write_str(
                    ": only lists, tuples, text and numbers are taken, and nothing of a pickle is ever executed. Send plain \
                     values, `float(value)` for those of numpy and `decimal`",
                )
            }
            Self::NoOpcode { byte, at } => write!(f, "{byte:#04x} at byte {at} is no instruction of a pickle"),
            Self::Protocol(protocol) => write!(f, "its protocol is {protocol}; 0 to 5 are known"),
            Self::BadArgument { opcode, at } => write!(f, "what stands behind {opcode} at byte {at} is malformed"),
            Self::BadStack { opcode, at } => write!(f, "{opcode} at byte {at} uses what was not made before"),
            Self::TooLarge => write!(f, "it holds more than {MOST_THINGS} things; send fewer points in a request"),
        }
    }
}
