//! The log that benches and tests of size are made with: lines of a web server, the same in every run and with every
//! version of every crate. Uses nothing but the standard library, so that any target can take it in by its path.

use std::io::Write as _;

/// Every line has this many bytes, its end among them.
pub const LINE_BYTES: usize = 142;

/// The second of its first line, counted from midnight.
const BEGIN: u64 = 6 * 3600;
/// How many lines there are in a second of the log.
const LINES_PER_SECOND: u64 = 180;

const PATHS: [&str; 16] = [
    "/",
    "/index.html",
    "/login",
    "/api/v2/cart",
    "/api/v2/items",
    "/api/v2/orders",
    "/search",
    "/favicon.ico",
    "/static/app.js",
    "/static/app.css",
    "/img/logo.svg",
    "/img/teaser",
    "/health",
    "/account",
    "/checkout",
    "/robots.txt",
];
const AGENTS: [&str; 8] = [
    "Mozilla/5.0 (X11; Linux x86_64)",
    "Mozilla/5.0 (Macintosh)",
    "Mozilla/5.0 (Windows NT 10)",
    "Mozilla/5.0 (iPhone)",
    "curl/8.5.0",
    "Googlebot/2.1",
    "okhttp/4.12.0",
    "kube-probe/1.29",
];
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes one line after the other.
pub struct AccessLog {
    number: u64,
    chance: Chance,
}

impl AccessLog {
    /// Begins with the first line.
    pub fn new() -> Self {
        Self { number: 0, chance: Chance::new(0x5ca1_7a6e) }
    }

    /// Appends the next line to `text`.
    pub fn append_line(&mut self, text: &mut Vec<u8>) {
        let end = text.len() + LINE_BYTES - 1;
        let Self { number, chance } = self;
        let second = BEGIN + *number / LINES_PER_SECOND;
        let (day, second) = (1 + second / 86_400 % 28, second % 86_400);
        *number += 1;
        // Few clients ask for most, as everywhere.
        let client = chance.skewed(20_000);
        let network = [(34, 120), (52, 48), (81, 2), (93, 184), (172, 16), (203, 0)][(client % 6) as usize];
        let host = client.wrapping_mul(2_654_435_761);
        let path = PATHS[chance.skewed(PATHS.len() as u64) as usize];
        let method = if path.starts_with("/api") && chance.below(3) == 0 { "POST" } else { "GET" };
        let query = match path.len() > 8 && chance.below(3) > 0 {
            true => format!("?id={}", chance.skewed(50_000)),
            false => String::new(),
        };
        let status = [200, 200, 200, 200, 200, 200, 304, 302, 404, 500][chance.skewed(10) as usize];
        let size = if status == 304 { 0 } else { 180 + chance.skewed(60_000) };
        let agent = AGENTS[(client % 8) as usize];
        let _ = write!(
            text,
            "{}.{}.{}.{} - - [{day:02}/Nov/2026:{:02}:{:02}:{:02} +0000] \"{method} {path}{query} HTTP/1.1\" {status} \
             {size} \"{agent}\" 0.{:03} ",
            network.0,
            network.1,
            host >> 8 & 255,
            host >> 16 & 255,
            second / 3600,
            second / 60 % 60,
            second % 60,
            chance.skewed(1000)
        );
        fill(text, end, chance);
    }
}

/// The id of the request, and dashes up to the length of a line. The id is what does not compress: with it, deflate 6 of
/// the bodies that these lines make is a quarter of the log.
fn fill(line: &mut Vec<u8>, end: usize, chance: &mut Chance) {
    const ID_DIGITS: usize = 32;
    let digits = end.saturating_sub(line.len()).min(ID_DIGITS);
    let bits = u128::from(chance.next()) << 64 | u128::from(chance.next());
    line.extend((0..digits).map(|digit| HEX[(bits >> (4 * digit) & 15) as usize]));
    line.resize(end, b'-');
    line.push(b'\n');
}

/// Chance that is the same in every run: splitmix64.
pub struct Chance(u64);

impl Chance {
    /// Begins with this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }

    /// A number below `end`, each as likely.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number below `end`, small ones much more often: the smallest of three.
    pub fn skewed(&mut self, end: u64) -> u64 {
        self.below(end).min(self.below(end)).min(self.below(end))
    }
}
