//! What `agent monitors` tells about a monitor, as a person, a page of Markdown and a program get to see it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use {builtin_monitors as _, local_monitors as _};

use anstream::adapter::strip_str;
use expect_test::{Expect, expect};
use scalyr_agent::cli::monitors::{Args, Format, text};
use scalyr_agent::config::keys::MONITOR_ENTRY;
use scalyr_agent::reference;
use scalyr_monitor::config::{Absent, DeclaredOption, TypedOption, reading};
use scalyr_monitor::metric::{DeclaredMetric, LogFieldDecl, MetricDecl};
use scalyr_monitor::prelude::*;
use scalyr_monitor::registry::{Registration, Registry};
use serde_json::json;

/// Measures the rain.
#[scalyr_monitor(name = "a_rain_gauge")]
struct RainGauge {
    /// Millimetres of rain.
    #[metric]
    rain: Metric<f64>,
}

impl Monitor for RainGauge {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        out.emit(self.rain, 0.5);
        Ok(())
    }
}

/// What `agent monitors` prints at a terminal of this width, without its colours.
fn shown(name: &str, format: Format, width: Option<usize>) -> Result<String, String> {
    let name = Some(name.to_owned()).filter(|name| !name.is_empty());
    let printed = text(
        &Args { name, format, builtin: false, configured: false, config_file: None },
        &Registry::linked().unwrap(),
        width,
    );
    printed.map(|text| strip_str(&text).to_string())
}

fn check(found: Result<String, String>, expected: &Expect) {
    expected.assert_eq(&found.unwrap());
}

/// What stands above the keys that every monitor has, which are no matter of the monitor.
fn without_framework_keys(text: &str) -> String {
    let (own, framework) = text.split_once("Keys of every monitor\n").unwrap();
    for key in MONITOR_ENTRY.iter().filter(|key| key.name != "module") {
        assert!(framework.contains(key.name), "{}", key.name);
    }
    own.to_owned()
}

#[test]
fn the_list_fits_the_terminal() {
    let registry = Registry::linked().unwrap();
    // Not all: whoever links a monitor of their own must not fail here.
    let mut some: Vec<_> =
        ["coin", "linux_system_metrics", "test_monitor"].map(|name| registry.find(name).unwrap()).into();
    some.push(&EVERYTHING);
    let list = |width| strip_str(&reference::text_of_all(&some, width)).to_string();
    expect![[r#"
        Builtin
          linux_system_metrics  Reads the host's own counters from `/proc` and…
          test_monitor          Emits two random numbers with each sample, one…

        Local
          coin                  crate coin 0.1.0     Flips two coins: one unifo…
          weather-station       crate weather 2.1.0  Reads a weather station.

        `agent monitors NAME` says what can be configured and what is measured;
        `agent --run-monitor NAME` tries one out.
    "#]]
    .assert_eq(&list(Some(72)));
    assert!(list(None).contains("before a real monitor is set up.\n"), "nothing is cut where there is no terminal");
    expect![[r#"
        # Monitors

        | Monitor | From | What it does |
        | --- | --- | --- |
        | [coin](coin.md) | crate coin 0.1.0 | Flips two coins: one uniform, one gaussian. |
        | [linux_system_metrics](linux_system_metrics.md) |  | Reads the host's own counters from `/proc` and `/sys`: processors, memory, paging, load, memory nodes, disks, file systems, network interfaces, sockets and TCP connections. |
        | [test_monitor](test_monitor.md) |  | Emits two random numbers with each sample, one uniform and one gaussian: a way to see that metrics arrive at the server before a real monitor is set up. |
        | [weather-station](weather-station.md) | crate weather 2.1.0 | Reads a weather station. |

        A monitor runs when an entry of `monitors` in `agent.json` names it as its `module`. The other keys of the entry are the monitor's own options, and the [keys of every monitor](../configuration.md#keys-of-every-monitor).

        `agent monitors` lists the monitors of the agent that you have, `agent monitors NAME` tells what is behind these links, and `agent --run-monitor NAME` tries one out on the terminal.
    "#]].assert_eq(&reference::markdown_index(some.iter().copied()));
}

#[test]
fn coin_is_told_at_the_terminal() {
    check(
        shown("coin", Format::Text, Some(72)).map(|text| without_framework_keys(&text)),
        &expect![[r#"
        coin (crate coin 0.1.0)

        Flips two coins: one uniform, one gaussian.

        Configuration
          monitors: [ { module: "coin" } ]

        Options
          gauss_mean    a number, 0 to 10, default 0.5
                        Mean of the gaussian flip.
          gauss_stddev  a number, 0 to 5, default 0.25
                        Spread of the gaussian flip.

        Metrics
          uniform  number; with count
                   A number from [0, 1).
          gauss    number; with count
                   A number drawn around `gauss_mean`.

        Extra fields
          count  Samples taken so far.

    "#]],
    );
}

#[test]
fn coin_has_a_page() {
    check(
        shown("coin", Format::Markdown, None),
        &expect![[r##"
        # Coin

        Flips two coins: one uniform, one gaussian.

        From the crate coin 0.1.0.

        <a name="options"></a>
        ## Configuration Options

        ```js
        monitors: [
          { module: "coin" }
        ]
        ```

        | Property | Type | Default | Allowed | Description |
        | --- | --- | --- | --- | --- |
        | `gauss_mean` | a number | `0.5` | 0 to 10 | Mean of the gaussian flip. |
        | `gauss_stddev` | a number | `0.25` | 0 to 5 | Spread of the gaussian flip. |

        Every monitor also takes the [keys that the agent itself reads](../configuration.md#keys-of-every-monitor), such as `id` and `sample_interval`.

        <a name="metrics"></a>
        ## Metrics Reference

        Metrics recorded by this monitor:

        | Metric | Type | Fields | Description |
        | --- | --- | --- | --- |
        | `uniform` | number | `count` | A number from [0, 1). |
        | `gauss` | number | `count` | A number drawn around `gauss_mean`. |

        ### Extra fields

        | Field | Description |
        | --- | --- |
        | `count` | Samples taken so far. |
    "##]],
    );
}

#[test]
fn coin_is_told_to_a_program() {
    check(
        shown("coin", Format::Json, None),
        &expect![[r#"
            {
              "name": "coin",
              "module": null,
              "source": "local",
              "crate": "coin",
              "version": "0.1.0",
              "description": "Flips two coins: one uniform, one gaussian.",
              "enabled_by_default": false,
              "options": [
                {
                  "name": "gauss_mean",
                  "aliases": [],
                  "description": "Mean of the gaussian flip.",
                  "type": "a number",
                  "words": [],
                  "required": false,
                  "default": 0.5,
                  "min": 0,
                  "max": 10,
                  "environment": null,
                  "secret": false,
                  "forced_to_https": false
                },
                {
                  "name": "gauss_stddev",
                  "aliases": [],
                  "description": "Spread of the gaussian flip.",
                  "type": "a number",
                  "words": [],
                  "required": false,
                  "default": 0.25,
                  "min": 0,
                  "max": 5,
                  "environment": null,
                  "secret": false,
                  "forced_to_https": false
                }
              ],
              "metrics": [
                {
                  "name": "uniform",
                  "description": "A number from [0, 1).",
                  "type": "number",
                  "unit": null,
                  "category": null,
                  "cumulative": false,
                  "constants": {},
                  "fields": [
                    {
                      "name": "count",
                      "description": "Samples taken so far."
                    }
                  ]
                },
                {
                  "name": "gauss",
                  "description": "A number drawn around `gauss_mean`.",
                  "type": "number",
                  "unit": null,
                  "category": null,
                  "cumulative": false,
                  "constants": {},
                  "fields": [
                    {
                      "name": "count",
                      "description": "Samples taken so far."
                    }
                  ]
                }
              ],
              "log_fields": []
            }
        "#]],
    );
}

#[test]
fn names_may_be_those_of_the_python_agent_or_of_a_folder_and_wrong_ones_are_answered_with_the_nearest() {
    let by_folder = shown("a-rain-gauge", Format::Text, None).unwrap();
    assert!(by_folder.starts_with("a_rain_gauge (crate scalyr-agent "), "{by_folder}");
    let dotted = shown("scalyr_agent.builtin_monitors.test_monitor", Format::Text, None).unwrap();
    assert!(dotted.starts_with("test_monitor (builtin)\n"), "{dotted}");
    expect![[r#""a-rain-guage" is no monitor of this agent; did you mean `a_rain_gauge`?"#]]
        .assert_eq(&shown("a-rain-guage", Format::Text, None).unwrap_err());
    expect![[r#""xyz" is no monitor of this agent; `agent monitors` lists those that it has"#]]
        .assert_eq(&shown("xyz", Format::Json, None).unwrap_err());
    expect![[r#""windows_event_log_monitor" is a monitor of the Python agent that is for Windows, and this agent runs on Linux; remove the entry"#]].assert_eq(&shown("windows_event_log_monitor", Format::Text, None).unwrap_err());
    expect![[
        r#""scalyr_agent.builtin_monitors.nginx_monitor" is a monitor of the Python agent that is not built yet"#
    ]]
    .assert_eq(&shown("scalyr_agent.builtin_monitors.nginx_monitor", Format::Text, None).unwrap_err());
}

static HOST: TypedOption<String> = TypedOption {
    key: "host",
    aliases: &["hostname", "server"],
    doc: "Where the gauge is,\nas `name|address`.",
    reading: reading::<String>(),
    env: Some("GAUGE_HOST"),
    absent: Absent::Refused,
    bounds: None,
    check: None,
    secret: false,
    no_http: true,
};
static PASSWORD: TypedOption<String> = TypedOption {
    key: "password",
    aliases: &[],
    doc: "What the gauge asks for.",
    reading: reading::<String>(),
    env: None,
    absent: Absent::Default(|| "hunter2".to_owned()),
    bounds: None,
    check: None,
    secret: true,
    no_http: false,
};
static PORT: TypedOption<u16> = TypedOption {
    key: "port",
    aliases: &[],
    doc: "The port of the gauge.",
    reading: reading::<u16>(),
    env: None,
    absent: Absent::Default(|| 80),
    bounds: None,
    check: None,
    secret: false,
    no_http: false,
};

/// How a gauge is asked.
#[derive(Clone, Copy, Debug, PartialEq, ConfigValue)]
enum Way {
    /// By a wire.
    Wire,
    /// Through the air, which costs battery.
    Radio,
}

static WAY: TypedOption<Way> = TypedOption {
    key: "way",
    aliases: &[],
    doc: "How the gauge is asked.",
    reading: reading::<Way>(),
    env: None,
    absent: Absent::Default(|| Way::Radio),
    bounds: None,
    check: None,
    secret: false,
    no_http: false,
};

const fn metric(name: &'static str, doc: &'static str) -> MetricDecl {
    MetricDecl {
        name,
        doc,
        kind: "number",
        fields: &[],
        field_docs: &[],
        constants: &[],
        unit: None,
        category: None,
        cumulative: false,
    }
}

/// A declaration with everything in it that there can be.
static EVERYTHING: Registration = Registration {
    name: "weather-station",
    module: Some("acme.weather_station"),
    krate: "weather",
    version: "2.1.0",
    doc: "Reads a weather station. It needs:\n\n- a station\n- weather\n\nMore is in its manual.",
    declared_options: &[
        DeclaredOption::One(&HOST),
        DeclaredOption::Group(&[DeclaredOption::One(&PASSWORD), DeclaredOption::One(&PORT), DeclaredOption::One(&WAY)]),
    ],
    declared_metrics: &[DeclaredMetric::Set(&[
        DeclaredMetric::One(MetricDecl {
            category: Some("Rain"),
            unit: Some("sec:.001"),
            cumulative: true,
            ..metric("rain.time", "How long it rained.")
        }),
        DeclaredMetric::One(MetricDecl {
            fields: &["place"],
            field_docs: &["Which sensor | pole."],
            constants: &[("kind", "air")],
            ..metric("temp", "Warmth.")
        }),
        DeclaredMetric::One(MetricDecl {
            fields: &["place"],
            field_docs: &["Which sensor | pole."],
            constants: &[("kind", "soil")],
            ..metric("temp", "Warmth below.")
        }),
    ])],
    log_fields: &[LogFieldDecl { name: "alarm", doc: "Which storm it is." }],
    enabled_by_default: true,
    construct: |_| None,
};

#[test]
fn everything_that_can_be_declared_is_told() {
    expect![[r#"
        weather-station (crate weather 2.1.0)

        Reads a weather station. It needs:

        - a station
        - weather

        More is in its manual.

        Configuration
          monitors: [ { module: "weather-station", host: "…" } ]

        `module` may also be the one of the Python agent, "acme.weather_station".

        The agent runs it without an entry of `monitors`.

        Options
          host      text, required, environment GAUGE_HOST
                    Where the gauge is, as `name|address`. Older spelling: `hostname` or
                    `server`. With `allow_http_monitors: false` in the configuration,
                    http:// becomes https://.
          password  text, default ********
                    What the gauge asks for. Its value is shown nowhere.
          port      a whole number, 0 to 65535, default 80
                    The port of the gauge.
          way       "wire" or "radio", default "radio"
                    How the gauge is asked. `wire`: By a wire. `radio`: Through the air,
                    which costs battery.

        Fields of its lines
          alarm  Which storm it is.

        Metrics
          temp  number; with kind=air, place
                Warmth.
          temp  number; with kind=soil, place
                Warmth below.

        Rain metrics
          rain.time  number, milliseconds, cumulative
                     How long it rained.

        Extra fields
          place  Which sensor | pole.

    "#]]
    .assert_eq(&without_framework_keys(&strip_str(&reference::text_of(&EVERYTHING, Some(80))).to_string()));
    expect![[r##"
        # Weather Station

        Reads a weather station. It needs:

        - a station
        - weather

        More is in its manual.

        The agent runs it without an entry of `monitors`.

        From the crate weather 2.1.0.

        <a name="options"></a>
        ## Configuration Options

        ```js
        monitors: [
          { module: "weather-station", host: "…" }
        ]
        ```

        The `module` of the Python agent, `acme.weather_station`, names this monitor as well.

        | Property | Type | Default | Allowed | Environment | Description |
        | --- | --- | --- | --- | --- | --- |
        | `host` | text | **required** |  | `GAUGE_HOST` | Where the gauge is, as `name\|address`. Older spelling: `hostname` or `server`. With `allow_http_monitors: false` in the configuration, http:// becomes https://. |
        | `password` | text | `********` |  |  | What the gauge asks for. Its value is shown nowhere. |
        | `port` | a whole number | `80` | 0 to 65535 |  | The port of the gauge. |
        | `way` | "wire" or "radio" | `"radio"` |  |  | How the gauge is asked. `wire`: By a wire. `radio`: Through the air, which costs battery. |

        Every monitor also takes the [keys that the agent itself reads](../configuration.md#keys-of-every-monitor), such as `id` and `sample_interval`.

        <a name="events"></a>
        ## Event Reference

        In the UI, each event has the fields:

        | Field | Description |
        | --- | --- |
        | `alarm` | Which storm it is. |

        <a name="metrics"></a>
        ## Metrics Reference

        Metrics recorded by this monitor:

        | Metric | Type | Fields | Description |
        | --- | --- | --- | --- |
        | `temp` | number | `kind=air`, `place` | Warmth. |
        | `temp` | number | `kind=soil`, `place` | Warmth below. |

        ### Rain Metrics

        | Metric | Type | Unit | Description |
        | --- | --- | --- | --- |
        | `rain.time` | number | milliseconds, cumulative | How long it rained. |

        ### Extra fields

        | Field | Description |
        | --- | --- |
        | `place` | Which sensor \| pole. |
    "##]].assert_eq(&reference::markdown_page(&EVERYTHING));
}

#[test]
fn a_secret_is_told_nowhere_and_what_the_environment_may_give_is_not_required_of_the_file() {
    let schema = scalyr_agent::schema::entry(&EVERYTHING);
    assert_eq!(schema["required"], json!(["module"]));
    assert_eq!(schema["properties"]["server"]["deprecated"], json!(true));
    let told = [
        reference::text_of(&EVERYTHING, None),
        reference::markdown_page(&EVERYTHING),
        reference::json_of(&EVERYTHING).to_string(),
        schema.to_string(),
    ];
    for text in told {
        assert!(text.contains("password") && !text.contains("hunter2"), "{text}");
    }
}
