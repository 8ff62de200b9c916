//! What package managers run when the package comes, changes and goes; and the script of init.
//!
//! The texts are files of their own, for `sh`. What several need is in `shared/`; each script is put together of the parts
//! that it uses, as there is nothing installed yet, or any more, that it could read them from.

#[cfg(test)]
mod tests;

use crate::package::Package;
use crate::tree::{Kind, Role};

/// `/etc/init.d/scalyr-agent-2`.
pub(crate) const INIT: &str = include_str!("init.sh");

/// The maintainer scripts of a .deb.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct DebScripts {
    pub(crate) preinst: String,
    pub(crate) postinst: String,
    pub(crate) prerm: String,
    pub(crate) postrm: String,
}

/// The scriptlets of an .rpm, for `/bin/sh`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct RpmScripts {
    pub(crate) pre: String,
    pub(crate) post: String,
    pub(crate) preun: String,
    pub(crate) postun: String,
    pub(crate) posttrans: String,
}

const PLACES: &str = include_str!("shared/places.sh");
const SERVICE: &str = include_str!("shared/service.sh");
const CHECK: &str = include_str!("shared/check.sh");
const SETTLE: &str = include_str!("shared/settle.sh");
const LOST: &str = include_str!("shared/lost.sh");
const OFFER: &str = include_str!("deb/offer.sh");
const PUT_BACK: &str = include_str!("deb/put_back.sh");
const DEB_ENABLE: &str = include_str!("deb/enable.sh");
const OWNERS: &str = include_str!("rpm/owners.sh");
const RPM_ENABLE: &str = include_str!("rpm/enable.sh");

/// The scripts of this package as a .deb.
pub(crate) fn for_deb(package: &Package) -> DebScripts {
    let script = |parts: &[&str]| {
        filled(parts, package, "apt-mark hold").replace("@OFFERS@", &offers(package)).replace("@KEPT@", &kept(package))
    };
    DebScripts {
        preinst: script(&[PLACES, LOST, OFFER, include_str!("deb/preinst.sh")]),
        postinst: script(&[PLACES, SERVICE, CHECK, SETTLE, PUT_BACK, DEB_ENABLE, include_str!("deb/postinst.sh")]),
        prerm: script(&[PLACES, SERVICE, include_str!("deb/prerm.sh")]),
        postrm: script(&[PLACES, SERVICE, PUT_BACK, include_str!("deb/postrm.sh")]),
    }
}

/// The scripts of this package as an .rpm.
pub(crate) fn for_rpm(package: &Package) -> RpmScripts {
    let script = |parts: &[&str]| filled(parts, package, "dnf versionlock add");
    RpmScripts {
        pre: script(&[PLACES, SERVICE, LOST, OWNERS, include_str!("rpm/pre.sh")]),
        post: script(&[PLACES, SERVICE, CHECK, OWNERS, include_str!("rpm/post.sh")]),
        preun: script(&[PLACES, SERVICE, RPM_ENABLE, include_str!("rpm/preun.sh")]),
        postun: script(&[PLACES, SERVICE, include_str!("rpm/postun.sh")]),
        posttrans: script(&[PLACES, SERVICE, CHECK, SETTLE, RPM_ENABLE, include_str!("rpm/posttrans.sh")]),
    }
}

/// The parts as one script, with what differs from package to package in its place.
fn filled(parts: &[&str], package: &Package, hold: &str) -> String {
    let names: Vec<&str> = package.monitors.iter().map(|monitor| monitor.name.as_str()).collect();
    let text = format!("#!/bin/sh\nset -e\n\n{}", parts.join("\n"));
    text.replace("'@PACKAGE@'", &quoted(&package.name))
        .replace("'\n@MONITORS@\n'", &quoted(&format!("\n{}\n", names.join("\n"))))
        .replace("@HOLD@", hold)
}

/// One word of sh, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The files that a user may have before the first installation, each with its mode and content.
fn configuration(package: &Package) -> impl Iterator<Item = (&str, u32, &[u8])> {
    package.tree.entries().filter(|(_, entry)| entry.role == Role::Config).filter_map(|(path, entry)| {
        match &entry.kind {
            Kind::File(content) => Some((path, entry.mode, content.as_slice())),
            Kind::Folder | Kind::Link(_) => None,
        }
    })
}

/// The body of `offer_all`.
fn offers(package: &Package) -> String {
    let offer = |(path, mode, content): (&str, u32, &[u8])| {
        let text = String::from_utf8_lossy(content);
        let call = format!("offer {} {mode:04o}", quoted(&format!("/{path}")));
        let end = end_beside(&text);
        match text.ends_with('\n') {
            true => format!("    {call} <<'{end}'\n{text}{end}\n"),
            // A here-document would end it with a line break.
            false => format!("    printf '%s' {} | {call}\n", quoted(&text)),
        }
    };
    configuration(package).map(offer).collect::<String>().trim_end().to_owned()
}

/// A word that is no line of the text.
fn end_beside(text: &str) -> String {
    let mut end = "END".to_owned();
    while text.lines().any(|line| line == end) {
        end.push('_');
    }
    end
}

/// The body of `put_back`.
fn kept(package: &Package) -> String {
    let line = |(path, ..): (&str, u32, &[u8])| {
        let file = quoted(&format!("/{path}"));
        // An init script of before starts what is not there any more.
        if path.starts_with("etc/scalyr-agent-2/") {
            format!("    own {file}\n")
        } else {
            format!("    replaced \"$1\" {file}\n")
        }
    };
    let lines: String = configuration(package).map(line).collect();
    if lines.is_empty() { "    :".to_owned() } else { lines.trim_end().to_owned() }
}
