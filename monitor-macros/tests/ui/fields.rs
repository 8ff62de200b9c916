//! Mistakes in extra fields.

use scalyr_monitor::prelude::*;

#[derive(Fields)]
struct Extra {
    /// Bytes.
    bytes: Vec<u8>, //~ ERROR(Vec<u8>): `Vec<u8>` cannot be the value of a metric or of an extra field
    //~| LABEL: not a metric value
    //~| NOTE: a metric value is an integer, f64, f32, bool, String or &str

    /// Two words.
    /// A typo.
    #[field(name = "a b")] //~ ERROR("a b"): `a b` cannot name a field: an ASCII letter or `_`, then letters, digits, `_`, `.` and `-`
    blank: u64,

    /// A typo.
    #[field(nam = "c")] //~ ERROR(nam): unknown key `nam`; did you mean `name`?
    misspelt: u64,

    /// Reserved.
    instance: u64,

    /// A typo.
    /// The same when it is written.
    #[field(name = "instance_")] //~ ERROR("instance_"): two fields are written as `instance_`
    second: u64,

    undocumented: u64, //~ ERROR(undocumented): the extra field `undocumented` needs a doc comment (`/// …`): it becomes its text in the reference

    /// Twice.
    #[field(name = "twice")]
    #[field(name = "thrice")] //~ ERROR(#[field(name = "thrice")]): a second #[field]; put all keys into one
    //~^ ERROR(name): `name` is given twice
    twice: u64,

    /// No name.
    #[field(name = "")] //~ ERROR(""): an empty text cannot name a field: an ASCII letter or `_`, then letters, digits, `_`, `.` and `-`
    nameless: u64,

    /// An option.
    maybe: Option<u64>, //~ ERROR(Option<u64>): `Option<u64>` cannot be the value of a metric or of an extra field
    //~| LABEL: not a metric value
}

/// The attribute on the struct.
#[derive(Fields)]
#[field(name = "extra")] //~ ERROR(#[field(name = "extra")]): #[field] belongs on a field of the struct
struct Marked {
    /// Fine.
    fine: u64,
}

#[derive(Fields)]
struct Pair(u64, u64); //~ ERROR(struct Pair): the extra fields of a metric are a struct with named fields, and `Pair` is a tuple struct
