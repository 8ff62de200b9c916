//! What can go wrong when a metric is emitted.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// A number.
    #[metric]
    flip: Metric<f64>,

    /// With a field.
    #[metric]
    counted: Metric<f64, Counted>,

    /// Borrowed text.
    #[metric]
    text: Metric<&'static str, Named<'static>>,
}

/// Extra fields.
#[derive(Fields)]
struct Counted {
    /// So many.
    count: u64,
}

/// Extra fields that borrow.
#[derive(Fields)]
struct Named<'a> {
    /// What kind.
    #[field(name = "type")]
    kind: &'a str,
    /// What mode.
    r#mod: &'a str,
}

impl Monitor for Coin {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.emit(self.flip, "heads"); //~ ERROR("heads"): mismatched types
        //~| LABEL: expected `f64`, found `&str`
        out.emit(self.flop, 1.0); //~ ERROR(flop): no field `flop` on type `&mut Coin`
        //~| HELP: a field with a similar name exists
        out.emit(self.counted, 1.0); //~ ERROR(self.counted): `emit` is for metrics without extra fields; this one has `Counted`
        //~| LABEL: has the extra fields `Counted`
        //~| NOTE: give them as well: `emit_with(metric, value, Counted { .. })`
        out.emit_with(self.counted, 1.0, Counted {}); //~ ERROR(Counted): missing field `count` in initializer of `Counted`
        out.emit_with(self.counted, 1.0, Counted { count: 1, cuont: 2 }); //~ ERROR(cuont): struct `Counted` has no field named `cuont`
        let kind = String::from("a");
        out.emit_with(self.text, kind.as_str(), Named { kind: &kind, r#mod: "b" });
        Ok(())
    }
}
