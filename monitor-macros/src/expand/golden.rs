//! The expansion of the worked example, written down.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{DeriveInput, Item, ItemStruct};

use super::{attribute, fields, monitor};
use crate::errors::Errors;
use crate::model;

/// What the macros make of a struct.
fn expanded(item: &ItemStruct) -> TokenStream {
    let mut errors = Errors::default();
    let is_monitor = item.attrs.iter().any(|attribute| attribute.path().is_ident("scalyr_monitor"));
    let code = if is_monitor {
        let mut item = item.clone();
        let at = item.attrs.iter().position(|attribute| attribute.path().is_ident("scalyr_monitor")).unwrap();
        let arguments = item.attrs.remove(at).parse_args::<TokenStream>().unwrap();
        let mut attribute = attribute(arguments, item.to_token_stream());
        let input: DeriveInput = syn::parse2(attribute.clone()).unwrap();
        let model = model::Monitor::of(&input, &mut errors).unwrap();
        attribute.extend(monitor(&model, errors.is_empty()));
        attribute
    } else {
        let input: DeriveInput = syn::parse2(item.to_token_stream()).unwrap();
        let model = model::ExtraFields::of(&input, &mut errors).unwrap();
        fields(&model)
    };
    assert!(errors.is_empty());
    errors.join(code)
}

/// The tokens as rustfmt lays them out.
fn formatted(code: &TokenStream) -> String {
    let mut rustfmt = Command::new(Path::new(env!("CARGO")).with_file_name("rustfmt"))
        .args(["--edition=2024", "--config=max_width=120"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    rustfmt.stdin.take().unwrap().write_all(code.to_string().as_bytes()).unwrap();
    let output = rustfmt.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Rewrite with `UPDATE_EXPECT=1 cargo test -p monitor-macros`, and read what changed.
#[test]
fn the_expansion_of_coin_is_as_written_down() {
    let source = include_str!("../../../local-monitors/coin/src/lib.rs");
    let code: TokenStream = syn::parse_file(source)
        .unwrap()
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Struct(item) => Some(expanded(item)),
            _ => None,
        })
        .collect();
    expect_test::expect_file!["../../tests/expand/coin.rs"].assert_eq(&formatted(&code));
}
