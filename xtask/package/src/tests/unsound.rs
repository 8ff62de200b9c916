//! What neither format can say is refused before anything is written, all of it at once.

use super::{Bench, all_formats, assert_has, sample, sample_for_any_host, version};
use crate::package::Package;
use crate::soundness;
use crate::tree::{Role, Tree};

fn problems(package: &Package) -> String {
    soundness::check(package).unwrap_err().to_string()
}

#[test]
fn names_that_one_of_the_formats_reads_differently_are_refused() {
    for name in ["", "a", "Acme", "acme agent", "acme_agent", "-acme", "acme\n", "agent/x"] {
        assert_has(&problems(&Package { name: name.to_owned(), ..sample() }), "cannot be the name of a package");
    }
    assert_has(&problems(&Package { name: "scalyr-agent-2".to_owned(), ..sample() }), "take another");
    soundness::check(&Package { name: "acme-agent2.0+x".to_owned(), ..sample() }).unwrap();
}

#[test]
fn versions_that_one_of_the_formats_reads_differently_are_refused() {
    for upstream in ["", "v1", "1-2", "1:2", "1_0", "1 0", "1\n"] {
        assert_has(&problems(&Package { version: version(upstream, "1"), ..sample() }), "cannot be the version");
        assert_has(&problems(&Package { version: version("1", upstream), ..sample() }), "cannot be the release");
    }
    soundness::check(&Package { version: version("0.2.0~rc.1", "1.local1.dirty"), ..sample() }).unwrap();
}

#[test]
fn odd_paths_are_refused_and_all_are_told() {
    let mut tree = Tree::default();
    let (wide, long) = ("x".repeat(256), "long/".repeat(900));
    let odd = ["a//b", "a/./b", "../b", "a\nb", "a/ b", "a/b ", &wide, long.trim_end_matches('/')];
    for path in odd {
        tree.file(path, 0o644, Role::Plain, "");
    }
    let told = problems(&Package { tree, ..sample() });
    assert_eq!(told.lines().count(), odd.len(), "{told}");
}

#[test]
fn odd_entries_are_refused() {
    let mut tree = Tree::default();
    tree.file("etc/file", 0o644, Role::Plain, "");
    tree.file("etc/file/below", 0o644, Role::Plain, "");
    tree.file("etc/mode", 0o100_644, Role::Plain, "");
    tree.link("etc/link", "");
    tree.link("etc/other", "a\0b");
    let told = problems(&Package { tree, ..sample() });
    assert_has(&told, "etc/file/below: etc/file is no folder in the package");
    assert_has(&told, "etc/mode: 100644 is no mode");
    assert_has(&told, "etc/link: \"\" cannot be the target of a link");
    assert_has(&told, "etc/other: ");
}

#[test]
fn names_in_other_languages_and_with_spaces_and_long_ones_come_out_as_they_went_in() {
    let long = format!("usr/share/{}/{}", "folder/".repeat(60), "n".repeat(200)).replace("//", "/");
    let names = ["usr/share/ein Wort/größe", "usr/share/100%d/[a]{b}*?", "usr/share/雨/量", "usr/share/-x", &long];
    let mut package = sample_for_any_host();
    for name in names {
        package.tree.file(name, 0o644, Role::Plain, name);
    }
    let target = "./".repeat(70) + "doc";
    package.tree.link("usr/share/far", &target);
    let bench = Bench::new();
    let unpack = super::readback::unpack_each(&bench, &all_formats(&package));
    for folder in unpack {
        for name in names {
            assert_eq!(std::fs::read_to_string(folder.join(name)).unwrap(), name, "{}", folder.display());
        }
        assert_eq!(std::fs::read_link(folder.join("usr/share/far")).unwrap().to_str(), Some(target.as_str()));
    }
}
