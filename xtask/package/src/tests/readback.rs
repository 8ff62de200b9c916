//! What was written is read back: by the crates, by Debian's tools and by rpm's.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read as _};
use std::path::PathBuf;
use std::process::Command;

use proptest::prelude::*;

use super::{Bench, said, sample_for_any_host};
use crate::package::Package;
use crate::scripts::{DebScripts, RpmScripts};
use crate::soundness::with_parents;
use crate::tree::{Entry, Kind, Role, Tree};
use crate::{deb, rpm};

/// What is told of an entry by an archive: its mode, its content, or where it leads.
type Told = BTreeMap<String, (u32, Kind)>;

fn expected(tree: &Tree) -> Told {
    let all = with_parents(tree);
    all.into_iter().map(|(path, Entry { kind, mode, .. })| (path.to_owned(), (*mode, kind.clone()))).collect()
}

/// The tar in a `.deb`.
fn told_by_deb(bytes: &[u8]) -> Told {
    let mut outer = ar::Archive::new(bytes);
    let mut told = Told::new();
    while let Some(member) = outer.next_entry() {
        let member = member.unwrap();
        if member.header().identifier() != b"data.tar.xz" {
            continue;
        }
        let mut inner = tar::Archive::new(liblzma::read::XzDecoder::new(member));
        for entry in inner.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_str().unwrap().to_owned();
            let path = path.trim_start_matches("./").trim_end_matches('/').to_owned();
            let header = entry.header().clone();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.mtime().unwrap(), u64::from(super::TIME));
            let kind = match header.entry_type() {
                tar::EntryType::Directory => Kind::Folder,
                tar::EntryType::Symlink => Kind::Link(entry.link_name().unwrap().unwrap().to_str().unwrap().to_owned()),
                _ => {
                    let mut content = Vec::new();
                    entry.read_to_end(&mut content).unwrap();
                    Kind::File(content)
                }
            };
            if !path.is_empty() && path != "." {
                assert!(told.insert(path, (header.mode().unwrap(), kind)).is_none());
            }
        }
    }
    told
}

/// The cpio in a `.rpm`.
fn told_by_rpm(bytes: &[u8]) -> Told {
    let package = ::rpm::Package::parse(&mut Cursor::new(bytes)).unwrap();
    let mut told = Told::new();
    for file in package.files().unwrap() {
        let file = file.unwrap();
        let path = file.metadata.path().to_str().unwrap().trim_start_matches('/').to_owned();
        let kind = match file.metadata.mode().file_type() {
            ::rpm::FileType::Dir => Kind::Folder,
            ::rpm::FileType::SymbolicLink => Kind::Link(file.metadata.linkto().unwrap_or_default().to_owned()),
            _ => Kind::File(file.content().unwrap_or_default().to_vec()),
        };
        told.insert(path, (u32::from(file.metadata.mode().permissions()), kind));
    }
    told
}

/// Unpacks a `.deb` and a `.rpm` with the tools of their systems.
pub(super) fn unpack_each(bench: &Bench, [deb, rpm, _]: &[Vec<u8>; 3]) -> [PathBuf; 2] {
    let (deb, rpm) = (bench.keep("a.deb", deb), bench.keep("a.rpm", rpm));
    let folders = [bench.path("of-deb"), bench.path("of-rpm")];
    said("dpkg-deb", "dpkg", Command::new("dpkg-deb").arg("-x").arg(deb).arg(&folders[0]));
    fs::create_dir(&folders[1]).unwrap();
    let script = "set -e; rpm2cpio \"$1\" > ../payload; cpio -idm --quiet < ../payload";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(rpm).current_dir(&folders[1]);
    said("rpm2cpio or cpio", "rpm cpio", &mut command);
    folders
}

fn paths() -> impl Strategy<Value = Vec<String>> {
    let path = proptest::collection::vec("[a-zA-Z0-9._+@% äß雨-]{0,40}[a-z0-9]", 1..7);
    proptest::collection::vec(path.prop_map(|parts| parts.join("/")), 0..12)
}

prop_compose! {
    fn trees()(paths in paths(), seed in proptest::collection::vec((0_u8..4, 0_u32..0o10000, any::<Vec<u8>>()), 12)) -> Tree {
        let mut tree = Tree::default();
        let mut taken: Vec<String> = Vec::new();
        for (path, (kind, mode, content)) in paths.into_iter().zip(seed) {
            let is_free = |other: &String| {
                *other != path && !other.starts_with(&format!("{path}/")) && !path.starts_with(&format!("{other}/"))
            };
            // A part that is written differently is refused, of which another test tells.
            let is_sound = path.split('/').all(|part| part.trim() == part);
            if !is_sound || !taken.iter().all(is_free) {
                continue;
            }
            match kind {
                0 => tree.folder(&path, mode),
                1 => tree.link(&path, &format!("../{mode}/target")),
                2 => tree.file(&path, mode, Role::Config, content),
                _ => tree.file(&path, mode, Role::Plain, content.repeat(300)),
            }
            taken.push(path);
        }
        tree
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_table_comes_back_from_a_deb_as_it_went_in(tree in trees()) {
        let package = Package { tree, ..sample_for_any_host() };
        let bytes = deb::write(&package, &DebScripts::default()).unwrap();
        prop_assert_eq!(told_by_deb(&bytes), expected(&package.tree));
    }

    #[test]
    fn any_table_comes_back_from_a_rpm_as_it_went_in(tree in trees()) {
        let package = Package { tree, ..sample_for_any_host() };
        let bytes = rpm::write(&package, &RpmScripts::default()).unwrap();
        let told = told_by_rpm(&bytes);
        let mut expected = expected(&package.tree);
        // Folders on the way that others may have are not in a .rpm.
        expected.retain(|path, _| package.tree.get(path).is_some());
        prop_assert_eq!(told, expected);
    }
}

#[test]
fn a_big_file_comes_out_of_each_as_it_went_in() {
    let big: Vec<u8> = (0..8_u32 << 20).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut package = sample_for_any_host();
    package.tree.file("usr/lib/scalyr-agent-2/big", 0o644, Role::Plain, big.clone());
    let bench = Bench::new();
    for folder in unpack_each(&bench, &super::all_formats(&package)) {
        assert!(fs::read(folder.join("usr/lib/scalyr-agent-2/big")).unwrap() == big, "{}", folder.display());
    }
}
