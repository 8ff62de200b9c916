//! Keys are made by gpg, and what was signed is judged by gpg and rpm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::*;

/// Seconds since 1970, in 2026 or later: after the keys of these tests were made.
const LATER: u32 = 4_000_000_000;
const SOURCE_DATE: u32 = 1_750_000_000;

/// A folder with keys, and the gpg that manages them.
struct Gpg {
    folder: TempDir,
}

impl Gpg {
    fn new() -> Self {
        // Short: the path of the agent's socket must fit into 108 bytes.
        let folder = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp").unwrap();
        let _ = run(Command::new("chmod").arg("700").arg(folder.path()));
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn gpg(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(self.folder.path());
        command.args(["--batch", "--no-tty", "--pinentry-mode", "loopback"]).args(arguments);
        let output = run(&mut command);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "gpg {arguments:?}: {told}");
        format!("{}{told}", String::from_utf8_lossy(&output.stdout))
    }

    /// Makes a key and exports it into two files.
    fn key(self, algorithm: &str, passphrase: &str, more: &[&str]) -> Self {
        let make =
            ["--passphrase", passphrase, "--quick-generate-key", "Jane Doe <jane@example.com>", algorithm, "sign"];
        let lasts = if more.is_empty() { "never" } else { "1d" };
        self.gpg(&[more, &make, &[lasts]].concat());
        self.export(passphrase);
        self
    }

    fn export(&self, passphrase: &str) {
        let secret = self.path("secret.asc");
        let public = self.path("public.asc");
        let options = ["--yes", "--armor", "--passphrase", passphrase, "--output"];
        self.gpg(&[&options[..], &[secret.to_str().unwrap(), "--export-secret-keys"]].concat());
        self.gpg(&[&options[..], &[public.to_str().unwrap(), "--export"]].concat());
    }

    fn load(&self, passphrase: Option<&str>) -> Result<Key, SignError> {
        Key::load(&self.path("secret.asc"), passphrase.map(Passphrase::of_text).as_ref(), LATER)
    }
}

impl Drop for Gpg {
    /// gpg starts an agent, which would stay.
    fn drop(&mut self) {
        let _ = run(Command::new("gpgconf").arg("--homedir").arg(self.folder.path()).args(["--kill", "all"]));
    }
}

fn run(command: &mut Command) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.env("LC_ALL", "C").stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("{name}: {error}; these tests need `apt-get install gnupg rpm`"))
}

/// A little package.
fn package() -> Vec<u8> {
    let mut builder = rpm::PackageBuilder::new("snow", "1.0", "Apache-2.0", "noarch", "Measures snow.");
    builder.using_config(rpm::BuildConfig::v4().source_date(SOURCE_DATE)).build_host("localhost");
    builder.with_file_contents("deep", rpm::FileOptions::new("/usr/share/snow").permissions(0o644)).unwrap();
    let mut written = Vec::new();
    builder.build().unwrap().write(&mut written).unwrap();
    written
}

/// What `rpm -K` says of a file, with these public keys known.
fn rpm_says(folder: &Path, keys: &Path, file: &Path) -> String {
    let database = folder.join("rpmdb");
    fs::create_dir_all(&database).unwrap();
    let told = run(Command::new("rpmkeys").arg("--dbpath").arg(&database).arg("--import").arg(keys));
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told = run(Command::new("rpm").arg("--dbpath").arg(&database).args(["-K", "-v"]).arg(file));
    format!("{}{}", String::from_utf8_lossy(&told.stdout), told.status)
}

#[test]
fn gpg_and_rpm_take_the_signatures_of_the_usual_kinds_of_keys() {
    for algorithm in ["rsa3072", "ed25519"] {
        let gpg = Gpg::new().key(algorithm, "", &[]);
        let key = gpg.load(None).unwrap();
        assert!(key.name.starts_with("Jane Doe <jane@example.com> ("), "{}", key.name);

        let (file, signature) = (gpg.path("a.deb"), gpg.path("a.deb.asc"));
        fs::write(&file, b"a package").unwrap();
        let signed = key.detached(b"a package", SOURCE_DATE).unwrap();
        assert!(signed.starts_with("-----BEGIN PGP SIGNATURE-----\n"), "{signed}");
        fs::write(&signature, &signed).unwrap();
        let told = gpg.gpg(&["--verify", signature.to_str().unwrap(), file.to_str().unwrap()]);
        assert!(told.contains("Good signature from \"Jane Doe <jane@example.com>\""), "{told}");

        let signed = key.rpm(&package(), SOURCE_DATE).unwrap();
        fs::write(gpg.path("snow.rpm"), &signed).unwrap();
        let told = rpm_says(gpg.folder.path(), &gpg.path("public.asc"), &gpg.path("snow.rpm"));
        assert!(
            told.contains("Signature, key ID") && told.contains(": OK") && told.contains("exit status: 0"),
            "{told}"
        );
        assert!(!told.contains("NOT OK") && !told.contains("NOKEY"), "{told}");
    }
}

#[test]
fn what_was_changed_after_signing_is_noticed() {
    let gpg = Gpg::new().key("ed25519", "", &[]);
    let key = gpg.load(None).unwrap();
    let (file, signature) = (gpg.path("a.deb"), gpg.path("a.deb.asc"));
    fs::write(&file, b"another package").unwrap();
    fs::write(&signature, key.detached(b"a package", SOURCE_DATE).unwrap()).unwrap();
    let told =
        run(Command::new("gpg").arg("--homedir").arg(gpg.folder.path()).arg("--verify").arg(&signature).arg(&file));
    assert!(String::from_utf8_lossy(&told.stderr).contains("BAD signature") && !told.status.success());
}

#[test]
fn the_same_package_signed_twice_has_the_same_bytes() {
    for algorithm in ["rsa3072", "ed25519"] {
        let gpg = Gpg::new().key(algorithm, "", &[]);
        let (key, again) = (gpg.load(None).unwrap(), gpg.load(None).unwrap());
        assert_eq!(key.rpm(&package(), SOURCE_DATE).unwrap(), again.rpm(&package(), SOURCE_DATE).unwrap());
        assert_eq!(key.detached(b"a", SOURCE_DATE).unwrap(), again.detached(b"a", SOURCE_DATE).unwrap());
    }
}

#[test]
fn a_key_with_a_passphrase_wants_the_right_one_and_never_tells_it() {
    let gpg = Gpg::new().key("ed25519", "open sesame", &[]);
    let missing = gpg.load(None).unwrap_err().to_string();
    assert!(missing.contains("--passphrase-file FILE") && missing.contains("SCALYR_SIGN_PASSPHRASE"), "{missing}");
    let wrong = gpg.load(Some("open barley")).unwrap_err().to_string();
    assert!(wrong.contains("the passphrase does not open the key Jane Doe") && !wrong.contains("barley"), "{wrong}");
    let key = gpg.load(Some("open sesame\n")).unwrap();
    assert!(key.detached(b"a", SOURCE_DATE).is_ok() && key.rpm(&package(), SOURCE_DATE).is_ok());
    assert!(!format!("{:?}", Passphrase::of_text("open sesame")).contains("sesame"));
}

#[test]
fn a_subkey_that_may_sign_is_taken_before_the_primary_key() {
    let gpg = Gpg::new().key("ed25519", "", &[]);
    let primary = gpg.load(None).unwrap().name;
    let fingerprint = primary.rsplit(['(', ')']).nth(1).unwrap();
    gpg.gpg(&["--passphrase", "", "--quick-add-key", fingerprint, "ed25519", "sign", "never"]);
    gpg.export("");
    let key = gpg.load(None).unwrap();
    assert_ne!(key.name, primary);
    // The usual way on a machine that signs: the primary key stays elsewhere.
    let subkeys = gpg.path("secret.asc");
    gpg.gpg(&["--yes", "--armor", "--output", subkeys.to_str().unwrap(), "--export-secret-subkeys"]);
    assert_eq!(gpg.load(None).unwrap().name, key.name);
    let key = gpg.load(None).unwrap();
    fs::write(gpg.path("a"), b"a").unwrap();
    fs::write(gpg.path("a.asc"), key.detached(b"a", SOURCE_DATE).unwrap()).unwrap();
    let told = gpg.gpg(&["--verify", gpg.path("a.asc").to_str().unwrap(), gpg.path("a").to_str().unwrap()]);
    assert!(told.contains("Good signature"), "{told}");
}

#[test]
fn a_key_that_expired_says_when() {
    let gpg = Gpg::new().key("ed25519", "", &["--faked-system-time", "20200101T000000"]);
    let told = gpg.load(None).unwrap_err().to_string();
    assert!(told.contains("Jane Doe <jane@example.com> (") && told.contains("expired at 2020-01-"), "{told}");
    assert!(told.contains("gpg --quick-set-expire"), "{told}");
}

#[test]
fn a_key_that_was_revoked_says_so() {
    let gpg = Gpg::new().key("ed25519", "", &[]);
    let name = gpg.load(None).unwrap().name;
    let fingerprint = name.rsplit(['(', ')']).nth(1).unwrap();
    // gpg writes it with a `:` in front, so that nobody imports it unawares.
    let revocation = gpg.path(&format!("openpgp-revocs.d/{fingerprint}.rev"));
    let text = fs::read_to_string(&revocation).unwrap().replace(":-----BEGIN", "-----BEGIN");
    fs::write(&revocation, text).unwrap();
    gpg.gpg(&["--import", revocation.to_str().unwrap()]);
    gpg.export("");
    let told = gpg.load(None).unwrap_err().to_string();
    assert!(told.contains(&format!("{name} was revoked")), "{told}");
}

#[test]
fn what_is_no_secret_key_is_told() {
    let gpg = Gpg::new().key("ed25519", "", &[]);
    let told = |name: &str| Key::load(&gpg.path(name), None, LATER).unwrap_err().to_string();
    assert!(told("public.asc").contains("this is a public key"), "{}", told("public.asc"));
    assert!(told("none.asc").contains("No such file"), "{}", told("none.asc"));
    fs::write(gpg.path("letter"), "Dear Jane").unwrap();
    assert!(told("letter").contains("-----BEGIN PGP PRIVATE KEY BLOCK-----"), "{}", told("letter"));
    fs::write(gpg.path("binary"), [0xff, 0xfe]).unwrap();
    assert!(told("binary").contains("gpg --armor --export-secret-keys"), "{}", told("binary"));
    let torn = fs::read_to_string(gpg.path("secret.asc")).unwrap();
    fs::write(gpg.path("torn"), torn.get(..torn.len() / 2).unwrap()).unwrap();
    assert!(told("torn").contains("--sign "), "{}", told("torn"));
}
