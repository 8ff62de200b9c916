//! What compression costs and what it leaves, on a body of 5.9 MB full of an access log: every type at every level that is
//! worth a look, on this agent's form of the body and on that of the Python agent, beside libraries that were not chosen.
//!
//! `cargo bench -p scalyr-agent --bench compress` prints the table of sizes, then divan's figures with allocations. A
//! filter, as in `-- zstandard`, chooses among them; `-- table` prints the table alone, with the CPU time of the thread.

#![expect(clippy::print_stdout, reason = "a bench says what it has found")]

mod material;

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher};
use flate2::{Compress, FlushCompress};
use material::bodies::{Body, Form, body};
use rustix::time::{ClockId, clock_gettime};
use scalyr_agent::config::plan::Compression;
use scalyr_agent::upload::{Compressor, working_memory};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// The largest request that is sent without other settings.
const LIMIT: usize = 5_900_000;
const GIB: f64 = (1_u64 << 30) as f64;
/// Type and level.
const CASES: &[(&str, i64)] = &[
    ("deflate", 1),
    ("deflate", 2),
    ("deflate", 3),
    ("deflate", 4),
    ("deflate", 5),
    ("deflate", 6),
    ("deflate", 7),
    ("deflate", 8),
    ("deflate", 9),
    ("zstandard", 1),
    ("zstandard", 2),
    ("zstandard", 3),
    ("zstandard", 4),
    ("zstandard", 5),
    ("zstandard", 6),
    ("zstandard", 9),
    ("zstandard", 12),
    ("zstandard", 15),
    ("lz4", 0),
    ("lz4", 2),
    ("lz4", 3),
    ("lz4", 9),
    ("lz4", 12),
    ("bz2", 1),
    ("bz2", 5),
    ("bz2", 9),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.iter().all(|argument| argument == "table") {
        table();
    }
    if arguments.is_empty() || arguments.iter().any(|argument| argument != "table") {
        divan::main();
    }
}

fn table() {
    let (lean, python) = (body(Form::Lean, LIMIT), body(Form::Python, LIMIT));
    println!("                      ours                     Python agent's form       working");
    println!("                      % of log  CPU-s per GiB  % of log  CPU-s per GiB   memory");
    for &(name, level) in CASES {
        let compression = compression(name, level);
        let memory = working_memory(compression, LIMIT) >> 10;
        line(&format!("{name} {level}"), &lean, &python, &format!("{memory:8} KiB"), |body, packed| {
            // One compressor for all: the first body warms it up.
            let mut compressor = Compressor::new(compression);
            least_seconds(body, packed, |body, packed| compressor.compress(body, packed).expect("the library works"))
        });
    }
    for level in [1, 2, 3, 6, 9] {
        line(&format!("zlib-rs {level}"), &lean, &python, "", |body, packed| {
            let mut zlib = Compress::new(flate2::Compression::new(level), true);
            least_seconds(body, packed, |body, packed| {
                zlib.reset();
                packed.clear();
                packed.reserve(body.len());
                zlib.compress_vec(body, packed, FlushCompress::Finish).expect("the library works");
            })
        });
    }
    for level in [1, 6] {
        line(&format!("miniz_oxide {level}"), &lean, &python, "", |body, packed| {
            least_seconds(body, packed, |body, packed| {
                *packed = miniz_oxide::deflate::compress_to_vec_zlib(body, level);
            })
        });
    }
    line("lz4_flex", &lean, &python, "", |body, packed| {
        least_seconds(body, packed, |body, packed| {
            use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
            packed.clear();
            let info = FrameInfo::new().block_mode(BlockMode::Independent).block_size(BlockSize::Max64KB);
            let mut frame = FrameEncoder::with_frame_info(info, packed);
            std::io::Write::write_all(&mut frame, body).expect("into memory");
            frame.finish().expect("into memory");
        })
    });
}

/// The least CPU time of some rounds, in seconds.
fn least_seconds(body: &[u8], packed: &mut Vec<u8>, mut compress: impl FnMut(&[u8], &mut Vec<u8>)) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    let (mut least, mut all) = (f64::MAX, 0.0);
    for round in 0..8 {
        let begin = now();
        compress(body, packed);
        let seconds = now() - begin;
        least = least.min(seconds);
        all += seconds;
        if round > 0 && all > 1.0 {
            break;
        }
    }
    least
}

fn line(name: &str, lean: &Body, python: &Body, more: &str, mut run: impl FnMut(&[u8], &mut Vec<u8>) -> f64) {
    let mut cells = String::new();
    for body in [lean, python] {
        let mut packed = Vec::new();
        let seconds = run(&body.bytes, &mut packed);
        let (share, log) = (100.0 * packed.len() as f64 / body.log_bytes as f64, body.log_bytes as f64 / GIB);
        cells += &format!("{share:8.1}  {:13.1}  ", seconds / log);
    }
    println!("{name:20}  {cells}{more}");
}

fn compression(name: &str, level: i64) -> Compression {
    Compression::named(name).and_then(|it| it.at_level(level)).expect("there is such a level")
}

/// Bytes of the body per second, and what a body allocates.
#[divan::bench(args = CASES.iter().map(|(name, level)| format!("{name} {level}")), sample_count = 5, sample_size = 1)]
fn compress(bencher: Bencher<'_, '_>, case: &str) {
    let (name, level) = case.split_once(' ').expect("type and level");
    let body = body(Form::Lean, LIMIT);
    let mut compressor = Compressor::new(compression(name, level.parse().expect("a number")));
    let mut packed = Vec::new();
    compressor.compress(&body.bytes, &mut packed).expect("the library works");
    let counter = BytesCount::of_slice(&body.bytes);
    bencher.counter(counter).bench_local(|| compressor.compress(&body.bytes, &mut packed).expect("the library works"));
}
