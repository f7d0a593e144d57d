//! The files that the program writes itself, `completions/` and `man/`: as it would write them now.
//!
//! `BLESS=1 cargo test generated` writes them anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::wamp;

/// A folder's files by name.
type Files = BTreeMap<String, String>;

fn files(folder: &Path) -> Files {
    let Ok(entries) = fs::read_dir(folder) else {
        return Files::new();
    };
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    entries.map(read).collect()
}

/// Compares what is checked in with what the program writes.
#[track_caller]
fn check(folder: &str, written: &Files) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for name in files(&folder)
            .keys()
            .filter(|name| !written.contains_key(*name))
        {
            fs::remove_file(folder.join(name)).unwrap();
        }
        for (name, text) in written {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    let there = files(&folder);
    let stale: Vec<&String> = there
        .keys()
        .chain(written.keys())
        .filter(|name| there.get(*name) != written.get(*name))
        .collect();
    assert!(
        stale.is_empty(),
        "stale in {folder:?}: {stale:?}; BLESS=1 cargo test generated"
    );
}

#[test]
fn the_completions_are_those_that_the_program_prints() {
    let files = [
        ("bash", "wamp.bash"),
        ("zsh", "_wamp"),
        ("fish", "wamp.fish"),
        ("elvish", "wamp.elv"),
        ("powershell", "_wamp.ps1"),
    ];
    let print = |(shell, file): (&str, &str)| {
        let printed = wamp(["completions", shell]).run().stderr("").exit_code(0);
        assert!(printed.stdout.contains("wamp"), "{printed:?}");
        (file.to_owned(), printed.stdout)
    };
    check("completions", &files.into_iter().map(print).collect());
}

#[test]
fn the_manual_pages_are_those_that_the_program_writes() {
    let folder = tempfile::tempdir().unwrap();
    let written = wamp(["man"])
        .arg(folder.path())
        .run()
        .stdout("")
        .exit_code(0);
    written.stderr_contains("-- wrote the pages");
    let pages = files(folder.path());
    assert!(
        pages.contains_key("wamp.1") && pages.contains_key("wamp-call.1"),
        "{:?}",
        pages.keys()
    );
    let printed = wamp(["man"]).run().exit_code(0).stdout;
    assert_eq!(printed, pages["wamp.1"]);
    check("man", &pages);
}

#[test]
fn zsh_can_be_told_to_leave_our_arguments_alone() {
    wamp(["completions", "zsh", "--noglob"])
        .run()
        .stdout_contains("\nalias wamp='noglob wamp'\n")
        .exit_code(0);
    wamp(["completions", "bash", "--noglob"])
        .run()
        .stdout("")
        .exit_code(2);
    wamp(["completions", "tcsh"]).run().stdout("").exit_code(2);
}
