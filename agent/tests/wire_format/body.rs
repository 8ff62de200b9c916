//! A body of ours, brought to what does not depend on the run: the same session and sequence ids, numbers of log files,
//! folder and time each time.

/// Half past something on 22 November 2026, when the recordings were made: seconds.
pub(super) const TIME: i64 = 1_795_355_310;

/// Replaces all of a text in bytes.
fn replace(bytes: &mut Vec<u8>, from: &[u8], to: &[u8]) {
    let mut result = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    result.extend_from_slice(rest);
    *bytes = result;
}

/// What names are to be replaced by what.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(pub(super) Vec<(String, String)>);

impl Names {
    /// A name is always replaced by the same: the next one that is free when it is new.
    pub(super) fn learn(&mut self, name: &str, prefix: &str, make: impl FnOnce(usize) -> String) {
        if !self.0.iter().any(|(known, _)| known == name) {
            let number = self.0.iter().filter(|(_, made)| made.contains(prefix)).count() + 1;
            self.0.push((name.to_owned(), make(number)));
        }
    }

    /// Puts them in.
    pub(super) fn apply(&self, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        for (from, to) in &self.0 {
            replace(&mut body, from.as_bytes(), to.as_bytes());
        }
        body
    }
}

/// The body with the times of this run, all of which lie behind [`TIME`], set to it.
pub(super) fn at_one_time(body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    for (before, digits, unit) in [(&b"ts:\""[..], 19, 1_000_000_000), (b"client_time: ", 10, 1)] {
        let mut at = 0;
        while let Some(found) = body[at..].windows(before.len()).position(|window| window == before) {
            at += found + before.len();
            let number = body.get(at..at + digits).and_then(|text| std::str::from_utf8(text).ok()?.parse::<i64>().ok());
            if number.is_some_and(|number| (TIME..TIME + 3600).contains(&(number / unit))) {
                let fixed = (TIME * unit).to_string();
                body[at..at + digits].copy_from_slice(fixed.as_bytes());
            }
        }
    }
    body
}

/// As text: what cannot be printed as `\xNN`, an event and a closing part per line, a long row of one letter counted.
pub(super) fn show(body: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = body;
    while let Some((&byte, after)) = rest.split_first() {
        let run = rest.iter().take_while(|other| **other == byte).count();
        if run > 50 {
            text += &format!("{}...({run} in all)", char::from(byte).to_string().repeat(10));
            rest = &rest[run..];
            continue;
        }
        match byte {
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text += &format!("\\x{byte:02x}"),
        }
        rest = after;
    }
    text.replace("{thread:", "\n  {thread:")
        .replace("], logs: [", "],\nlogs: [")
        .replace("], threads: [{", "],\nthreads: [{")
}

/// The names of the fields of each event, in order, as they stand in a body that is [shown](show).
pub(super) fn fields_of_events(shown: &str) -> Vec<Vec<String>> {
    let name = |field: &str| field.split(':').next().unwrap_or_default().trim_start_matches(['{', ' ']).to_owned();
    shown
        .lines()
        .filter_map(|line| line.strip_prefix("  {"))
        .map(|event| {
            let (before, inside) = event.split_once("attrs:").unwrap();
            let (_, behind) = inside.rsplit_once("},").filter(|(_, rest)| !rest.is_empty()).unwrap_or_else(|| {
                // All but the last event of a request have a comma behind them.
                inside.strip_suffix("},").and_then(|inside| inside.rsplit_once("},")).unwrap()
            });
            let behind = behind.split("}]").next().unwrap();
            before
                .split(", ")
                .chain(["attrs:"])
                .chain(behind.split(','))
                .map(name)
                .filter(|it| !it.is_empty())
                .collect()
        })
        .collect()
}
