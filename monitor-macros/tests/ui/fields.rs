//! Mistakes in extra fields.

use scalyr_monitor::prelude::*;

#[derive(Fields)]
struct Extra {
    bytes: Vec<u8>, //~ ERROR(Vec<u8>): `Vec<u8>` cannot be the value of a metric or of an extra field
    //~| LABEL: not a metric value
    //~| NOTE: a metric value is an integer, f64, f32, bool, String or &str

    #[field(name = "a b")] //~ ERROR("a b"): `a b` cannot name a field: an ASCII letter or `_`, then letters, digits, `_`, `.` and `-`
    blank: u64,

    #[field(nam = "c")] //~ ERROR(nam): unknown key `nam`; did you mean `name`?
    misspelt: u64,

    instance: u64,

    #[field(name = "instance_")] //~ ERROR("instance_"): two fields are written as `instance_`
    second: u64,
}
