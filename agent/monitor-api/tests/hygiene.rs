//! The expansion of the macros leans on no name that an author may have taken, or not have at all.

use scalyr_monitor::testing::{Harness, json};

/// One of everything in a module where the names of the standard library mean something else.
mod shadowed {
    use scalyr_monitor::prelude::{ConfigValue, Fields, Metric, MetricSet, Monitor, OptionGroup, scalyr_monitor};

    mod core {}
    mod std {}
    struct Some;
    struct None;
    struct Option;
    struct Box;
    struct String;
    struct Vec;
    struct Default;
    struct Ok;
    struct Result;
    trait Iterator {}
    #[expect(non_camel_case_types, reason = "the name of a primitive type is what is shadowed")]
    struct str;
    #[expect(non_camel_case_types, reason = "the name of a primitive type is what is shadowed")]
    struct usize;
    #[expect(non_camel_case_types, reason = "the name of a primitive type is what is shadowed")]
    struct i128;

    /// Surrounded by misleading names.
    #[scalyr_monitor(name = "shadowed", enabled_by_default, log_fields(text = "What it says."))]
    pub(super) struct Shadowed {
        /// Named like a variable of the expansion.
        #[config(default, min = LEAST, env, alias = "old", check = is_good)]
        __reader: u64,

        /// Named as the rest of one.
        #[config(default = 2, max = 5)]
        reader: u64,

        /// A list.
        #[config(default = [1])]
        list: ::std::vec::Vec<u64>,

        /// A URL.
        #[config(secret, no_http)]
        url: ::core::option::Option<::std::string::String>,

        /// A word.
        #[config(default = Word::Some)]
        word: Word,

        #[config(flatten)]
        group: Group,

        /// A metric.
        #[metric(fields(a = "b"), unit = "bytes", cumulative)]
        metric: Metric<u64, Extra>,

        #[metrics(category = "Set")]
        set: Set,

        names: (Some_, Nothing, Primitives),
    }

    const LEAST: u64 = 0;

    fn is_good(_: &u64) -> scalyr_monitor::Result<()> {
        ::core::result::Result::Ok(())
    }

    type Some_ = ::core::option::Option<(Some, None, Option, Box, &'static (dyn Iterator + Sync))>;
    type Nothing = ::core::option::Option<(String, Vec, Default, Ok, Result)>;
    type Primitives = ::core::option::Option<(usize, i128, str)>;

    #[derive(OptionGroup)]
    pub(super) struct Group {
        /// Of the group.
        #[config(default = 7)]
        in_group: u64,
    }

    #[derive(MetricSet)]
    pub(super) struct Set {
        /// Of the set.
        #[metric]
        in_set: Metric<u64>,
    }

    #[derive(ConfigValue)]
    pub(super) enum Word {
        /// Something.
        Some,
        /// Nothing.
        #[config(alias = "nothing")]
        None,
    }

    #[derive(Fields)]
    pub(super) struct Extra {
        /// Named like a variable of the expansion.
        __out: u64,
        /// Another one.
        __at: u64,
    }

    impl Monitor for Shadowed {
        fn gather_sample(&mut self, out: &mut scalyr_monitor::Sample) -> scalyr_monitor::Result<()> {
            assert!(self.names.0.is_none() && self.names.1.is_none() && self.names.2.is_none() && self.url.is_none());
            assert!(matches!(self.word, Word::None));
            let extra = Extra { __out: self.__reader, __at: self.reader };
            out.emit_with(self.metric, self.list[0], extra);
            out.emit(self.set.in_set, self.group.in_group);
            ::core::result::Result::Ok(())
        }
    }
}

#[test]
fn misleading_names_around_a_monitor_do_no_harm() {
    let mut monitor = Harness::<shadowed::Shadowed>::from_config(json!({ "__reader": 5, "word": "none" }));
    assert_eq!(monitor.sample().lines(), [r#"metric_ 1 __at=2 __out=5 a="b""#, "in_set 7"]);
}

/// One of everything in a module that has no prelude at all.
mod bare {
    #![no_implicit_prelude]

    use ::scalyr_monitor::{ConfigValue, Fields, Metric, MetricSet, Monitor, OptionGroup, scalyr_monitor};
    use ::std::prelude::rust_2024::derive;

    /// Without a prelude.
    #[scalyr_monitor(name = "bare", module = "old.bare")]
    pub(super) struct Bare {
        /// A number.
        #[config(default = 2, min = 1)]
        number: u64,

        /// Perhaps a number.
        #[config]
        maybe: ::std::option::Option<f64>,

        /// A word.
        #[config(default = Word::One)]
        word: Word,

        #[config(flatten)]
        group: Group,

        /// A metric.
        #[metric(fields(a = "b"))]
        metric: Metric<u64, Extra>,

        #[metrics]
        set: Set,

        #[state(default = 40)]
        state: u64,
    }

    #[derive(OptionGroup)]
    pub(super) struct Group {
        /// Of the group.
        #[config(required)]
        in_group: ::std::string::String,
    }

    #[derive(MetricSet)]
    pub(super) struct Set {
        /// Of the set.
        #[metric]
        in_set: Metric<u64>,
    }

    #[derive(ConfigValue)]
    pub(super) enum Word {
        /// One.
        One,
        /// Two.
        Two,
    }

    #[derive(Fields)]
    pub(super) struct Extra {
        /// A text.
        text: ::std::string::String,
    }

    impl Monitor for Bare {
        fn gather_sample(&mut self, out: &mut ::scalyr_monitor::Sample) -> ::scalyr_monitor::Result<()> {
            self.state += match (&self.word, self.maybe) {
                (Word::One, ::std::option::Option::None) => 1,
                (Word::Two, _) | (_, ::std::option::Option::Some(_)) => 2,
            };
            let text = ::std::clone::Clone::clone(&self.group.in_group);
            out.emit_with(self.metric, self.number, Extra { text });
            out.emit(self.set.in_set, self.state);
            ::std::result::Result::Ok(())
        }
    }
}

#[test]
fn a_monitor_needs_no_prelude() {
    let mut monitor = Harness::<bare::Bare>::from_config(json!({ "in_group": "x", "word": "TWO" }));
    assert_eq!(monitor.sample().lines(), [r#"metric_ 2 a="b" text="x""#, "in_set 42"]);
}
