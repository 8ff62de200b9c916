//! The key that signs, if there is one: without the feature `sign` there never is.

use crate::arguments::Arguments;

#[cfg(feature = "sign")]
pub(crate) use crate::sign::Key;

/// The key of `--sign`; `variable` is what the environment says as passphrase, `now` seconds since 1970.
///
/// # Errors
/// The file holds no key that can sign now.
#[cfg(feature = "sign")]
pub(crate) fn key(arguments: &Arguments, variable: Option<&str>, now: u32) -> Result<Option<Key>, String> {
    use crate::sign::Passphrase;

    let Some(path) = &arguments.sign else { return Ok(None) };
    let passphrase = match &arguments.passphrase_file {
        Some(file) => {
            let text = std::fs::read_to_string(file);
            Some(text.map_err(|error| format!("--passphrase-file {}: {error}", file.display()))?)
        }
        None => variable.map(str::to_owned),
    };
    let passphrase = passphrase.map(|text| Passphrase::of_text(&text));
    Key::load(path, passphrase.as_ref(), now).map(Some).map_err(|error| error.to_string())
}

/// There is none; [`preflight`](crate::preflight) refuses `--sign`.
#[cfg(not(feature = "sign"))]
#[derive(Debug)]
pub(crate) enum Key {}

#[cfg(not(feature = "sign"))]
impl Key {
    pub(crate) fn detached(&self, _content: &[u8], _source_date: u32) -> Result<String, String> {
        match *self {}
    }

    pub(crate) fn rpm(&self, _file: &[u8], _source_date: u32) -> Result<Vec<u8>, String> {
        match *self {}
    }
}

/// There is none without the feature.
#[cfg(not(feature = "sign"))]
pub(crate) fn key(_arguments: &Arguments, _variable: Option<&str>, _now: u32) -> Result<Option<Key>, String> {
    Ok(None)
}
