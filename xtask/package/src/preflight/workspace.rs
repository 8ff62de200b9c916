//! The workspace as cargo tells it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::cargo::cargo;

/// What `cargo metadata` says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workspace {
    /// The manifest it was read from.
    pub(crate) manifest: PathBuf,
    /// The version of the agent.
    pub(crate) version: String,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
    /// The crates that come from folders, not from a registry.
    pub(crate) crates: Vec<Crate>,
}

/// A crate in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// Where it is, as people are told: `local-monitors/rain-gauge`, or absolute outside of the checkout.
    pub(crate) place: String,
    /// Its manifest, as cargo's messages name it.
    pub(crate) manifest: PathBuf,
    /// Whether it says of itself that it is an example of this repository.
    pub(crate) is_example: bool,
}

impl Crate {
    /// Whether it is the user's: from `local-monitors/` or from outside of the checkout.
    pub(crate) fn is_local(&self) -> bool {
        self.place.starts_with("local-monitors/") || Path::new(&self.place).is_absolute()
    }
}

impl Workspace {
    /// Asks cargo, which also fetches the crates that are not here yet.
    ///
    /// # Errors
    /// The workspace does not load, or a crate cannot be fetched: what cargo says.
    pub(crate) fn load(root: &Path, manifest: &Path) -> Result<Self, String> {
        let mut command = cargo();
        command.current_dir(root).args(["metadata", "--format-version=1", "--manifest-path"]).arg(manifest);
        let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output();
        let output = output.map_err(|error| format!("cannot run cargo: {error}"))?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(format!("cargo cannot load the workspace:\n{}", told.trim_end()));
        }
        let metadata: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("what `cargo metadata` printed cannot be read: {error}"))?;
        Self::read(root, manifest, &metadata).ok_or_else(|| "`cargo metadata` does not tell of the agent".to_owned())
    }

    fn read(root: &Path, manifest: &Path, metadata: &Value) -> Option<Self> {
        let text = |value: &Value, key: &str| value[key].as_str().map(str::to_owned);
        let mut workspace = Self {
            manifest: manifest.to_owned(),
            target: text(metadata, "target_directory")?.into(),
            ..Self::default()
        };
        for package in metadata["packages"].as_array()?.iter().filter(|package| package["source"].is_null()) {
            let name = text(package, "name")?;
            let manifest = PathBuf::from(text(package, "manifest_path")?);
            let folder = manifest.parent()?;
            let place = folder.strip_prefix(root).unwrap_or(folder).to_string_lossy().into_owned();
            if name == "agent" {
                workspace.version = text(package, "version")?;
            }
            let is_example = package["metadata"]["scalyr-agent"]["example"].as_bool() == Some(true);
            workspace.crates.push(Crate { name, place, manifest, is_example });
        }
        Some(workspace).filter(|workspace| !workspace.version.is_empty())
    }
}
