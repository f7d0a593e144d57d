//! The distribution's bash, zsh and fish load our completion, and complete a subcommand, a flag, a context and a live procedure.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{Output, Program, Router, wamp};

/// What is typed, and what is to come of it.
const LINES: [(&str, &str); 5] = [
    ("wamp desc", "describe"),
    ("wamp call --serial", "--serializer"),
    ("wamp call com.example.compl", "com.example.completed"),
    (
        "wamp call --realm realm1 com.example.compl",
        "com.example.completed",
    ),
    ("wamp ctx use pro", "production"),
];

/// A router with a procedure, and a user with a context.
struct Scene {
    router: Router,
    _callee: Program,
    home: TempDir,
}

impl Scene {
    fn new() -> Self {
        let router = Router::start();
        let callee = wamp(["register", "com.example.completed", "--echo"])
            .to(router.url())
            .start();
        callee.wait_for_line("-- registered");
        let home = tempfile::tempdir().unwrap();
        let added = wamp(["ctx", "add", "production"]).env("XDG_CONFIG_HOME", home.path());
        added.run().exit_code(0);
        Self {
            router,
            _callee: callee,
            home,
        }
    }

    /// Runs a script in a shell that finds our binary as `wamp`.
    fn run(&self, shell: &str, args: &[&str], script: &str) -> Output {
        let ours = Path::new(env!("CARGO_BIN_EXE_wamp"))
            .parent()
            .unwrap()
            .to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [ours].into_iter().chain(std::env::split_paths(&path));
        let mut command = Command::new(shell);
        command
            .args(args)
            .arg(script)
            .current_dir(self.home.path())
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path())
            .env("XDG_CACHE_HOME", self.home.path().join("cache"))
            .env("TERM", "dumb")
            .env("WAMP_URL", self.router.url());
        Program::start(command).finish()
    }
}

#[test]
fn bash_completes() {
    let scene = Scene::new();
    for (typed, expected) in LINES {
        let words: Vec<&str> = typed.split(' ').collect();
        let (last, index) = (words[words.len() - 1], words.len() - 1);
        let script = format!(
            "eval \"$(wamp completions bash)\"; complete -p wamp >&2
            COMP_WORDS=({typed}); COMP_CWORD={index}; COMP_TYPE=9
            _clap_complete_wamp wamp '{last}' x; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let completed = scene.run("bash", &["--norc", "-c"], &script);
        assert_eq!(
            completed.stdout.trim_end(),
            expected,
            "{typed}: {completed:?}"
        );
    }
}

#[test]
fn fish_completes() {
    let scene = Scene::new();
    for (typed, expected) in LINES {
        let script = format!("wamp completions fish | source; complete -C '{typed}'");
        let completed = scene.run("fish", &["--no-config", "-c"], &script);
        // Behind a tab stands what it is.
        let names: Vec<&str> = completed
            .stdout
            .lines()
            .filter_map(|line| line.split('\t').next())
            .collect();
        assert_eq!(names, [expected], "{typed}: {completed:?}");
    }
}

#[test]
fn zsh_completes() {
    let scene = Scene::new();
    for (typed, expected) in LINES {
        // A zsh of its own at a terminal of its own; Ctrl-G shows the line as it has become.
        let script = format!(
            "zmodload zsh/zpty; zpty z zsh -f -i
            zpty -w z 'PS1=; autoload -Uz compinit; compinit -u -D; eval \"$(wamp completions zsh)\"'
            zpty -w z 'show() {{ print -r -- \"LINE:$BUFFER:\" }}; zle -N show; bindkey \"^G\" show; print -r REA\"\"DY'
            zpty -r -m z said '*READY*'
            zpty -w -n z $'{typed}\\t\\a'
            zpty -r -m z said '*LINE:*:*'; print -r -- $said"
        );
        let completed = scene.run("zsh", &["-f", "-c"], &script);
        let typed_before = typed.rsplit_once(' ').unwrap().0;
        completed.stdout_contains(&format!("LINE:{typed_before} {expected}"));
    }
}
