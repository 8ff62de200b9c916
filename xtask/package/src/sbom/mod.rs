//! The bill of materials beside a package: `PACKAGE.cdx.json`, CycloneDX 1.6 (<https://cyclonedx.org/docs/1.6/json/>).
//!
//! Made of the same crates as the third-party notices, and as reproducible as the package: its time is the source's, and
//! its serial number comes from its content.

mod purl;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use spdx::{Expression, ParseMode};

use crate::crates::{Bundled, CLibrary, Crate, Crates, OfStd, Origin, libc, rust};
use crate::package::Package;

/// What the file is called that belongs to this package's file.
pub(crate) fn file_name(package_file: &str) -> String {
    format!("{package_file}.cdx.json")
}

/// Writes the bill of materials of a package that was written into a file of this name, with this SHA-256 (in small
/// hexadecimal digits).
pub(crate) fn write(package: &Package, package_file: &str, package_file_sha256: &str, crates: &Crates) -> String {
    let mut components: Vec<Value> = crates.list.iter().map(component).collect();
    components.push(standard_library(&crates.rust));
    components.extend(crates.c_library.as_ref().map(c_library));
    let mut bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": time(package.source_date),
            "tools": { "components": [
                { "type": "application", "name": "cargo xtask package", "version": env!("CARGO_PKG_VERSION") },
            ] },
            "component": main_component(package, package_file, package_file_sha256),
        },
        "components": components,
        "dependencies": dependencies(crates),
    });
    let serial = serial_number(&bill.to_string());
    if let Some(fields) = bill.as_object_mut() {
        fields.insert("serialNumber".to_owned(), Value::String(serial));
    }
    format!("{bill:#}\n")
}

/// `2026-11-23T12:24:54Z` of seconds since 1970.
fn time(seconds: u32) -> String {
    // Every u32 is a time of this crate's calendar.
    jiff::Timestamp::from_second(i64::from(seconds)).unwrap_or_default().to_string()
}

/// A UUID of version 8: its bits are those of a hash, so that the same content has the same number.
fn serial_number(content: &str) -> String {
    let hash = Sha256::digest(content);
    let mut bytes = [0_u8; 16];
    bytes.iter_mut().zip(hash).for_each(|(byte, of_hash)| *byte = of_hash);
    bytes[6] = 0x80 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range).unwrap_or_default());
    format!("urn:uuid:{}", parts.join("-"))
}

const PACKAGE: &str = "package";
const RUST: &str = "rust-std";
const C_LIBRARY: &str = "glibc";

fn main_component(package: &Package, file: &str, sha256: &str) -> Value {
    let version = package.version.to_string();
    let monitors = package.monitors.iter().map(|monitor| {
        let name = if monitor.is_local { "scalyr:monitor:local" } else { "scalyr:monitor" };
        json!({ "name": name, "value": format!("{} ({} {})", monitor.name, monitor.krate, monitor.version) })
    });
    json!({
        "bom-ref": PACKAGE,
        "type": "application",
        "name": package.name,
        "version": version,
        "description": "The Scalyr agent: ships logs and metrics of a host to Scalyr / DataSet",
        "licenses": licences("Apache-2.0"),
        "purl": purl::of_file(&package.name, &version, file, sha256),
        "hashes": [{ "alg": "SHA-256", "content": sha256 }],
        "properties": monitors.collect::<Vec<_>>(),
    })
}

fn component(krate: &Crate) -> Value {
    let mut component = json!({
        "bom-ref": reference(krate),
        "type": "library",
        "name": krate.name,
        "version": krate.version,
        // A macro runs in the compiler.
        "scope": if krate.is_macro { "excluded" } else { "required" },
    });
    let mut set = |key: &str, value: Option<Value>| {
        if let (Some(fields), Some(value)) = (component.as_object_mut(), value) {
            fields.insert(key.to_owned(), value);
        }
    };
    set("description", krate.description.as_deref().map(|text| json!(text.trim())));
    set("licenses", krate.licence.as_deref().map(licences));
    set("purl", purl::of_crate(&krate.name, &krate.version, &krate.origin).map(Value::String));
    set("hashes", krate.checksum.as_deref().map(|sum| json!([{ "alg": "SHA-256", "content": sum }])));
    if krate.origin.is_of_others() {
        let authors: Vec<Value> = krate.authors.iter().map(|author| person(author)).collect();
        set("authors", (!authors.is_empty()).then_some(Value::Array(authors)));
        let address = krate.repository.as_deref().filter(|address| address.starts_with("https://"));
        set("externalReferences", address.map(|address| json!([{ "type": "vcs", "url": address }])));
    }
    let bundled: Vec<Value> = krate.bundled.iter().map(|library| nested(krate, library)).collect();
    set("components", (!bundled.is_empty()).then_some(Value::Array(bundled)));
    component
}

/// `Jane Doe <jane@example.com>`, of which the name alone is told: addresses are not for lists.
fn person(author: &str) -> Value {
    json!({ "name": author.split('<').next().unwrap_or(author).trim() })
}

fn reference(krate: &Crate) -> String {
    format!("crate:{}@{}", krate.name, krate.version)
}

fn reference_of_bundled(krate: &Crate, library: &Bundled) -> String {
    format!("{}/{}", reference(krate), library.name)
}

/// A library within a crate.
fn nested(krate: &Crate, library: &Bundled) -> Value {
    let mut nested = json!({
        "bom-ref": reference_of_bundled(krate, library),
        "type": "library",
        "name": library.name,
        "licenses": licences(library.licence),
        "externalReferences": [{ "type": "vcs", "url": library.address }],
    });
    if let (Some(fields), Some(version)) = (nested.as_object_mut(), &library.version) {
        fields.insert("version".to_owned(), json!(version));
        fields.insert("purl".to_owned(), json!(purl::of_library(library.name, version)));
    }
    nested
}

fn standard_library(rust: &rust::Rust) -> Value {
    let mut address = json!({ "type": "vcs", "url": "https://github.com/rust-lang/rust" });
    if let (Some(fields), Some(commit)) = (address.as_object_mut(), &rust.commit) {
        fields.insert("comment".to_owned(), json!(format!("commit {commit}")));
    }
    let nested: Vec<Value> = rust.crates.iter().map(of_standard_library).collect();
    json!({
        "bom-ref": RUST,
        "type": "library",
        "name": RUST,
        "version": rust.version,
        "description": "Rust's standard library",
        "scope": "required",
        "licenses": licences(rust::LICENCE),
        "purl": purl::of_library(RUST, &rust.version),
        "externalReferences": [address],
        "components": nested,
    })
}

fn of_standard_library(krate: &OfStd) -> Value {
    let mut component = json!({
        "bom-ref": format!("{RUST}/{}", krate.name),
        "type": "library",
        "name": krate.name,
    });
    if let Some(fields) = component.as_object_mut() {
        if let Some(licence) = &krate.licence {
            fields.insert("licenses".to_owned(), licences(licence));
        }
        if let Some(version) = &krate.version {
            fields.insert("version".to_owned(), json!(version));
            fields.insert("purl".to_owned(), json!(purl::of_crate(&krate.name, version, &Origin::CratesIo)));
        }
    }
    component
}

fn c_library(library: &CLibrary) -> Value {
    let mut component = json!({
        "bom-ref": C_LIBRARY,
        "type": "library",
        "name": C_LIBRARY,
        "description": "The GNU C Library, linked in statically",
        "scope": "required",
        "licenses": licences(libc::LICENCE),
        "externalReferences": [{ "type": "website", "url": libc::ADDRESS }],
    });
    if let (Some(fields), Some(version)) = (component.as_object_mut(), &library.version) {
        fields.insert("version".to_owned(), json!(version));
        fields.insert("purl".to_owned(), json!(purl::of_library(C_LIBRARY, version)));
    }
    component
}

/// An expression as SPDX writes it; of a text that is none (a user may write anything) its words.
fn licences(expression: &str) -> Value {
    match Expression::parse_mode(expression, ParseMode::LAX) {
        Ok(_) => {
            let canonical = Expression::canonicalize(expression).ok().flatten();
            json!([{ "expression": canonical.as_deref().unwrap_or(expression), "acknowledgement": "declared" }])
        }
        Err(_) => json!([{ "license": { "name": expression, "acknowledgement": "declared" } }]),
    }
}

/// Which component needs which.
fn dependencies(crates: &Crates) -> Vec<Value> {
    const PROGRAM: &str = "agent";
    let mut all = Vec::new();
    let program = crates.list.iter().filter(|krate| krate.name == PROGRAM && krate.origin == Origin::Project);
    let mut of_package: Vec<String> = program.map(reference).collect();
    of_package.push(RUST.to_owned());
    of_package.extend(crates.c_library.is_some().then(|| C_LIBRARY.to_owned()));
    all.push(json!({ "ref": PACKAGE, "dependsOn": of_package }));
    for krate in &crates.list {
        let mut needs: Vec<String> =
            krate.needs.iter().filter_map(|need| crates.list.get(*need)).map(reference).collect();
        needs.extend(krate.bundled.iter().map(|library| reference_of_bundled(krate, library)));
        all.push(json!({ "ref": reference(krate), "dependsOn": needs }));
        all.extend(krate.bundled.iter().map(|library| json!({ "ref": reference_of_bundled(krate, library) })));
    }
    let of_rust: Vec<String> = crates.rust.crates.iter().map(|krate| format!("{RUST}/{}", krate.name)).collect();
    all.extend(of_rust.iter().map(|name| json!({ "ref": name })));
    all.push(json!({ "ref": RUST, "dependsOn": of_rust }));
    all.extend(crates.c_library.is_some().then(|| json!({ "ref": C_LIBRARY })));
    all
}
