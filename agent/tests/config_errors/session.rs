//! Of the way to the server: the key, how much goes when and how, and who the host says it is.

use std::path::PathBuf;
use std::time::Duration;

use expect_test::expect;
use scalyr_agent::config::compression::{DeflateLevel, ZstandardLevel};
use scalyr_agent::config::load::from_text;
use scalyr_agent::config::plan::Compression;

use super::{built_with, environment, fatal, plan};

#[test]
fn a_key_that_cannot_be_used_is_fatal_and_says_what_to_do() {
    let texts =
        ["{}", "{ api_key: null }", "{ api_key: ' ' }", "{ api_key: 'REPLACE_THIS' }", "{ api_key: [1] }", "[]", ""];
    let all: String = texts.iter().map(|text| format!("{text}\n{}", fatal(text))).collect();
    expect![[r#"
        {}
        error: /etc/agent.json  api_key: is missing; set it to a "Log Write Access" key of your account; your keys are listed at https://www.scalyr.com/keys
        { api_key: null }
        error: /etc/agent.json:1:12  api_key: is missing; set it to a "Log Write Access" key of your account; your keys are listed at https://www.scalyr.com/keys
        { api_key: ' ' }
        error: /etc/agent.json:1:12  api_key: is empty; set it to a "Log Write Access" key of your account; your keys are listed at https://www.scalyr.com/keys
        { api_key: 'REPLACE_THIS' }
        error: /etc/agent.json:1:12  api_key: is still the placeholder REPLACE_THIS; put a "Log Write Access" key of your account in its place in /etc/agent.json; your keys are listed at https://www.scalyr.com/keys
        { api_key: [1] }
        error: /etc/agent.json:1:12  api_key: must be a text, but is a list
        []
        error: /etc/agent.json: must be an object, { ... }, but is a list

        error: /etc/agent.json: is empty; it must hold an object, { ... }
    "#]].assert_eq(&all);
}

#[test]
fn the_key_is_never_shown() {
    let key = "wEiRd_SeCrEt_KeY-";
    for text in [
        format!("{{ api_key: '{key}' }}"),
        format!("{{ api_key: '{key}', api_key: '{key}', max_line_size: [] }}"),
        format!("{{ api_key: ['{key}'] }}"),
        format!("{{ api_key: '{key}\\n{key}' }}"),
        format!("{{ api_key: '{key}' scalyr_server: 'x' }}"),
        format!("{{ api_key: '{key} }}"),
        format!("{{ api_key: {key} }}"),
        format!("{{ api_key: 'k', scalyr_server: 'https://{key}:{key}@host' }}"),
        format!("{{ api_key: 'k', http_proxy: 'https://{key}:{key}@host', workers: [{{ api_key: '{key}' }}] }}"),
    ] {
        let variables = [("SCALYR_API_KEY", key), ("scalyr_https_proxy", key)];
        let shown = format!("{:?}", built_with(&text, &variables));
        assert!(!shown.contains(key), "{shown}");
        let displayed = built_with(&text, &variables).map_or_else(|r| r.to_string(), |(_, r)| r.to_string());
        assert!(!displayed.contains(key), "{displayed}");
        let loaded = format!("{:?}", from_text(&text, PathBuf::from("/a"), &environment(&variables)));
        assert!(!loaded.contains(key), "{loaded}");
    }
}

#[test]
fn what_the_user_wrote_is_respected_under_unlimited() {
    let pacing = |text: &str| plan(text).0.sessions[0].pacing;
    assert_eq!(pacing("").max_request_size, 5_900_000);
    assert_eq!(pacing("").min_spacing, Duration::ZERO);
    assert_eq!(pacing("max_allowed_request_size: 2000000").max_request_size, 2_000_000);
    assert_eq!(pacing("min_request_spacing_interval: 2.5").min_spacing, Duration::from_millis(2500));
    assert_eq!(pacing("max_send_rate_enforcement: 'legacy'").max_request_size, 1_048_576);
    assert_eq!(pacing("max_send_rate_enforcement: 'legacy'").min_spacing, Duration::from_secs(1));
    assert_eq!(pacing("disable_max_send_rate_enforcement_overrides: true").max_request_size, 1_048_576);
    assert_eq!(plan("max_send_rate_enforcement: 'legacy'").0.tail.max_existing_log_offset_size, Some(104_857_600));
    assert_eq!(plan("").0.tail.max_log_offset_size, None);
    assert_eq!(plan("max_log_offset_size: 7").0.tail.max_log_offset_size, Some(7));
    let (plan, report) = plan("max_send_rate_enforcement: '5 MB/s'");
    assert_eq!((plan.sessions[0].pacing.max_request_size, report.as_str()), (5_900_000, ""));
    assert_eq!(plan.sessions[0].pacing.max_rate, Some(5e6));
}

// configuration.md, sharp edge 7
#[test]
fn each_of_the_six_options_that_the_old_agent_overrides_is_respected_wherever_it_is_written() {
    for rate in ["unlimited", "5 MB/s", "legacy"] {
        let file = format!(
            "max_send_rate_enforcement: '{rate}', max_allowed_request_size: 2000, min_request_spacing_interval: 2,
             max_request_spacing_interval: '3', max_log_offset_size: 4, max_existing_log_offset_size: '5',
             max_line_size: 1000, pipeline_threshold: 0.5"
        );
        let (plan, report) = plan(&file);
        let pacing = plan.sessions[0].pacing;
        assert_eq!(pacing.max_request_size, 2000, "{rate}");
        assert_eq!((pacing.min_spacing.as_secs(), pacing.max_spacing.as_secs()), (2, 3), "{rate}");
        assert_eq!(
            (plan.tail.max_log_offset_size, plan.tail.max_existing_log_offset_size),
            (Some(4), Some(5)),
            "{rate}"
        );
        assert_eq!(report.lines().count(), 1, "the next request is always prepared ahead: {report}");
    }
}

#[test]
fn requests_are_small_enough_for_the_rate_to_hold() {
    let limit = |text: &str| plan(text).0.sessions[0].pacing.max_request_size;
    assert_eq!(limit("max_send_rate_enforcement: '100 KB/s'"), 400_000);
    assert_eq!(limit("max_send_rate_enforcement: '1 B/w'"), 102_400, "not so small that lines do not fit");
    assert_eq!(limit("max_send_rate_enforcement: '1 B/w', max_line_size: 100000"), 200_000);
    assert_eq!(limit("max_send_rate_enforcement: '1 B/w', max_allowed_request_size: 400000"), 400_000, "as written");
}

#[test]
fn a_rate_that_is_none_is_refused_with_what_to_write() {
    let texts = ["5 Mb/s", "-1 B/s", "0 MB/s", "fast", "about 5 MB/s", ""];
    let told: String = texts.iter().map(|text| plan(&format!("max_send_rate_enforcement: '{text}'")).1).collect();
    expect![[r#"
        refused: max_send_rate_enforcement: "5 Mb/s" counts bits, with its small b; there is no limit; give bytes, with a capital B: 8 Mb/s are "1 MB/s"
        refused: max_send_rate_enforcement: "-1 B/s" would never send anything; there is no limit; write "unlimited", "legacy", or a rate such as "5 MB/s"
        refused: max_send_rate_enforcement: "0 MB/s" would never send anything; there is no limit; write "unlimited", "legacy", or a rate such as "5 MB/s"
        refused: max_send_rate_enforcement: "fast" is no rate; there is no limit; write "unlimited", "legacy", or a rate such as "5 MB/s"
        warning: max_send_rate_enforcement: "about 5 MB/s" is read as 5000000 bytes per second, what is around that is passed over; write "unlimited", "legacy", or a rate such as "5 MB/s"
        refused: max_send_rate_enforcement: "" is no rate; there is no limit; write "unlimited", "legacy", or a rate such as "5 MB/s"
    "#]].assert_eq(&told.replace("/etc/agent.json:1:123  ", ""));
}

// configuration.md, sharp edge 19
#[test]
fn every_way_to_compress_acts_at_the_level_that_is_named_or_at_its_default() {
    let compression = |text: &str| (plan(text).0.sessions[0].compression, plan(text).1);
    assert_eq!(compression("compression_level: 3").0, Compression::Deflate(DeflateLevel::nearest(3)));
    assert_eq!(compression("compression_type: 'none'").0, Compression::None);
    let (kind, report) = compression("compression_type: 'zstandard', compression_level: 19");
    assert_eq!((kind, report), (Compression::Zstandard(ZstandardLevel::nearest(19)), String::new()));
    let told: String = ["deflate', 12", "deflate', 0", "bz2', 10", "lz4', 17", "lz4', 0", "zstandard', 23", "none', 1"]
        .iter()
        .map(|words| {
            let (name, level) = words.split_once("', ").unwrap_or_default();
            let (kind, report) = compression(&format!("compression_type: '{name}', compression_level: {level}"));
            let line = report.lines().find(|line| line.contains("  compression_level: ")).unwrap_or_default();
            let line = line.split("  compression_level: ").last().unwrap_or_default();
            format!("{name} {level} -> {kind:?} {line}\n")
        })
        .collect();
    expect![[r#"
        deflate 12 -> Deflate(1) 12 is outside 1 to 9, the levels of deflate; the default 1 is used
        deflate 0 -> Deflate(1) 0 is outside 1 to 9, the levels of deflate; the default 1 is used
        bz2 10 -> Bz2(1) 10 is outside 1 to 9, the levels of bz2; the default 1 is used
        lz4 17 -> Lz4(0) 17 is outside 0 to 16, the levels of lz4; the default 0 is used
        lz4 0 -> Lz4(0) 
        zstandard 23 -> Zstandard(1) 23 is outside 1 to 22, the levels of zstandard; the default 1 is used
        none 1 -> None 1 is no level of none, which has only 0; the default 0 is used
    "#]]
    .assert_eq(&told);
}

#[test]
fn the_host_names_itself_unless_the_user_does() {
    let host = |text: &str| plan(text).0.sessions[0].server_attributes["serverHost"].clone();
    assert_eq!(host(""), "web1.example.com");
    assert_eq!(host("strip_domain_from_default_server_host: true"), "web1");
    assert_eq!(host("server_attributes: { serverHost: 'mine' }"), "mine");
}
