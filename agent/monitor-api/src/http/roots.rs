//! The certificates that are trusted for https.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use ureq::tls::{PemItem, RootCerts, parse_pem};

use crate::error::{Error, Result};

/// More than any bundle of certificates.
const MOST_BYTES: u64 = 8 << 20;

/// The certificates of a PEM file, as the only roots. `option` is what the user named the file by.
///
/// # Errors
/// When the file cannot be read or holds no certificate; the text names the option and the file.
pub fn read_roots(path: &Path, option: &str) -> Result<RootCerts> {
    let place = path.display();
    let mut pem = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES).read_to_end(&mut pem))
        .map_err(|error| Error::new(format!("cannot read the certificates of `{option}` {place}: {error}")))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(error) => {
                return Err(Error::new(format!("`{option}` {place} is not a PEM file of certificates: {error}")));
            }
        }
    }
    if certificates.is_empty() {
        return Err(Error::new(format!(
            "`{option}` {place} holds no certificate; it must be a PEM file with one or more"
        )));
    }
    Ok(RootCerts::from(certificates))
}
