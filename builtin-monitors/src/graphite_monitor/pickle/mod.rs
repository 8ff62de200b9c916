//! A reader of pickles that hold nothing but data, of the protocols 0 to 5.
//!
//! A pickle is a program for a small stack machine, and Python's own reader lets it call whatever it names. This one knows
//! only the instructions that make text, numbers, lists and tuples. All that a pickle makes lies in one row, and one thing
//! refers to another by its place there: so a pickle that refers to itself, or is nested deeply, is nothing special, and
//! what it takes is bounded by how many things there may be.

mod bytes;
mod fault;
mod literals;
mod machine;
mod opcode;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub(super) use fault::Fault;

/// The most things that a pickle may make.
pub(super) const MOST_THINGS: usize = 1_000_000;

/// Where a thing lies in its pickle.
type Place = u32;

/// What a pickle was made of.
#[derive(Debug)]
pub(super) struct Pickle<'b> {
    things: Vec<Thing<'b>>,
    top: Place,
}

/// One thing of a pickle.
#[derive(Debug)]
enum Thing<'b> {
    /// `None`.
    Nothing,
    /// A whole number, a float or a truth value: all of them are numbers in Python.
    Number(f64),
    /// Text, or bytes.
    Text(Cow<'b, [u8]>),
    /// A list or a tuple.
    Sequence(Vec<Place>),
}

/// A thing, with the pickle that it is a part of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'p> {
    /// `None`.
    Nothing,
    /// A number.
    Number(f64),
    /// Text as bytes, which need not be UTF-8.
    Text(&'p [u8]),
    /// A list or a tuple.
    Sequence(Sequence<'p>),
}

/// A list or a tuple.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence<'p> {
    pickle: &'p Pickle<'p>,
    places: &'p [Place],
}

impl<'b> Pickle<'b> {
    /// Reads a pickle. What stands behind its end is left alone, as Python does.
    pub(super) fn read(bytes: &'b [u8]) -> Result<Self, Fault> {
        machine::run(bytes, MOST_THINGS)
    }

    /// The one thing that the pickle stands for.
    pub(super) fn value(&self) -> Value<'_> {
        self.at(self.top)
    }

    fn at(&self, place: Place) -> Value<'_> {
        match self.things.get(place as usize) {
            None | Some(Thing::Nothing) => Value::Nothing,
            Some(Thing::Number(number)) => Value::Number(*number),
            Some(Thing::Text(text)) => Value::Text(text),
            Some(Thing::Sequence(places)) => Value::Sequence(Sequence { pickle: self, places }),
        }
    }
}

impl<'p> Value<'p> {
    /// What it is, in words.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Value::Nothing => "None",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::Sequence(_) => "a list or tuple",
        }
    }

    /// The two elements of a list or tuple that has two.
    pub(super) fn pair(self) -> Option<(Value<'p>, Value<'p>)> {
        match self {
            Value::Sequence(Sequence { pickle, places: &[first, second] }) => {
                Some((pickle.at(first), pickle.at(second)))
            }
            _ => None,
        }
    }
}

impl<'p> Sequence<'p> {
    /// The elements in their order.
    pub(super) fn iter(self) -> impl Iterator<Item = Value<'p>> {
        self.places.iter().map(move |&place| self.pickle.at(place))
    }
}
