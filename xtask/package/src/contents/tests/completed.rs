//! What the shells make of the installed completions: each is asked as a user asks it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::text;

/// What this shell prints, when it runs a script that finds the completions in the folder of its first argument.
fn printed(shell: &str, options: &[&str], script: &str, folder: &Path) -> String {
    let mut command = Command::new(shell);
    command.args(options).arg(script).arg(folder).stdin(Stdio::null());
    command.env("TERM", "xterm").env("HOME", folder);
    let output = command.output().unwrap_or_else(|error| panic!("{error}; needed: apt-get install {shell}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{shell}: {out}\n{err}");
    out.into_owned()
}

/// A folder with the installed file of each name.
fn installed(path: impl Fn(&str) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["scalyr-agent-2", "scalyr-agent-2-config"] {
        let path = path(name);
        let file = path.rsplit('/').next().unwrap_or_default();
        fs::write(folder.path().join(file), text(&path)).expect("written");
    }
    folder
}

#[test]
fn bash_completes_both_names() {
    let folder = installed(|name| format!("usr/share/bash-completion/completions/{name}"));
    let script = r#"
        ask() {
            source "$folder/$1"
            function=$(complete -p "$1" | sed 's/.* -F \([^ ]*\) .*/\1/')
            COMP_WORDS=("$1" "$2") COMP_CWORD=1
            "$function" "$1" "$2" "$1"
            echo "${COMPREPLY[@]}"
        }
        folder=$0
        ask scalyr-agent-2 st
        ask scalyr-agent-2-config --set-k
    "#;
    let said = printed("bash", &["--norc", "-c"], script, folder.path());
    assert_eq!(said, "start stop status\n--set-key --set-key-from-stdin\n");
}

#[test]
fn fish_completes_both_names() {
    let folder = installed(|name| format!("usr/share/fish/vendor_completions.d/{name}.fish"));
    let script = r#"
        source $argv[1]/scalyr-agent-2.fish
        source $argv[1]/scalyr-agent-2-config.fish
        complete -C'scalyr-agent-2 st' | cut -f 1
        complete -C'scalyr-agent-2-config --set-k' | cut -f 1
    "#;
    let said = printed("fish", &["--no-config", "-c"], script, folder.path());
    assert_eq!(said, "start\nstatus\nstop\n--set-key\n--set-key-from-stdin\n");
}

/// zsh completes at a terminal only: one is made for it, and the key Tab typed.
#[test]
fn zsh_completes_both_names() {
    let folder = installed(|name| format!("usr/share/zsh/vendor-completions/_{name}"));
    let script = r#"
        zmodload zsh/zpty
        zpty shell "zsh -f -i"
        see() {
            local out all
            repeat 1200; do
                if zpty -r -t shell out; then
                    all+=$out
                    [[ $all == *$1* ]] && return
                else
                    sleep 0.05
                fi
            done
            print -r -- "$1 does not come: $all"
            exit 1
        }
        zpty -w shell "PROMPT=; fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -D -u; print re''ady"
        see ready
        zpty -w -n shell $'scalyr-agent-2 st\t\t'
        see 'Tell whether the agent runs'
        zpty -w -n shell $'\x15scalyr-agent-2-config --set-k\t\t'
        see '--set-key-from-stdin'
        zpty -d shell
    "#;
    printed("zsh", &["-f", "-c"], &format!("set -- $0\n{script}"), folder.path());
}
