//! A data point: a path, a value and a time, as a metric line has it.

use std::collections::BTreeMap;

use scalyr_monitor::prelude::*;
use scalyr_monitor::sample::DynValue;

/// The extra field with the time that the sender gave.
const TIME: &str = "orig_time";

/// What a tag of the name of that field is written as.
const TAG_OF_THAT_NAME: &str = "orig_time_";

/// A data point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point<'p> {
    path: &'p str,
    value: f64,
    time: f64,
}

impl<'p> Point<'p> {
    /// A point; the time is in seconds since 1970, -1 for now. A value that is no number, or infinite, is one all the same.
    pub(super) fn new(path: &'p str, value: f64, time: f64) -> Result<Self, &'static str> {
        if path.is_empty() {
            return Err("has no path");
        }
        if !time.is_finite() {
            return Err("has a time that is no finite number");
        }
        Ok(Self { path, value, time })
    }

    /// How many bytes the path has.
    pub(super) fn path_length(&self) -> usize {
        self.path.len()
    }

    /// Emits it: the path as the name of the metric, tags as extra fields beside the time.
    pub(super) fn emit(&self, out: &mut Sample) {
        // As carbon does it, which looks at the whole seconds only.
        let time = if self.time.trunc() == -1.0 { seconds(out.clock().now()) } else { self.time };
        let Some((name, tags)) = tagged(self.path) else {
            return out.emit_dynamic(self.path, &self.value, &[(TIME, &time)]);
        };
        let mut fields: Vec<(&str, &dyn DynValue)> = vec![(TIME, &time)];
        fields.extend(tags.iter().map(|(&tag, value)| {
            let tag = if tag == TIME { TAG_OF_THAT_NAME } else { tag };
            (tag, value as &dyn DynValue)
        }));
        out.emit_dynamic(name, &self.value, &fields);
    }
}

/// Name and tags of a path such as `disk.used;host=web;mount=/`; of a tag that is given twice the last one, as in Graphite.
/// `None` for one without tags, or with something between its semicolons that is none: then all of it is the name.
fn tagged(path: &str) -> Option<(&str, BTreeMap<&str, &str>)> {
    let (name, tags) = path.split_once(';').filter(|(name, _)| !name.is_empty())?;
    let tags: Option<BTreeMap<_, _>> =
        tags.split(';').map(|tag| tag.split_once('=').filter(|(key, _)| !key.is_empty())).collect();
    Some((name, tags?))
}

/// Seconds since 1970, to the millisecond.
#[expect(clippy::cast_precision_loss, reason = "milliseconds have their place in a float for 285,000 years")]
fn seconds(time: Timestamp) -> f64 {
    time.as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_from_the_name() {
        let (name, tags) = tagged("disk.used;host=web;mount=/;host=db;empty=;a=b=c").unwrap();
        assert_eq!(name, "disk.used");
        assert_eq!(tags.into_iter().collect::<Vec<_>>(), [("a", "b=c"), ("empty", ""), ("host", "db"), ("mount", "/")]);
        for without in ["disk.used", "a;b", "a;", "a;b=c;", "a;=b", ";a=b", ";"] {
            assert_eq!(tagged(without), None, "{without}");
        }
    }

    #[test]
    fn a_point_has_a_path_and_a_time() {
        assert!(Point::new("a", f64::NAN, 5.0).is_ok());
        assert_eq!(Point::new("", 1.0, 5.0), Err("has no path"));
        for time in [f64::NAN, f64::INFINITY] {
            assert_eq!(Point::new("a", 1.0, time), Err("has a time that is no finite number"));
        }
    }
}
