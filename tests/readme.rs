//! The README's commands, run as a reader would: in a shell, one after the other, behind the demo router.
//!
//! Each ```` ```console ```` block is a session: `$ command`, then what it prints on stdout (`…` is anything), or
//! `? 6` for its exit code where that is not 0. A command that ends in `&` goes on in the background. The echo server gets
//! a free port, which stands for its `:9000` from then on.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Program, Router};

struct Step {
    command: String,
    stdout: Vec<String>,
    exit_code: i32,
}

fn steps(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut in_console = false;
    for line in readme.lines() {
        if line.starts_with("```") {
            in_console = line == "```console";
        } else if in_console {
            if let Some(command) = line.strip_prefix("$ ") {
                steps.push(Step {
                    command: command.to_owned(),
                    stdout: Vec::new(),
                    exit_code: 0,
                });
            } else if let Some(code) = line.strip_prefix("? ") {
                steps
                    .last_mut()
                    .expect("a command before its exit code")
                    .exit_code = code.parse().unwrap();
            } else {
                steps
                    .last_mut()
                    .expect("a command before its output")
                    .stdout
                    .push(line.to_owned());
            }
        }
    }
    steps
}

/// Whether `actual` is `expected`, where `…` stands for anything.
fn matches(expected: &str, actual: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = actual.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(found) = rest.find(part) else {
            return false;
        };
        rest = &rest[found + part.len()..];
    }
    rest.ends_with(last)
}

/// A shell in `directory` that finds our binary as `wamp`, and the router where the README has it.
fn shell(script: &str, router: &Router, directory: &Path) -> Program {
    let ours = Path::new(env!("CARGO_BIN_EXE_wamp"))
        .parent()
        .unwrap()
        .to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths([ours].into_iter().chain(std::env::split_paths(&path))).unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .current_dir(directory)
        .env("PATH", path)
        .env("XDG_CONFIG_HOME", directory.join("config"))
        .env("XDG_STATE_HOME", directory.join("state"))
        .env("WAMP_URL", router.url());
    Program::start(command)
}

#[test]
fn the_commands_of_the_readme_print_what_it_shows() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let steps = steps(&readme);
    assert!(steps.len() >= 10, "the README has lost its examples");
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("notes.txt"), "").unwrap();
    let router = Router::start_in(directory.path(), ["--demo"]);
    let mut background = Vec::new();
    let mut echo_port = ":9000".to_owned();
    for step in steps {
        let command = step.command.replace(":9000", &echo_port);
        if let Some(command) = command.strip_suffix('&') {
            let is_echo = command.starts_with("wamp echo");
            let address = if is_echo { ":0" } else { "" };
            let script = format!("exec {command} {address}");
            let mut program = shell(&script, &router, directory.path());
            if is_echo {
                let url = program.next_line();
                echo_port = url.trim_start_matches("ws://127.0.0.1").to_owned();
            } else {
                program.wait_for_line("-- registered");
            }
            background.push(program);
            continue;
        }
        let output = shell(&command, &router, directory.path()).finish();
        let printed: Vec<&str> = output.stdout.lines().collect();
        let is_as_shown = printed.len() == step.stdout.len()
            && step
                .stdout
                .iter()
                .zip(&printed)
                .all(|(shown, got)| matches(shown, got));
        assert!(
            is_as_shown,
            "$ {}\nshown: {:#?}\ngot: {output:#?}",
            step.command, step.stdout
        );
        output.exit_code(step.exit_code);
    }
}

/// Who sees to the blocks of each language.
const SEEN_TO: [(&str, &str); 5] = [
    ("console", "run here"),
    ("text", "parsed: src/cli/mod.rs"),
    ("sh", "parsed: src/cli/mod.rs"),
    ("python", "run: tests/interop/readme.rs"),
    ("html", "run: tests/interop/readme.rs"),
];

#[test]
fn no_block_of_the_readme_is_left_to_itself() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let fences = readme.lines().filter_map(|line| line.strip_prefix("```"));
    // Every other one ends a block.
    for language in fences.step_by(2) {
        let is_seen_to = SEEN_TO.iter().any(|(known, _)| *known == language);
        assert!(is_seen_to, "nobody tests blocks of {language:?}");
    }
    assert!(root.join("tests/run").exists());
}

#[test]
fn the_tests_that_the_readme_names_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let (_, section) = readme.split_once("### What others complain about").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let mut count = 0;
    for row in section
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
    {
        let shown_by = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let mut tests = String::new();
        for name in shown_by.split('`').skip(1).step_by(2) {
            if Path::new(name).extension().is_some_and(|it| it == "rs") {
                // Where it does not say, it is one of the command line's.
                let folder = if name.starts_with("tests/") {
                    ""
                } else {
                    "tests/cli"
                };
                let file = root.join(folder).join(name);
                tests = fs::read_to_string(&file).unwrap_or_else(|error| {
                    panic!("{}: {error}", file.display());
                });
            } else {
                let is_there = tests.contains(&format!("#[test]\nfn {name}()"));
                assert!(is_there, "{name}, in {row}");
            }
            count += 1;
        }
    }
    assert!(count > 10, "the table has lost its tests");
}
