//! The instructions of pickles that are taken, and the names of those that are not.

/// An instruction that only makes data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Mark,
    Stop,
    Pop,
    PopMark,
    Dup,
    Float,
    Int,
    BinInt,
    BinInt1,
    BinInt2,
    Long,
    Long1,
    Long4,
    None,
    BinFloat,
    True,
    False,
    /// With a quoted text.
    String,
    /// Text with a length of so many bytes.
    Sized(usize),
    Unicode,
    EmptyList,
    EmptyTuple,
    Append,
    Appends,
    List,
    Tuple,
    /// A tuple of so many things.
    TupleOf(usize),
    Get,
    BinGet,
    LongBinGet,
    Put,
    BinPut,
    LongBinPut,
    Memoize,
    Proto,
    Frame,
}

/// What a byte stands for.
pub(super) enum Known {
    /// An instruction that is taken.
    Taken(Opcode),
    /// One that makes something else than data, or data that has no place in points.
    Forbidden,
}

/// The instruction of a byte, with its name in Python's `pickletools`; `None` for a byte that is none.
pub(super) fn of(byte: u8) -> Option<(&'static str, Known)> {
    if let Some((name, opcode)) = taken(byte) {
        return Some((name, Known::Taken(opcode)));
    }
    forbidden(byte).map(|name| (name, Known::Forbidden))
}

fn taken(byte: u8) -> Option<(&'static str, Opcode)> {
    Some(match byte {
        b'(' => ("MARK", Opcode::Mark),
        b'.' => ("STOP", Opcode::Stop),
        b'0' => ("POP", Opcode::Pop),
        b'1' => ("POP_MARK", Opcode::PopMark),
        b'2' => ("DUP", Opcode::Dup),
        b'F' => ("FLOAT", Opcode::Float),
        b'I' => ("INT", Opcode::Int),
        b'J' => ("BININT", Opcode::BinInt),
        b'K' => ("BININT1", Opcode::BinInt1),
        b'M' => ("BININT2", Opcode::BinInt2),
        b'L' => ("LONG", Opcode::Long),
        0x8a => ("LONG1", Opcode::Long1),
        0x8b => ("LONG4", Opcode::Long4),
        b'N' => ("NONE", Opcode::None),
        b'G' => ("BINFLOAT", Opcode::BinFloat),
        0x88 => ("NEWTRUE", Opcode::True),
        0x89 => ("NEWFALSE", Opcode::False),
        b'S' => ("STRING", Opcode::String),
        b'T' => ("BINSTRING", Opcode::Sized(4)),
        b'U' => ("SHORT_BINSTRING", Opcode::Sized(1)),
        b'B' => ("BINBYTES", Opcode::Sized(4)),
        b'C' => ("SHORT_BINBYTES", Opcode::Sized(1)),
        0x8e => ("BINBYTES8", Opcode::Sized(8)),
        0x96 => ("BYTEARRAY8", Opcode::Sized(8)),
        b'V' => ("UNICODE", Opcode::Unicode),
        b'X' => ("BINUNICODE", Opcode::Sized(4)),
        0x8c => ("SHORT_BINUNICODE", Opcode::Sized(1)),
        0x8d => ("BINUNICODE8", Opcode::Sized(8)),
        b']' => ("EMPTY_LIST", Opcode::EmptyList),
        b')' => ("EMPTY_TUPLE", Opcode::EmptyTuple),
        b'a' => ("APPEND", Opcode::Append),
        b'e' => ("APPENDS", Opcode::Appends),
        b'l' => ("LIST", Opcode::List),
        b't' => ("TUPLE", Opcode::Tuple),
        0x85 => ("TUPLE1", Opcode::TupleOf(1)),
        0x86 => ("TUPLE2", Opcode::TupleOf(2)),
        0x87 => ("TUPLE3", Opcode::TupleOf(3)),
        b'g' => ("GET", Opcode::Get),
        b'h' => ("BINGET", Opcode::BinGet),
        b'j' => ("LONG_BINGET", Opcode::LongBinGet),
        b'p' => ("PUT", Opcode::Put),
        b'q' => ("BINPUT", Opcode::BinPut),
        b'r' => ("LONG_BINPUT", Opcode::LongBinPut),
        0x94 => ("MEMOIZE", Opcode::Memoize),
        0x80 => ("PROTO", Opcode::Proto),
        0x95 => ("FRAME", Opcode::Frame),
        _ => return None,
    })
}

fn forbidden(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'c' => "GLOBAL",
        b'R' => "REDUCE",
        b'b' => "BUILD",
        b'i' => "INST",
        b'o' => "OBJ",
        b'P' => "PERSID",
        b'Q' => "BINPERSID",
        b'}' => "EMPTY_DICT",
        b'd' => "DICT",
        b's' => "SETITEM",
        b'u' => "SETITEMS",
        0x81 => "NEWOBJ",
        0x82 => "EXT1",
        0x83 => "EXT2",
        0x84 => "EXT4",
        0x8f => "EMPTY_SET",
        0x90 => "ADDITEMS",
        0x91 => "FROZENSET",
        0x92 => "NEWOBJ_EX",
        0x93 => "STACK_GLOBAL",
        0x97 => "NEXT_BUFFER",
        0x98 => "READONLY_BUFFER",
        _ => return None,
    })
}
