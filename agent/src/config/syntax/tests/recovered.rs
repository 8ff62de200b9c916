//! Behind a fault reading goes on: one mistake is told once, and the other values are there to be looked at.

use expect_test::expect;

use super::*;

/// A configuration as people write them; each line stands for one place where a mistake may be made.
const SOUND: &str = r#"// the web host
{
  api_key: "k",
  server_attributes: { tier: "web", serverHost: "web-1" }
  debug_level: 2,
  logs: [
    { path: "/var/log/nginx/access.log", attributes: { parser: "accessLog" } },
    { path: "/var/log/syslog", exclude: [ "*.1", "*.gz" ], rename_no_original: true }
  ],
  monitors: [
    { module: "coin", id: "x", gauss_mean: 0.5 }
  ],
  max_line_size: 9900
}
"#;

/// [`SOUND`] with one mistake.
fn broken(sound: &str, mistake: &str) -> String {
    assert_eq!(SOUND.matches(sound).count(), 1, "{sound}");
    SOUND.replace(sound, mistake)
}

/// What is written, and what stands there instead, with one mistake. In all of these the other values stay.
const MENDABLE: &[(&str, &str)] = &[
    // commas
    ("\"web\", serverHost", "\"web\" serverHost"),
    ("\"web\", serverHost", "\"web\",, serverHost"),
    ("\"web\", serverHost", "\"web\"; serverHost"),
    ("\"web\", serverHost", "\"web\". serverHost"),
    ("{ tier: \"web\",", "{ , tier: \"web\","),
    ("\"*.1\", \"*.gz\"", "\"*.1\" \"*.gz\""),
    ("\"*.1\", \"*.gz\"", "\"*.1\",,, \"*.gz\""),
    ("} },\n    { path: \"/var/log/syslog\"", "} } { path: \"/var/log/syslog\""),
    ("} },\n    {", "} },\n, ,\n    {"),
    ("debug_level: 2,\n", "debug_level: 2, ,\n"),
    ("debug_level: 2,\n", "debug_level: 2;\n"),
    ("debug_level: 2,\n", "debug_level: 2 /* why */\n/* so */ ,,"),
    // keys
    ("debug_level: 2", "debug-level: 2"),
    ("debug_level: 2", "debug.level: 2"),
    ("debug_level: 2", "2debug_level: 2"),
    ("debug_level: 2", "“debug_level”: 2"),
    ("debug_level: 2", "debug level: 2"),
    ("debug_level: 2", "debug_level = 2"),
    ("debug_level: 2", "debug_level 2"),
    ("debug_level: 2", "debug_level:: 2"),
    ("debug_level: 2", "debug_level := 2"),
    ("debug_level: 2", "debug_level"),
    ("debug_level: 2", "\"debug_level\""),
    ("debug_level: 2", "debug_level:"),
    ("debug_level: 2", "\"debug\" + \"_level\": 2"),
    ("debug_level: 2", "\"\"\"debug_level\"\"\": 2"),
    ("debug_level: 2", "\"debug_level: 2"),
    ("debug_level: 2", "\"debug\\_level\": 2"),
    ("debug_level: 2", ": 2"),
    ("debug_level: 2", "{ a: 1 }"),
    ("debug_level: 2", "<<<<<<< HEAD"),
    ("server_attributes: {", "server_attributes {"),
    ("server_attributes: {", "server_attributes = {"),
    ("logs: [", "logs ["),
    ("gauss_mean: 0.5 }", "gauss_mean: }"),
    ("gauss_mean: 0.5 }", "gauss_mean }"),
    // values
    ("debug_level: 2", "debug_level: two"),
    ("debug_level: 2", "debug_level: two words, no"),
    ("debug_level: 2", "debug_level: (2)"),
    ("debug_level: 2", "debug_level: 2 levels"),
    ("debug_level: 2", "debug_level: 2 + 2"),
    ("debug_level: 2", "debug_level: 1.2.3"),
    ("debug_level: 2", "debug_level: --2"),
    ("debug_level: 2", "debug_level: -"),
    ("debug_level: 2", "debug_level: 1e400"),
    ("debug_level: 2", "debug_level: 1_000"),
    ("debug_level: 2", "debug_level: ${LEVEL}"),
    ("debug_level: 2", "debug_level: $LEVEL"),
    ("debug_level: 2", "debug_level: 2: 3"),
    ("rename_no_original: true", "rename_no_original: True"),
    ("rename_no_original: true", "rename_no_original: yes"),
    ("rename_no_original: true", "rename_no_original: undefined"),
    ("path: \"/var/log/syslog\"", "path: /var/log/syslog"),
    ("path: \"/var/log/syslog\"", "path: /var/log/*/syslog"),
    ("path: \"/var/log/syslog\"", "path: https://example.com:80//x"),
    ("path: \"/var/log/syslog\"", "path: C:\\logs\\x"),
    ("path: \"/var/log/syslog\"", "path: “/var/log/a, b”"),
    ("path: \"/var/log/syslog\"", "path: `/var/log/{a}`"),
    ("path: \"/var/log/syslog\"", "path: don't know"),
    ("path: \"/var/log/syslog\"", "path: u\"/var/log/syslog\""),
    ("[ \"*.1\", \"*.gz\" ]", "[ *.1, \"*.gz\" ]"),
    ("[ \"*.1\", \"*.gz\" ]", "[ \"*.1\": \"*.gz\" ]"),
    ("[ \"*.1\", \"*.gz\" ]", "[ a: \"*.1\", \"*.gz\" ]"),
    ("[ \"*.1\", \"*.gz\" ]", "( \"*.1\" )"),
    // texts
    ("\"coin\"", "\"co\\in\""),
    ("\"coin\"", "\"\\d+\\.\\d+\""),
    ("\"coin\"", "\"\\u12\""),
    ("\"coin\"", "\"\\ud83d\""),
    ("\"coin\"", "\"a \"coin\" of\""),
    ("\"coin\"", "'it's'"),
    ("\"coin\"", "\"co\" + in"),
    ("\"coin\"", "\"co\" + 1"),
    ("\"coin\"", "\"co\" + \"\"\"in\"\"\""),
    ("\"coin\"", "\"\"\"co\"\"\" + \"in\""),
    ("\"coin\"", "\"\"\"coin\"\"\"\""),
    ("\"web-1\" }", "\"web-1 }"),
    ("\"k\",", "\"k,"),
    ("\"k\",", "\"k"),
    ("\"k\",", "\"k\n  and more\","),
    ("\"k\",", "k\","),
    ("0.5 }\n  ],", "\"0.5 }\n  ],"),
    // comments
    ("// the web host", "# the web host"),
    ("debug_level: 2,", "debug_level: 2, # why"),
    ("debug_level: 2,", "debug_level: 2# it's so"),
    ("debug_level: 2,", "# a\n  # b\n\n# c\n debug_level: 2,"),
    ("debug_level: 2,", "debug_level: # so\n2,"),
    ("max_line_size: 9900\n", "max_line_size: 9900\n  # end\n"),
    ("debug_level: 2,", "-- why"),
    ("debug_level: 2,", "; why"),
    // brackets
    ("\"*.gz\" ]", "\"*.gz\" }"),
    ("\"*.gz\" ]", "\"*.gz\""),
    ("\"*.1\", \"*.gz\" ], rename_no_original", "\"*.1\", \"*.gz\", \"rename_no_original\""),
    ("\"accessLog\" } }", "\"accessLog\" "),
    ("  ],\n  monitors", "  monitors"),
    ("  ],\n  monitors", "  \"monitors\""),
    ("\"accessLog\" } }", "\"accessLog\" }"),
    ("\"accessLog\" } }", "\"accessLog\" } ]"),
    ("9900\n}\n", "9900\n]\n"),
    ("9900\n}\n", "9900\n};\n"),
    ("9900\n}\n", "9900\n} # end\n"),
    ("9900\n}\n", "9900\n} the end\n"),
    ("9900\n}\n", "9900\n"),
    ("9900\n}\n", "9900\n}\n}\n"),
    ("\"web-1\" }", "\"web-1\""),
    ("\"web-1\" }", "\"web-1\" } }"),
    ("\"accessLog\" } }", "\"accessLog\" } } }"),
    ("\"*.gz\" ]", "\"*.gz\" ] ]"),
    ("\"*.1\", \"*.gz\" ]", "\"*.1\", \"*.gz\" ]]"),
    ("[ \"*.1\", \"*.gz\" ]", "\"*.1\", \"*.gz\" ]"),
    ("  logs: [", "  logs: "),
    ("  logs: [", "  logs: {"),
    ("server_attributes: {", "server_attributes: ["),
    ("// the web host\n{", "// the web host {"),
    ("// the web host\n{", ""),
    ("// the web host\n{", "{{"),
    // what others write
    ("debug_level: 2", "debug_level => 2"),
    ("debug_level: 2", "debug_level\": 2"),
    ("\"k\",\n  server_attributes", "\"k\",\n  server\u{200b}_attributes"),
    ("api_key: \"k\"", "\"api_key: \"k\""),
    ("debug_level: 2", "debug_level: None"),
    ("rename_no_original: true", "rename_no_original: on"),
    ("  debug_level: 2,\n", "<<<<<<< HEAD\n  debug_level: 3,\n=======\n  debug_level: 2,\n>>>>>>> branch\n"),
];

/// Mistakes behind which nothing can be trusted.
const LOST: &[(&str, &str)] = &[
    ("// the web host\n{", "---"),
    ("// the web host\n{", "+ {"),
    ("// the web host\n{", "[agent]\n"),
    ("\"accessLog\" } },\n    { path: \"/var/log/syslog\", exclude: [ \"*.1\", \"*.gz\" ]", "\"accessLog"),
    ("9900\n}\n", "9900\n}\n{ a: 1 }\n"),
    ("// the web host", "/* the web host"),
    ("debug_level: 2,", "/* debug_level: 2,"),
    ("\"coin\"", "\"\"\"coin\""),
];

#[test]
fn one_mistake_is_one_fault() {
    let told = |(sound, mistake): &(&'static str, &'static str)| (*mistake, faults(&broken(sound, mistake)).0);
    let wrong: Vec<_> = MENDABLE.iter().chain(LOST).map(told).filter(|(_, faults)| faults.len() != 1).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_said_of_the_broken_places_alone() {
    let all: String = MENDABLE
        .iter()
        .chain(LOST)
        .map(|(sound, mistake)| {
            let (faults, values) = faults(&broken(sound, mistake));
            let lost = if values.is_none() { " (all is lost)" } else { "" };
            format!("{mistake:?}{lost}\n  {}\n", faults.join("\n  "))
        })
        .collect();
    expect![[r##"
        "\"web\" serverHost"
          f:4:36: expected a comma, a line break or `}`, found `s`
        "\"web\",, serverHost"
          f:4:36: expected a key, found `,`; remove the comma
        "\"web\"; serverHost"
          f:4:35: expected a comma, a line break or `}`, found `;`
        "\"web\". serverHost"
          f:4:35: expected a comma, a line break or `}`, found `.`
        "{ , tier: \"web\","
          f:4:24: expected a key, found `,`; remove the comma
        "\"*.1\" \"*.gz\""
          f:8:49: expected a comma, a line break or `]`, found `"`
        "\"*.1\",,, \"*.gz\""
          f:8:49: expected a value, found `,`; remove the comma, or write the value before it
        "} } { path: \"/var/log/syslog\""
          f:7:80: expected a comma, a line break or `]`, found `{`
        "} },\n, ,\n    {"
          f:8:1: expected a value, found `,`; remove the comma, or write the value before it
        "debug_level: 2, ,\n"
          f:5:19: expected a key, found `,`; remove the comma
        "debug_level: 2;\n"
          f:5:17: expected a comma, a line break or `}`, found `;`
        "debug_level: 2 /* why */\n/* so */ ,,"
          f:6:11: expected a key, found `,`; remove the comma
        "debug-level: 2"
          f:5:8: expected `:` and a value behind the key, found `-`; a key of other characters than letters, digits, $ and _ needs quotes around it
        "debug.level: 2"
          f:5:8: expected `:` and a value behind the key, found `.`; a key of other characters than letters, digits, $ and _ needs quotes around it
        "2debug_level: 2"
          f:5:3: expected a key, found `2`; a key of other characters than letters, digits, $ and _ needs quotes around it
        "“debug_level”: 2"
          f:5:3: expected a key, found `“` (U+201C); the quotes of keys are "
        "debug level: 2"
          f:5:9: expected `:` and a value behind the key, found `l`
        "debug_level = 2"
          f:5:15: expected `:` and a value behind the key, found `=`
        "debug_level 2"
          f:5:15: expected `:` and a value behind the key, found `2`
        "debug_level:: 2"
          f:5:15: expected a value, found `:`; write the value
        "debug_level := 2"
          f:5:16: expected a value, found `=`; write the value
        "debug_level"
          f:5:14: expected `:` and a value behind the key, found `,`
        "\"debug_level\""
          f:5:16: expected `:` and a value behind the key, found `,`
        "debug_level:"
          f:5:15: expected a value, found `,`; remove the comma, or write the value before it
        "\"debug\" + \"_level\": 2"
          f:5:11: expected `:` and a value behind the key, found `+`; keys cannot be joined, write one text
        "\"\"\"debug_level\"\"\": 2"
          f:5:3: a key cannot stand in triple quotes; write it in plain ones
        "\"debug_level: 2"
          f:5:3: the line ends inside this string: its closing quote is missing; a text over several lines stands in triple quotes, or has \n in place of the line break
        "\"debug\\_level\": 2"
          f:5:9: expected an escape such as \n behind `\`, found `_`; write `\\` for a backslash
        ": 2"
          f:5:3: expected a comma, a line break or `}`, found `:`
        "{ a: 1 }"
          f:5:3: expected a key, found `{`; write the key
        "<<<<<<< HEAD"
          f:5:3: expected a key, found `<`; a key of other characters than letters, digits, $ and _ needs quotes around it
        "server_attributes {"
          f:4:21: expected `:` and a value behind the key, found `{`
        "server_attributes = {"
          f:4:21: expected `:` and a value behind the key, found `=`
        "logs ["
          f:6:8: expected `:` and a value behind the key, found `[`
        "gauss_mean: }"
          f:11:44: expected a value, found `}`; write the value
        "gauss_mean }"
          f:11:43: expected `:` and a value behind the key, found `}`
        "debug_level: two"
          f:5:16: expected a value, found `t`; texts need quotes around them
        "debug_level: two words, no"
          f:5:16: expected a value, found `t`; texts need quotes around them
        "debug_level: (2)"
          f:5:16: expected a value, found `(`; texts need quotes around them
        "debug_level: 2 levels"
          f:5:18: expected a comma, a line break or `}`, found `l`
        "debug_level: 2 + 2"
          f:5:18: expected a comma, found `+`: only texts can be joined with it
        "debug_level: 1.2.3"
          f:5:19: expected a number, found `.` in it; texts need quotes around them
        "debug_level: --2"
          f:5:17: expected a digit, found `-`; numbers have one sign and are not added
        "debug_level: -"
          f:5:17: expected a digit, found the end of the number
        "debug_level: 1e400"
          f:5:16: expected a finite number, up to about 1.8e308
        "debug_level: 1_000"
          f:5:17: expected a digit, found `_`; write the digits without it
        "debug_level: ${LEVEL}"
          f:5:16: expected a value, found `$`; texts need quotes around them
        "debug_level: $LEVEL"
          f:5:16: expected a value, found `$`; texts need quotes around them
        "debug_level: 2: 3"
          f:5:17: expected a comma, a line break or `}`, found `:`
        "rename_no_original: True"
          f:8:80: expected a value, found `T`; write true in small letters
        "rename_no_original: yes"
          f:8:80: expected a value, found `y`; write true or false
        "rename_no_original: undefined"
          f:8:80: expected a value, found `u`; write null, or leave the key out
        "path: /var/log/syslog"
          f:8:13: expected `//` or `/*`, found `/` and `v` behind it; texts need quotes around them
        "path: /var/log/*/syslog"
          f:8:13: expected `//` or `/*`, found `/` and `v` behind it; texts need quotes around them
        "path: https://example.com:80//x"
          f:8:13: expected a value, found `h`; texts need quotes around them
        "path: C:\\logs\\x"
          f:8:13: expected a value, found `C`; texts need quotes around them
        "path: “/var/log/a, b”"
          f:8:13: expected a value, found `“` (U+201C); the quotes of texts are "
        "path: `/var/log/{a}`"
          f:8:13: expected a value, found ```; the quotes of texts are "
        "path: don't know"
          f:8:13: expected a value, found `d`; texts need quotes around them
        "path: u\"/var/log/syslog\""
          f:8:13: expected a value, found `u`; texts need quotes around them
        "[ *.1, \"*.gz\" ]"
          f:8:43: expected a value, found `*`; texts need quotes around them
        "[ \"*.1\": \"*.gz\" ]"
          f:8:48: expected a comma, a line break or `]`, found `:`
        "[ a: \"*.1\", \"*.gz\" ]"
          f:8:43: expected a value, found `a`; texts need quotes around them
        "( \"*.1\" )"
          f:8:41: expected a value, found `(`; texts need quotes around them
        "\"co\\in\""
          f:11:18: expected an escape such as \n behind `\`, found `i`; write `\\` for a backslash
        "\"\\d+\\.\\d+\""
          f:11:16: expected an escape such as \n behind `\`, found `d`; write `\\` for a backslash (and look at 2 more in this text)
        "\"\\u12\""
          f:11:16: expected 4 hexadecimal digits in this escape, found `"`; write `\\` for a backslash
        "\"\\ud83d\""
          f:11:16: this escape is half a character; write both halves behind each other, as in \ud83d\ude00
        "\"a \"coin\" of\""
          f:11:19: expected a comma, a line break or `}`, found `c`; is a quote within the text meant? write a backslash before it
        "'it's'"
          f:11:19: expected a comma, a line break or `}`, found `s`; is a quote within the text meant? write a backslash before it
        "\"co\" + in"
          f:11:22: expected a text in quotes behind `+`, found `i`
        "\"co\" + 1"
          f:11:22: expected a text in quotes behind `+`, found `1`
        "\"co\" + \"\"\"in\"\"\""
          f:11:22: expected a text in plain quotes behind `+`: one in triple quotes cannot be joined
        "\"\"\"co\"\"\" + \"in\""
          f:11:24: a text in triple quotes cannot be joined with `+`; write one text
        "\"\"\"coin\"\"\"\""
          f:11:25: found `"` behind the closing `"""`; write `\"` for a quote at the end
        "\"web-1 }"
          f:4:49: the line ends inside this string: its closing quote is missing; a text over several lines stands in triple quotes, or has \n in place of the line break
        "\"k,"
          f:3:12: the line ends inside this string: its closing quote is missing; a text over several lines stands in triple quotes, or has \n in place of the line break
        "\"k"
          f:3:12: the line ends inside this string: its closing quote is missing; a text over several lines stands in triple quotes, or has \n in place of the line break
        "\"k\n  and more\","
          f:3:12: the line ends inside this string: its closing quote is missing; a text over several lines stands in triple quotes, or has \n in place of the line break
        "k\","
          f:3:12: expected a value, found `k`; texts need quotes around them
        "\"0.5 }\n  ],"
          f:11:44: the line ends inside this string: its closing quote is missing; a text over several lines stands in triple quotes, or has \n in place of the line break
        "# the web host"
          f:1:1: expected `{`, found `#`; comments begin with //
        "debug_level: 2, # why"
          f:5:19: expected a key, found `#`; comments begin with //
        "debug_level: 2# it's so"
          f:5:17: expected a comma, a line break or `}`, found `#`; comments begin with //
        "# a\n  # b\n\n# c\n debug_level: 2,"
          f:5:3: expected a comma, a line break or `}`, found `#`; comments begin with //
        "debug_level: # so\n2,"
          f:5:16: expected a value, found `#`; comments begin with //
        "max_line_size: 9900\n  # end\n"
          f:14:3: expected a comma, a line break or `}`, found `#`; comments begin with //
        "-- why"
          f:5:3: expected a key, found `-`; a key of other characters than letters, digits, $ and _ needs quotes around it
        "; why"
          f:5:3: expected a key, found `;`; a key of other characters than letters, digits, $ and _ needs quotes around it
        "\"*.gz\" }"
          f:8:57: expected a comma or `]`, found `}`: the `[` at 8:41 is still open
        "\"*.gz\""
          f:8:58: expected a value or `]`, found `r`; close the `[` at 8:41 before it
        "\"*.1\", \"*.gz\", \"rename_no_original\""
          f:8:58: expected a value or `]`, found `"`; close the `[` at 8:41 before it
        "\"accessLog\" "
          f:8:5: expected a key, found `{`; close the `{` at 7:54 before it
        "  monitors"
          f:9:3: expected a value or `]`, found `m`; close the `[` at 6:9 before it
        "  \"monitors\""
          f:9:3: expected a value or `]`, found `"`; close the `[` at 6:9 before it
        "\"accessLog\" }"
          f:8:5: expected a key, found `{`; close the `{` at 7:5 before it
        "\"accessLog\" } ]"
          f:7:78: expected a comma or `}`, found `]`: the `{` at 7:5 is still open
        "9900\n]\n"
          f:14:1: expected a comma or `}`, found `]`: the `{` at 2:1 is still open
        "9900\n};\n"
          f:14:2: found `;` behind the end of the configuration, which is at 14:1; is a bracket missing or commented out before that?
        "9900\n} # end\n"
          f:14:3: expected the end of the text, found `#`; comments begin with //
        "9900\n} the end\n"
          f:14:3: found `t` behind the end of the configuration, which is at 14:1; is a bracket missing or commented out before that?
        "9900\n"
          f:2:1: this `{` is never closed; write a `}` where it ends
        "9900\n}\n}\n"
          f:15:1: found `}` behind the end of the configuration, which is at 14:1; remove the `}` at 14:1, or write the `{` that it closes
        "\"web-1\""
          f:5:3: expected `}` before this, found `d`; close the `{` at 4:22 before it
        "\"web-1\" } }"
          f:5:3: found `d` behind the end of the configuration, which is at 4:59; remove the `}` at 4:59, or write the `{` that it closes
        "\"accessLog\" } } }"
          f:7:80: expected a comma or `]`, found `}`: the `[` at 6:9 is still open; remove it
        "\"*.gz\" ] ]"
          f:8:59: expected a comma or `}`, found `]`: the `{` at 8:5 is still open; remove it
        "\"*.1\", \"*.gz\" ]]"
          f:8:58: expected a comma or `}`, found `]`: the `{` at 8:5 is still open; remove it
        "\"*.1\", \"*.gz\" ]"
          f:8:55: expected `:` and a value behind the key, found `]`; write a `[` at 8:41
        "  logs: "
          f:8:5: expected a key, found `{`; write a `[` at 7:5
        "  logs: {"
          f:7:5: expected a key, found `{`; write `[` in place of the `{` at 6:9
        "server_attributes: ["
          f:4:24: expected a value or `]`, found `t`; write `{` in place of the `[` at 4:22
        "// the web host {"
          f:2:3: expected `{`, found `a`; the configuration stands in braces, { ... }: write a `{` before this
        ""
          f:2:3: expected `{`, found `a`; the configuration stands in braces, { ... }: write a `{` before this
        "{{"
          f:1:2: expected a key, found `{`; remove it
        "debug_level => 2"
          f:5:15: expected `:` and a value behind the key, found `=`
        "debug_level\": 2"
          f:5:14: expected `:` and a value behind the key, found `"`; write a quote before the key, too, or none
        "\"k\",\n  server\u{200b}_attributes"
          f:4:9: expected `:` and a value behind the key, found the character U+200B; a key of other characters than letters, digits, $ and _ needs quotes around it
        "\"api_key: \"k\""
          f:3:14: expected `:` and a value behind the key, found `k`; is the closing quote of the key missing?
        "debug_level: None"
          f:5:16: expected a value, found `N`; write null, or leave the key out
        "rename_no_original: on"
          f:8:80: expected a value, found `o`; write true or false
        "<<<<<<< HEAD\n  debug_level: 3,\n=======\n  debug_level: 2,\n>>>>>>> branch\n"
          f:5:1: a conflict of two versions of the file begins here; keep one of them, and remove the lines <<<<<<<, ======= and >>>>>>>
        "---" (all is lost)
          f:1:1: expected `{`, found `-`; the configuration stands in braces, { ... }
        "+ {" (all is lost)
          f:1:1: expected `{`, found `+`; the configuration stands in braces, { ... }
        "[agent]\n" (all is lost)
          f:1:1: expected `{`, found `[`; the configuration stands in braces, { ... }
        "\"accessLog" (all is lost)
          f:7:64: the line ends inside this string: its closing quote is missing; a text over several lines stands in triple quotes, or has \n in place of the line break
        "9900\n}\n{ a: 1 }\n" (all is lost)
          f:15:1: found `{` behind the end of the configuration, which is at 14:1; is a bracket missing or commented out before that?
        "/* the web host" (all is lost)
          f:1:1: the text ends inside this comment: `*/` is missing somewhere behind here
        "/* debug_level: 2," (all is lost)
          f:5:3: the text ends inside this comment: `*/` is missing somewhere behind here
        "\"\"\"coin\"" (all is lost)
          f:11:15: the text ends inside this string: its closing `"""` is missing
    "##]].assert_eq(&all);
}

/// The values at the top, and in the lists: what is beside the mistake is as it was.
#[test]
fn behind_a_mistake_the_other_values_are_as_they_were() {
    let (_, sound) = faults(SOUND);
    let sound: Map<String, Value> = serde_json::from_str(&sound.expect("values")).expect("JSON");
    let different = |(written, mistake): &(&'static str, &'static str)| {
        let Some(values) = faults(&broken(written, mistake)).1 else { return (*mistake, vec!["all"]) };
        let values: Map<String, Value> = serde_json::from_str(&values).expect("JSON");
        let different = sound.iter().filter(|(key, value)| values.get(*key) != Some(value));
        (*mistake, different.map(|(key, _)| key.as_str()).collect())
    };
    let wrong: Vec<_> = MENDABLE.iter().map(different).filter(|(_, keys)| keys.len() > 1 || *keys == ["all"]).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let found: Vec<_> = LOST.iter().map(different).filter(|(_, keys)| *keys != ["all"]).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn many_mistakes_are_told_at_once() {
    let text = "{\n  api_key: k\n  logs: [ { path: '/a' }, ,{ path: /b } ]\n  a-b: 1, c: \"x\n  # why\n  d: 2; e 3, g: \"\\d\", f: [1 2] }";
    let (faults, values) = faults(text);
    expect![[r#"
        f:2:12: expected a value, found `k`; texts need quotes around them
        f:3:27: expected a value, found `,`; remove the comma, or write the value before it
        f:3:36: expected `//` or `/*`, found `/` and `b` behind it; texts need quotes around them
        f:4:4: expected `:` and a value behind the key, found `-`; a key of other characters than letters, digits, $ and _ needs quotes around it
        f:4:14: the line ends inside this string: its closing quote is missing; a text over several lines stands in triple quotes, or has \n in place of the line break
        f:5:3: expected a comma, a line break or `}`, found `#`; comments begin with //
        f:6:7: expected a comma, a line break or `}`, found `;`
        f:6:11: expected `:` and a value behind the key, found `3`
        f:6:18: expected an escape such as \n behind `\`, found `d`; write `\\` for a backslash
        f:6:29: expected a comma, a line break or `]`, found `2`"#]].assert_eq(&faults.join("\n"));
    expect![[r#"{"logs":[{"path":"/a"},{}],"a-b":1,"d":2,"e":3,"g":"\\d","f":[1,2]}"#]]
        .assert_eq(&values.unwrap_or_default());
}

#[test]
fn twenty_faults_are_told_and_then_that_there_are_more() {
    let text = |count| format!("{{\n{}}}", "a: b\n".repeat(count));
    assert_eq!(faults(&text(fault::MAX_FAULTS)).0.len(), fault::MAX_FAULTS);
    let (told, values) = faults(&text(fault::MAX_FAULTS + 1));
    assert_eq!(told.len(), fault::MAX_FAULTS + 1);
    assert_eq!(told[fault::MAX_FAULTS], "f: more follows that cannot be read; it is told when this is mended");
    assert_eq!(values, None);
}
