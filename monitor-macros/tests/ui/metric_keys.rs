//! Keys of `#[metric]`.

use scalyr_monitor::prelude::*;

type Flips = Metric<u64>;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// No unit.
    #[metric(unit = "sec:fast")] //~ ERROR("sec:fast"): `sec:fast` is no unit: `bytes`, `sec`, or with a factor, `sec:.001` for milliseconds
    unit: Metric<u64>,

    /// No category.
    #[metric(category = " ")] //~ ERROR(" "): a category is a heading in the reference, and this one is empty
    category: Metric<u64>,

    /// No number.
    #[metric(cumulative)] //~ ERROR(cumulative): a `&'static str` does not grow; `cumulative` is for metrics whose values are numbers
    text: Metric<&'static str>,

    /// No name.
    #[metric(name = "")] //~ ERROR(""): an empty text cannot name a metric: an ASCII letter or `_`, then letters, digits, `_`, `.` and `-`
    nameless: Metric<u64>,

    /// The first.
    #[metric(name = "io", fields(type = "read"))]
    first: Metric<u64>,

    /// Another one.
    #[metric(name = "io", fields(type = "write"))]
    second: Metric<u64>,

    /// The first again.
    #[metric(name = "io", fields("type" = "read"))] //~ ERROR("io"): the metric `io` is declared twice, with the same constant fields
    third: Metric<u64>,

    /// Bad fields.
    #[metric(fields(a = 5, 1st = "b", instance = "c", "instance_" = "d", e))] //~ ERROR(5): `a` takes a text in quotes: `a = "…"`
    //~^ ERROR(1st): expected the name of a field, in quotes if it is no word
    //~^^ ERROR("instance_"): the field `instance_` is given twice
    //~^^^ ERROR(e): `e` needs a text: `e = "…"`
    fields: Metric<u64>,

    /// No fields.
    #[metric(fields())] //~ ERROR(fields): `fields` takes names with a text each: `fields(name = "…", …)`
    no_fields: Metric<u64>,

    /// Behind an alias.
    #[metric]
    alias: Flips, //~ ERROR(Flips): the type of a metric must be `Metric<_>`, a handle to emit through: `Metric<Flips>` emits `Flips`; an alias of `Metric<_>` is not seen through, write it out

    /// Nothing in it.
    #[metric]
    nothing: Metric, //~ ERROR(Metric): missing generics for struct `scalyr_monitor::Metric`
}

impl Monitor for Coin {}
