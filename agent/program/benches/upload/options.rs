//! What is asked for on the command line. `cargo xtask bench` has the same options.

/// What is measured.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// The size of the log.
    pub(crate) mib: u64,
    /// The size of the log for those peers that take their time.
    pub(crate) peer_mib: u64,
    /// How often.
    pub(crate) runs: usize,
    /// The names of rows; empty = the usual ones.
    pub(crate) only: Vec<String>,
    /// Also what is rarely used.
    pub(crate) all: bool,
    /// Other programs as well.
    pub(crate) peers: bool,
    /// Succeeds only when everything was acknowledged; the times do not matter.
    pub(crate) smoke: bool,
}

impl Options {
    /// Reads them; the error says what was wrong.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options =
            Self { mib: 256, peer_mib: 64, runs: 1, only: Vec::new(), all: false, peers: true, smoke: false };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` takes a value"));
            let number = |text: String| match text.parse::<u64>() {
                Ok(number) if number > 0 => Ok(number),
                _ => Err(format!("`{word}` takes a whole number above 0, not `{text}`")),
            };
            match word.as_str() {
                "--mib" => options.mib = number(value()?)?,
                "--peer-mib" => options.peer_mib = number(value()?)?,
                "--runs" => options.runs = usize::try_from(number(value()?)?).unwrap_or(usize::MAX),
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                "--all" => options.all = true,
                "--no-peers" => options.peers = false,
                "--smoke" => options.smoke = true,
                // From `cargo bench` itself.
                "--bench" => {}
                _ => {
                    return Err(format!(
                        "`{word}` is not known; there are `--mib N`, `--runs N`, `--only NAME,NAME`, `--all`, \
                         `--no-peers`, `--peer-mib N` and `--smoke`"
                    ));
                }
            }
        }
        Ok(options)
    }
}
