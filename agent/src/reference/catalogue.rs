//! Metrics in the order and grouping of the reference.

use scalyr_monitor::metric::MetricDecl;

use crate::order;

/// Metrics without a category first, then each category in the order in which it is first met.
pub(super) fn categories<'m>(metrics: &[&'m MetricDecl]) -> Vec<(Option<&'m str>, Vec<&'m MetricDecl>)> {
    let mut groups: Vec<(Option<&str>, Vec<&MetricDecl>)> = Vec::new();
    for metric in metrics {
        match groups.iter_mut().find(|(category, _)| *category == metric.category) {
            Some((_, group)) => group.push(metric),
            None => groups.push((metric.category, vec![metric])),
        }
    }
    order::by_key(&mut groups, |(category, _)| category.is_some());
    groups
}

/// The extra fields of a metric as a line shows them: `type=read`, `host`; sorted, as they are written.
pub(super) fn field_list(metric: &MetricDecl) -> Vec<String> {
    let constants = metric.constants.iter().map(|(name, value)| format!("{name}={value}"));
    let mut fields: Vec<String> = constants.chain(metric.fields.iter().map(|name| (*name).to_owned())).collect();
    order::by(&mut fields, Ord::cmp);
    fields
}

/// The fields that have something to be said about, each once.
pub(super) fn extra_fields<'m>(metrics: &[&'m MetricDecl]) -> Vec<(&'m str, &'m str)> {
    let mut fields = Vec::new();
    for metric in metrics {
        for field in metric.fields.iter().copied().zip(metric.field_docs.iter().copied()) {
            if !field.1.is_empty() && !fields.contains(&field) {
                fields.push(field);
            }
        }
    }
    fields
}

/// What the values count, in words.
pub(super) fn unit(metric: &MetricDecl) -> String {
    let unit = metric.unit.map(|unit| match unit {
        "sec" => "seconds".to_owned(),
        "sec:.001" => "milliseconds".to_owned(),
        "sec:.000001" => "microseconds".to_owned(),
        unit => match unit.split_once(':') {
            Some((unit, scale)) => format!("{unit} × {scale}"),
            None => unit.to_owned(),
        },
    });
    unit.into_iter().chain(metric.cumulative.then(|| "cumulative".to_owned())).collect::<Vec<_>>().join(", ")
}
