//! Takes the key that signs out of a file, and says why it cannot if it cannot.

use std::fs;
use std::path::Path;

use pgp::composed::{Deserializable as _, SignedSecretKey};
use pgp::packet::{SecretKey, SecretSubkey, Signature, SignatureType};
use pgp::types::{KeyDetails as _, Password};
use rpm::signature::pgp::Signer;

use super::{Passphrase, SignError};

/// A secret key that can sign now.
#[derive(Debug)]
pub(crate) struct Key {
    pub(super) signer: Signer,
    /// Whose it is and its fingerprint: `Jane Doe <jane@example.com> (ABCD…)`.
    pub(crate) name: String,
    /// When it was made, in seconds since 1970.
    pub(super) created: u32,
}

/// A key of the file, which may be a subkey.
struct Candidate<'a> {
    secret: Secret<'a>,
    name: String,
    created: u32,
    /// Seconds after it was made.
    expires_after: Option<u32>,
    is_revoked: bool,
    may_sign: bool,
}

enum Secret<'a> {
    Primary(&'a SecretKey),
    Sub(&'a SecretSubkey),
}

impl Key {
    /// Reads the file of an armored secret key; `now` (seconds since 1970) decides what has expired.
    ///
    /// Of several keys in it the newest subkey that may sign is taken, as gpg does, or else the first primary key.
    pub(crate) fn load(path: &Path, passphrase: Option<&Passphrase>, now: u32) -> Result<Self, SignError> {
        let told = || path.display().to_string();
        let text = fs::read(path).map_err(|error| SignError::Read { path: told(), error })?;
        let text = String::from_utf8(text).map_err(|_| SignError::NoKey { path: told() })?;
        if !text.contains("-----BEGIN PGP PRIVATE KEY BLOCK-----") {
            let is_public = text.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----");
            let path = told();
            return Err(if is_public { SignError::Public { path } } else { SignError::NoKey { path } });
        }
        let broken = |error: &dyn std::fmt::Display| SignError::Broken { path: told(), why: error.to_string() };
        let (keys, _) = SignedSecretKey::from_string_many(&text).map_err(|error| broken(&error))?;
        let keys = keys.collect::<Result<Vec<_>, _>>().map_err(|error| broken(&error))?;
        for key in &keys {
            key.verify_bindings().map_err(|error| broken(&error))?;
        }
        let chosen = choose(&keys, now).map_err(|why| SignError::Unusable { path: told(), why })?;
        chosen.open(passphrase, &told())?;
        let signer = Signer::from_asc(&text).map_err(|error| broken(&error))?;
        let mut signer = signer.with_signing_key(&chosen.secret.fingerprint()).map_err(|error| broken(&error))?;
        if let Some(passphrase) = passphrase {
            signer = signer.with_key_passphrase(passphrase.0.clone());
        }
        Ok(Self { signer, name: chosen.name, created: chosen.created })
    }
}

/// The key to sign with, or for each why it cannot.
fn choose(keys: &[SignedSecretKey], now: u32) -> Result<Candidate<'_>, Vec<String>> {
    let mut refused = Vec::new();
    let mut usable: Option<Candidate<'_>> = None;
    for key in keys {
        let (primary, subkeys) = candidates(key);
        if let Some(why) = primary.refusal(now) {
            // What a primary key vouches for holds no longer than itself.
            refused.push(format!("{} {why}", primary.name));
            continue;
        }
        for candidate in subkeys.into_iter().chain([primary]).filter(|candidate| candidate.may_sign) {
            let is_newer =
                |other: &Candidate<'_>| candidate.is_sub() && (!other.is_sub() || candidate.created > other.created);
            match candidate.refusal(now) {
                Some(why) => refused.push(format!("{} {why}", candidate.name)),
                None if usable.as_ref().is_none_or(is_newer) => usable = Some(candidate),
                None => {}
            }
        }
    }
    if refused.is_empty() {
        refused.push("it is for encryption only".to_owned());
    }
    usable.ok_or(refused)
}

/// The primary key, and its subkeys whose secret parts are there.
fn candidates(key: &SignedSecretKey) -> (Candidate<'_>, Vec<Candidate<'_>>) {
    let users = || key.details.users.iter();
    let owner = users().next().map_or_else(String::new, |user| format!("{} ", String::from_utf8_lossy(user.id.id())));
    let name = |fingerprint: &[u8]| {
        let hex: String = fingerprint.iter().map(|byte| format!("{byte:02X}")).collect();
        format!("{owner}({hex})")
    };
    let own: Vec<&Signature> =
        key.details.direct_signatures.iter().chain(users().flat_map(|user| &user.signatures)).collect();
    let secret = Secret::Primary(&key.primary_key);
    let primary = Candidate {
        name: name(&secret.fingerprint()),
        created: key.primary_key.created_at().as_secs(),
        expires_after: latest(&own).and_then(Signature::key_expiration_time).map(pgp::types::Duration::as_secs),
        is_revoked: !key.details.revocation_signatures.is_empty(),
        may_sign: latest(&own).is_some_and(|signature| signature.key_flags().sign()),
        secret,
    };
    let subkeys = key.secret_subkeys.iter().map(|subkey| {
        let is_revocation = |signature: &&Signature| signature.typ() == Some(SignatureType::SubkeyRevocation);
        let bindings: Vec<&Signature> = subkey.signatures.iter().filter(|one| !is_revocation(one)).collect();
        let secret = Secret::Sub(&subkey.key);
        Candidate {
            name: name(&secret.fingerprint()),
            created: subkey.key.created_at().as_secs(),
            expires_after: latest(&bindings)
                .and_then(Signature::key_expiration_time)
                .map(pgp::types::Duration::as_secs),
            is_revoked: subkey.signatures.iter().any(|signature| is_revocation(&signature)),
            may_sign: latest(&bindings).is_some_and(|signature| signature.key_flags().sign()),
            secret,
        }
    });
    (primary, subkeys.collect())
}

/// The newest signature: an owner who prolongs a key adds one.
fn latest<'a>(signatures: &[&'a Signature]) -> Option<&'a Signature> {
    signatures.iter().copied().max_by_key(|signature| signature.created().map(pgp::types::Timestamp::as_secs))
}

/// `2026-11-23T12:24:54Z` of seconds since 1970.
fn time(seconds: u32) -> String {
    jiff::Timestamp::from_second(i64::from(seconds)).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

impl Secret<'_> {
    fn fingerprint(&self) -> Vec<u8> {
        match self {
            Self::Primary(key) => key.fingerprint().as_bytes().to_vec(),
            Self::Sub(key) => key.fingerprint().as_bytes().to_vec(),
        }
    }
}

impl Candidate<'_> {
    fn is_sub(&self) -> bool {
        matches!(self.secret, Secret::Sub(_))
    }

    /// Why it cannot sign at this time.
    fn refusal(&self, now: u32) -> Option<String> {
        if self.is_revoked {
            return Some("was revoked".to_owned());
        }
        if self.created > now {
            return Some(format!("was made at {}, which is in the future", time(self.created)));
        }
        let end = self.created.checked_add(self.expires_after.filter(|after| *after > 0)?)?;
        let told = || format!("expired at {}; `gpg --quick-set-expire` prolongs it", time(end));
        (end <= now).then(told)
    }

    /// Whether the passphrase opens it.
    fn open(&self, passphrase: Option<&Passphrase>, path: &str) -> Result<(), SignError> {
        let (path, key) = (path.to_owned(), self.name.clone());
        let is_protected = match self.secret {
            Secret::Primary(key) => key.secret_params().is_encrypted(),
            Secret::Sub(key) => key.secret_params().is_encrypted(),
        };
        if !is_protected {
            return Ok(());
        }
        let Some(passphrase) = passphrase else { return Err(SignError::NoPassphrase { path, key }) };
        let password = Password::from(passphrase.0.as_str());
        let opened = match self.secret {
            Secret::Primary(key) => key.unlock(&password, |_, _| Ok(())),
            Secret::Sub(key) => key.unlock(&password, |_, _| Ok(())),
        };
        match opened {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(SignError::WrongPassphrase { path, key }),
        }
    }
}
