//! Which samples the user wants.

use std::collections::BTreeMap;

use scalyr_monitor::config::Glob;

use super::line::Label;

/// Label → patterns of its values.
pub(super) type LabelValues = BTreeMap<String, Vec<Glob>>;

/// The three lists.
#[derive(Debug, Default)]
pub(super) struct Filter {
    include: Vec<Glob>,
    exclude: Vec<Glob>,
    by_labels: BTreeMap<String, LabelValues>,
    takes_all: bool,
}

/// What the name of a metric says about its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Taken,
    LeftOut,
    /// The labels decide.
    ByLabels,
}

/// The key of label patterns that are for every metric.
const EVERY_METRIC: &str = "*";

impl Filter {
    pub(super) fn new(include: &[Glob], exclude: &[Glob], by_labels: &BTreeMap<String, LabelValues>) -> Self {
        let includes_all = include.iter().any(|glob| glob.as_str() == "*");
        Self {
            takes_all: includes_all && exclude.is_empty() && by_labels.is_empty(),
            include: include.to_vec(),
            exclude: exclude.to_vec(),
            by_labels: by_labels.clone(),
        }
    }

    /// Whether nothing at all can pass.
    pub(super) fn takes_nothing(&self) -> bool {
        self.include.is_empty() && self.by_labels.values().flat_map(BTreeMap::values).all(Vec::is_empty)
    }

    /// Judges a name, as the exposition spells it and as it is written: a pattern may mean either.
    pub(super) fn judge(&self, names: [&str; 2]) -> Verdict {
        let hits = |globs: &[Glob]| globs.iter().any(|glob| names.iter().any(|name| glob.matches(name)));
        match () {
            () if self.takes_all => Verdict::Taken,
            () if hits(&self.exclude) => Verdict::LeftOut,
            () if hits(&self.include) => Verdict::Taken,
            () if self.label_values(names).next().is_some() => Verdict::ByLabels,
            () => Verdict::LeftOut,
        }
    }

    /// Whether one of the labels has a value that is asked for.
    pub(super) fn takes_labels(&self, names: [&str; 2], labels: &[Label<'_>]) -> bool {
        self.label_values(names).any(|wanted| {
            let is_wanted = |(name, value): &Label<'_>| {
                wanted.get(name.as_ref()).is_some_and(|globs| globs.iter().any(|glob| glob.matches(value)))
            };
            labels.iter().any(is_wanted)
        })
    }

    fn label_values<'f>(&'f self, [spelled, written]: [&'f str; 2]) -> impl Iterator<Item = &'f LabelValues> {
        let second = (spelled != written).then_some(written);
        let keys = [Some(spelled), second, Some(EVERY_METRIC)];
        keys.into_iter().flatten().filter_map(|key| self.by_labels.get(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(patterns: &[&str]) -> Vec<Glob> {
        patterns.iter().map(|pattern| Glob::new(pattern)).collect()
    }

    fn by_labels(metric: &str, label: &str, patterns: &[&str]) -> BTreeMap<String, LabelValues> {
        BTreeMap::from([(metric.to_owned(), BTreeMap::from([(label.to_owned(), globs(patterns))]))])
    }

    fn takes(filter: &Filter, name: &str, labels: &[(&str, &str)]) -> bool {
        let labels: Vec<Label<'_>> = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let written = name.to_ascii_lowercase();
        match filter.judge([name, &written]) {
            Verdict::Taken => true,
            Verdict::LeftOut => false,
            Verdict::ByLabels => filter.takes_labels([name, &written], &labels),
        }
    }

    #[test]
    fn everything_passes_when_nothing_is_said() {
        let filter = Filter::new(&globs(&["*"]), &[], &BTreeMap::new());
        assert!(takes(&filter, "anything", &[]) && !filter.takes_nothing());
    }

    #[test]
    fn what_is_excluded_wins() {
        let filter = Filter::new(&globs(&["node_*"]), &globs(&["*_errors_*"]), &by_labels("*", "dev", &["eth?"]));
        assert!(takes(&filter, "node_load1", &[]));
        assert!(!takes(&filter, "go_threads", &[]));
        assert!(!takes(&filter, "node_errors_total", &[("dev", "eth0")]));
        assert!(takes(&filter, "go_threads", &[("dev", "eth0")]), "any of the two lists will do");
        assert!(!takes(&filter, "go_threads", &[("dev", "lo")]));
    }

    #[test]
    fn labels_are_filtered_alone_when_no_name_is_included() {
        let filter = Filter::new(&[], &[], &by_labels("requests", "code", &["5*", "404"]));
        assert!(takes(&filter, "requests", &[("method", "get"), ("code", "503")]));
        assert!(takes(&filter, "requests", &[("code", "404")]));
        assert!(!takes(&filter, "requests", &[("code", "200")]));
        assert!(!takes(&filter, "requests", &[]));
        assert!(!takes(&filter, "others", &[("code", "503")]));
        assert!(!filter.takes_nothing());
    }

    #[test]
    fn a_name_is_matched_as_it_is_spelled_and_as_it_is_written() {
        let filter = Filter::new(&globs(&["process_CPU*", "jvm_gc"]), &[], &by_labels("JVM_Mem", "area", &["heap"]));
        assert!(takes(&filter, "process_CPU_seconds", &[]) && takes(&filter, "JVM_GC", &[]));
        assert!(takes(&filter, "JVM_Mem", &[("area", "heap")]));
    }

    #[test]
    fn three_empty_lists_let_nothing_pass() {
        let filter = Filter::new(&[], &[], &by_labels("*", "a", &[]));
        assert!(filter.takes_nothing() && !takes(&filter, "a", &[("a", "b")]));
    }
}
