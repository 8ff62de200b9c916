//! `cargo xtask bench`: what it costs to upload a log, beside what its compressor costs alone and what others cost; with
//! `--syslog`, what it costs to receive syslog messages.

mod peers;

use std::path::Path;
use std::process::Command;

use crate::check;

/// What is measured, and whether the other programs are fetched first.
#[derive(Debug, PartialEq)]
pub(crate) struct Bench {
    /// Passed on to the bench as they are.
    options: Vec<String>,
    install_peers: bool,
    /// Receiving syslog messages is measured, and not uploading.
    syslog: bool,
    /// With an agent that is not optimised.
    dev: bool,
}

/// Options of the bench that stand alone.
const FLAGS: [&str; 3] = ["--all", "--no-peers", "--smoke"];
/// Options of the bench with a value.
const VALUES: [&str; 4] = ["--mib", "--runs", "--only", "--peer-mib"];

/// Understands the options; the error says what was wrong. The bench itself reads their values.
pub(crate) fn understand(words: &[String]) -> Result<Bench, String> {
    const KNOWN: &str = "all it takes is `--runs N`, `--mib N`, `--only NAME,NAME`, `--all`, `--no-peers`, \
                         `--peer-mib N`, `--install-peers`, `--smoke`, `--syslog` and `--dev`";
    let mut bench = Bench { options: Vec::new(), install_peers: false, syslog: false, dev: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--install-peers" => bench.install_peers = true,
            "--syslog" => bench.syslog = true,
            "--dev" => bench.dev = true,
            flag if FLAGS.contains(&flag) => bench.options.push(word.clone()),
            option if VALUES.contains(&option) => {
                let value = words.next().ok_or_else(|| format!("`bench {word}` takes a value; {KNOWN}"))?;
                if option != "--only" && !value.parse::<u64>().is_ok_and(|number| number > 0) {
                    return Err(format!("`bench {word}` takes a whole number above 0, not `{value}`"));
                }
                bench.options.extend([word.clone(), value.clone()]);
            }
            _ => return Err(format!("`bench` knows no `{word}`; {KNOWN}")),
        }
    }
    match bench.options.first() {
        Some(option) if bench.syslog => Err(format!("`bench --syslog` takes no `{option}`")),
        _ => Ok(bench),
    }
}

/// Measures; true when all went well, whatever the figures are.
pub(crate) fn run(root: &Path, bench: &Bench) -> bool {
    if bench.install_peers
        && let Err(problem) = peers::install(root)
    {
        eprintln!("cargo xtask bench: {problem}");
        return false;
    }
    check::succeeded(command(root, bench), "bench")
}

/// The bench, with the agent built as for a package.
fn command(root: &Path, bench: &Bench) -> Command {
    let mut command = check::cargo(root);
    command.args(["bench", "--locked", "-p", "agent", "--bench", if bench.syslog { "syslog" } else { "upload" }]);
    if bench.dev {
        command.args(["--profile", "dev"]);
    }
    command.arg("--").args(&bench.options);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_options_of_the_bench_are_passed_on_and_ours_are_not() {
        let bench = understand(&words("--runs 3 --install-peers --only deflate,none --dev --all")).unwrap();
        assert!(bench.install_peers && bench.dev);
        let arguments: Vec<_> = command(Path::new("/"), &bench).get_args().map(|word| word.to_owned()).collect();
        assert_eq!(
            arguments.join(" ".as_ref()).to_str(),
            Some("bench --locked -p agent --bench upload --profile dev -- --runs 3 --only deflate,none --all")
        );
    }

    #[test]
    fn syslog_is_a_bench_of_its_own() {
        let bench = understand(&words("--syslog --dev")).unwrap();
        let arguments: Vec<_> = command(Path::new("/"), &bench).get_args().map(|word| word.to_owned()).collect();
        assert_eq!(
            arguments.join(" ".as_ref()).to_str(),
            Some("bench --locked -p agent --bench syslog --profile dev --")
        );
        assert!(understand(&words("--syslog --mib 3")).unwrap_err().contains("takes no `--mib`"));
    }

    #[test]
    fn a_wrong_option_is_answered_with_what_there_is_before_anything_is_built() {
        for (line, told) in [
            ("--quick", "`bench` knows no `--quick`; all it takes is `--runs N`"),
            ("--runs", "`bench --runs` takes a value; all it takes is"),
            ("--mib 0", "`bench --mib` takes a whole number above 0, not `0`"),
        ] {
            let problem = understand(&words(line)).unwrap_err();
            assert!(problem.starts_with(told), "{problem}");
        }
    }
}
