//! The `.rpm`, in the format of version 4, which rpm reads since EL6, Debian's rpm 4.18 and rpm 6 too.
//!
//! The payload is compressed with xz, which those all read; zstd only since EL8.

use std::io;

use liblzma::read::XzDecoder;
use rpm::{
    BuildConfig, CompressionWithLevel, Dependency, FileOptions, FileOptionsBuilder, Header, HeaderEntry, IndexData,
    IndexSignatureTag, PackageBuilder, Scriptlet,
};

use crate::description::{self, HOMEPAGE, LICENCE};
use crate::package::{MAINTAINER, Needs, Package};
use crate::relations::{self, Taken};
use crate::scripts::RpmScripts;
use crate::soundness::{self, with_parents};
use crate::tree::{Entry, Kind, Role};

/// The level of xz: it unpacks with 9 MB of memory, and a higher one makes this little smaller.
const LEVEL: u32 = 6;
/// Instead of the name of the machine that built it, which would make other bytes on each.
const BUILD_HOST: &str = "localhost";
const VENDOR: &str = "Scalyr";
const GROUP: &str = "System Environment/Daemons";
/// What is in the names of folders that no other package has.
const OWN: &str = "scalyr-agent-2";

/// Why a `.rpm` was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Something in the package, a line for each problem.
    #[error(transparent)]
    Unsound(#[from] io::Error),
    /// The crate that writes it refused something.
    #[error("the .rpm cannot be written: {0}")]
    Format(#[from] rpm::Error),
    /// Then the time of the build would be in it.
    #[error(
        "the packages' time {0} lies in the future, so the .rpm would have other bytes each time: set SOURCE_DATE_EPOCH to a time that has been"
    )]
    Future(u32),
}

/// Writes the package; the same bytes for the same package.
///
/// # Errors
/// When something in it cannot be said in a `.rpm`, or its time lies in the future.
pub(crate) fn write(package: &Package, scripts: &RpmScripts) -> Result<Vec<u8>, Error> {
    write_at(LEVEL, package, scripts)
}

/// The same at another level of xz, for those who install what they wrote at once.
pub(crate) fn write_at(level: u32, package: &Package, scripts: &RpmScripts) -> Result<Vec<u8>, Error> {
    soundness::check(package)?;
    let architecture = package.architecture.of_rpm();
    let summary = description::summary(package);
    let mut builder = PackageBuilder::new(&package.name, &package.version.upstream, LICENCE, architecture, &summary);
    let config = BuildConfig::v4().compression(CompressionWithLevel::Xz(level)).source_date(package.source_date);
    builder
        .using_config(config)
        .release(&package.version.release)
        .description(description::lines(package).join("\n"))
        .build_host(BUILD_HOST)
        .vendor(VENDOR)
        .packager(MAINTAINER)
        .group(GROUP)
        .url(HOMEPAGE);
    add_relations(&mut builder, package);
    add_changes(&mut builder, package);
    add_scripts(&mut builder, scripts);
    add_files(&mut builder, package)?;
    let mut built = builder.build()?;
    if built.metadata.get_build_time()? != u64::from(package.source_date) {
        return Err(Error::Future(package.source_date));
    }
    tell_size(&mut built)?;
    written(&built)
}

fn written(built: &rpm::Package) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    built.write(&mut bytes)?;
    Ok(bytes)
}

/// Adds how many bytes the payload unpacks to, which the crate leaves out: rpm2cpio ends with a failure without it, though
/// it unpacked everything. It stands beside the signatures, of which none is invalidated by that.
fn tell_size(built: &mut rpm::Package) -> Result<(), Error> {
    let bytes = written(built)?;
    let start = built.metadata.get_package_segment_offsets().payload;
    let payload = usize::try_from(start).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
    let size = io::copy(&mut XzDecoder::new(payload), &mut io::sink())?;
    let size = u32::try_from(size).map_err(|_| io::Error::other("a .rpm of more than 4 GiB is not written"))?;

    let region = IndexSignatureTag::HEADER_SIGNATURES;
    let entries = built.metadata.signature.get_all_entries()?;
    let entries = entries.into_iter().filter(|(tag, _)| *tag != region as u32);
    let entries = entries.map(|(tag, data)| HeaderEntry::new(tag, data));
    let size = HeaderEntry::new(IndexSignatureTag::RPMSIGTAG_PAYLOADSIZE as u32, IndexData::Int32(vec![size]));
    built.metadata.signature = Header::from_entries(entries.chain([size]), region);
    Ok(())
}

fn add_relations(builder: &mut PackageBuilder, package: &Package) {
    for requirement in requirements(&package.needs) {
        builder.requires(Dependency::any(requirement));
    }
    for Taken { name, version, before } in relations::of(package) {
        builder.provides(version.map_or_else(|| Dependency::any(name), |version| Dependency::eq(name, version)));
        builder.conflicts(Dependency::any(name));
        builder.obsoletes(before.map_or_else(|| Dependency::any(name), |before| Dependency::less(name, before)));
    }
}

/// Each library and each version of its symbols, as rpmbuild finds them.
fn requirements(needs: &Needs) -> Vec<String> {
    let mut requirements = Vec::new();
    for (library, versions) in &needs.libraries {
        requirements.push(format!("{library}()(64bit)"));
        requirements.extend(versions.iter().map(|version| format!("{library}({version})(64bit)")));
    }
    if !requirements.is_empty() {
        requirements.push("rtld(GNU_HASH)".to_owned());
    }
    requirements
}

/// The list of changes; the newest with the release of this package.
fn add_changes(builder: &mut PackageBuilder, package: &Package) {
    for change in &package.changes {
        let release = if change.version == package.version.upstream { &package.version.release } else { "1" };
        let lines: Vec<_> = change.lines.iter().map(|line| format!("- {line}")).collect();
        let head = format!("{MAINTAINER} - {}-{release}", change.version);
        builder.add_changelog_entry(head, lines.join("\n"), change.time);
    }
}

fn add_scripts(builder: &mut PackageBuilder, scripts: &RpmScripts) {
    type Setter = fn(&mut PackageBuilder, Scriptlet) -> &mut PackageBuilder;
    let scripts: [(&str, Setter); 5] = [
        (&scripts.pre, PackageBuilder::pre_install_script),
        (&scripts.post, PackageBuilder::post_install_script),
        (&scripts.preun, PackageBuilder::pre_uninstall_script),
        (&scripts.postun, PackageBuilder::post_uninstall_script),
        (&scripts.posttrans, PackageBuilder::post_trans_script),
    ];
    for (text, set) in scripts {
        if !text.is_empty() {
            set(builder, Scriptlet::new(text).prog(vec!["/bin/sh"]));
        }
    }
}

/// The table, and the folders above its entries that nobody else has: rpm removes only what it was told of.
fn add_files(builder: &mut PackageBuilder, package: &Package) -> Result<(), rpm::Error> {
    let is_own = |path: &str| path.split('/').any(|name| name.contains(OWN) || name == package.name);
    for (path, entry) in with_parents(&package.tree) {
        if package.tree.get(path).is_some() || is_own(path) {
            add_file(builder, &format!("/{path}"), entry)?;
        }
    }
    Ok(())
}

fn add_file(builder: &mut PackageBuilder, path: &str, entry: &Entry) -> Result<(), rpm::Error> {
    // `soundness` saw to it that no more bits are set.
    let mode = (entry.mode & 0o7777) as u16;
    match &entry.kind {
        Kind::Folder => builder.with_dir_entry(FileOptions::dir(path).permissions(mode))?,
        Kind::File(content) => {
            let options = flagged(FileOptions::new(path).permissions(mode), entry.role);
            builder.with_file_contents(content.as_slice(), options)?
        }
        Kind::Link(target) => builder.with_symlink(FileOptions::symlink(path, target))?,
    };
    Ok(())
}

fn flagged(options: FileOptionsBuilder, role: Role) -> FileOptionsBuilder {
    match role {
        Role::Plain => options,
        Role::Config => options.config().noreplace(),
        Role::Documentation => options.doc(),
        Role::Licence => options.license(),
    }
}
