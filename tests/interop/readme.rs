//! What the README shows of other languages, run as it stands there: a client in Python, and a page.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::browser::{Browser, Library};
use crate::peer::installed;
use crate::support::{Program, Router};

/// The README's only block of a language.
fn block(language: &str) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let fence = format!("\n```{language}\n");
    let mut blocks = readme.split(&fence).skip(1);
    let block = blocks.next().and_then(|rest| rest.split("\n```").next());
    assert!(
        blocks.next().is_none(),
        "there is more than one block of {language}"
    );
    block.unwrap().to_owned()
}

#[test]
fn the_client_in_python_calls_the_demos_sum() {
    let router = Router::start_with(["--demo"]);
    let text = block("python");
    let url = "ws://127.0.0.1:8080/ws";
    assert!(text.contains(url));
    let mut python = Command::new(installed("autobahn/bin/python"));
    python.args(["-u", "-c", &text.replace(url, router.url())]);
    let mut client = Program::start(python);
    // Among what the library says on the way.
    while client.next_line() != "8" {}
}

#[test]
fn the_page_calls_the_demos_sum() {
    let folder = tempfile::tempdir().unwrap();
    // What it logs is shown, for the test to see.
    let shown = "<link rel=\"icon\" href=\"data:,\"><p id=\"said\"></p><script>console.log = (said) => { document.getElementById(\"said\").textContent = said; };</script>";
    fs::write(
        folder.path().join("readme.html"),
        format!("{shown}\n{}", block("html")),
    )
    .unwrap();
    let router = Router::start_in(folder.path(), ["--demo", "--web", "."]);
    let page = router
        .url()
        .replace("ws://", "http://")
        .replace("/ws", "/readme.html");
    let mut browser = Browser::start();
    for library in crate::browser::LIBRARIES {
        let name = if library == Library::Ours {
            "ours"
        } else {
            "theirs"
        };
        browser.open(name, &page, library);
        browser.expect(name, "#said", "8");
    }
    browser.finish();
}
