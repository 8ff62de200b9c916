//! The licences under which code of others may be in the program.

use spdx::{Expression, LicenseReq, ParseMode};

/// Each lets a program that holds the code be passed on under other terms, if the text of the licence goes with it.
/// Of MPL-2.0 the source code must be told, too: the notices name the address of each crate.
const ALLOWED: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "bzip2-1.0.6",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];
/// Exceptions that allow more than the licence alone.
const EXCEPTIONS: [&str; 1] = ["LLVM-exception"];

/// Understands an SPDX expression and finds whether it can be met with allowed licences alone; the error says why not.
pub(crate) fn judge(expression: &str) -> Result<Expression, String> {
    let parsed = Expression::parse_mode(expression, ParseMode::LAX)
        .map_err(|error| format!("`{expression}` is no SPDX expression: {}", error.reason))?;
    match parsed.evaluate_with_failures(is_allowed) {
        Ok(()) => Ok(parsed),
        Err(failures) => {
            let names: Vec<String> = failures.iter().map(|failure| failure.req.to_string()).collect();
            Err(format!("its licence `{expression}` asks for {}, which is not allowed", names.join(", ")))
        }
    }
}

fn is_allowed(requirement: &LicenseReq) -> bool {
    let licence = requirement.license.id().is_some_and(|id| ALLOWED.contains(&id.name));
    let addition = requirement.addition.as_ref();
    licence && addition.is_none_or(|addition| addition.id().is_some_and(|id| EXCEPTIONS.contains(&id.name)))
}

/// The standard texts of the allowed licences in an expression, by their names.
pub(super) fn standard_texts(expression: &Expression) -> Vec<(&'static str, &'static str)> {
    let mut texts = Vec::new();
    for requirement in expression.requirements().map(|requirement| &requirement.req).filter(|one| is_allowed(one)) {
        texts.extend(requirement.license.id().map(|id| (id.name, id.text())));
        texts.extend(requirement.addition.as_ref().and_then(|one| one.id()).map(|id| (id.name, id.text())));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_allowed_if_one_of_its_choices_is() {
        for expression in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-2.0-only OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
            "BSD-3-Clause AND BSD-2-Clause",
        ] {
            assert!(judge(expression).is_ok(), "{expression}");
        }
    }

    #[test]
    fn what_is_not_allowed_is_named() {
        for (expression, told) in [
            ("GPL-3.0-only", "its licence `GPL-3.0-only` asks for GPL-3.0-only, which is not allowed"),
            ("MIT AND AGPL-3.0-or-later", "asks for AGPL-3.0-or-later,"),
            ("LicenseRef-mine", "asks for LicenseRef-mine,"),
            ("MIT WITH Classpath-exception-2.0", "asks for MIT WITH Classpath-exception-2.0,"),
            ("free as in beer", "`free as in beer` is no SPDX expression"),
        ] {
            let problem = judge(expression).unwrap_err();
            assert!(problem.contains(told), "{problem}");
        }
    }

    #[test]
    fn every_allowed_licence_has_a_text() {
        for name in ALLOWED {
            assert!(spdx::license_id(name).unwrap().text().len() > 100, "{name}");
        }
    }
}
