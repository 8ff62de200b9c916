//! Which crates are compiled into the program, and which needs which.
//!
//! `cargo metadata` cannot tell: its features are those of the whole workspace with its tests. `cargo tree` resolves
//! them as the build does.

use std::collections::{BTreeMap, BTreeSet};

use super::metadata::Metadata;
use super::{Build, CratesError, output};

/// The package that is built.
const PROGRAM: &str = "agent";

pub(super) struct Graph {
    /// Sorted by name and version.
    pub(super) nodes: Vec<Node>,
    /// For each node the places of those that it needs.
    pub(super) needs: Vec<Vec<usize>>,
}

/// A crate of the graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) is_macro: bool,
}

pub(super) fn read(build: &Build<'_>, metadata: &Metadata) -> Result<Graph, CratesError> {
    let manifest = build.manifest.to_string_lossy();
    let target = build.target.split_once('.').map_or(build.target, |(triple, _)| triple);
    let arguments = [
        "tree",
        "--locked",
        "--manifest-path",
        &manifest,
        "--package",
        PROGRAM,
        "--edges",
        "normal",
        "--target",
        target,
        "--prefix",
        "depth",
        "--charset",
        "ascii",
        "--color",
        "never",
        "--format",
        FORMAT,
    ];
    let printed = output(build.root, "cargo", &arguments)?;
    let strange = |why: String| CratesError::Strange { call: "cargo tree".to_owned(), why };
    let graph = understand(&printed).map_err(strange)?;
    match graph.nodes.iter().find(|node| !metadata.knows(&node.name, &node.version)) {
        Some(node) => Err(strange(format!("`cargo metadata` knows no {} {}", node.name, node.version))),
        None => Ok(graph),
    }
}

/// The package, then its features: the same crate is another one when it is compiled for a macro with other features.
const FORMAT: &str = "{p}|{f}";

/// A crate with its features.
type Variant = (Node, String);

/// Makes the graph of what `cargo tree` printed: lines of depth and crate, each behind the one that needs it.
fn understand(printed: &str) -> Result<Graph, String> {
    let mut edges: BTreeMap<Variant, BTreeSet<Variant>> = BTreeMap::new();
    let mut above: Vec<Variant> = Vec::new();
    let mut first = None;
    for line in printed.lines().filter(|line| !line.is_empty()) {
        let (depth, variant) = line_of(line).ok_or_else(|| format!("the line {line:?}"))?;
        if depth > above.len() {
            return Err(format!("the depth of the line {line:?}"));
        }
        above.truncate(depth);
        if let Some(parent) = above.last() {
            edges.entry(parent.clone()).or_default().insert(variant.clone());
        }
        first.get_or_insert_with(|| variant.clone());
        edges.entry(variant.clone()).or_default();
        above.push(variant);
    }
    let first = first.ok_or("nothing")?;
    let mut reached: BTreeMap<Node, BTreeSet<Node>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![first];
    while let Some(variant) = open.pop() {
        let node = variant.0.clone();
        let needs = reached.entry(node.clone()).or_default();
        // What a macro needs is compiled for the compiler, not into the program.
        if node.is_macro || !seen.insert(variant.clone()) {
            continue;
        }
        for need in edges.get(&variant).into_iter().flatten() {
            needs.insert(need.0.clone());
            open.push(need.clone());
        }
    }
    let places: BTreeMap<Node, usize> = reached.keys().cloned().zip(0..).collect();
    let needs = reached.values().map(|needs| needs.iter().filter_map(|need| places.get(need).copied()).collect());
    Ok(Graph { needs: needs.collect(), nodes: reached.into_keys().collect() })
}

/// `2aho-corasick v1.1.5|default,std (*)`, `3clap_derive v4.6.9 (proc-macro)|default`, `1coin v0.1.0 (/a/folder)|`.
fn line_of(line: &str) -> Option<(usize, Variant)> {
    let digits = line.find(|c: char| !c.is_ascii_digit())?;
    let (depth, rest) = line.split_at_checked(digits)?;
    let (package, features) = rest.rsplit_once('|')?;
    let features = features.strip_suffix(" (*)").unwrap_or(features);
    let (name, rest) = package.split_once(" v")?;
    let (version, remarks) = rest.split_once(' ').unwrap_or((rest, ""));
    let node = Node {
        name: name.to_owned(),
        version: version.to_owned(),
        is_macro: remarks.split(['(', ')']).any(|remark| remark == "proc-macro"),
    };
    Some((depth.parse().ok()?, (node, features.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_macro_needs_is_not_in_the_program_unless_the_program_needs_it_itself() {
        let printed = "0agent v0.1.0 (/a b (c)/agent)|\n1serde_derive v1.0.2 (proc-macro)|\n2quote v1.0.0|std\n\
                       2memchr v2.0.0|std\n1memchr v2.0.0|\n2libc v0.2.1|\n1quote_user v1.0.0|\n2memchr v2.0.0| (*)\n";
        let graph = understand(printed).unwrap();
        let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["agent", "libc", "memchr", "quote_user", "serde_derive"]);
        assert_eq!(graph.needs, [vec![2, 3, 4], vec![], vec![1], vec![2], vec![]]);
        assert!(graph.nodes[4].is_macro && !graph.nodes[0].is_macro);
    }

    #[test]
    fn a_line_that_is_no_crate_is_told() {
        assert!(understand("").is_err());
        assert!(understand("0agent v1|\n2memchr v2|").is_err());
        assert!(understand("warning").is_err());
    }
}
