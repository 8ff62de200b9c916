//! What went in and out over the network: `proc.net.*`.

use regex::Regex;
use scalyr_monitor::prelude::*;

use super::kernel_file::{KernelFile, Source, text, words};
use super::number::Number;
use super::turn::Turn;
use super::warnings::{Trouble, Warnings};

const NET_DEV: Source = Source { name: "net/dev", metrics: "proc.net.*", limit: 1 << 20 };
const FORM: &str = "NAME: at least 12 numbers";

/// Lines above the columns, with bars between the words.
const HEADING_LINES: usize = 2;

/// Columns for each direction: bytes, packets, errs, drop, fifo, frame (or colls), compressed, multicast.
const DIRECTION_COLUMNS: usize = 8;

/// Of these, the first four are told.
const TOLD: usize = 4;

/// How many interfaces a warning names.
const NAMED: usize = 20;

/// Extra fields of `proc.net.*`.
#[derive(Fields)]
struct Interface<'a> {
    /// `in` or `out`.
    direction: &'static str,
    /// The interface's name.
    iface: &'a str,
}

/// Which interfaces are told, by `network_interface_prefixes` and `network_interface_suffix`.
#[derive(Debug, Default)]
pub(super) struct Filter {
    patterns: Vec<Regex>,
    shown: String,
}

impl Filter {
    /// Names that consist of any of the prefixes with the suffix behind it. All parts are regular expressions.
    ///
    /// # Errors
    /// Every part that is not one, in one text.
    pub(super) fn new(prefixes: &[String], suffix: &str) -> Result<Self> {
        let mut problems = Vec::new();
        let mut check = |option: &str, pattern: &str| {
            let problem = Regex::new(&format!("(?:{pattern})")).err();
            problems.extend(problem.map(|error| format!("{option}: `{pattern}` is not a regular expression: {error}")));
        };
        check("network_interface_suffix", suffix);
        for prefix in prefixes {
            check("network_interface_prefixes", prefix);
        }
        if !problems.is_empty() {
            return Err(Error::new(problems.join("\n")));
        }
        let whole = prefixes.iter().map(|prefix| Regex::new(&format!(r"\A(?:{prefix})(?:{suffix})\z")));
        let patterns = whole.collect::<std::result::Result<_, _>>()?;
        Ok(Self { patterns, shown: format!("{} followed by {suffix}", prefixes.join(" or ")) })
    }

    fn lets_through(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.is_match(name))
    }
}

/// An interface and what it counted.
#[derive(Debug, PartialEq)]
struct Row<'b> {
    name: String,
    incoming: [Number<'b>; TOLD],
    outgoing: [Number<'b>; TOLD],
}

/// Metrics of `/proc/net/dev`.
#[derive(MetricSet)]
#[metrics(category = "Network")]
pub(super) struct InterfaceMetrics {
    /// Bytes through a network interface since boot.
    #[metric(name = "proc.net.bytes", unit = "bytes", cumulative)]
    bytes: Metric<Number<'static>, Interface<'static>>,
    /// Packets through a network interface since boot.
    #[metric(name = "proc.net.packets", cumulative)]
    packets: Metric<Number<'static>, Interface<'static>>,
    /// Errors of a network interface since boot.
    #[metric(name = "proc.net.errs", cumulative)]
    errs: Metric<Number<'static>, Interface<'static>>,
    /// Packets that a network interface dropped since boot.
    #[metric(name = "proc.net.dropped", cumulative)]
    dropped: Metric<Number<'static>, Interface<'static>>,
}

impl InterfaceMetrics {
    pub(super) fn emit(&self, filter: &Filter, turn: &mut Turn<'_>) {
        if filter.patterns.is_empty() {
            return; // an empty list of prefixes asks for no interface
        }
        let Some((file, out, warnings)) = turn.read_of_process(&NET_DEV) else { return };
        let metrics = [self.bytes, self.packets, self.errs, self.dropped];
        for Row { name, incoming, outgoing } in parse(&file, filter, warnings) {
            for ((metric, incoming), outgoing) in metrics.into_iter().zip(incoming).zip(outgoing) {
                out.emit_with(metric, incoming, Interface { direction: "in", iface: &name });
                out.emit_with(metric, outgoing, Interface { direction: "out", iface: &name });
            }
        }
    }
}

fn parse<'b>(file: &KernelFile<'b>, filter: &Filter, warnings: &mut Warnings) -> Vec<Row<'b>> {
    let mut rows = Vec::new();
    let mut others = Vec::new();
    for (at, line) in file.lines().enumerate() {
        if at < HEADING_LINES && line.contains(&b'|') {
            continue;
        }
        match parse_line(line) {
            Some(row) if filter.lets_through(&row.name) => rows.push(row),
            Some(row) => others.push(row.name),
            None => file.odd_line(line, FORM, warnings),
        }
    }
    others.retain(|name| name != "lo");
    if rows.is_empty() && !others.is_empty() {
        warnings.once(NET_DEV.name, Trouble::NothingMatched, || {
            let more = if others.len() > NAMED { ", …" } else { "" };
            others.truncate(NAMED);
            format!(
                "No network interface matches {}, so there is no proc.net.*. This machine has {}{more}; name what you \
                 want with the options network_interface_prefixes and network_interface_suffix.",
                filter.shown,
                others.join(", ")
            )
        });
    }
    rows
}

fn parse_line(line: &[u8]) -> Option<Row<'_>> {
    // Old kernels write no blank behind the colon.
    let colon = line.iter().rposition(|&byte| byte == b':')?;
    let name = line[..colon].trim_ascii();
    let columns: Vec<_> = words(&line[colon + 1..]).collect();
    let direction = |from: usize| -> Option<[Number<'_>; TOLD]> {
        let told: Option<Vec<_>> = columns.get(from..from + TOLD)?.iter().map(|word| Number::parse(word)).collect();
        told?.try_into().ok()
    };
    let row = Row { name: text(name), incoming: direction(0)?, outgoing: direction(DIRECTION_COLUMNS)? };
    (!name.is_empty()).then_some(row)
}

/// Reads any bytes.
#[cfg(test)]
pub(super) fn survive(content: &[u8]) {
    let filter = Filter::new(&[String::new()], ".*").unwrap_or_default();
    parse(&KernelFile::holding(&NET_DEV, content), &filter, &mut Warnings::default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filter(prefixes: &[&str], suffix: &str) -> Filter {
        Filter::new(&prefixes.iter().map(|&prefix| prefix.to_owned()).collect::<Vec<_>>(), suffix).unwrap()
    }

    fn parsed(content: &[u8], filter: &Filter) -> (Vec<String>, Vec<String>) {
        let mut warnings = Warnings::default();
        let rows = parse(&KernelFile::holding(&NET_DEV, content), filter, &mut warnings);
        (rows.into_iter().map(|row| row.name).collect(), warnings.take_fresh())
    }

    fn lines(names: &[&[u8]]) -> Vec<u8> {
        let mut content = b"Inter-|   Receive |  Transmit\n face |bytes packets|bytes packets\n".to_vec();
        for name in names {
            content.extend([name, b":1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n".as_slice()].concat());
        }
        content
    }

    #[test]
    fn a_name_must_match_prefix_and_suffix_completely() {
        let content = lines(&[b"lo", b"  eth0", b"eth1A", b"eth0.5", b"veth0", b"eth", b"etha"]);
        let (names, warned) = parsed(&content, &filter(&["eth"], "[0-9A-Z]+"));
        assert_eq!(names, ["eth0", "eth1A"]);
        assert_eq!(warned, Vec::<String>::new());
        let (names, _) = parsed(&content, &filter(&["veth", "lo"], "[0-9]*"));
        assert_eq!(names, ["lo", "veth0"]);
    }

    #[test]
    fn when_nothing_matches_the_interfaces_that_exist_are_named() {
        let content = lines(&[b"lo", b"ens192", b"wl\xffan0"]);
        let (names, warned) = parsed(&content, &filter(&["eth", "wlan"], "[0-9A-Z]+"));
        assert_eq!(names, Vec::<String>::new());
        let expected = "No network interface matches eth or wlan followed by [0-9A-Z]+, so there is no proc.net.*. \
            This machine has ens192, wl\u{fffd}an0;";
        assert!(warned[0].starts_with(expected), "{}", warned[0]);
    }

    #[test]
    fn a_machine_without_a_network_is_nothing_to_warn_about() {
        assert_eq!(parsed(&lines(&[b"lo"]), &filter(&["eth"], "[0-9A-Z]+")), (vec![], vec![]));
    }

    #[test]
    fn a_line_that_was_cut_off_is_left_out() {
        let content =
            b"eth0: 1 2 3 4 5 6 7 8 9 10 11\neth1: 1 2 3 x 5 6 7 8 9 10 11 12\n: 1\neth2: 1 2 3 4 5 6 7 8 9 10 11 12\n";
        let (names, warned) = parsed(content, &filter(&["eth"], "[0-9A-Z]+"));
        assert_eq!(names, ["eth2"]);
        assert_eq!(warned.len(), 1);
        assert!(warned[0].contains("`eth0: 1 2 3 4 5 6 7 8 9 10 11`"), "{}", warned[0]);
    }

    #[test]
    fn every_part_that_is_no_regular_expression_is_told_at_once() {
        let error = Filter::new(&["eth".to_owned(), "en(".to_owned()], "[0-9").unwrap_err().to_string();
        assert!(error.contains("network_interface_suffix: `[0-9` is not a regular expression"), "{error}");
        assert!(error.contains("network_interface_prefixes: `en(` is not a regular expression"), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(content in proptest::collection::vec(any::<u8>(), 0..300)) {
            let all = filter(&[""], ".*");
            parsed(&content, &all);
            parsed(&[b"eth0: ".as_slice(), &content, b" 1 2 3 4 5 6 7 8 9 10 11 12"].concat(), &all);
        }
    }
}
