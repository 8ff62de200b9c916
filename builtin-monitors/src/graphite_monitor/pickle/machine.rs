//! The stack machine: instruction by instruction, until STOP.

use std::collections::HashMap;

use super::bytes::Bytes;
use super::fault::Fault;
use super::literals::{long, number, quoted, raw_unicode, whole_number};
use super::opcode::{self, Known, Opcode};
use super::{Pickle, Place, Thing};

/// The newest protocol.
const NEWEST_PROTOCOL: u8 = 5;

/// As much of a forbidden name is shown.
const SHOWN_NAME: usize = 100;

/// Reads a pickle, which may make so many things.
pub(super) fn run(bytes: &[u8], most: usize) -> Result<Pickle<'_>, Fault> {
    let mut machine = Machine {
        bytes: Bytes::of(bytes),
        things: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        most,
        name: "",
        at: 0,
    };
    loop {
        if let Some(top) = machine.step()? {
            return Ok(Pickle { things: machine.things, top });
        }
    }
}

struct Machine<'b> {
    bytes: Bytes<'b>,
    things: Vec<Thing<'b>>,
    stack: Vec<Place>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Place>,
    most: usize,
    /// The instruction at work, for what is wrong with it.
    name: &'static str,
    at: usize,
}

impl<'b> Machine<'b> {
    /// One instruction; the place of the whole at the end.
    fn step(&mut self) -> Result<Option<Place>, Fault> {
        self.at = self.bytes.at();
        let byte = self.bytes.byte().ok_or(Fault::EndsEarly)?;
        let Some((name, known)) = opcode::of(byte) else { return Err(Fault::NoOpcode { byte, at: self.at }) };
        self.name = name;
        let Known::Taken(opcode) = known else { return Err(self.forbidden(byte)) };
        match opcode {
            Opcode::Stop => return self.pop().map(Some),
            Opcode::Proto | Opcode::Frame => self.head(opcode)?,
            Opcode::Mark | Opcode::Pop | Opcode::PopMark | Opcode::Dup => self.shuffle(opcode)?,
            Opcode::EmptyList
            | Opcode::EmptyTuple
            | Opcode::Append
            | Opcode::Appends
            | Opcode::List
            | Opcode::Tuple
            | Opcode::TupleOf(_) => self.gather(opcode)?,
            Opcode::Get
            | Opcode::BinGet
            | Opcode::LongBinGet
            | Opcode::Put
            | Opcode::BinPut
            | Opcode::LongBinPut
            | Opcode::Memoize => self.remember(opcode)?,
            _ => {
                let thing = self.literal(opcode)?;
                self.push_new(thing)?;
            }
        }
        Ok(None)
    }

    fn bad_stack(&self) -> Fault {
        Fault::BadStack { opcode: self.name, at: self.at }
    }

    fn bad_argument(&self) -> Fault {
        Fault::BadArgument { opcode: self.name, at: self.at }
    }

    /// Names what it asks for, where that stands behind it or on the stack.
    fn forbidden(&mut self, byte: u8) -> Fault {
        let shown = |text: &[u8]| String::from_utf8_lossy(&text[..text.len().min(SHOWN_NAME)]).into_owned();
        let asked = match byte {
            b'c' | b'i' => {
                let names = self.bytes.line().zip(self.bytes.line());
                names.map(|(module, name)| format!("{}.{}", shown(module), shown(name)))
            }
            0x93 => match self.stack.as_slice() {
                [.., module, name] => {
                    let text = |place: &Place| match self.things.get(*place as usize) {
                        Some(Thing::Text(text)) => Some(shown(text)),
                        _ => None,
                    };
                    text(module).zip(text(name)).map(|(module, name)| format!("{module}.{name}"))
                }
                _ => None,
            },
            _ => None,
        };
        Fault::Forbidden { opcode: self.name, at: self.at, asked }
    }

    /// What a pickle says of itself.
    fn head(&mut self, opcode: Opcode) -> Result<(), Fault> {
        if opcode == Opcode::Frame {
            // How long what follows is; that shows by itself.
            return self.bytes.take(8).map(drop).ok_or(Fault::EndsEarly);
        }
        match self.bytes.byte().ok_or(Fault::EndsEarly)? {
            ..=NEWEST_PROTOCOL => Ok(()),
            newer => Err(Fault::Protocol(newer)),
        }
    }

    /// Numbers, text, and nothing.
    fn literal(&mut self, opcode: Opcode) -> Result<Thing<'b>, Fault> {
        let bad = self.bad_argument();
        let bytes = &mut self.bytes;
        let number = match opcode {
            Opcode::None => return Ok(Thing::Nothing),
            Opcode::String => {
                let line = bytes.line().ok_or(Fault::EndsEarly)?;
                return quoted(line).map(Thing::Text).ok_or(bad);
            }
            Opcode::Unicode => return bytes.line().map(raw_unicode).map(Thing::Text).ok_or(Fault::EndsEarly),
            Opcode::Sized(of) => {
                let text = bytes.length(of).and_then(|length| bytes.take(length));
                return text.map(|text| Thing::Text(text.into())).ok_or(Fault::EndsEarly);
            }
            Opcode::True => Some(1.0),
            Opcode::False => Some(0.0),
            Opcode::Float => number(bytes.line().ok_or(Fault::EndsEarly)?),
            Opcode::Int | Opcode::Long => whole_number(bytes.line().ok_or(Fault::EndsEarly)?),
            Opcode::BinInt => Some(f64::from(i32::from_le_bytes(bytes.array().ok_or(Fault::EndsEarly)?))),
            Opcode::BinInt1 => Some(f64::from(bytes.byte().ok_or(Fault::EndsEarly)?)),
            Opcode::BinInt2 => Some(f64::from(u16::from_le_bytes(bytes.array().ok_or(Fault::EndsEarly)?))),
            Opcode::BinFloat => Some(f64::from_be_bytes(bytes.array().ok_or(Fault::EndsEarly)?)),
            Opcode::Long1 | Opcode::Long4 => {
                let of = if opcode == Opcode::Long1 { 1 } else { 4 };
                long(bytes.length(of).and_then(|length| bytes.take(length)).ok_or(Fault::EndsEarly)?)
            }
            _ => None,
        };
        number.map(Thing::Number).ok_or(bad)
    }

    /// The stack itself.
    fn shuffle(&mut self, opcode: Opcode) -> Result<(), Fault> {
        match opcode {
            Opcode::Mark => {
                self.count(self.marks.len())?;
                self.marks.push(self.stack.len());
            }
            Opcode::PopMark => drop(self.since_mark()?),
            // As in Python, a mark on top is what is taken away.
            Opcode::Pop if self.marks.last() == Some(&self.stack.len()) => drop(self.marks.pop()),
            Opcode::Pop => drop(self.pop()?),
            _ => {
                let top = self.top()?;
                self.push(top)?;
            }
        }
        Ok(())
    }

    /// Lists and tuples.
    fn gather(&mut self, opcode: Opcode) -> Result<(), Fault> {
        let parts = match opcode {
            Opcode::Append => {
                let part = self.pop()?;
                return self.extend(&[part]);
            }
            Opcode::Appends => {
                let parts = self.since_mark()?;
                return self.extend(&parts);
            }
            Opcode::List | Opcode::Tuple => self.since_mark()?,
            Opcode::TupleOf(length) => {
                let from = self.stack.len().checked_sub(length).filter(|from| *from >= self.floor());
                self.take_from(from.ok_or_else(|| self.bad_stack())?)
            }
            _ => Vec::new(),
        };
        self.push_new(Thing::Sequence(parts))
    }

    /// Appends to the list on top. Tuples cannot be told from lists here, and nobody is hurt by one that grows.
    fn extend(&mut self, more: &[Place]) -> Result<(), Fault> {
        let list = self.top()?;
        match self.things.get_mut(list as usize) {
            Some(Thing::Sequence(parts)) => parts.extend_from_slice(more),
            _ => return Err(self.bad_stack()),
        }
        Ok(())
    }

    /// What is kept under a number, to be used again.
    fn remember(&mut self, opcode: Opcode) -> Result<(), Fault> {
        let number = match opcode {
            Opcode::Get | Opcode::Put => {
                let line = self.bytes.line().ok_or(Fault::EndsEarly)?;
                let number = str::from_utf8(line).ok().and_then(|line| line.parse().ok());
                number.ok_or_else(|| self.bad_argument())?
            }
            Opcode::BinGet | Opcode::BinPut => u32::from(self.bytes.byte().ok_or(Fault::EndsEarly)?),
            Opcode::LongBinGet | Opcode::LongBinPut => u32::from_le_bytes(self.bytes.array().ok_or(Fault::EndsEarly)?),
            _ => u32::try_from(self.memo.len()).map_err(|_| Fault::TooLarge)?,
        };
        if matches!(opcode, Opcode::Get | Opcode::BinGet | Opcode::LongBinGet) {
            let place = self.memo.get(&number).copied().ok_or_else(|| self.bad_stack())?;
            return self.push(place);
        }
        let place = self.top()?;
        self.count(self.memo.len())?;
        self.memo.insert(number, place);
        Ok(())
    }

    /// Whether one more is allowed beside so many.
    fn count(&self, present: usize) -> Result<(), Fault> {
        if present < self.most { Ok(()) } else { Err(Fault::TooLarge) }
    }

    fn push(&mut self, place: Place) -> Result<(), Fault> {
        self.count(self.stack.len())?;
        self.stack.push(place);
        Ok(())
    }

    fn push_new(&mut self, thing: Thing<'b>) -> Result<(), Fault> {
        self.count(self.things.len())?;
        let place = Place::try_from(self.things.len()).map_err(|_| Fault::TooLarge)?;
        self.things.push(thing);
        self.push(place)
    }

    /// Below this the stack belongs to what stands before the last mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Place, Fault> {
        self.stack.get(self.floor()..).and_then(<[_]>::last).copied().ok_or_else(|| self.bad_stack())
    }

    fn pop(&mut self) -> Result<Place, Fault> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// Takes what was pushed since the last mark, and the mark.
    fn since_mark(&mut self) -> Result<Vec<Place>, Fault> {
        let mark = self.marks.pop().ok_or_else(|| self.bad_stack())?;
        Ok(self.take_from(mark))
    }

    /// Takes the stack from there on; not by `split_off`, which may give the whole memory of the stack away.
    fn take_from(&mut self, from: usize) -> Vec<Place> {
        let taken = self.stack.get(from..).unwrap_or_default().to_vec();
        self.stack.truncate(from);
        taken
    }
}
