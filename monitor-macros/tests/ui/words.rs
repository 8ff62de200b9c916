//! Enums of words.

use scalyr_monitor::prelude::*;

#[derive(ConfigValue)]
pub enum Mode {
    /// Fine.
    Plain,
    Undocumented, //~ ERROR(Undocumented): the variant `Undocumented` needs a doc comment (`/// …`): it becomes its text in the reference
    /// The same word.
    #[config(rename = "PLAIN")] //~ ERROR("PLAIN"): two variants are written `PLAIN`; capitals do not tell two words apart
    Same,
    /// An older spelling of another.
    #[config(alias("plain", "old"))] //~ ERROR("plain"): two variants are written `plain`; capitals do not tell two words apart
    Aliased,
    /// With a value.
    Valued(u64), //~ ERROR((u64)): `Valued` holds values, and a word has none; options that belong together derive OptionGroup
    /// With a field.
    Fields { a: u64 }, //~ ERROR({ a: u64 }): `Fields` holds values, and a word has none; options that belong together derive OptionGroup
    /// Two words.
    #[config(rename = "two words")] //~ ERROR("two words"): `two words` cannot name a value: no blanks, commas, quotes and brackets
    Two,
    /// None.
    #[config(rename = "")] //~ ERROR(""): an empty text cannot name a value: no blanks, commas, quotes and brackets
    None,
    /// A typo.
    #[config(renam = "x")] //~ ERROR(renam): unknown key `renam`; did you mean `rename`?
    Typo,
}

#[derive(ConfigValue)]
pub enum Empty {} //~ ERROR(enum Empty): `Empty` has no variant, so an option of this type could have no value

#[derive(ConfigValue)]
pub struct Struct { //~ ERROR(struct Struct): #[derive(ConfigValue)] is for an enum whose variants are the words of an option, and `Struct` is no enum; options that belong together derive OptionGroup
    value: u64,
}

#[derive(ConfigValue)]
pub enum Generic<T> { //~ ERROR(<T>): an enum of words cannot be generic: its words are fixed
    /// A value.
    Value(T), //~ ERROR((T)): `Value` holds values, and a word has none; options that belong together derive OptionGroup
}

#[derive(ConfigValue)]
#[config(rename = "mode")] //~ ERROR(#[config(rename = "mode")]): #[config] belongs on a variant
pub enum Marked {
    /// Fine.
    One,
}

/// Uses an enum that has mistakes: nothing is said about the use.
#[scalyr_monitor(name = "user")]
pub struct User {
    /// A mode.
    #[config(default = Mode::Plain)]
    mode: Mode,

    /// Some modes.
    #[config(default = [Mode::Plain, "plain"])] //~ ERROR("plain"): mismatched types
    modes: Vec<Mode>,

    /// No bound.
    #[config(default = Mode::Plain, min = 5)]
    bounded: Mode, //~ ERROR(Mode): `Mode` is not a number, so it can have neither `min` nor `max`
    //~| LABEL: has no bounds

    /// No such mode.
    #[config(default = Mode::Plian)] //~ ERROR(Plian): no variant or associated item named `Plian` found for enum `Mode` in the current scope
    misspelt: Mode,
}

impl Monitor for User {}
