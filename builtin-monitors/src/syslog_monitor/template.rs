//! `message_log_template`: a file for each source.

use std::fs;
use std::path::{Component, Path, PathBuf};

use scalyr_monitor::prelude::*;

/// The most characters of a value in a file's name: with all five it stays below the 255 bytes that a name may have.
const LONGEST_VALUE: usize = 48;
/// So many files are looked at in one search.
const MOST_FOUND: usize = 100_000;

/// A path with variables in it.
#[derive(Clone, Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(Variable),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variable {
    Protocol,
    SourceIp,
    DestinationPort,
    HostName,
    AppName,
}

impl Variable {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "PROTO" => Self::Protocol,
            "SRCIP" => Self::SourceIp,
            "DESTPORT" => Self::DestinationPort,
            "HOSTNAME" => Self::HostName,
            "APPNAME" => Self::AppName,
            _ => return None,
        })
    }
}

/// What the variables stand for, fit for a file's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) protocol: String,
    pub(super) source_ip: String,
    pub(super) destination_port: String,
    pub(super) host_name: String,
    pub(super) app_name: String,
}

impl Template {
    /// For the option.
    pub(super) fn check(text: &Option<String>) -> Result<()> {
        text.as_deref().map_or(Ok(()), |text| Self::read(text).map(drop))
    }

    /// # Errors
    /// A variable that is not known, or a `$` that begins none.
    pub(super) fn read(text: &str) -> Result<Self> {
        if text.trim().is_empty() || text.ends_with('/') {
            return Err(Error::new("must end with a file's name"));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('$') {
            push_literal(&mut parts, before);
            if let Some(behind) = behind.strip_prefix('$') {
                push_literal(&mut parts, "$");
                rest = behind;
                continue;
            }
            let (name, behind) = match behind.strip_prefix('{') {
                Some(braced) => braced.split_once('}').unwrap_or((braced, "")),
                None => behind
                    .split_at(behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(behind.len())),
            };
            let variable = Variable::named(name).ok_or_else(|| {
                Error::new(format!("knows no ${name}, but $PROTO, $SRCIP, $DESTPORT, $HOSTNAME, $APPNAME and $$"))
            })?;
            parts.push(Part::Variable(variable));
            rest = behind;
        }
        push_literal(&mut parts, rest);
        Ok(Self { parts })
    }

    /// The path of a source, into a buffer that is emptied before.
    pub(super) fn fill(&self, values: &Values, path: &mut String) {
        path.clear();
        for part in &self.parts {
            path.push_str(match part {
                Part::Literal(text) => text,
                Part::Variable(Variable::Protocol) => &values.protocol,
                Part::Variable(Variable::SourceIp) => &values.source_ip,
                Part::Variable(Variable::DestinationPort) => &values.destination_port,
                Part::Variable(Variable::HostName) => &values.host_name,
                Part::Variable(Variable::AppName) => &values.app_name,
            });
        }
    }

    /// The files below `folder` that can be of this template, rotated ones among them.
    pub(super) fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let mut pattern = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => pattern.push_str(text),
                Part::Variable(_) => pattern.push('\0'),
            }
        }
        let mut places = vec![PathBuf::new()];
        let whole = folder.join(pattern);
        let components: Vec<Component<'_>> = whole.components().collect();
        for (at, component) in components.iter().enumerate() {
            let name = component.as_os_str().to_string_lossy();
            let is_file = at + 1 == components.len();
            if !is_file && !name.contains('\0') {
                places.iter_mut().for_each(|place| place.push(component));
                continue;
            }
            places = places.iter().flat_map(|place| matching(place, &name, is_file)).take(MOST_FOUND).collect();
        }
        places
    }
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Literal(literal)) => literal.push_str(text),
        _ => parts.push(Part::Literal(text.to_owned())),
    }
}

/// What lies in a folder and matches a pattern: files, or else folders.
fn matching(folder: &Path, pattern: &str, is_file: bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let fits = |name: &str| {
        let rotated = name
            .rsplit_once('.')
            .filter(|(_, number)| (1..6).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit()));
        is_like(name, pattern) || (is_file && rotated.is_some_and(|(newest, _)| is_like(newest, pattern)))
    };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| if is_file { kind.is_file() } else { kind.is_dir() }))
        .filter(|entry| entry.file_name().to_str().is_some_and(fits))
        .map(|entry| entry.path())
        .collect()
}

/// Whether a name is the pattern with values in the place of its zero bytes.
fn is_like(name: &str, pattern: &str) -> bool {
    let mut literals = pattern.split('\0');
    let first = literals.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut literals = literals.peekable();
    if literals.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(literal) = literals.next() {
        if literals.peek().is_none() {
            return rest.strip_suffix(literal).is_some_and(|value| value.bytes().all(is_plain));
        }
        let Some(at) = rest.find(literal) else { return false };
        let (value, behind) = rest.split_at(at);
        if !value.bytes().all(is_plain) {
            return false;
        }
        rest = &behind[literal.len()..];
    }
    true
}

/// A value as part of a file's name: nothing in it leads to another folder. `None` for one that is not known.
pub(super) fn plain(value: Option<&[u8]>, plain: &mut String) {
    plain.clear();
    let value = value.unwrap_or(b"None");
    let value = &value[..value.len().min(LONGEST_VALUE)];
    plain.extend(value.iter().map(|&byte| if is_plain(byte) { char::from(byte) } else { '_' }));
    if plain.bytes().all(|byte| byte == b'.') {
        let length = plain.len().max(1);
        plain.clear();
        plain.extend(std::iter::repeat_n('_', length));
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_plain(value: &str) -> String {
        let mut text = String::new();
        plain(Some(value.as_bytes()), &mut text);
        text
    }

    fn filled(template: &str) -> String {
        let values = Values {
            protocol: "tcp".into(),
            source_ip: "127.0.0.1".into(),
            destination_port: "16611".into(),
            host_name: "mymachine".into(),
            app_name: "su".into(),
        };
        let mut path = String::new();
        Template::read(template).unwrap().fill(&values, &mut path);
        path
    }

    #[test]
    fn variables_are_filled_in() {
        assert_eq!(
            filled("slog-$PROTO-$SRCIP-$DESTPORT-$HOSTNAME-$APPNAME.log"),
            "slog-tcp-127.0.0.1-16611-mymachine-su.log"
        );
        assert_eq!(filled("a/${HOSTNAME}_$$x/${APPNAME}"), "a/mymachine_$x/su");
        let told = Template::read("$HOSTNAME-$HOST.log").unwrap_err().to_string();
        assert!(told.starts_with("knows no $HOST, but $PROTO"), "{told}");
        assert!(Template::read("a/").is_err() && Template::read("a$").is_err());
    }

    #[test]
    fn no_value_leads_out_of_its_folder() {
        for (value, expected) in [
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("..", "__"),
            (".", "_"),
            ("", "_"),
            ("::1", "__1"),
            ("a\0b", "a_b"),
        ] {
            assert_eq!(made_plain(value), expected);
        }
        assert_eq!(made_plain(&"x".repeat(1000)).len(), LONGEST_VALUE);
    }

    #[test]
    fn files_of_the_template_are_found_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("host-a/deep")).unwrap();
        for file in ["s-a-b.log", "s-a-b.log.1", "s-a-b.logs", "s-a.log", "x-a-b.log", "agent.log", "host-a/s.log"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let found = |template: &str| {
            let mut files: Vec<_> = Template::read(template).unwrap().files(folder.path());
            files.sort();
            let files = files.iter().map(|file| file.strip_prefix(folder.path()).unwrap().display().to_string());
            files.collect::<Vec<_>>()
        };
        assert_eq!(found("s-$HOSTNAME-$APPNAME.log"), ["s-a-b.log", "s-a-b.log.1"]);
        assert_eq!(found("host-$HOSTNAME/s.log"), ["host-a/s.log"]);
        assert_eq!(found("nowhere/$HOSTNAME"), Vec::<String>::new());
    }
}
