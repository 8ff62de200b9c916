//! Metrics: typed handles, the values they take and the rules for names (`logging.md` sections 4 and 5).

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::marker::PhantomData;

/// A metric that a monitor declared: emits values of type `V`, with the extra fields of `F` (none by default).
///
/// The handle is made by `#[scalyr_monitor]` for each field marked `#[metric]`; it is `Copy` and holds only the name and
/// those extra fields that never change.
/// A `Metric<&'static str>` takes any `&str`, and a `Metric<V, Disk<'static>>` any `Disk<'_>`: nothing need be copied
/// to be emitted.
pub struct Metric<V, F = ()> {
    name: &'static str,
    constants: &'static [(&'static str, &'static str)],
    // Covariant, so that `Metric<u64, Disk<'static>>` takes fields that borrow for a moment only.
    types: PhantomData<fn() -> (V, F)>,
}

impl<V, F> Metric<V, F> {
    /// Made by the macro, which has checked the name.
    #[doc(hidden)]
    pub const fn declared(name: &'static str) -> Self {
        Self { name, constants: &[], types: PhantomData }
    }

    /// The same metric with extra fields that never change; made by the macro, which has checked and sorted them.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_constants(self, constants: &'static [(&'static str, &'static str)]) -> Self {
        Self { constants, ..self }
    }

    /// The name as it stands in the metric log.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The extra fields whose value never changes, sorted by name; written with each emission.
    pub const fn constants(self) -> &'static [(&'static str, &'static str)] {
        self.constants
    }
}

impl<V, F: Fields> Metric<V, F> {
    /// Appends ` name=value` for each extra field, those that never change sorted among the others. Allocates nothing.
    #[doc(hidden)]
    pub fn write_fields(self, fields: &F, out: &mut String) {
        let mut constants = self.constants.iter().peekable();
        for (at, name) in F::NAMES.iter().enumerate() {
            while let Some((constant, value)) = constants.next_if(|(constant, _)| constant < name) {
                write_name(constant, out);
                value.write(out);
            }
            write_name(name, out);
            fields.write_value(at, out);
        }
        for (constant, value) in constants {
            write_name(constant, out);
            value.write(out);
        }
    }
}

fn write_name(name: &str, out: &mut String) {
    out.push(' ');
    out.push_str(name);
    out.push('=');
}

impl<V, F> Clone for Metric<V, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V, F> Copy for Metric<V, F> {}

impl<V, F> fmt::Debug for Metric<V, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metric({})", self.name)
    }
}

/// A type that can be the value of a metric or of an extra field: integers, floats, `bool` and text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a metric or of an extra field",
    label = "not a metric value",
    note = "a metric value is an integer, f64, f32, bool, String or &str"
)]
pub trait MetricValue {
    /// What its values are, for the reference: `number`.
    const KIND: &'static str = "any value";

    /// Appends the value as it stands in a metric line: a JSON scalar.
    fn write(&self, out: &mut String);
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl MetricValue for $integer {
            const KIND: &'static str = "whole number";

            fn write(&self, out: &mut String) {
                out.push_str(itoa::Buffer::new().format(*self));
            }
        }
    )*};
}
integers!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

/// Finite numbers in the shortest form that reads back to the same value, as `ryu` prints them (`1e16`, `0.0001`);
/// anything else is `null`.
impl MetricValue for f64 {
    const KIND: &'static str = "number";

    fn write(&self, out: &mut String) {
        if self.is_finite() { out.push_str(ryu::Buffer::new().format_finite(*self)) } else { out.push_str("null") }
    }
}

/// As `f64`, in the shortest form that reads back to the same `f32`: `0.1`, where the nearest `f64` has more digits.
impl MetricValue for f32 {
    const KIND: &'static str = "number";

    fn write(&self, out: &mut String) {
        if self.is_finite() { out.push_str(ryu::Buffer::new().format_finite(*self)) } else { out.push_str("null") }
    }
}

impl MetricValue for bool {
    const KIND: &'static str = "true or false";

    fn write(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

/// A JSON string: always quoted, so that a metric line is one physical line whatever the text holds.
impl MetricValue for str {
    const KIND: &'static str = "text";

    fn write(&self, out: &mut String) {
        out.push('"');
        let mut rest = self;
        while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
            out.push_str(&rest[..at]);
            match rest.as_bytes()[at] {
                b'"' => out.push_str("\\\""),
                b'\\' => out.push_str("\\\\"),
                b'\t' => out.push_str("\\t"),
                b'\n' => out.push_str("\\n"),
                b'\r' => out.push_str("\\r"),
                0x08 => out.push_str("\\b"),
                0x0c => out.push_str("\\f"),
                // Writing to a string does not fail.
                control => _ = write!(out, "\\u{control:04x}"),
            }
            rest = &rest[at + 1..];
        }
        out.push_str(rest);
        out.push('"');
    }
}

impl MetricValue for String {
    const KIND: &'static str = "text";

    fn write(&self, out: &mut String) {
        self.as_str().write(out);
    }
}

impl MetricValue for Cow<'_, str> {
    const KIND: &'static str = "text";

    fn write(&self, out: &mut String) {
        self.as_ref().write(out);
    }
}

impl<T: MetricValue + ?Sized> MetricValue for &T {
    const KIND: &'static str = T::KIND;

    fn write(&self, out: &mut String) {
        (**self).write(out);
    }
}

/// The extra fields of a metric, by `#[derive(Fields)]` on a struct with named fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the extra fields of a metric",
    note = "write a struct with one field per extra field and put #[derive(Fields)] on it"
)]
pub trait Fields {
    /// The field names in the order in which they are written: sorted by code point.
    const NAMES: &'static [&'static str];

    /// The doc comment of each, in the same order.
    const DOCS: &'static [&'static str];

    /// Appends the value of the field that stands at this place of [`NAMES`](Fields::NAMES); nothing when none does.
    fn write_value(&self, at: usize, out: &mut String);

    /// Appends ` name=value` for each field, in the order of [`NAMES`](Fields::NAMES).
    #[doc(hidden)]
    fn write(&self, out: &mut String) {
        for (at, name) in Self::NAMES.iter().enumerate() {
            write_name(name, out);
            self.write_value(at, out);
        }
    }
}

impl Fields for () {
    const NAMES: &'static [&'static str] = &[];

    const DOCS: &'static [&'static str] = &[];

    fn write_value(&self, _: usize, _: &mut String) {}
}

/// The extra fields of a metric that has none: `()`. A bound instead of the type, so that the compiler can say what to
/// call for a metric that has some.
#[diagnostic::on_unimplemented(
    message = "`emit` is for metrics without extra fields; this one has `{Self}`",
    label = "has the extra fields `{Self}`",
    note = "give them as well: `emit_with(metric, value, {Self} {{ .. }})`"
)]
pub trait NoFields: Fields + Default {}

impl NoFields for () {}

/// A metric, for the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct MetricDecl {
    /// The name as it stands in the metric log.
    pub name: &'static str,
    /// The doc comment.
    pub doc: &'static str,
    /// What its values are: [`MetricValue::KIND`].
    pub kind: &'static str,
    /// The names of its extra fields, in the order in which they are written.
    pub fields: &'static [&'static str],
    /// The doc comment of each extra field.
    pub field_docs: &'static [&'static str],
    /// Extra fields whose value never changes, with that value: `type` and `read`. Written with each emission, sorted
    /// among the others.
    pub constants: &'static [(&'static str, &'static str)],
    /// What its values count: `bytes`, `sec`, `sec:.001` for thousandths (`monitor-framework.md` section 19).
    pub unit: Option<&'static str>,
    /// The heading under which the reference shows it.
    pub category: Option<&'static str>,
    /// Whether it only grows, so that its rate is what one wants to see.
    pub cumulative: bool,
}

/// What a monitor declares: a metric, or a set of them.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub enum DeclaredMetric {
    /// One metric.
    One(MetricDecl),
    /// The metrics of a set.
    Set(&'static [Self]),
}

impl DeclaredMetric {
    /// All metrics of a declaration, in its order, sets opened.
    pub fn all(declared: &'static [Self]) -> Vec<&'static MetricDecl> {
        declared
            .iter()
            .flat_map(|declared| match declared {
                Self::One(metric) => vec![metric],
                Self::Set(set) => Self::all(set),
            })
            .collect()
    }
}

/// Metrics that belong together, by `#[derive(MetricSet)]` on a struct whose fields are `#[metric]` handles; a monitor
/// with a large catalogue takes them in with `#[metrics]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of metrics",
    label = "not a set of metrics",
    note = "write a struct whose fields are #[metric] handles and put #[derive(MetricSet)] on it; a single metric is \
            marked #[metric]"
)]
pub trait MetricSet: Sized {
    /// The metrics, in the order of declaration.
    const METRICS: &'static [DeclaredMetric];

    /// The handles.
    fn declared() -> Self;
}

/// A field that whole lines of a monitor hold, for the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct LogFieldDecl {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub doc: &'static str,
}

/// Names that the server uses itself: a metric or field of that name gets an underscore behind it.
pub const RESERVED_NAMES: [&str; 6] = ["logfile", "monitor", "metric", "value", "instance", "severity"];

/// Whether a metric or field name can stand in the log as it is, apart from the [reserved](RESERVED_NAMES) ones:
/// an ASCII letter or `_`, then ASCII letters, digits, `_`, `.` and `-`.
pub const fn is_valid_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || !(bytes[0].is_ascii_alphabetic() || bytes[0] == b'_') {
        return false;
    }
    let mut at = 1;
    while at < bytes.len() {
        if !(bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'_' | b'.' | b'-')) {
            return false;
        }
        at += 1;
    }
    true
}

/// Brings a name that is only known at run time into the form that the log allows.
pub fn sanitise_name(name: &str) -> Cow<'_, str> {
    if is_valid_name(name) {
        return match RESERVED_NAMES.contains(&name) {
            true => format!("{name}_").into(),
            false => name.into(),
        };
    }
    let mut repaired = String::with_capacity(name.len() + 4);
    if !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        repaired.push_str("sa_");
    }
    repaired.push_str(name);
    if RESERVED_NAMES.contains(&repaired.as_str()) {
        repaired.push('_');
    }
    repaired.replace(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')), "_").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: impl MetricValue) -> String {
        let mut out = String::new();
        value.write(&mut out);
        out
    }

    #[test]
    fn numbers_are_written_as_the_old_agents_packages_do() {
        for (value, expected) in [
            (1.0, "1.0"),
            (100.0, "100.0"),
            (1.0 / 3.0, "0.3333333333333333"),
            (-0.0, "-0.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e16"),
            (1.2345678901234568e17, "1.2345678901234568e17"),
            (1e-4, "0.0001"),
            (1e-5, "0.00001"),
            (1.5e-7, "1.5e-7"),
            (1e-10, "1e-10"),
            (f64::NAN, "null"),
            (f64::NEG_INFINITY, "null"),
        ] {
            assert_eq!(written(value), expected);
        }
        assert_eq!(written(-1), "-1");
        assert_eq!(written(10_i128.pow(30)), "1000000000000000000000000000000");
        assert_eq!(written(true), "true");
    }

    #[test]
    fn text_is_quoted_and_stays_on_one_line() {
        assert_eq!(written("hi"), r#""hi""#);
        assert_eq!(written(""), r#""""#);
        assert_eq!(written("a\"b\\c\t\n\r\u{8}\u{c}\u{1}\u{7f}/é"), "\"a\\\"b\\\\c\\t\\n\\r\\b\\f\\u0001\u{7f}/é\"");
    }

    struct Extra;

    impl Fields for Extra {
        const NAMES: &'static [&'static str] = &["host", "zone"];
        const DOCS: &'static [&'static str] = &["", ""];

        fn write_value(&self, at: usize, out: &mut String) {
            at.write(out);
        }
    }

    #[test]
    fn fields_that_never_change_are_sorted_among_the_others() {
        let metric = Metric::<u64, Extra>::declared("m");
        let mut out = String::new();
        metric.write_fields(&Extra, &mut out);
        metric.with_constants(&[("a", "x\"y"), ("type", "read"), ("zz", "")]).write_fields(&Extra, &mut out);
        assert_eq!(out, " host=0 zone=1 a=\"x\\\"y\" host=0 type=\"read\" zone=1 zz=\"\"");
    }

    #[test]
    fn names_are_repaired_as_documented() {
        for (given, expected) in [
            ("9lead", "sa_9lead"),
            ("value", "value_"),
            ("a b", "a_b"),
            ("a:b", "a_b"),
            ("a/b", "a_b"),
            ("value_", "value_"),
            ("-x", "sa_-x"),
            (".x", "sa_.x"),
            ("Value", "Value"),
            ("", "sa_"),
            ("value!", "value_"),
            ("abc$#%^&123", "abc_____123"),
            ("9value", "sa_9value"),
            ("name+hi", "name_hi"),
            ("serverHost", "serverHost"),
            ("na\nme", "na_me"),
            ("name\n", "name_"),
        ] {
            assert_eq!(sanitise_name(given), expected, "{given:?}");
        }
    }
}
