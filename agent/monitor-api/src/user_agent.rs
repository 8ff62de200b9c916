//! What a monitor adds to the `User-Agent` of the agent's uploads.

use std::sync::Arc;

use crate::error::{Error, Result};

/// How many bytes the fragment of one instance may have.
pub const LONGEST_FRAGMENT: usize = 128;

/// Takes the fragment of one monitor instance; implemented by the agent.
#[doc(hidden)]
pub trait FragmentSink: Send + Sync {
    /// This is the fragment from now on; it was checked. An empty one takes it back.
    fn set(&self, fragment: &str);
}

/// A handle to say in the `User-Agent` of the agent's uploads what it runs on, for example the version of a container
/// platform. Cheap to clone, and callable from every thread while the monitor runs.
///
/// The fragments of all monitors are sorted and appended to the header, each once; a change goes out with the next
/// request. It is taken back when the instance is stopped or removed.
#[derive(Clone)]
pub struct UserAgentFragment(Arc<dyn FragmentSink>);

impl UserAgentFragment {
    /// A handle onto the agent's header.
    #[doc(hidden)]
    pub fn new(sink: Arc<dyn FragmentSink>) -> Self {
        Self(sink)
    }

    /// A handle that leads nowhere, for tests.
    #[doc(hidden)]
    pub fn none() -> Self {
        Self::new(Arc::new(Nowhere))
    }

    /// Sets this instance's fragment, in place of the one before: `k8s:1.2`. A `;` separates several. An empty text
    /// takes it back.
    ///
    /// # Errors
    /// When the text cannot stand in a header: it may hold visible ASCII characters and blanks, at most
    /// [`LONGEST_FRAGMENT`] of them. What was set before stands then.
    pub fn set(&self, fragment: &str) -> Result<()> {
        let fragment = fragment.trim_matches(' ');
        if let Some(bad) = fragment.chars().find(|&c| c != ' ' && !c.is_ascii_graphic()) {
            let shown = fragment.escape_debug();
            return Err(Error::new(format!(
                "the User-Agent fragment \"{shown}\" holds {bad:?}; visible ASCII characters and blanks may stand in it"
            )));
        }
        if fragment.len() > LONGEST_FRAGMENT {
            let length = fragment.len();
            return Err(Error::new(format!(
                "the User-Agent fragment has {length} characters; it may have {LONGEST_FRAGMENT}"
            )));
        }
        self.0.set(fragment);
        Ok(())
    }

    /// Takes the fragment back.
    pub fn clear(&self) {
        self.0.set("");
    }
}

struct Nowhere;

impl FragmentSink for Nowhere {
    fn set(&self, _: &str) {}
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl FragmentSink for Heard {
        fn set(&self, fragment: &str) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fragment.to_owned());
        }
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_refused_and_changes_nothing() {
        let heard = Arc::new(Heard::default());
        let fragment = UserAgentFragment::new(heard.clone());
        fragment.set(" k8s:1.2 ").unwrap();
        let told = |text: &str| fragment.set(text).unwrap_err().to_string();
        assert_eq!(
            told("a\r\nX-Evil: 1"),
            "the User-Agent fragment \"a\\r\\nX-Evil: 1\" holds '\\r'; visible ASCII characters and blanks may stand in it"
        );
        assert!(told("docker:é").contains("holds 'é'"));
        assert!(told("a\tb").contains("holds '\\t'"));
        assert!(told("a\0").contains("holds '\\0'"));
        assert_eq!(told(&"x".repeat(129)), "the User-Agent fragment has 129 characters; it may have 128");
        fragment.set(&"x".repeat(128)).unwrap();
        fragment.clear();
        assert_eq!(*heard.0.lock().unwrap(), ["k8s:1.2", &"x".repeat(128), ""]);
    }
}
