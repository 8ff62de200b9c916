//! The export format: entries as journalctl writes them, and whatever bytes.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::entry::{Entry, MAX_KEPT_BYTES, WantedFields};
use super::super::export::{ExportReader, Flaws};
use super::journal::Made;

/// The entries in pieces of bytes, each field that it is asked for as text.
fn read(pieces: &[&[u8]], fields: &[&str]) -> (Vec<String>, Flaws) {
    let mut reader = ExportReader::new(WantedFields::new(fields.iter().copied()));
    let mut entries = Vec::new();
    for piece in pieces {
        reader.read(piece, |entry| entries.push(shown(entry, fields)));
    }
    (entries, reader.take_flaws())
}

fn shown(entry: &Entry, fields: &[&str]) -> String {
    let mut text = String::new();
    for field in fields {
        match entry.text(field) {
            Some(value) => _ = write!(text, "{field}={value:?} "),
            None => _ = write!(text, "{field} - "),
        }
    }
    text.trim_end().to_owned()
}

/// An entry whose value of `MESSAGE` is in bytes.
fn binary(message: &[u8]) -> Vec<u8> {
    let mut text = b"__CURSOR=s=1\nMESSAGE\n".to_vec();
    text.extend_from_slice(&(message.len() as u64).to_le_bytes());
    text.extend_from_slice(message);
    text.extend_from_slice(b"\n_PID=7\n\n");
    text
}

#[test]
fn text_and_bytes_are_read_and_fields_that_nobody_wants_are_not_kept() {
    let (entries, flaws) = read(
        &[b"__CURSOR=s=1\nA=b=c\nB=\nNOISE=1\n\n\n", &binary(b"a\n\nb=\xff\0")],
        &["A", "B", "MESSAGE", "_PID", "NOISY"],
    );
    assert_eq!(
        entries,
        [r#"A="b=c" B="" MESSAGE - _PID - NOISY -"#, r#"A - B - MESSAGE="a\n\nb=�\0" _PID="7" NOISY -"#]
    );
    assert_eq!(flaws, Flaws::default());
}

#[test]
fn values_of_a_field_that_stands_there_twice_are_put_together() {
    let (entries, _) = read(&[b"A=1\nA=2\n\n"], &["A"]);
    assert_eq!(entries, [r#"A="1, 2""#]);
}

#[test]
fn a_value_that_is_too_long_is_cut_once_and_counted_and_the_next_entry_is_whole() {
    let long = vec![b'x'; MAX_KEPT_BYTES + 1];
    let text = [binary(&long), binary(b"short")].concat();
    let mut reader = ExportReader::new(WantedFields::new(["MESSAGE"]));
    let mut lengths = Vec::new();
    for piece in text.chunks(1000) {
        reader.read(piece, |entry| lengths.push(entry.value("MESSAGE").map(<[u8]>::len)));
    }
    assert_eq!(lengths, [Some(MAX_KEPT_BYTES), Some(5)]);
    assert_eq!(reader.take_flaws(), Flaws { cut_values: 1, damaged: 0 });
    assert_eq!(reader.take_flaws(), Flaws::default());
}

#[test]
fn what_cannot_be_read_ends_with_the_next_empty_line_and_is_counted() {
    let absurd = [&b"A=1\nMESSAGE\n"[..], &u64::MAX.to_le_bytes(), b"rest\n\n"].concat();
    for broken in [&b"A=1\nlower=2\nB=3\n\n"[..], b"A=1\n=2\n\n", b"A=1\nMESSAGE\n\x01\0\0\0\0\0\0\0xy\n\n", &absurd] {
        let (entries, flaws) = read(&[broken, b"A=2\n\n"], &["A", "B"]);
        assert_eq!(entries, [r#"A="1" B -"#, r#"A="2" B -"#], "{}", broken.escape_ascii());
        assert_eq!(flaws.damaged, 1);
    }
    let (entries, flaws) = read(&["N".repeat(300).as_bytes(), b"=1\n\nA=2\n\n"], &["A"]);
    assert_eq!((entries, flaws.damaged), (vec!["A -".to_owned(), "A=\"2\"".to_owned()], 1));
}

#[test]
fn an_entry_that_broke_off_is_forgotten_when_it_begins_anew() {
    let mut reader = ExportReader::new(WantedFields::new(["A"]));
    let mut entries = Vec::new();
    reader.read(b"A=1\nB", |entry| entries.push(shown(entry, &["A"])));
    reader.begin_anew();
    reader.read(b"A=2\n\n", |entry| entries.push(shown(entry, &["A"])));
    assert_eq!(entries, [r#"A="2""#]);
}

proptest! {
    #[test]
    fn it_does_not_matter_into_which_pieces_the_text_is_cut(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
        sizes in prop::collection::vec(1_usize..30, 1..20),
    ) {
        let entries = messages.iter().zip(1..).map(|(message, number)| Made::bytes(number, message).export());
        let text: Vec<u8> = entries.flatten().collect();
        let mut pieces = Vec::new();
        let (mut rest, mut sizes) = (&text[..], sizes.iter().cycle());
        while !rest.is_empty() {
            let (piece, more) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        let expected: Vec<String> =
            messages.iter().map(|message| format!("MESSAGE={:?}", String::from_utf8_lossy(message))).collect();
        prop_assert_eq!(read(&pieces, &["MESSAGE"]), (expected, Flaws::default()));
    }
}

#[test]
fn fuzz_journal_export() {
    bolero::check!(name = "journal_export").for_each(|bytes: &[u8]| {
        let fields = ["A", "MESSAGE", "_PID"];
        let whole = read(&[bytes], &fields);
        // In pieces it is the same, and no more than the bytes can hold comes of them.
        let pieces: Vec<&[u8]> = bytes.chunks(3).collect();
        assert_eq!(read(&pieces, &fields), whole);
        assert!(whole.0.len() <= bytes.len() / 2 + 1);
    });
}
