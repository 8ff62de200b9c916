//! `agent config`, which is also called `scalyr-agent-2-config`: changes the configuration of this host
//! (`cli-and-service.md` section 9).
//!
//! Several options may be given at once. All changes of values are made ready together, the configuration that they
//! would give is read and checked as the agent does it, and only then the files are replaced.

mod changes;
mod export;
mod files;
mod import;
mod key_input;
mod owner;
mod python;
mod running;
mod spot;

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scalyr_monitor::registry::{Environment, Registry};

use super::configuration;
use super::problems::{self, Form, Wording};
use super::{FAILURE, SUCCESS};
use crate::config::load::{DEFAULT_FILE, Proposed, load_proposed};
use crate::config::plan::ApiKey;
use crate::config::{self, Draft, Loaded, Report, Request, Severity, Surroundings};

/// What `agent config` can be told.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    // As the Python agent's tool: the beginning of an option is enough, as long as no other one begins so.
    infer_long_args = true,
    after_help = "\
Several options may be given at once. They act in this order: key, server, host, attributes, user, export, import. A value
stands where it stood before, comments and layout stay; what the agent would refuse is refused before anything is written.
A running agent notices a change by itself within `config_change_check_interval` (30 s), at once by SIGHUP.

Exit status: 0 when all was done; 1 when something was not, with the reason; 2 for a wrong command line.

Examples:
  agent config --set-key-from-stdin    asks for it and shows nothing
  agent config --set-scalyr-server https://eu.scalyr.com
  agent config --set-server-host web-1 --set-attribute tier=front
  agent config --set-user scalyr
  agent config --export-config old.tar.gz --import-config new.tar.gz"
)]
pub struct Args {
    /// The main file of the configuration
    #[arg(short = 'c', long = "config-file", value_name = "FILE", default_value = DEFAULT_FILE)]
    pub config_file: PathBuf,

    /// Set the api key; others on this host may see it in the list of processes, so better use --set-key-from-stdin
    #[arg(long, value_name = "KEY", value_parser = api_key, conflicts_with = "set_key_from_stdin")]
    pub set_key: Option<ApiKey>,

    /// Set the api key to the one that is typed, without showing it, or piped in
    #[arg(long)]
    pub set_key_from_stdin: bool,

    /// Set the address of the server that the agent sends to
    #[arg(long, value_name = "URL")]
    pub set_scalyr_server: Option<String>,

    /// Set the name of this host, the attribute `serverHost`
    #[arg(long, value_name = "NAME")]
    pub set_server_host: Option<String>,

    /// Set an attribute of this host, which all its logs carry; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    pub set_attribute: Vec<(String, String)>,

    /// Let the agent run as this user: give them the configuration and the folders of the agent's logs and data (as root)
    #[arg(long, alias = "set_user", value_name = "NAME")]
    pub set_user: Option<String>,

    /// Write the main file and its fragments into a gzipped tar file; `-` for standard output
    #[arg(long, value_name = "FILE")]
    pub export_config: Option<PathBuf>,

    /// Put the configuration of such a file in the place of this one; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub import_config: Option<PathBuf>,

    /// Let systemd start and stop the agent: install its unit (as root)
    #[arg(long)]
    pub systemd_managed: bool,

    /// Accepted for old scripts; there is no Python to choose
    #[arg(long, value_name = "WHICH", value_parser = ["default", "python", "python2", "python3"])]
    pub set_python: Option<String>,

    /// Print in a line what this agent is built with
    #[arg(long)]
    pub report_python_version: bool,

    /// Refused, with what to do instead
    #[arg(long, value_name = "FILE", hide = true)]
    pub upgrade_tarball: Option<PathBuf>,

    /// Refused, with what to do instead
    #[arg(long, hide = true)]
    pub preserve_old_install: bool,

    /// Refused, with what to do instead
    #[arg(long, value_name = "FILE", hide = true)]
    pub docker_create_custom_dockerfile: Option<PathBuf>,

    /// Refused, with what to do instead
    #[arg(long, value_name = "FILE", hide = true)]
    pub k8s_create_custom_dockerfile: Option<PathBuf>,
}

#[expect(clippy::unnecessary_wraps, reason = "clap asks for a result")]
fn api_key(text: &str) -> Result<ApiKey, String> {
    Ok(ApiKey::new(text.trim()))
}

fn attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// The way to standard input and output, which a test replaces.
pub struct Terminal<'t> {
    /// What is printed for people, or the archive of `--export-config -`.
    pub out: &'t mut dyn Write,
    /// Whether that is a terminal.
    pub out_is_terminal: bool,
    /// Mistakes, and what is printed for people when `out` is an archive.
    pub err: &'t mut dyn Write,
    /// The key, or the archive of `--import-config -`.
    pub input: &'t mut dyn Read,
    /// Whether that is a terminal.
    pub input_is_terminal: bool,
}

/// Does what is asked for, one line for each thing done. The exit code is 0, or 1 when something could not be done.
pub fn run(args: &Args, environment: &Arc<Environment>) -> u8 {
    let (out, input) = (io::stdout(), io::stdin());
    let (out_is_terminal, input_is_terminal) = (out.is_terminal(), input.is_terminal());
    let mut terminal = Terminal {
        out: &mut out.lock(),
        out_is_terminal,
        err: &mut io::stderr(),
        input: &mut input.lock(),
        input_is_terminal,
    };
    run_at(args, environment, &mut terminal)
}

/// The same at this terminal.
pub fn run_at(args: &Args, environment: &Arc<Environment>, terminal: &mut Terminal<'_>) -> u8 {
    let mut said = String::new();
    let done = act(args, environment, terminal, &mut said);
    // What was done is told also when something behind it failed.
    let to: &mut dyn Write = if is_stdio(args.export_config.as_deref()) { terminal.err } else { terminal.out };
    // Nowhere is left to tell it when this fails.
    _ = to.write_all(said.as_bytes()).and_then(|()| to.flush());
    match done {
        Ok(()) => SUCCESS,
        Err(reason) => {
            _ = writeln!(terminal.err, "{}", reason.trim_end());
            FAILURE
        }
    }
}

fn act(
    args: &Args,
    environment: &Arc<Environment>,
    terminal: &mut Terminal<'_>,
    said: &mut String,
) -> Result<(), String> {
    python::refuse(args)?;
    let from_stdin = args.set_key_from_stdin && is_stdio(args.import_config.as_deref());
    if from_stdin {
        return Err("only one of --set-key-from-stdin and --import-config - can have the standard input".to_owned());
    }
    if is_stdio(args.export_config.as_deref()) && terminal.out_is_terminal {
        return Err(
            "--export-config - writes a packed file, which a terminal cannot show; redirect it, or name a file"
                .to_owned(),
        );
    }
    python::answer(args, said);
    if args.systemd_managed {
        install_unit(said)?;
    }
    let host = Host::new(args, environment)?;
    changes::make(args, &host, terminal, said)?;
    if let Some(user) = &args.set_user {
        owner::give(user, &host, said)?;
    }
    if let Some(path) = &args.export_config {
        export::write(path, &host, terminal, said)?;
    }
    match &args.import_config {
        Some(path) => import::read(path, &host, terminal, said),
        None => Ok(()),
    }
}

fn install_unit(said: &mut String) -> Result<(), String> {
    let executable = std::env::current_exe().map_err(|error| format!("this program is not to be found: {error}"))?;
    let mut out = Vec::new();
    let done = crate::service::unit::install(Path::new("/"), &executable, &mut out);
    said.push_str(&String::from_utf8_lossy(&out));
    done
}

fn is_stdio(path: Option<&Path>) -> bool {
    path == Some(Path::new("-"))
}

/// The configuration that is changed, and what it is read against.
struct Host {
    file: PathBuf,
    environment: Arc<Environment>,
    registry: Registry,
    name: String,
}

impl Host {
    fn new(args: &Args, environment: &Arc<Environment>) -> Result<Self, String> {
        let registry = Registry::linked().map_err(|problems| problems.join("\n"))?;
        let file = std::path::absolute(&args.config_file).unwrap_or_else(|_| args.config_file.clone());
        let (environment, name) = (Arc::clone(environment), super::surroundings::host_name());
        Ok(Self { file, environment, registry, name })
    }

    /// The configuration as it is, or as it would be with these files.
    fn load(&self, proposed: &Proposed) -> Loaded {
        let request =
            Request { file: &self.file, named_by: "-c", extra_directory: None, environment: &self.environment };
        load_proposed(&request, proposed)
    }

    fn draft(&self, loaded: &Loaded) -> Draft {
        let (environment, host_name) = (&self.environment, self.name.as_str());
        config::draft(loaded, &Surroundings { registry: &self.registry, environment, host_name })
    }

    /// The configuration as it is.
    ///
    /// # Errors
    /// All problems, when its files cannot be read or contradict each other. A key or a server that cannot be used is
    /// none of them: it may be what is to be changed.
    fn readable(&self) -> Result<Loaded, String> {
        let loaded = self.load(&Proposed::default());
        let is_of_files = |problem: &config::Problem| {
            problem.severity == Severity::Fatal && !problem.place.path.ends_with("api_key_file")
        };
        if loaded.report.problems().iter().any(is_of_files) {
            let text = configuration::text(&loaded.report);
            return Err(format!(
                "{text}The configuration must be readable before it can be changed; nothing was done."
            ));
        }
        Ok(loaded)
    }
}

/// The problems that `new` has and `old` had not, from this severity on.
fn added_problems(old: &Report, new: &Report, from: Severity) -> String {
    let is_known = |problem: &config::Problem| {
        old.problems().iter().any(|known| {
            let is_same_place = known.place.path == problem.place.path && known.place.source == problem.place.source;
            is_same_place && known.message == problem.message
        })
    };
    let added = new.only(|problem| problem.severity >= from && !is_known(problem));
    problems::text(&added, Wording::Daemon, Form::of_stderr())
}
