//! The example pages in a real Chromium, with our library and with autobahn-js in its place.
//!
//! On a router without `--demo`, which has a `sum` and a lister of its own, they come from `--web`.

use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::browser::{Browser, LIBRARIES, Library};
use crate::peer::python;
use crate::support::{Program, Router, wamp};

/// The repository's folder of examples.
fn examples() -> String {
    format!("{}/examples", env!("CARGO_MANIFEST_DIR"))
}

/// A router that has the examples for browsers, and nothing to call.
#[track_caller]
fn router_with_examples(args: &[&str]) -> Router {
    let examples = examples();
    Router::start_with(["--web", &examples].into_iter().chain(args.iter().copied()))
}

/// Where a browser finds a router's pages.
fn http(router: &Router) -> String {
    let (_, rest) = router.url().split_once("://").unwrap();
    format!("http://{}", rest.split('/').next().unwrap())
}

/// An example opened as a file.
fn file(page: &str, key: &str, url: &str) -> String {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair(key, url)
        .finish();
    format!("file://{}/{page}?{query}", examples())
}

#[test]
fn connected_users_are_followed_by_a_page_opened_as_a_file() {
    let mut server = wamp(["echo", "--count", ":0"]).start();
    let url = server.next_line();
    let mut browser = Browser::start();
    follows_the_count(&mut browser, &file("connected-users.html", "count", &url));
    // It finds the server again when that comes back.
    server.terminate();
    server.finish().exit_code(0);
    browser.expect("one", ".figure", "Connected users: …");
    let address = url.strip_prefix("ws://").unwrap();
    let mut server = wamp(["echo", "--count", address]).start();
    server.next_line();
    browser.expect("one", ".figure", "Connected users: 1");
    expect_no_complaints_but_of_lost_connections(&mut browser);
    browser.finish();
}

#[test]
fn connected_users_are_followed_by_a_page_of_the_demo() {
    let router = Router::start_with(["--demo"]);
    let mut browser = Browser::start();
    let url = format!("{}/examples/connected-users.html", http(&router));
    follows_the_count(&mut browser, &url);
    browser.finish();
}

/// The browser itself complains of each WebSocket that cannot be opened.
#[track_caller]
fn expect_no_complaints_but_of_lost_connections(browser: &mut Browser) {
    let complaints = browser.errors();
    let is_expected = |it: &String| it.contains("WebSocket connection to");
    assert!(complaints.iter().all(is_expected), "{complaints:?}");
}

/// Opens and closes pages; the first, `one`, stays open.
#[track_caller]
fn follows_the_count(browser: &mut Browser, url: &str) {
    let is = |browser: &mut Browser, pages: &[&str], count| {
        for page in pages {
            browser.expect(page, ".figure", &format!("Connected users: {count}"));
        }
    };
    browser.open("one", url, Library::Ours);
    is(browser, &["one"], 1);
    browser.open("two", url, Library::Ours);
    is(browser, &["one", "two"], 2);
    browser.open("three", url, Library::Ours);
    is(browser, &["one", "two", "three"], 3);
    browser.close("two");
    is(browser, &["one", "three"], 2);
    browser.close("three");
    is(browser, &["one"], 1);
}

#[test]
fn one_page_calls_what_another_offers() {
    let mut browser = Browser::start();
    for library in LIBRARIES {
        let router = router_with_examples(&[]);
        let http = http(&router);
        browser.open("offer", &format!("{http}/sum-offer.html"), library);
        browser.expect("offer", "#offer", "Offered as sum.");
        browser.open("call", &format!("{http}/sum-call.html"), library);
        browser.fill("call", "#number", "3");
        browser.click("call", "#call");
        browser.expect("call", "#result", "8");
        browser.expect("call", "#called", "sum of 3");
        browser.expect("offer", "#calls li", "3 + 5 = 8");
        browser.fill("offer", "#number", "40");
        browser.click("call", "#call");
        browser.expect("call", "#result", "43");
        browser.fill("call", "#number", "-0.5");
        browser.click("call", "#call");
        browser.expect("call", "#result", "39.5");
        let call = |arg| wamp(["call", "sum", arg]).to(router.url()).run();
        call("2").exit_code(0).stdout("42\n");
        let refused = call("x").exit_code(1);
        assert!(
            refused
                .stderr
                .contains("wamp.error.invalid_argument: sum takes a number"),
            "{}",
            refused.stderr
        );
        let complaints = browser.errors();
        // autobahn-js tells the console of every ERROR that a procedure answers with.
        assert_eq!(complaints.len(), usize::from(library == Library::Autobahn));
        close_and_offer_no_more(&mut browser, &router);
        browser.click("call", "#call");
        let nobody = "Nobody offers sum. Open the page that does, and try again.";
        browser.expect("call", "#error", nobody);
        browser.close("call");
    }
    browser.finish();
}

/// Closes the page that offers, and waits until the router knows.
#[track_caller]
fn close_and_offer_no_more(browser: &mut Browser, router: &Router) {
    let deleted = wamp(["sub", "wamp.registration.on_delete", "-n", "1"]);
    let deleted = deleted.to(router.url()).start();
    deleted.wait_for_line("subscribed");
    browser.close("offer");
    deleted.finish().exit_code(0);
}

#[test]
fn on_a_demo_router_sum_is_taken_and_the_page_offers_another() {
    let router = Router::start_with(["--demo"]);
    let mut browser = Browser::start();
    for library in LIBRARIES {
        // Opened as files, which the demo lets in; those of the router are the same.
        let offer = match library {
            Library::Ours => file("sum-offer.html", "url", router.url()),
            Library::Autobahn => format!("{}/examples/sum-offer.html", http(&router)),
        };
        browser.open("offer", &offer, library);
        // The start page is where the pages come from, which is nowhere for a file.
        let first_link = match library {
            Library::Ours => "Connected users",
            Library::Autobahn => "Start",
        };
        browser.expect("offer", "nav a", first_link);
        browser.expect("offer", "#offer", "Offered as page.sum.");
        let taken = "sum is taken: somebody else offers it on this router. This page offers page.sum instead.";
        browser.expect("offer", "#taken", taken);
        browser.open("second", &offer, library);
        let taken = "sum and page.sum are taken: another page like this one is open. Close it, and reload this one.";
        browser.expect("second", "#taken", taken);
        browser.expect("second", "#offer", "Not offered yet.");
        browser.close("second");
        let call = format!("{}/examples/sum-call.html", http(&router));
        browser.open("call", &call, library);
        browser.click("call", "#call");
        browser.expect("call", "#called", "page.sum of 3");
        browser.expect("call", "#result", "8");
        browser.choose("call", "#procedure", "sum");
        browser.click("call", "#call");
        browser.expect("call", "#called", "sum of 3");
        browser.expect("call", "#result", "3");
        close_and_offer_no_more(&mut browser, &router);
        browser.choose("call", "#procedure", "page.sum");
        browser.click("call", "#call");
        let nobody = "Nobody offers page.sum. Open the page that does, and try again.";
        browser.expect("call", "#error", nobody);
        browser.close("call");
    }
    browser.finish();
}

#[test]
fn pages_find_a_router_again_that_was_stopped_or_killed() {
    let mut router = router_with_examples(&[]);
    let address = router.url().strip_prefix("ws://").unwrap();
    let address = address.strip_suffix("/ws").unwrap().to_owned();
    let http = http(&router);
    let mut browser = Browser::start();
    // autobahn-js does not come back where the router said GOODBYE.
    for (library, signal) in [
        (Library::Ours, "TERM"),
        (Library::Ours, "KILL"),
        (Library::Autobahn, "KILL"),
    ] {
        browser.open("offer", &format!("{http}/sum-offer.html"), library);
        browser.expect("offer", "#offer", "Offered as sum.");
        browser.open("call", &format!("{http}/sum-call.html"), library);
        router.program().signal(signal);
        router.finish();
        browser.expect("offer", "#offer", "Not offered.");
        router = router_with_examples(&["--listen", &address]);
        browser.expect("offer", "#offer", "Offered as sum.");
        browser.click("call", "#call");
        browser.expect("call", "#result", "8");
        browser.close("offer");
        browser.close("call");
    }
    expect_no_complaints_but_of_lost_connections(&mut browser);
    browser.finish();
}

#[test]
fn files_are_followed_as_the_demo_lists_them() {
    let dir = directory();
    let router = Router::start_in(dir.path(), ["--demo"]);
    let url = format!("{}/examples/files.html", http(&router));
    follows_the_files(dir.path(), &url);
}

#[test]
fn files_are_followed_as_a_lister_written_with_autobahn_python_lists_them() {
    let dir = directory();
    let router = router_with_examples(&[]);
    let mut command = python("lister.py");
    command.arg(dir.path()).arg(router.url());
    let _lister = Program::start(command);
    follows_the_files(dir.path(), &format!("{}/files.html", http(&router)));
}

#[test]
fn files_are_followed_as_a_shell_script_and_wamp_pub_list_them() {
    let dir = directory();
    let router = router_with_examples(&[]);
    let line = format!(
        "'{}/lister.sh' '{}' | '{}' pub --each json -u '{}'",
        examples(),
        dir.path().display(),
        env!("CARGO_BIN_EXE_wamp"),
        router.url()
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &line]);
    let _lister = Program::start(command);
    follows_the_files(dir.path(), &format!("{}/files.html", http(&router)));
}

fn directory() -> TempDir {
    let dir = TempDir::new().unwrap();
    for name in ["a.txt", "b.txt", "c.py", "d.rs"] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    dir
}

#[track_caller]
fn follows_the_files(dir: &Path, url: &str) {
    let mut browser = Browser::start();
    browser.open("ours", url, Library::Ours);
    browser.open("theirs", url, Library::Autobahn);
    let mut both = |at: &str, text: &str| {
        for page in ["ours", "theirs"] {
            browser.expect(page, at, text);
        }
    };
    both("#py", "c.py");
    both("#txt", "a.txt b.txt");
    both("#txt-count", "2");
    // Only what comes later catches the eye.
    both("#txt li:not(.fresh)", "a.txt");
    fs::write(dir.join("aa.txt"), "").unwrap();
    both("#txt", "a.txt aa.txt b.txt");
    both("#txt .fresh", "aa.txt");
    fs::remove_file(dir.join("a.txt")).unwrap();
    both("#txt", "aa.txt b.txt");
    fs::remove_file(dir.join("c.py")).unwrap();
    both("#py-none", "None.");
    both("#py", "");
    fs::write(dir.join("new.py"), "").unwrap();
    both("#py", "new.py");
    browser.finish();
}

#[test]
fn the_start_page_tries_the_connection() {
    let router = Router::start_with(["--realm", "one", "--path", "/elsewhere"]);
    let mut browser = Browser::start();
    browser.open("start", &http(&router), Library::Ours);
    browser.click("start", "#try");
    let joined = router.wait_for_log("session joined");
    let session = joined.split("session=").nth(1).unwrap();
    let session = session.split(' ').next().unwrap();
    assert!(joined.contains("agent=\"wamp.js\""), "{joined}");
    browser.expect(
        "start",
        "#outcome",
        &format!("joined one as session {session}"),
    );
    let nobody = format!("no session: nobody answers at {}", router.url());
    router.interrupt().exit_code(0);
    browser.click("start", "#try");
    browser.expect("start", "#outcome", &nobody);
    expect_no_complaints_but_of_lost_connections(&mut browser);
    browser.finish();
}

#[test]
fn both_libraries_do_the_same_with_the_same_calls() {
    let router = router_with_examples(&[]);
    let mut browser = Browser::start();
    let mut done = LIBRARIES.map(|library| {
        let page = format!("{library:?}");
        // Any page that loads the library.
        let url = format!("{}/files.html", http(&router));
        browser.open(&page, &url, library);
        browser.run(&page, "api.js", &json!([router.url(), page]))
    });
    let [ours, autobahn] = &mut done;
    assert_eq!(ours, autobahn);
    assert_eq!(ours["result"]["none"], json!(null));
    assert_eq!(ours["refused"]["isError"], json!(true));
    assert_eq!(ours["events"].as_array().unwrap().len(), 3);
    assert_eq!(ours["attempts"][0]["told"].as_array().unwrap().len(), 3);
    expect_no_complaints_but_of_lost_connections(&mut browser);
    browser.finish();
}
