//! What a program needs of its host, read from the program itself.

use object::Endianness;
use object::elf::{DT_NEEDED, EM_AARCH64, EM_X86_64, ET_DYN, ET_EXEC, FileHeader64, PT_INTERP, SHT_DYNSYM};
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionTable, Sym as _};

use crate::package::{Architecture, Needs};

/// What is written in a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) architecture: Architecture,
    pub(crate) needs: Needs,
    /// Symbols of the newest glibc that is needed, sorted: `pidfd_getpid`.
    pub(crate) newest_symbols: Vec<String>,
    /// Whether it needs nothing, not even a loader.
    pub(crate) is_static: bool,
}

/// Reads a program.
///
/// # Errors
/// It is none of Linux for a known processor, or damaged.
pub(crate) fn read(bytes: &[u8]) -> Result<Facts, String> {
    if !bytes.starts_with(b"\x7fELF") {
        return Err("is no program of Linux (it does not begin as ELF does)".to_owned());
    }
    let damaged = |error: object::read::Error| format!("cannot be read as a program of 64 bits ({error})");
    let header = FileHeader64::<Endianness>::parse(bytes).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    let architecture = match header.e_machine(endian) {
        EM_X86_64 => Architecture::X86_64,
        EM_AARCH64 => Architecture::Aarch64,
        other => return Err(format!("is for other processors than x86_64 and aarch64 (ELF machine {})", other.0)),
    };
    if ![ET_EXEC, ET_DYN].contains(&header.e_type(endian)) {
        return Err("is an object file, not a program".to_owned());
    }
    let segments = header.program_headers(endian, bytes).map_err(damaged)?;
    let has_loader = segments.iter().any(|segment| segment.p_type(endian) == PT_INTERP);
    let sections = header.sections(endian, bytes).map_err(damaged)?;
    let libraries = libraries(&sections, endian, bytes).map_err(damaged)?;
    let glibc = libraries.iter().flat_map(|(_, versions)| versions).filter_map(|version| of_glibc(version)).max();
    let newest_symbols = match glibc {
        Some(newest) => symbols(&sections, endian, bytes, newest).map_err(damaged)?,
        None => Vec::new(),
    };
    let is_static = !has_loader && libraries.is_empty();
    Ok(Facts { architecture, needs: Needs { glibc, libraries }, newest_symbols, is_static })
}

type Sections<'data> = SectionTable<'data, FileHeader64<Endianness>>;

/// Each library that the loader looks for, with the versions of symbols that are used of it, in the order of the numbers.
fn libraries(
    sections: &Sections<'_>,
    endian: Endianness,
    bytes: &[u8],
) -> object::read::Result<Vec<(String, Vec<String>)>> {
    let dynamic = sections.dynamic_table(endian, bytes)?;
    let mut libraries = Vec::new();
    for entry in dynamic.iter().filter(|entry| entry.tag == DT_NEEDED) {
        libraries.push((text(dynamic.string(entry)?), Vec::new()));
    }
    let Some((mut needs, link)) = sections.gnu_verneed(endian, bytes)? else { return Ok(libraries) };
    let strings = sections.strings(endian, bytes, link)?;
    while let Some((need, mut versions)) = needs.next()? {
        let file = text(need.file(endian, strings)?);
        let mut names = Vec::new();
        while let Some(version) = versions.next()? {
            names.push(text(version.name(endian, strings)?));
        }
        names.sort_by_key(|name| numbers(name));
        match libraries.iter_mut().find(|(library, _)| *library == file) {
            Some((_, known)) => *known = names,
            None => libraries.push((file, names)),
        }
    }
    libraries.sort();
    Ok(libraries)
}

/// The names of the symbols that need this version of glibc.
fn symbols(
    sections: &Sections<'_>,
    endian: Endianness,
    bytes: &[u8],
    newest: (u16, u16),
) -> object::read::Result<Vec<String>> {
    let Some(versions) = sections.versions(endian, bytes)? else { return Ok(Vec::new()) };
    let table = sections.symbols(endian, bytes, SHT_DYNSYM)?;
    let mut names = Vec::new();
    for (index, symbol) in table.enumerate() {
        let version = versions.version(versions.version_index(endian, index).index())?;
        if version.is_some_and(|version| of_glibc(&text(version.name())) == Some(newest)) {
            names.push(text(symbol.name(endian, table.strings())?));
        }
    }
    names.sort();
    Ok(names)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `GLIBC_2.34` as `(2, 34)`, `GLIBC_2.2.5` as `(2, 2)`; none for what is not of glibc.
fn of_glibc(version: &str) -> Option<(u16, u16)> {
    // What a loader must understand, by a name of its own (glibc's NEWS for 2.36).
    if version == "GLIBC_ABI_DT_RELR" {
        return Some((2, 36));
    }
    let mut numbers = version.strip_prefix("GLIBC_")?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// The numbers in a version's name, so that 2.4 comes before 2.34.
fn numbers(name: &str) -> Vec<u32> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::process::Command;

    use super::*;

    /// The libraries and versions as `readelf -V` and `readelf -d` tell them.
    fn told_by_readelf(file: &str) -> BTreeMap<String, Vec<String>> {
        let output = Command::new("readelf").args(["--wide", "-V", "-d", file]).env("LC_ALL", "C").output();
        let output = output.expect("readelf of binutils; apt-get install binutils");
        let told = String::from_utf8(output.stdout).unwrap();
        let mut libraries: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut file = String::new();
        for line in told.lines() {
            if let Some((_, name)) = line.split_once("Shared library: [") {
                libraries.entry(name.trim_end_matches(']').to_owned()).or_default();
            } else if let Some((_, rest)) = line.split_once("  File: ") {
                file = rest.split_whitespace().next().unwrap().to_owned();
            } else if let Some((_, rest)) =
                line.split_once("  Name: ").filter(|_| line.contains("Flags: none  Version:"))
            {
                // Behind the needed versions stand those that the file itself defines, with other words.
                let name = rest.split_whitespace().next().unwrap().to_owned();
                if !file.is_empty() {
                    libraries.entry(file.clone()).or_default().push(name);
                }
            }
        }
        libraries.values_mut().for_each(|versions| versions.sort_by_key(|name| numbers(name)));
        libraries
    }

    #[test]
    fn what_real_programs_need_is_what_readelf_tells() {
        let own = std::env::current_exe().unwrap();
        for file in [own.to_str().unwrap(), "/bin/sh", "/bin/ls", "/usr/bin/git", "/usr/bin/readelf"] {
            let facts = read(&std::fs::read(file).unwrap()).unwrap();
            let mut ours: BTreeMap<String, Vec<String>> = facts.needs.libraries.iter().cloned().collect();
            ours.values_mut().for_each(|versions| versions.sort_by_key(|name| numbers(name)));
            assert_eq!(ours, told_by_readelf(file), "{file}");
            assert!(!facts.is_static && facts.needs.glibc.is_some(), "{file}");
            assert!(!facts.newest_symbols.is_empty(), "{file}");
        }
    }

    #[test]
    fn the_newest_glibc_is_that_of_a_symbol_that_objdump_tells() {
        let own = std::env::current_exe().unwrap();
        let facts = read(&std::fs::read(&own).unwrap()).unwrap();
        let output = Command::new("objdump").arg("-T").arg(&own).output();
        let output = output.expect("objdump of binutils; apt-get install binutils");
        let told = String::from_utf8(output.stdout).unwrap();
        let (major, minor) = facts.needs.glibc.unwrap();
        let newest = told.lines().filter_map(|line| {
            let (_, rest) = line.split_once("(GLIBC_")?;
            Some((of_glibc(&format!("GLIBC_{}", rest.split(')').next()?))?, rest.split_whitespace().last()?.to_owned()))
        });
        let newest: Vec<_> = newest.collect();
        assert_eq!(newest.iter().map(|(version, _)| *version).max(), Some((major, minor)));
        let mut symbols: Vec<_> =
            newest.into_iter().filter(|(version, _)| *version == (major, minor)).map(|(_, symbol)| symbol).collect();
        symbols.sort();
        assert_eq!(facts.newest_symbols, symbols);
    }

    #[test]
    fn a_static_program_needs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (source, program) = (folder.path().join("a.c"), folder.path().join("a"));
        std::fs::write(&source, "int main(void) { return 0; }\n").unwrap();
        for kind in ["-static", "-static-pie"] {
            let status = Command::new("cc").arg(kind).arg("-o").args([&program, &source]).status().unwrap();
            assert!(status.success(), "libc6-dev has what is needed for {kind}");
            let facts = read(&std::fs::read(&program).unwrap()).unwrap();
            assert!(facts.is_static, "{kind}: {facts:?}");
            assert_eq!(facts.needs, Needs::default());
        }
    }

    #[test]
    fn what_is_no_program_for_a_known_processor_is_told_as_what_it_is() {
        let told = |bytes: &[u8]| read(bytes).unwrap_err();
        assert!(told(b"#!/bin/sh\n").starts_with("is no program of Linux"));
        assert!(told(b"\x7fELF").starts_with("cannot be read as a program of 64 bits"));
        let mut program = std::fs::read("/bin/sh").unwrap();
        program[18] = 0x28;
        assert_eq!(told(&program), "is for other processors than x86_64 and aarch64 (ELF machine 40)");
        program[18] = 62;
        program[16] = 1;
        assert_eq!(told(&program), "is an object file, not a program");
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = std::fs::read("/bin/sh").unwrap();
        for length in (0..whole.len()).step_by(997) {
            _ = read(&whole[..length]);
        }
        for at in 0..4096 {
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            _ = read(&changed);
        }
    }
}
