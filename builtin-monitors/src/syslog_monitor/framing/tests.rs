//! Framing: by example, by property, and by whatever bytes come.

use proptest::prelude::*;

use super::*;

/// The messages of bytes that come in these pieces, and what is left of them at the end, flushed.
fn framed(rules: &Framing, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let (mut framer, mut held, mut messages) = (Framer::default(), Vec::new(), Vec::new());
    for piece in pieces {
        held.extend_from_slice(piece);
        let framed = framer.take(rules, &held, |message| messages.push(message.to_vec()));
        held.drain(..framed.taken);
        assert!(held.len() <= rules.longest + MOST_DIGITS + 1 + rules.delimiter.len(), "what is kept is bounded");
    }
    framer.flush(rules, &held, |message| messages.push(message.to_vec()));
    messages
}

fn told(rules: &Framing, bytes: &[u8]) -> String {
    let messages = framed(rules, &[bytes]);
    messages.iter().map(|message| String::from_utf8_lossy(message).replace('\n', "\\n")).collect::<Vec<_>>().join("|")
}

fn by_default() -> Framing {
    Framing::new(RequestParser::Default, b"\n", 100)
}

#[test]
fn a_message_with_a_digit_is_text_unless_it_is_a_length_and_a_blank() {
    for (bytes, expected) in [
        ("3 abc4 defg", "abc|defg"),
        ("3 abc\nx\n", "abc||x"),
        ("123notframed\nnext\n", "123notframed|next"),
        ("012 a\n", "012 a"),
        ("0 a\n", "0 a"),
        ("3\n", "3"),
        ("12345678901 a\n", "12345678901 a"),
        ("3 a\nc", "a\\nc"),
        ("5 abc", "5 abc"),
        ("12", "12"),
        ("\n\n", "|"),
        ("a", "a"),
        ("", ""),
    ] {
        assert_eq!(told(&by_default(), bytes.as_bytes()), expected, "{bytes:?}");
    }
}

#[test]
fn a_huge_length_swallows_nothing() {
    assert_eq!(told(&by_default(), b"999999999 bottles of beer\nnext\n"), "999999999 bottles of beer|next");
    let long = format!("150 <13>{}3 abc", "x".repeat(146));
    let expected = format!("<13>{}|{}|abc", "x".repeat(96), "x".repeat(50));
    assert_eq!(told(&by_default(), long.as_bytes()), expected);
}

#[test]
fn parts_are_cut_between_characters() {
    let rules = Framing::new(RequestParser::Default, b"\n", 5);
    assert_eq!(told(&rules, "aaaa\u{e4}bb\n".as_bytes()), "aaaa|\u{e4}bb");
}

#[test]
fn what_comes_behind_a_flush_goes_on_in_the_same_message() {
    let rules = by_default();
    let (mut framer, mut messages) = (Framer::default(), Vec::new());
    let mut message = |message: &[u8]| messages.push(String::from_utf8_lossy(message).into_owned());
    framer.flush(&rules, b"10 <13>a", &mut message);
    assert_eq!(framer.take(&rules, b"bcd", &mut message).taken, 0);
    assert_eq!(framer.take(&rules, b"bcdef3 abc", &mut message).taken, 10);
    framer.flush(&rules, b"text ", &mut message);
    assert_eq!(framer.take(&rules, b"3 abc\n", &mut message).taken, 6);
    assert_eq!(messages, ["10 <13>a", "bcdef", "abc", "text ", "3 abc"]);
}

fn any_rules() -> impl Strategy<Value = Framing> {
    let parser = prop_oneof![Just(RequestParser::Default), Just(RequestParser::Batch), Just(RequestParser::Raw)];
    let delimiter = prop_oneof![Just(&b"\n"[..]), Just(&b"\0"[..]), Just(&b"ab"[..]), Just(&b"aab"[..])];
    (parser, delimiter, 1_usize..40).prop_map(|(parser, delimiter, longest)| Framing::new(parser, delimiter, longest))
}

/// Bytes that are often lengths, delimiters and their beginnings.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(proptest::sample::select(&b"ab\n\0 <0123\xc3\xa4"[..]), 0..200)
}

proptest! {
    #[test]
    fn any_cut_of_the_bytes_gives_the_same_messages(rules in any_rules(), bytes in any_bytes(), cuts in proptest::collection::vec(0_usize..200, 0..6)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(framed(&rules, &pieces), framed(&rules, &[&bytes]));
    }

    #[test]
    fn raw_lines_hold_every_byte(bytes in any_bytes()) {
        let rules = Framing::new(RequestParser::Raw, b"x", 1000);
        let mut joined = framed(&rules, &[&bytes]).join(&b'\n');
        if bytes.last() == Some(&b'\n') {
            joined.push(b'\n');
        }
        prop_assert_eq!(joined, bytes);
    }
}

/// The first bytes say how it is framed and cut.
fn frame_any(bytes: &[u8]) {
    let [parser, delimiter, longest, step, bytes @ ..] = bytes else { return };
    let parser = [RequestParser::Default, RequestParser::Batch, RequestParser::Raw][usize::from(parser % 3)];
    let delimiter = [&b"\n"[..], b"\0", b"\r\n", b"aab"][usize::from(delimiter % 4)];
    let rules = Framing::new(parser, delimiter, usize::from(*longest) + 1);
    let pieces: Vec<&[u8]> = bytes.chunks(usize::from(*step) + 1).collect();
    let messages = framed(&rules, &pieces);
    assert!(messages.iter().all(|message| message.len() <= rules.longest + MOST_DIGITS + 1 + delimiter.len()));
    assert_eq!(messages, framed(&rules, &[bytes]), "however they are cut");
    for message in &messages {
        let sender = super::super::head::sender(message);
        assert!([sender.host, sender.app].iter().flatten().all(|word| word.len() <= message.len()));
    }
}

#[test]
fn fuzz_syslog_framing() {
    bolero::check!(name = "syslog_framing").for_each(|bytes: &[u8]| frame_any(bytes));
}
