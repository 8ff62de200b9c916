//! `#[scalyr_monitor]` and the derives beside it; authors reach them through the crate `scalyr-monitor`.
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
mod types;

use proc_macro::TokenStream;
use syn::DeriveInput;

use crate::errors::Errors;

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
/// | Key of the struct | Says |
/// |---|---|
/// | `name = "coin"` | what the configuration calls it |
/// | `module = "package.coin"` | the dotted name that existing configurations use for it |
/// | `enabled_by_default` | the agent runs it although no entry of `monitors` names it |
/// | `log_fields(count = "Flips so far.", …)` | what the whole lines hold that it writes; for the reference |
///
/// | Attribute of a field | Makes it |
/// |---|---|
/// | `#[config(…)]` | an option; its type is a [`ConfigValue`](macro@ConfigValue) |
/// | `#[config(flatten)]` | a group of options, by [`#[derive(OptionGroup)]`](macro@OptionGroup) |
/// | `#[metric]` or `#[metric(…)]` | a metric; its type is written out as `Metric<V>`, or `Metric<V, F>` with the extra fields of `F`, by [`#[derive(Fields)]`](macro@Fields); an alias is not seen through |
/// | `#[metrics]` or `#[metrics(category = "…")]` | a set of metrics, by [`#[derive(MetricSet)]`](macro@MetricSet) |
/// | `#[state(default = …)]`, or nothing | the monitor's own; starts from this value, or from its type's default |
///
/// | Key of `#[config]` | Says |
/// |---|---|
/// | `default = …` | the value when nothing is given; a bare `default` is the type's own |
/// | `required` | it must be given |
/// | `min = …`, `max = …` | the least and the greatest value that is allowed |
/// | `check = path` | a `fn(&T) -> Result<()>` that looks at the value once it lies within its bounds |
/// | `env`, `env = "NAME"` | read from `SCALYR_<OPTION>`, or from `NAME`, when the entry has no such key |
/// | `rename = "key"` | what the configuration calls it, where that is not the field's name |
/// | `alias = "old"`, `alias("a", "b")` | older names of the key, which are read with a warning |
/// | `secret` | its value is shown nowhere |
/// | `no_http` | a URL, brought to https when the agent's `allow_http_monitors` is false |
///
/// | Key of `#[metric]` | Says |
/// |---|---|
/// | `name = "dotted.name"` | what the log calls it, where that is not the field's name |
/// | `fields(type = "read", …)` | extra fields that never change; together with the name they say which metric it is |
/// | `unit = "bytes"` | what its values count; `sec:.001` for milliseconds |
/// | `category = "Disk"` | the heading under which the reference shows it |
/// | `cumulative` | it only grows, so that its rate is what one wants to see |
///
/// An option has a `default`, or is `required`, or is an `Option<_>`. The monitor, its options and its metrics need a doc
/// comment each: it becomes their text in the reference.
#[proc_macro_attribute]
pub fn scalyr_monitor(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(arguments.into(), item.into()).into()
}

/// Does the work of `#[scalyr_monitor]`, which adds it: the struct itself stands whatever is wrong with it, so that
/// the author's editor keeps completing its fields.
#[doc(hidden)]
#[proc_macro_derive(ScalyrMonitor, attributes(__scalyr_monitor, config, metric, metrics, state))]
pub fn derive_scalyr_monitor(item: TokenStream) -> TokenStream {
    derive(item, |input, errors| {
        let monitor = model::Monitor::of(input, errors)?;
        check::monitor(&monitor, errors);
        Some(expand::monitor(&monitor, errors.is_empty()))
    })
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
/// A field is an integer, `f64`, `f32`, `bool`, `String` or `&str`, and has a doc comment. A struct that borrows is named
/// with `'static` in the monitor: `Metric<u64, Disk<'static>>`.
#[proc_macro_derive(Fields, attributes(field))]
pub fn derive_fields(item: TokenStream) -> TokenStream {
    derive(item, |input, errors| {
        let fields = model::ExtraFields::of(input, errors)?;
        check::fields(&fields, errors);
        Some(expand::fields(&fields))
    })
}

/// Makes a struct a group of options that several monitors share; a monitor, or another group, takes it in with
/// `#[config(flatten)]`.
///
/// ```
/// # use scalyr_monitor::prelude::*;
/// #[derive(OptionGroup)]
/// pub struct Listener {
///     /// The port to listen on.
///     #[config(required, min = 1)]
///     port: u16,
///     /// The address to listen on.
///     #[config(default = "localhost")]
///     address: String,
/// }
///
/// /// Counts what it hears.
/// #[scalyr_monitor(name = "ear")]
/// pub struct Ear {
///     #[config(flatten)]
///     listener: Listener,
/// }
/// # impl Monitor for Ear {}
/// ```
///
/// Every field is marked `#[config]`, with the same keys as in a monitor. The user writes the options into the monitor's
/// entry, beside its own; a key that two of them have is an error of the compiler.
#[proc_macro_derive(OptionGroup, attributes(config, metric, metrics, state))]
pub fn derive_option_group(item: TokenStream) -> TokenStream {
    derive(item, |input, errors| {
        let group = model::Part::of(input, model::Owner::Group, errors)?;
        check::part(&group, errors);
        Some(expand::group(&group, errors.is_empty()))
    })
}

/// Makes a struct a set of metrics, for a large catalogue; a monitor, or another set, takes it in with `#[metrics]`.
///
/// ```
/// # use scalyr_monitor::prelude::*;
/// #[derive(MetricSet)]
/// #[metrics(category = "Disk")]
/// pub struct Disk {
///     /// Bytes that were read.
///     #[metric(name = "disk.io", unit = "bytes", cumulative, fields(type = "read"))]
///     read: Metric<u64>,
///     /// Bytes that were written.
///     #[metric(name = "disk.io", unit = "bytes", cumulative, fields(type = "write"))]
///     written: Metric<u64>,
/// }
///
/// /// Looks at the disk.
/// #[scalyr_monitor(name = "disk")]
/// pub struct DiskMonitor {
///     #[metrics]
///     disk: Disk,
/// }
///
/// impl Monitor for DiskMonitor {
///     fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
///         out.emit(self.disk.read, 4096);
///         Ok(())
///     }
/// }
/// ```
///
/// Every field is marked `#[metric]`, or `#[metrics]` when it is a set itself. The category is that of the metrics which
/// have none of their own; it may also stand at the field, `#[metrics(category = "…")]`.
#[proc_macro_derive(MetricSet, attributes(config, metric, metrics, state))]
pub fn derive_metric_set(item: TokenStream) -> TokenStream {
    derive(item, |input, errors| {
        let set = model::Part::of(input, model::Owner::Set, errors)?;
        check::part(&set, errors);
        Some(expand::set(&set, errors.is_empty()))
    })
}

/// Makes an enum without values the type of an option: one word per variant.
///
/// ```
/// # use scalyr_monitor::prelude::*;
/// #[derive(ConfigValue)]
/// pub enum Protocol {
///     /// A connection.
///     Tcp,
///     /// Single packets.
///     Udp,
///     /// A socket of this host.
///     #[config(rename = "unix", alias = "socket")]
///     UnixSocket,
/// }
///
/// /// Listens.
/// #[scalyr_monitor(name = "listener")]
/// pub struct Listener {
///     /// What to listen to.
///     #[config(default = Protocol::Tcp)]
///     protocol: Protocol,
/// }
/// # impl Monitor for Listener {}
/// ```
///
/// The word is the variant's name in small letters, `plain_text` for `PlainText`, unless `rename` says otherwise; capitals
/// do not matter to the user. `alias = "…"` and `alias("…", "…")` are older spellings, which are read with a warning.
/// Each variant has a doc comment.
#[proc_macro_derive(ConfigValue, attributes(config))]
pub fn derive_config_value(item: TokenStream) -> TokenStream {
    derive(item, |input, errors| {
        let words = model::Words::of(input, errors)?;
        check::words(&words, errors);
        Some(expand::words(&words, errors.is_empty()))
    })
}

/// The code that `expand` makes of an item, together with every error that it found.
fn derive(
    item: TokenStream,
    expand: impl FnOnce(&DeriveInput, &mut Errors) -> Option<proc_macro2::TokenStream>,
) -> TokenStream {
    let mut errors = Errors::default();
    let code = match syn::parse(item) {
        Ok(input) => expand(&input, &mut errors).unwrap_or_default(),
        Err(error) => errors::told([error]),
    };
    errors.join(code).into()
}
