use proptest::prelude::*;

use super::*;

/// What is told of one part, without the pickle around it.
fn shown(value: Value<'_>) -> String {
    match value {
        Value::Nothing => "None".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("{:?}", String::from_utf8_lossy(text)),
        Value::Sequence(parts) => format!("[{}]", parts.iter().map(shown).collect::<Vec<_>>().join(", ")),
    }
}

fn read(bytes: &[u8]) -> String {
    Pickle::read(bytes).map_or_else(|fault| fault.to_string(), |pickle| shown(pickle.value()))
}

/// What Python 3 makes of `points` in the fuzz corpus, in each protocol.
#[test]
fn pickles_of_each_protocol_of_python_are_read() {
    let points = r#"["requests.500.host1", [123456789, 1.03]], ["a;host=web", [-1, "5"]], ["zürich.😀", [1700000000.5, 1180591620717411300000]], "#;
    let bytes = r#"["bytes", [1, 1]], "#;
    let rest = r#"["none", [1, None]], ["requests.500.host1", [2, NaN]]"#;
    for (protocol, pickle) in [
        &include_bytes!("../__fuzz__/pickle/corpus/protocol-0")[..],
        include_bytes!("../__fuzz__/pickle/corpus/protocol-1"),
        include_bytes!("../__fuzz__/pickle/corpus/protocol-2"),
        include_bytes!("../__fuzz__/pickle/corpus/protocol-3"),
        include_bytes!("../__fuzz__/pickle/corpus/protocol-4"),
        include_bytes!("../__fuzz__/pickle/corpus/protocol-5"),
    ]
    .into_iter()
    .enumerate()
    {
        // Before protocol 3 Python writes bytes as a call.
        let bytes = if protocol < 3 { "" } else { bytes };
        assert_eq!(read(pickle), format!("[{points}{bytes}{rest}]"), "protocol {protocol}");
    }
}

#[test]
fn pickles_of_python_2_are_read() {
    assert_eq!(
        read(include_bytes!("../__fuzz__/pickle/corpus/python-2")),
        r#"[["a.b", [1700000000, 1.5]], ["cA", [5, 1]]]"#
    );
}

/// As `pickle.dumps` writes `os.system("true")`.
#[test]
fn a_pickle_that_would_execute_something_is_refused_by_name() {
    let cure = ": only lists, tuples, text and numbers are taken, and nothing of a pickle is ever executed. Send plain \
                values, `float(value)` for those of numpy and `decimal`";
    for (pickle, told) in [
        (&include_bytes!("../__fuzz__/pickle/corpus/executes-0")[..], "GLOBAL at byte 16 asks for \"posix.system\""),
        (include_bytes!("../__fuzz__/pickle/corpus/executes-2"), "GLOBAL at byte 15 asks for \"posix.system\""),
        (include_bytes!("../__fuzz__/pickle/corpus/executes-4"), "STACK_GLOBAL at byte 36 asks for \"posix.system\""),
        (b"(cos\nsystem", "GLOBAL at byte 1"),
        (b"N\x93.", "STACK_GLOBAL at byte 1"),
        (b"}.", "EMPTY_DICT at byte 0"),
        (b"(S'true'\nios\nsystem\n.", "INST at byte 9 asks for \"os.system\""),
    ] {
        assert_eq!(read(pickle), format!("{told}{cure}"));
    }
    for byte in b"cRbioPQ}dsu\x81\x82\x83\x84\x8f\x90\x91\x92\x93\x97\x98" {
        let fault = Pickle::read(&[b'N', b'N', *byte, b'\n', b'\n']).unwrap_err();
        assert!(matches!(fault, Fault::Forbidden { .. }), "{byte:#x}: {fault}");
    }
}

#[test]
fn what_is_no_pickle_is_told_with_its_place() {
    for (bytes, told) in [
        (&b""[..], "it ends before its end"),
        (b"]", "it ends before its end"),
        (b"U\x05abc.", "it ends before its end"),
        (b"X\xff\xff\xff\xff", "it ends before its end"),
        (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "it ends before its end"),
        (b"F1.5", "it ends before its end"),
        (b"Nz.", "0x7a at byte 1 is no instruction of a pickle"),
        (b"\x80\x06N.", "its protocol is 6; 0 to 5 are known"),
        (b"NI1.5\n.", "what stands behind INT at byte 1 is malformed"),
        (b"Fone\n.", "what stands behind FLOAT at byte 0 is malformed"),
        (b"Sabc\n.", "what stands behind STRING at byte 0 is malformed"),
        (b"Npx\n.", "what stands behind PUT at byte 1 is malformed"),
        (b".", "STOP at byte 0 uses what was not made before"),
        (b"a", "APPEND at byte 0 uses what was not made before"),
        (b"NNa", "APPEND at byte 2 uses what was not made before"),
        (b"Nt", "TUPLE at byte 1 uses what was not made before"),
        (b"N\x86", "TUPLE2 at byte 1 uses what was not made before"),
        (b"NN(\x86", "TUPLE2 at byte 3 uses what was not made before"),
        (b"N(.", "STOP at byte 2 uses what was not made before"),
        (b"h\x00.", "BINGET at byte 0 uses what was not made before"),
        (b"q\x00.", "BINPUT at byte 0 uses what was not made before"),
    ] {
        assert_eq!(read(bytes), told, "{bytes:?}");
    }
}

#[test]
fn marks_duplicates_and_what_is_taken_away_are_followed() {
    assert_eq!(read(b"](K\x01K\x02e(K\x031K\x040."), "[1, 2]");
    assert_eq!(read(b"](0K\x012\x86a."), "[[1, 1]]");
    assert_eq!(read(b"]K\x01\x94q\x05r\x06\x00\x00\x000h\x05h\x00j\x06\x00\x00\x00\x87a."), "[[1, 1, 1]]");
    assert_eq!(read(b"NK\x01N.trailing bytes"), "None");
}

#[test]
fn a_pickle_that_refers_to_itself_is_nothing_special() {
    let pickle = Pickle::read(include_bytes!("../__fuzz__/pickle/corpus/refers-to-itself")).unwrap();
    let Value::Sequence(itself) = pickle.value() else { panic!("{pickle:?}") };
    assert!(matches!(itself.iter().next(), Some(Value::Sequence(_))));
}

#[test]
fn a_deep_pickle_is_no_danger_to_the_stack() {
    let mut bytes = vec![b')'];
    bytes.resize(500_000, 0x85);
    bytes.push(b'.');
    assert!(Pickle::read(&bytes).is_ok());
}

#[test]
fn the_number_of_things_is_bounded() {
    let made = |opcode: &[u8]| machine::run(&opcode.repeat(11), 10).map(drop);
    for opcode in [&b"N"[..], b"]", b"K\x05", b"U\x00", b"(", b"N0"] {
        assert_eq!(made(opcode), Err(Fault::TooLarge), "{opcode:?}");
    }
    let mut memo = b"N".to_vec();
    (0..11).for_each(|at| memo.extend([b'q', at]));
    assert_eq!(machine::run(&memo, 10).map(drop), Err(Fault::TooLarge));
    let mut twice = b"Nq\x00".to_vec();
    twice.extend(b"h\x00".repeat(10));
    assert_eq!(machine::run(&twice, 10).map(drop), Err(Fault::TooLarge));
    // A mark at the bottom does not take the memory of the stack with it.
    let mut empty = b"(".to_vec();
    empty.extend(b"N".repeat(1000));
    empty.extend(b"t0");
    empty.extend(b"(t0".repeat(10_000));
    empty.extend(b"N.");
    let pickle = Pickle::read(&empty).unwrap();
    let kept = pickle.things.iter().map(|thing| match thing {
        Thing::Sequence(parts) => parts.capacity(),
        _ => 0,
    });
    assert!(kept.sum::<usize>() <= 1000);
}

/// Instructions that are taken, with arguments.
const INSTRUCTIONS: [&[u8]; 36] = [
    b"(",
    b"(",
    b"0",
    b"1",
    b"2",
    b"F1.5\n",
    b"I7\n",
    b"I01\n",
    b"J\xff\xff\xff\xff",
    b"K\x05",
    b"M\x01\x02",
    b"L9L\n",
    b"\x8a\x02\x01\x80",
    b"\x8b\x01\0\0\0\x05",
    b"N",
    b"G\x7f\xf8\0\0\0\0\0\0",
    b"\x88",
    b"S'a'\n",
    b"U\x01a",
    b"Va\n",
    b"]",
    b"]",
    b")",
    b"a",
    b"e",
    b"l",
    b"t",
    b"\x85",
    b"\x86",
    b"\x86",
    b"\x87",
    b"g1\n",
    b"h\x01",
    b"q\x01",
    b"\x94",
    b"\x80\x02",
];

proptest! {
    #[test]
    fn instructions_in_any_order_are_read_or_told_of(
        order in proptest::collection::vec(0..INSTRUCTIONS.len(), 0..100)
    ) {
        let mut bytes: Vec<u8> = order.iter().flat_map(|&at| INSTRUCTIONS[at]).copied().collect();
        bytes.push(b'.');
        match Pickle::read(&bytes) {
            Err(fault) => prop_assert!(matches!(fault, Fault::BadStack { .. }), "{}", fault),
            Ok(pickle) => {
                prop_assert!(pickle.things.len() <= order.len());
                // One that holds itself would have no end, so only the first two floors are looked at.
                if let Value::Sequence(parts) = pickle.value() {
                    prop_assert!(parts.iter().count() <= order.len());
                }
            }
        }
    }
}
