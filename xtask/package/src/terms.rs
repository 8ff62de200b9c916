//! Whose code is in the program, and the notices that must go with it.

use crate::arguments::Arguments;
use crate::crates::{Build, Crates};
use crate::notices;
use crate::preflight::Plan;

/// The crates of the program and their terms.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) crates: Crates,
    pub(crate) notices: String,
}

/// Reads them; that needs no program, so it comes before the build.
///
/// # Errors
/// cargo does not tell, or a crate may not be passed on: a paragraph each.
pub(crate) fn read(plan: &Plan, arguments: &Arguments, is_static: bool) -> Result<Terms, Vec<String>> {
    let mut target = plan.triple.name().to_owned();
    if let Some((major, minor)) = arguments.glibc {
        target.push_str(&format!(".{major}.{minor}"));
    }
    let build = Build { root: &plan.root, manifest: &plan.workspace.manifest, target: &target, is_static };
    let crates = Crates::read(&build).map_err(|error| vec![error.to_string()])?;
    let notices = notices::collect(&crates).map_err(|error| error.problems)?;
    Ok(Terms { crates, notices })
}
