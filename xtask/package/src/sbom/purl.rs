//! Package URLs: names of packages that hold everywhere (<https://github.com/package-url/purl-spec>).

use std::fmt::Write as _;

use crate::crates::Origin;

/// Of a crate; none for one that no registry has.
pub(super) fn of_crate(name: &str, version: &str, origin: &Origin) -> Option<String> {
    let plain = format!("pkg:cargo/{}@{}", encoded(name), encoded(version));
    match origin {
        Origin::CratesIo => Some(plain),
        Origin::Elsewhere(source) if source.starts_with("git+") => Some(format!("{plain}?vcs_url={}", encoded(source))),
        Origin::Elsewhere(source) => {
            let address = source.split_once('+').map_or(source.as_str(), |(_, address)| address);
            Some(format!("{plain}?repository_url={}", encoded(address)))
        }
        Origin::Project | Origin::User => None,
    }
}

/// Of a package in a file. Not of type `deb` or `rpm`: these name a distribution that has the package.
pub(super) fn of_file(name: &str, version: &str, file: &str, sha256: &str) -> String {
    let (name, version, file) = (encoded(name), encoded(version), encoded(file));
    format!("pkg:generic/{name}@{version}?checksum=sha256:{sha256}&file_name={file}")
}

/// Of a library that no registry has.
pub(super) fn of_library(name: &str, version: &str) -> String {
    format!("pkg:generic/{}@{}", encoded(name), encoded(version))
}

/// With `%2B` for each `+` and the like.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_named_by_where_they_come_from() {
        let of = |origin: &Origin| of_crate("zstd-sys", "2.1.3+zstd.1.5.7", origin);
        assert_eq!(of(&Origin::CratesIo).unwrap(), "pkg:cargo/zstd-sys@2.1.3%2Bzstd.1.5.7");
        let git = Origin::Elsewhere("git+https://a.b/c#0123".to_owned());
        let expected = "pkg:cargo/zstd-sys@2.1.3%2Bzstd.1.5.7?vcs_url=git%2Bhttps%3A%2F%2Fa.b%2Fc%230123";
        assert_eq!(of(&git).unwrap(), expected);
        assert_eq!(of(&Origin::User), None);
    }

    #[test]
    fn a_package_is_named_with_its_checksum() {
        let expected = "pkg:generic/agent@0.2.0~rc.1-1?checksum=sha256:ab&file_name=agent_0.2.0~rc.1-1_amd64.deb";
        assert_eq!(of_file("agent", "0.2.0~rc.1-1", "agent_0.2.0~rc.1-1_amd64.deb", "ab"), expected);
    }
}
