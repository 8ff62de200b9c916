//! A half-typed attribute does not hide the next mistake, nor the struct's fields.

use scalyr_monitor::prelude::*;

/// Flips.
#[scalyr_monitor(name = "coin")]
pub struct Coin {
    /// Half typed.
    #[config(default = , max = )] //~ ERROR(default): `default` needs a value: `default = …`
    //~^ ERROR(max): `max` needs a value: `max = …`
    half: f64,

    /// No comma.
    #[config(default = 5 max = 10, mim = 0)] //~ ERROR(max): expected a comma between two keys
    //~^ ERROR(mim): unknown key `mim`; did you mean `min`?
    comma: f64,

    /// Not a key at all.
    #[config(5, required)] //~ ERROR(5): expected a key
    literal: f64,

    /// An expression that is none.
    #[config(default = 5 +, mim = 0)] //~ ERROR(,): expected an expression
    //~^ ERROR(mim): unknown key `mim`; did you mean `min`?
    expression: f64,

    /// As a struct would have it.
    #[config(default: 5, mim = 0)] //~ ERROR(:): a value stands behind `=`: `default = …`
    //~^ ERROR(mim): unknown key `mim`; did you mean `min`?
    colon: f64,

    /// As a condition would have it.
    #[config(default == 5, mim = 0)] //~ ERROR(=): one `=` is enough: `default = …`
    //~^ ERROR(mim): unknown key `mim`; did you mean `min`?
    twice: f64,

    /// As a command would have it.
    #[config(default 5, mim = 0)] //~ ERROR(5): a value stands behind `=`: `default = …`
    //~^ ERROR(mim): unknown key `mim`; did you mean `min`?
    none: f64,
}

impl Monitor for Coin {
    fn gather_sample(&mut self, _: &mut Sample) -> Result<()> {
        self.half += self.comma;
        Ok(())
    }
}
