//! Signs what was written, with the feature `sign`: packages for rpm have the signature inside, everything else gets a
//! file `NAME.asc` beside it, which `gpg --verify` takes.
//!
//! The time of a signature is that of the sources, or when the key was made if that is later (an older signature would be
//! refused). Together with keys of RSA or Ed25519, whose signatures hold nothing by chance, the same package signed twice
//! gives the same bytes.

mod key;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Cursor;

use pgp::armor::{self, BlockType};
use pgp::packet::{Packet, PacketParser};
use rpm::signature::Signing as _;

pub(crate) use key::Key;

/// The environment variable with the passphrase of a key.
pub(crate) const PASSPHRASE: &str = "SCALYR_SIGN_PASSPHRASE";

/// What opens a key. It is in no message and no log.
#[derive(Clone)]
pub(crate) struct Passphrase(String);

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl Passphrase {
    /// The first line of a file, or the value of [`PASSPHRASE`].
    pub(crate) fn of_text(text: &str) -> Self {
        Self(text.lines().next().unwrap_or_default().to_owned())
    }
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    #[error("--sign {path}: {error}")]
    Read { path: String, error: std::io::Error },
    #[error(
        "--sign {path}: this is a public key, which can only verify. The secret one is written by \
         `gpg --armor --export-secret-keys NAME`"
    )]
    Public { path: String },
    #[error(
        "--sign {path}: no armored secret key, which begins with `-----BEGIN PGP PRIVATE KEY BLOCK-----`. It is written by \
         `gpg --armor --export-secret-keys NAME`"
    )]
    NoKey { path: String },
    #[error("--sign {path}: the key cannot be read: {why}")]
    Broken { path: String, why: String },
    #[error("--sign {path}: no key in it can sign now:\n{}", .why.join("\n"))]
    Unusable { path: String, why: Vec<String> },
    #[error(
        "--sign {path}: the key {key} is protected by a passphrase; put it into a file and name that with \
         `--passphrase-file FILE`, or into the environment variable {PASSPHRASE}"
    )]
    NoPassphrase { path: String, key: String },
    #[error("--sign {path}: the passphrase does not open the key {key}")]
    WrongPassphrase { path: String, key: String },
    #[error("signing with the key {key} failed: {why}")]
    Failed { key: String, why: String },
}

impl Key {
    /// A detached signature of a file with this content, as text: what belongs into `NAME.asc`.
    pub(crate) fn detached(&self, content: &[u8], source_date: u32) -> Result<String, SignError> {
        let time = rpm::Timestamp(self.time(source_date));
        let packet = self.signer.sign(content, time).map_err(|error| self.failed(error))?;
        let mut packets = PacketParser::new(Cursor::new(packet));
        let Some(Ok(Packet::Signature(signature))) = packets.next() else {
            return Err(self.failed("what was written is no signature"));
        };
        let mut text = Vec::new();
        let signature = pgp::composed::DetachedSignature::new(signature);
        armor::write(&signature, BlockType::Signature, &mut text, None, true).map_err(|error| self.failed(error))?;
        String::from_utf8(text).map_err(|error| self.failed(error))
    }

    /// The package for rpm in this file, with the signature inside.
    pub(crate) fn rpm(&self, file: &[u8], source_date: u32) -> Result<Vec<u8>, SignError> {
        let mut package = rpm::Package::parse(&mut Cursor::new(file)).map_err(|error| self.failed(error))?;
        package.sign_with_timestamp(&self.signer, self.time(source_date)).map_err(|error| self.failed(error))?;
        let mut signed = Vec::new();
        package.write(&mut signed).map_err(|error| self.failed(error))?;
        Ok(signed)
    }

    fn time(&self, source_date: u32) -> u32 {
        source_date.max(self.created)
    }

    fn failed(&self, why: impl fmt::Display) -> SignError {
        SignError::Failed { key: self.name.clone(), why: why.to_string() }
    }
}
