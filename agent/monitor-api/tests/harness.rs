//! The harness that monitors are tested with: what it shows, and what it does not let pass.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use scalyr_monitor::prelude::*;
use scalyr_monitor::testing::{Harness, Taken, json};

/// Does in each sample what its option says.
#[scalyr_monitor(name = "subject")]
pub struct Subject {
    /// What to do.
    #[config(default = "well", env = "SUBJECT_ACT")]
    act: String,

    /// Where to ask.
    #[config(default = "https://localhost", no_http)]
    url: String,

    /// A level.
    #[metric]
    level: Metric<f64, Tank<'static>>,

    /// Seldom emitted.
    #[metric]
    spare: Metric<u64>,

    /// Bytes that were read.
    #[metric(name = "disk.io", fields(type = "read"))]
    read: Metric<u64>,

    /// Bytes that were written.
    #[metric(name = "disk.io", fields(type = "write"))]
    written: Metric<u64>,

    samples: u64,
}

/// Extra fields of the level.
#[derive(Fields)]
struct Tank<'a> {
    /// Which one.
    tank: &'a str,
}

/// A value that writes itself as it likes.
struct Written(&'static str);

impl MetricValue for Written {
    fn write(&self, out: &mut String) {
        out.push_str(self.0);
    }
}

impl Monitor for Subject {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        match self.act.as_str() {
            "refuse" => return Err(Error::new("nothing to do")),
            "disable" => context.disabled = true,
            "odd words" => {
                context.log_files().register(LogConfig::new("/a.log").attribute("pod", json!(["web"])))?;
            }
            "odd attributes" => {
                context.server_attributes.insert("labels".into(), json!({}));
                context.log_config = LogConfig::new("a.log").attribute("pod", json!(["web"])).option("parser", "x");
            }
            "hurry" => context.sample_interval = Duration::from_millis(10),
            "tell" => {
                context.logger().warn("a warning");
                context.sample_interval = Duration::from_secs(5);
                context.server_attributes.insert("engine".into(), "docker".into());
                context.user_agent().set("docker:20")?;
                context.log_files().register(LogConfig::new("/b.log"))?;
                context.log_files().register(LogConfig::new("/a.log").attribute("pod", "web"))?;
                context.log_files().withdraw("/b.log")?;
                context.monitors().add(NewMonitor::new("package.coin", "one"))?;
                context.monitors().add(NewMonitor::new("package.coin", "two"))?;
                context.monitors().remove("coin(one)")?;
            }
            _ => {}
        }
        Ok(())
    }

    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        self.samples += 1;
        if self.act != "halves" {
            out.emit_with(self.level, 1.5, Tank { tank: "a \"b\"=1" });
        }
        match self.act.as_str() {
            "infinite" => out.emit_with(self.level, f64::INFINITY, Tank { tank: "b" }),
            "twice" => out.emit_with(self.level, 2.0, Tank { tank: "a \"b\"=1" }),
            "apart" => {
                out.emit_with(self.level, 2.5, Tank { tank: "b" });
                out.under_id("other").emit_with(self.level, 3.5, Tank { tank: "b" });
                out.at(Timestamp::from_millis(1_000)).emit_with(self.level, 4.5, Tank { tank: "b" });
                out.emit(self.read, 7);
                out.line("level 1 tank=\"a line of text\"");
            }
            "undeclared" => out.emit_dynamic("levle", &1, &[]),
            "wrong field" => out.emit_dynamic("disk.io", &1, &[("type", &"append")]),
            "halves" => out.emit(self.read, 1),
            "other half" => out.emit(self.written, 1),
            "bare" => out.emit_dynamic("kind", &Written("bare"), &[]),
            "list" => out.emit_dynamic("kind", &Written("[1]"), &[]),
            "spare" => out.emit(self.spare, self.url.len() as u64),
            "wait" => _ = out.stop().wait(Duration::from_secs(3600)),
            "rate" => out.calculate_rate("level", None),
            "fail" => return Err(Error::new(format!("sample {} went wrong", self.samples))),
            "panic" => panic!("all is lost"),
            _ => {}
        }
        Ok(())
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        match self.act.as_str() {
            "end" => return Err(Error::new("the port is taken")),
            "panic" => panic!("all is lost"),
            "return" => return Ok(()),
            "hanging hook" => run.stop().on_stop(|| {
                loop {
                    std::thread::park();
                }
            }),
            "flood" => loop {
                run.sample(|out| {
                    (0..100).for_each(|_| out.line("water"));
                    Ok(())
                });
            },
            "hang" => loop {
                std::thread::park();
            },
            _ => {}
        }
        while run.next() {
            run.sample(|out| self.gather_sample(out));
        }
        if self.act == "twice at last" {
            run.sample(|out| {
                (0..2).for_each(|_| out.emit(self.spare, 1));
                Ok(())
            });
        }
        run.logger().info("good bye");
        Ok(())
    }
}

fn subject(act: &str) -> Harness<Subject> {
    Harness::from_config(format_args!("{{ act: '{act}' }}")).with_patience(Duration::from_millis(500))
}

/// The text that a test fails with.
fn failure<R>(test: impl FnOnce() -> R) -> String {
    let panic = catch_unwind(AssertUnwindSafe(test)).err().expect("the test should fail");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().map_or_else(String::new, |text| (*text).to_owned()),
    }
}

fn failed_sample(act: &str) -> String {
    failure(|| subject(act).sample())
}

#[test]
fn values_and_fields_are_told_apart_from_lines_of_text() {
    let sample = subject("apart").sample();
    assert_eq!(sample.values("level"), [1.5, 2.5, 3.5, 4.5]);
    assert_eq!(sample.emitted()[0].field("tank"), "a \"b\"=1");
    assert_eq!((sample.emitted()[1].id(), sample.emitted()[2].id()), ("", "other"));
    assert_eq!(sample.emitted()[3].time(), Timestamp::from_millis(1_000));
    assert_eq!(sample.metric_with("disk.io", "type", "read").value(), 7);
    assert_eq!(sample.lines().len(), 6);
    assert_eq!(sample.lines()[5], "level 1 tank=\"a line of text\"");
    let several = failure(|| sample.value("level").clone());
    assert!(several.starts_with("the metric `level` was emitted 4 times; look at it with values(..)"), "{several}");
    let none = failure(|| sample.value("uniform").clone());
    assert!(none.starts_with("the metric `uniform` was not emitted\n  emitted:\n    level 1.5 tank="), "{none}");
}

#[test]
fn the_id_of_the_entry_and_the_clock_stand_in_what_is_emitted() {
    let mut subject = Harness::<Subject>::from_config("{ id: 'left', sample_interval: 7 }");
    assert_eq!(
        (subject.context().name(), subject.context().sample_interval),
        ("subject(left)", Duration::from_secs(7))
    );
    subject.clock().set(Timestamp::from_millis(5));
    subject.clock().advance(Duration::from_millis(2));
    let sample = subject.sample();
    assert_eq!((sample.metric("level").id(), sample.metric("level").time()), ("left", Timestamp::from_millis(7)));
}

#[test]
fn what_no_monitor_may_do_fails_the_test_and_says_why() {
    for (act, why) in [
        ("infinite", "`level null tank=\"b\"`: its value is not a finite number"),
        ("twice", "is emitted twice in one sample: same metric, fields, id and time"),
        ("undeclared", "the metric `levle` is not declared (is it `level`?); mark a field with #[metric]"),
        ("wrong field", "has the fields [type], but `disk.io` is declared with [type=\"read\"] or [type=\"write\"]"),
        ("panic", "all is lost"),
    ] {
        let text = failed_sample(act);
        assert!(text.contains(why), "{act}: {text}");
    }
    assert!(failed_sample("infinite").contains("\n  emitted:\n    level 1.5"), "what was emitted is shown");
}

#[test]
fn run_time_names_pass_where_the_test_allows_them() {
    let sample = subject("undeclared").allow_dynamic().sample();
    assert_eq!(sample.value("levle"), 1);
    assert!(failure(|| subject("twice").allow_dynamic().sample()).contains("twice"), "the other checks stand");
}

#[test]
fn rates_are_no_undeclared_metrics() {
    let mut subject = subject("rate");
    subject.sample();
    subject.sample();
    subject.clock().advance(Duration::from_secs(60));
    assert_eq!(subject.sample().value("level_rate"), 0.0);
}

#[test]
fn metrics_that_are_never_emitted_are_told_when_the_test_asks() {
    let mut subject = subject("apart");
    subject.sample();
    let text = failure(|| subject.expect_all_emitted());
    assert_eq!(
        text,
        "the monitor `subject` declares metrics that it never emitted in this test: spare, disk.io[type=\"write\"]"
    );
}

#[test]
fn a_sample_that_failed_tells_its_error_and_what_came_before_it() {
    let mut subject = subject("fail");
    let sample = subject.sample();
    assert_eq!((sample.error(), sample.value("level").as_f64()), (Some("sample 1 went wrong"), 1.5));
    assert_eq!(subject.sample().error(), Some("sample 2 went wrong"));
    assert!(failure(|| sample.value("spare").clone()).contains("failed: sample 1 went wrong"));
}

#[test]
fn all_that_is_wrong_with_a_configuration_is_told() {
    let problems = |text: &str| {
        let subject = Harness::<Subject>::from_config(text);
        subject.problems().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(problems("{}"), [] as [&str; 0]);
    assert_eq!(
        problems("{ act: 'refuse', urll: 1 }"),
        ["warning: urll: unknown option; did you mean `url`?", "nothing to do"]
    );
    assert_eq!(problems("[]"), ["the configuration is []; it must be an object, { … }"]);
    assert!(problems("{ act: ").concat().starts_with("the configuration cannot be read: "));
    let sampled = failed_sample("refuse");
    assert!(sampled.starts_with("the configuration of the monitor `subject` is refused"), "{sampled}");
    assert!(sampled.ends_with("  - nothing to do"), "{sampled}");
    assert!(failed_sample("disable").contains("`initialize` disabled the monitor"));
}

#[test]
fn the_environment_and_the_rule_for_http_are_the_tests_own() {
    let from_env = |act| Harness::<Subject>::from_config("{}").with_env("SUBJECT_ACT", act);
    assert_eq!(from_env("refuse").problems(), ["nothing to do"]);
    let http = "{ url: 'http://localhost' }";
    assert_eq!(Harness::<Subject>::from_config(http).problems(), [] as [&str; 0]);
    assert_eq!(Harness::<Subject>::from_config(http).forbid_http().problems().len(), 1);
    let late = failure(|| {
        let mut subject = from_env("well");
        subject.sample();
        subject.with_env("A", "b")
    });
    assert!(late.ends_with("say with_env(..) right behind from_config(..)"), "{late}");
}

#[test]
fn what_a_monitor_tells_the_agent_is_kept() {
    let mut subject = subject("tell");
    subject.sample();
    assert_eq!(subject.diagnostics(), ["WARNING a warning"]);
    assert_eq!(subject.context().sample_interval, Duration::from_secs(5));
    assert_eq!(subject.context().server_attributes["engine"], "docker");
    assert_eq!(subject.user_agent(), "docker:20");
    assert_eq!(subject.registered_logs(), [LogConfig::new("/a.log").attribute("pod", "web")]);
    let added = subject.added_monitors();
    assert_eq!((added.len(), &added[0].entry["id"]), (1, &"two".into()));
}

#[test]
fn a_run_follows_the_clock_of_the_test_and_is_stopped_at_its_end() {
    let mut subject = subject("well").with_patience(Duration::from_secs(30));
    subject.running(|running| {
        for count in 1..=3 {
            running.wait_until(|taken: &Taken| taken.values("level").len() == count);
            running.clock().advance(Duration::from_secs(30));
        }
    });
    assert_eq!(subject.diagnostics(), ["INFO good bye"]);
    assert_eq!(subject.sample().value("level"), 1.5);
    assert!(subject.run_until(|taken| taken.has("level")).has("level"), "it can run again");
}

#[test]
fn a_sample_that_waits_ends_when_the_monitor_is_asked_to_stop() {
    let mut subject = subject("wait").with_patience(Duration::from_secs(30));
    subject.running(|_| ());
    assert_eq!(subject.diagnostics(), ["INFO good bye"]);
}

#[test]
fn a_run_that_does_what_it_must_not_fails_the_test() {
    let waited = |act| failure(|| subject(act).run_until(|taken| taken.has("spare")));
    assert!(waited("well").starts_with("the monitor `subject` did not do within 0.5 s what the test waits for\n"));
    assert!(
        waited("end")
            .starts_with("the run of the monitor `subject` ended while the test was waiting: the port is taken")
    );
    assert!(waited("panic").contains("ended while the test was waiting: it panicked"));
    assert!(waited("twice").contains("is emitted twice in one sample"));
    let hung = failure(|| subject("hang").running(|_| ()));
    assert!(hung.contains("did not end within 0.5 s after it was asked to stop: its `run` must watch"), "{hung}");
    assert_eq!(failure(|| subject("panic").running(|_| ())), "the run of the monitor `subject` panicked: all is lost");
    assert_eq!(failure(|| subject("end").running(|_| ())), "the run of the monitor failed: the port is taken");
    assert_eq!(subject("end").run_to_end().err().unwrap().to_string(), "the port is taken");
    assert_eq!(failure(|| subject("well").running(|_| panic!("in the test"))), "in the test");
}

#[test]
fn no_problems_are_an_empty_list() {
    assert_eq!(subject("well").problems(), []);
    assert_eq!(subject("well").diagnostics(), []);
}

#[test]
fn keys_that_the_agent_reads_are_judged_as_it_judges_them() {
    let harness = |text: &str| Harness::<Subject>::from_config(text);
    for (text, problem) in [
        ("{ module: 'coin' }", "module: \"coin\" is another monitor; this one is `subject`, or leave `module` out"),
        ("{ sample_interval: 0.05 }", "sample_interval: 0.05 is below the minimum 0.1"),
        ("{ sample_interval: 'soon' }", "sample_interval: \"soon\" is not a number"),
        ("{ disabled: 'perhaps' }", "disabled: \"perhaps\" is not true or false"),
        ("{ id: 'a\\nb' }", "id: must not hold line breaks or other control characters"),
        ("{ id: [1] }", "id: must be a text, a number, true or false"),
    ] {
        assert_eq!(harness(text).problems(), [problem], "{text}");
    }
    assert_eq!(
        harness("{ calculate_rate_metric_names: ['level'] }").problems(),
        ["warning: calculate_rate_metric_names: \"level\": an entry is `<monitor>:<metric>` or \
          `<monitor>:<metric>:<field>=<value>`"]
    );
    assert_eq!(harness("{ module: 'subject', id: 7, sample_interval: '7' }").context().name(), "subject(7)");
    assert_eq!(harness("{ sample_interval: '7' }").context().sample_interval, Duration::from_secs(7));
    let text = failure(|| harness("{ disabled: true }").sample());
    assert!(text.contains("its entry disables the monitor, so the agent never runs it"), "{text}");
}

#[test]
fn what_the_user_says_about_metrics_counts() {
    let mut subject = Harness::<Subject>::from_config(
        "{ act: 'apart', metric_name_blacklist: ['disk.io'], calculate_rate_metric_names: ['subject:level:tank=b'] }",
    );
    subject.sample();
    subject.clock().advance(Duration::from_secs(60));
    let sample = subject.sample();
    assert!(!sample.has("disk.io") && sample.has("level_rate"), "{sample}");
}

#[test]
fn an_interval_that_the_agent_refuses_is_refused() {
    assert_eq!(subject("hurry").problems(), ["sample_interval: 0.01 s is too short; the least is 0.1 s"]);
}

#[test]
fn what_the_agent_would_not_take_of_logs_and_host_is_told() {
    let scalar = "must be a text, a number, true or false, but is";
    assert_eq!(subject("odd words").problems(), [format!("log_config.attributes.pod: {scalar} a list").as_str()]);
    assert_eq!(
        subject("odd attributes").problems(),
        [
            "log_config.parser: has a field of its own: set `parser`, not `options`",
            &format!("log_config.attributes.pod: {scalar} a list"),
            &format!("warning: server_attributes.labels: {scalar} an object; it is left out"),
        ]
    );
}

#[test]
fn what_a_monitor_does_after_the_last_look_counts() {
    let text = failure(|| subject("twice at last").running(|_| ()));
    assert!(text.contains("is emitted twice in one sample"), "{text}");
}

#[test]
fn a_run_that_ends_by_itself_is_a_failure_as_it_is_for_the_agent() {
    let text = failure(|| {
        subject("return").running(|running| {
            assert!(failure(|| running.wait_until(|_| false)).contains("ended while the test was waiting"));
        })
    });
    assert!(text.starts_with("the run of the monitor `subject` ended without being asked to"), "{text}");
    assert!(subject("return").run_to_end().is_ok());
}

#[test]
fn one_of_two_metrics_with_one_name_is_missed() {
    let mut subject = subject("halves");
    subject.sample();
    let text = failure(|| subject.expect_all_emitted());
    assert!(text.ends_with("never emitted in this test: level, spare, disk.io[type=\"write\"]"), "{text}");
}

#[test]
fn a_value_that_is_no_json_scalar_fails_the_test() {
    for (act, written) in [("bare", "kind bare"), ("list", "kind [1]")] {
        let text = failed_sample(act);
        assert!(text.contains(written) && text.contains("cannot be read back"), "{text}");
    }
}

#[test]
fn a_flood_and_a_hook_that_hangs_end_the_test_with_a_message() {
    let text = failure(|| {
        subject("flood").with_patience(Duration::from_secs(60)).running(|flood| {
            flood.wait_until(|_| false);
        })
    });
    assert!(text.contains("wrote more than"), "{}", &text[..text.len().min(300)]);
    let mut hanging = subject("hanging hook").with_patience(Duration::from_secs(2));
    let text = failure(|| hanging.running(|running| running.wait_for("level")));
    assert!(text.contains("hung on its stop with `on_stop` did not end within 2 s"), "{text}");
}

#[test]
fn a_clock_can_be_moved_as_far_as_one_likes() {
    let subject = subject("well");
    subject.clock().advance(Duration::MAX);
    subject.clock().advance(Duration::from_secs(1));
    assert!(subject.clock().now() > Timestamp::from_millis(0));
}
