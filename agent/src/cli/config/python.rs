//! What only made sense for a program in Python: answered, or refused with what to do instead.

use super::Args;

/// Refuses what this agent has no use for.
///
/// # Errors
/// What to do instead, for each such option.
pub(super) fn refuse(args: &Args) -> Result<(), String> {
    let program = std::env::current_exe().map_or_else(|_| "the program".to_owned(), |path| path.display().to_string());
    let mut refused = Vec::new();
    if args.upgrade_tarball.is_some() || args.preserve_old_install {
        refused.push(format!(
            "--upgrade-tarball (with --preserve-old-install) is not supported: this agent is one program and not a folder to \
             unpack. Stop it with `agent stop`, put the new program in the place of {program} (keep a copy of the old one to go \
             back), and `agent start`: the configuration, the logs and the positions stay where they are"
        ));
    }
    for (option, is_given) in [
        ("--docker-create-custom-dockerfile", args.docker_create_custom_dockerfile.is_some()),
        ("--k8s-create-custom-dockerfile", args.k8s_create_custom_dockerfile.is_some()),
    ] {
        if is_given {
            refused.push(format!(
                "{option} is not supported: it builds on the images of the Python agent. Take `agent config --export-config \
                 config.tar.gz`, and a Dockerfile of three lines on the image of your choice: `COPY {program} /usr/sbin/agent`, \
                 `ADD config.tar.gz /etc/scalyr-agent-2/`, `CMD [\"/usr/sbin/agent\", \"start\", \"--no-fork\", \
                 \"--no-change-user\"]`"
            ));
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(format!("{}\nNothing was done.", refused.join("\n"))) }
}

/// Answers the questions about Python.
pub(super) fn answer(args: &Args, said: &mut String) {
    if let Some(python) = &args.set_python {
        *said += &format!("--set-python {python} has no effect: this agent is not written in Python.\n");
    }
    if args.report_python_version {
        *said += &format!("Rust {} (this agent uses no Python)\n", env!("CARGO_PKG_RUST_VERSION"));
    }
}
