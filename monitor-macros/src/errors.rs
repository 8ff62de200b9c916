//! Everything that is wrong with an author's item, collected, so that one run shows it all.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// The errors found so far. Must be handed on with [`Errors::join`].
#[derive(Default)]
pub(crate) struct Errors {
    found: Vec<syn::Error>,
    handed_on: bool,
}

impl Errors {
    /// Notes an error that underlines `tokens`.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.found.push(syn::Error::new_spanned(tokens, message));
    }

    /// Notes an error that the parser found.
    pub(crate) fn parser(&mut self, error: syn::Error) {
        self.found.push(error);
    }

    /// Does something; true when it found nothing wrong.
    pub(crate) fn all_well(&mut self, check: impl FnOnce(&mut Self)) -> bool {
        let before = self.found.len();
        check(self);
        self.found.len() == before
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The code together with all errors.
    pub(crate) fn join(mut self, mut code: TokenStream) -> TokenStream {
        self.handed_on = true;
        if !self.found.is_empty() {
            code.extend(told(self.found.drain(..)));
        }
        code
    }
}

/// The code that makes rustc tell of these. In a constant of its own: rustc is silent about each name that it cannot find
/// in a module in which such code stands by itself.
pub(crate) fn told(errors: impl IntoIterator<Item = syn::Error>) -> TokenStream {
    let errors = errors.into_iter().map(syn::Error::into_compile_error);
    quote!(const _: () = { #(#errors)* };)
}

impl Drop for Errors {
    fn drop(&mut self) {
        // A lost error would accept what must be refused.
        debug_assert!(self.handed_on || std::thread::panicking(), "errors of a macro were dropped unread");
    }
}
