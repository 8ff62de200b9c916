#[derive(:: scalyr_monitor :: __private :: ScalyrMonitor)]
#[__scalyr_monitor(name = "coin")]
#[doc = " Flips two coins: one uniform, one gaussian."]
pub struct Coin {
    #[doc = " Mean of the gaussian flip."]
    #[config(default = 0.5, min = 0, max = 10)]
    gauss_mean: f64,
    #[doc = " Spread of the gaussian flip."]
    #[config(default = 0.25, min = 0, max = 5)]
    gauss_stddev: f64,
    #[doc = " A number from [0, 1)."]
    #[metric]
    uniform: Metric<f64, Flip>,
    #[doc = " A number drawn around `gauss_mean`."]
    #[metric]
    gauss: Metric<f64, Flip>,
    count: u64,
}
const _: () = {
    #[allow(unused_braces, reason = "they hold the place of an error about the type")]
    static __OPTION_0_GAUSS_MEAN: ::scalyr_monitor::__private::TypedOption<f64> =
        ::scalyr_monitor::__private::TypedOption {
            key: "gauss_mean",
            aliases: &[],
            doc: "Mean of the gaussian flip.",
            reading: ::scalyr_monitor::__private::reading::<f64>(),
            env: ::scalyr_monitor::__private::None,
            absent: ::scalyr_monitor::__private::Absent::Default(|| {
                <f64 as ::scalyr_monitor::__private::ConfigValue>::from_literal({ 0.5 })
            }),
            bounds: ::scalyr_monitor::__private::Some(::scalyr_monitor::__private::Bounds {
                min: ::scalyr_monitor::__private::Some(|| {
                    <f64 as ::scalyr_monitor::__private::Bounded>::limit({ 0.0 })
                }),
                max: ::scalyr_monitor::__private::Some(|| {
                    <f64 as ::scalyr_monitor::__private::Bounded>::limit({ 10.0 })
                }),
                measure: <f64 as ::scalyr_monitor::__private::Bounded>::measure,
            }),
            check: ::scalyr_monitor::__private::None,
            secret: false,
            no_http: false,
        };
    #[allow(unused_braces, reason = "they hold the place of an error about the type")]
    static __OPTION_1_GAUSS_STDDEV: ::scalyr_monitor::__private::TypedOption<f64> =
        ::scalyr_monitor::__private::TypedOption {
            key: "gauss_stddev",
            aliases: &[],
            doc: "Spread of the gaussian flip.",
            reading: ::scalyr_monitor::__private::reading::<f64>(),
            env: ::scalyr_monitor::__private::None,
            absent: ::scalyr_monitor::__private::Absent::Default(|| {
                <f64 as ::scalyr_monitor::__private::ConfigValue>::from_literal({ 0.25 })
            }),
            bounds: ::scalyr_monitor::__private::Some(::scalyr_monitor::__private::Bounds {
                min: ::scalyr_monitor::__private::Some(|| {
                    <f64 as ::scalyr_monitor::__private::Bounded>::limit({ 0.0 })
                }),
                max: ::scalyr_monitor::__private::Some(|| {
                    <f64 as ::scalyr_monitor::__private::Bounded>::limit({ 5.0 })
                }),
                measure: <f64 as ::scalyr_monitor::__private::Bounded>::measure,
            }),
            check: ::scalyr_monitor::__private::None,
            secret: false,
            no_http: false,
        };
    const __METRICS: &[::scalyr_monitor::__private::DeclaredMetric] = &[
        ::scalyr_monitor::__private::DeclaredMetric::One(::scalyr_monitor::__private::declare_metric::<f64, Flip>(
            "uniform",
            "A number from [0, 1).",
        )),
        ::scalyr_monitor::__private::DeclaredMetric::One(::scalyr_monitor::__private::declare_metric::<f64, Flip>(
            "gauss",
            "A number drawn around `gauss_mean`.",
        )),
    ];
    fn __construct(
        __reader: &mut ::scalyr_monitor::__private::Reader<'_>,
    ) -> ::scalyr_monitor::__private::Option<::scalyr_monitor::__private::Box<dyn ::scalyr_monitor::__private::Monitor>>
    {
        let __value_gauss_mean = ::scalyr_monitor::__private::Reader::read(__reader, &__OPTION_0_GAUSS_MEAN);
        let __value_gauss_stddev = ::scalyr_monitor::__private::Reader::read(__reader, &__OPTION_1_GAUSS_STDDEV);
        ::scalyr_monitor::__private::Some(::scalyr_monitor::__private::boxed::<Coin>(Coin {
            gauss_mean: __value_gauss_mean?,
            gauss_stddev: __value_gauss_stddev?,
            uniform: ::scalyr_monitor::__private::Metric::declared("uniform"),
            gauss: ::scalyr_monitor::__private::Metric::declared("gauss"),
            count: <u64 as ::scalyr_monitor::__private::Initial>::initial(),
        }))
    }
    const __REGISTRATION: ::scalyr_monitor::__private::Registration = ::scalyr_monitor::__private::Registration {
        name: "coin",
        module: ::scalyr_monitor::__private::None,
        krate: ::scalyr_monitor::__private::env!("CARGO_PKG_NAME"),
        version: ::scalyr_monitor::__private::env!("CARGO_PKG_VERSION"),
        doc: "Flips two coins: one uniform, one gaussian.",
        declared_options: &[
            ::scalyr_monitor::__private::DeclaredOption::One(&__OPTION_0_GAUSS_MEAN),
            ::scalyr_monitor::__private::DeclaredOption::One(&__OPTION_1_GAUSS_STDDEV),
        ],
        declared_metrics: __METRICS,
        log_fields: &[],
        enabled_by_default: false,
        construct: __construct,
    };
    #[automatically_derived]
    impl ::scalyr_monitor::__private::Declared for Coin {
        fn registration() -> &'static ::scalyr_monitor::__private::Registration {
            &__REGISTRATION
        }
    }
    ::scalyr_monitor::__private::inventory::submit! { __REGISTRATION }
};
const _: () = {
    #[automatically_derived]
    impl ::scalyr_monitor::__private::Fields for Flip {
        const NAMES: &'static [&'static ::scalyr_monitor::__private::str] = &["count"];
        const DOCS: &'static [&'static ::scalyr_monitor::__private::str] = &["Samples taken so far."];
        fn write_value(
            &self,
            __at: ::scalyr_monitor::__private::usize,
            __out: &mut ::scalyr_monitor::__private::String,
        ) {
            match __at {
                0usize => ::scalyr_monitor::__private::write_value::<u64>(&self.count, __out),
                _ => {}
            }
        }
    }
};
