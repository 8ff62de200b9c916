//! Who may do what with the package.

use super::{ContentsError, Sources, document};
use crate::tree::{Role, Tree};

/// Adds the licence, the notices of the libraries in the program, and the summary that Debian wants.
pub(super) fn install(tree: &mut Tree, sources: &Sources<'_>) -> Result<(), ContentsError> {
    let folder = format!("usr/share/doc/{}", sources.name);
    tree.file(&format!("{folder}/copyright"), 0o644, Role::Licence, summary(sources.name));
    tree.file(&format!("{folder}/THIRD-PARTY-NOTICES"), 0o644, Role::Licence, sources.notices);
    // Debian has the text of this licence on every host, others have not, and the licence wants it to be passed on.
    let licence = document(sources.root, "LICENSE")?;
    tree.file(&format!("usr/share/licenses/{}/LICENSE", sources.name), 0o644, Role::Licence, licence);
    Ok(())
}

/// In Debian's machine-readable form, version 1.0.
fn summary(name: &str) -> String {
    format!(
        "\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: scalyr-agent
Comment:
 Libraries are linked into the program. Their authors, and the terms of their
 licences, are in /usr/share/doc/{name}/THIRD-PARTY-NOTICES.

Files: *
Copyright: 2026 the authors of the Scalyr agent in Rust
License: Apache-2.0

License: Apache-2.0
 Licensed under the Apache License, Version 2.0 (the \"License\"); you may not
 use this file except in compliance with the License. You may obtain a copy of
 the License at
 .
     https://www.apache.org/licenses/LICENSE-2.0
 .
 Unless required by applicable law or agreed to in writing, software
 distributed under the License is distributed on an \"AS IS\" BASIS, WITHOUT
 WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
 License for the specific language governing permissions and limitations under
 the License.
 .
 On Debian systems its text is in /usr/share/common-licenses/Apache-2.0, and
 with this package on every system in /usr/share/licenses/{name}/LICENSE.
"
    )
}
