//! What becomes of a window of lines on its way into a request, step by step: taken apart, redacted, encoded. (What
//! compression costs is measured by `cargo xtask bench`, on the bodies themselves.)
//!
//! `cargo bench -p scalyr-agent --bench lines`

use {builtin_monitors as _, local_monitors as _};

#[path = "material/access_log.rs"]
mod access_log;

use std::path::PathBuf;
use std::sync::Arc;

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use scalyr_agent::config::line_plan::{LinePlan, Piece, RedactionPlan, Replacement};
use scalyr_agent::config::plan::TailPlan;
use scalyr_agent::ledger::{Identity, Ledger, Offset, Sequence, WorkerId};
use scalyr_agent::logs::batch::{BATCH_BYTES, Batch, LogDescription};
use scalyr_agent::logs::{Lines, Taken, Window};
use scalyr_agent::upload::Encoder;
use scalyr_monitor::Timestamp;
use scalyr_monitor::config::Pattern;

use access_log::{AccessLog, LINE_BYTES};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// As in `max_allowed_request_size`.
const REQUEST_BYTES: usize = 5_900_000;

fn main() {
    divan::main();
}

/// Whole lines, as many as are read at a time.
fn window() -> Vec<u8> {
    let (mut log, mut text) = (AccessLog::new(), Vec::new());
    while text.len() + LINE_BYTES <= BATCH_BYTES {
        log.append_line(&mut text);
    }
    text
}

fn take(lines: &mut Lines, arena: &mut Vec<u8>) -> Taken {
    let window = Window { at: Offset(0), flush: false, now: Timestamp::from_nanos(1_795_355_310_507_682_560) };
    lines.take(arena, window, &TailPlan::default())
}

fn measure_taking(bencher: Bencher<'_, '_>, plan: LinePlan) {
    let source = window();
    let (mut lines, mut arena) = (Lines::new(Arc::new(plan), "sequence"), Vec::new());
    let counted = bencher.counter(BytesCount::of_slice(&source)).counter(ItemsCount::new(source.len() / LINE_BYTES));
    counted.bench_local(|| {
        // The copy stands for the read.
        arena.clear();
        arena.extend_from_slice(&source);
        take(&mut lines, &mut arena)
    });
}

fn redacting(expression: &str, piece: Piece) -> LinePlan {
    let expression = Pattern::new(expression).expect("a pattern of this bench");
    let replacement = Replacement { pieces: vec![piece], salt: "salt".to_owned() };
    let rule = RedactionPlan { expression, replacement, place: "redaction_rules[0]".to_owned() };
    LinePlan { redaction: vec![rule], ..LinePlan::default() }
}

/// Lines without rules.
#[divan::bench]
fn split(bencher: Bencher<'_, '_>) {
    measure_taking(bencher, LinePlan::default());
}

/// A rule that matches nowhere.
#[divan::bench]
fn redact_nothing(bencher: Bencher<'_, '_>) {
    measure_taking(bencher, redacting("password=\\S+", Piece::Literal("password=***".to_owned())));
}

/// A rule that replaces the address of each client.
#[divan::bench]
fn redact_each_address(bencher: Bencher<'_, '_>) {
    measure_taking(bencher, redacting(r"\d+\.\d+\.\d+\.\d+", Piece::Literal("-".to_owned())));
}

/// The same by its hash.
#[divan::bench]
fn hash_each_address(bencher: Bencher<'_, '_>) {
    measure_taking(bencher, redacting(r"(\d+\.\d+\.\d+\.\d+)", Piece::Hash(1)));
}

/// A batch into bodies as large as requests may be.
#[divan::bench]
fn encode(bencher: Bencher<'_, '_>) {
    let mut arena = window();
    let bytes = arena.len();
    let taken = take(&mut Lines::new(Arc::new(LinePlan::default()), "sequence"), &mut arena);
    let ledger = Ledger::new();
    let identity = Identity { device: 1, inode: 2, born: None, head_length: 0, head_hash: String::new() };
    let sequence = Sequence { id: "3e5a7f0c-63f8-4a9e-9f43-1c1fb22eb6a5".to_owned(), begin: Offset(0) };
    let account = ledger.open(WorkerId("default".into()), PathBuf::from("access.log"), identity, sequence, Offset(0));
    let batch = Batch {
        account: account.hand_on(Offset(bytes as u64)),
        log: Arc::new(LogDescription {
            attributes: "{\"parser\":\"accessLog\"}".to_owned(),
            path: "access.log".to_owned(),
        }),
        time: Timestamp::from_nanos(1_795_355_310_507_682_560),
        arena,
        events: taken.events,
        segments: taken.segments,
    };
    let mut encoder = Encoder::new();
    let counted = bencher.counter(BytesCount::new(bytes)).counter(ItemsCount::new(bytes / LINE_BYTES));
    counted.bench_local(|| encoder.encode(&batch, REQUEST_BYTES));
}
