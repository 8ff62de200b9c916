//! `#[scalyr_monitor]` and `#[derive(Fields)]`; authors reach both through the crate `scalyr-monitor`.
//!
//! A small compiler: [`parse`] reads the attributes, [`model`] says what they mean, [`check`] finds what is wrong,
//! [`expand`] writes the code. Errors are collected in [`errors`], so that one run shows them all, and each sits on
//! the token that the author has to change.
#![forbid(unsafe_code)]

mod check;
mod errors;
mod expand;
mod model;
mod parse;

use proc_macro::TokenStream;

/// Makes a monitor of a struct: its fields say what may be configured and which metrics it emits.
///
/// ```
/// use scalyr_monitor::prelude::*;
///
/// /// Flips a coin.
/// #[scalyr_monitor(name = "coin")]
/// pub struct Coin {
///     /// How far from one half the coin lands.
///     #[config(default = 0.0, min = 0, max = 0.5)]
///     bias: f64,
///
///     /// A number from [0, 1).
///     #[metric]
///     flip: Metric<f64>,
///
///     count: u64, // unmarked: state, starts from Default
/// }
///
/// impl Monitor for Coin {
///     fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
///         self.count += 1;
///         out.emit(self.flip, 0.5 + self.bias);
///         Ok(())
///     }
/// }
/// ```
///
/// Keys of the struct: `name` (what the configuration calls it) and `module` (the dotted name that existing
/// configurations use for it).
///
/// | Attribute of a field | Keys |
/// |---|---|
/// | `#[config]`: an option | `default = …`, `required`, `min = …`, `max = …`, `env` or `env = "NAME"`, `rename = "key"` |
/// | `#[metric]`: a handle `Metric<V>` or `Metric<V, F>` | `name = "dotted.name"` |
/// | `#[state]`, or none: the monitor's own | `default = …` |
///
/// An option has a `default`, or is `required`, or is an `Option<_>`. A bare `default` means the type's own default.
/// The monitor, its options and its metrics need a doc comment each: it becomes their text in the reference.
#[proc_macro_attribute]
pub fn scalyr_monitor(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(arguments.into(), item.into()).into()
}

/// Does the work of `#[scalyr_monitor]`, which adds it: the struct itself stands whatever is wrong with it, so that
/// the author's editor keeps completing its fields.
#[doc(hidden)]
#[proc_macro_derive(ScalyrMonitor, attributes(__scalyr_monitor, config, metric, state))]
pub fn derive_scalyr_monitor(item: TokenStream) -> TokenStream {
    let mut errors = errors::Errors::default();
    let code = syn::parse(item).map_or_else(
        |error| error.into_compile_error(),
        |input| match model::Monitor::of(&input, &mut errors) {
            Some(monitor) => {
                check::monitor(&monitor, &mut errors);
                expand::monitor(&monitor, errors.is_empty())
            }
            None => proc_macro2::TokenStream::new(),
        },
    );
    errors.join(code).into()
}

/// Makes a struct the extra fields of a metric: one field each, written sorted by name.
///
/// ```
/// # use scalyr_monitor::prelude::*;
/// #[derive(Fields)]
/// struct Disk<'a> {
///     /// Where it is mounted.
///     mount: &'a str,
///     /// What kind of number it is.
///     #[field(name = "type")]
///     kind: &'static str,
/// }
/// ```
///
/// A struct that borrows is named with `'static` in the monitor: `Metric<u64, Disk<'static>>`.
#[proc_macro_derive(Fields, attributes(field))]
pub fn derive_fields(item: TokenStream) -> TokenStream {
    let mut errors = errors::Errors::default();
    let code = syn::parse(item).map_or_else(
        |error| error.into_compile_error(),
        |input| match model::ExtraFields::of(&input, &mut errors) {
            Some(fields) => {
                check::fields(&fields, &mut errors);
                expand::fields(&fields)
            }
            None => proc_macro2::TokenStream::new(),
        },
    );
    errors.join(code).into()
}
