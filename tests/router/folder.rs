//! `--web DIR`: the operator's own files, and nothing but those.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::asked::{Answer, ask, get};
use super::peer::Peer;
use crate::support::{Router, wamp};

/// A folder with these files, and the router that serves it.
fn serving(files: &[(&str, &str)]) -> (TempDir, Router) {
    let dir = folder_with(files);
    let router = Router::start_with(["--web", dir.path().join("web").to_str().unwrap()]);
    (dir, router)
}

/// These files in a folder `web`, and beside it what nobody is to see.
fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("secret"), "secret").unwrap();
    let web = dir.path().join("web");
    fs::create_dir(&web).unwrap();
    for (name, text) in files {
        write(&web, name, text);
    }
    dir
}

fn write(web: &Path, name: &str, text: &str) {
    let path = web.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[track_caller]
fn with(router: &Router, path: &str, header: &str) -> Answer {
    ask(router.url(), "GET", path, &format!("{header}\r\n"))
}

#[test]
fn files_come_with_their_types_and_text_as_utf_8() {
    let (_dir, router) = serving(&[
        ("a.html", "<p>grün"),
        ("a.js", "1"),
        ("a.mjs", "1"),
        ("a.css", "p {}"),
        ("a.txt", "grün"),
        ("a.json", "{}"),
        ("a.svg", "<svg/>"),
        ("a.wasm", "\0asm"),
        ("a b+c.txt", "odd"),
        ("none", "?"),
        ("empty.txt", ""),
    ]);
    for (path, content_type) in [
        ("/a.html", "text/html; charset=utf-8"),
        ("/a.js", "text/javascript; charset=utf-8"),
        ("/a.mjs", "application/javascript"),
        ("/a.css", "text/css; charset=utf-8"),
        ("/a.txt?query=1", "text/plain; charset=utf-8"),
        ("/a.json", "application/json"),
        ("/a.svg", "image/svg+xml"),
        ("/a.wasm", "application/wasm"),
        ("/a%20b+c.txt", "text/plain; charset=utf-8"),
        ("/none", "application/octet-stream"),
        ("/empty.txt", "text/plain; charset=utf-8"),
    ] {
        let file = get(router.url(), path);
        assert_eq!(file.status, 200, "{path}");
        assert_eq!(file.header("content-type"), content_type, "{path}");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        assert_eq!(file.header("content-length"), file.body.len().to_string());
    }
    assert_eq!(get(router.url(), "/a.txt").body, "grün");
    let head = ask(router.url(), "HEAD", "/a.txt", "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), "5");
    assert_eq!(ask(router.url(), "POST", "/a.txt", "").status, 405);
}

#[test]
fn a_file_is_sent_again_only_when_it_has_changed() {
    let (dir, router) = serving(&[("a.txt", "one")]);
    let first = get(router.url(), "/a.txt");
    assert_eq!(first.header("cache-control"), "no-cache");
    let (tag, modified) = (first.header("etag"), first.header("last-modified"));
    for header in [
        format!("If-None-Match: {tag}"),
        format!("If-Modified-Since: {modified}"),
    ] {
        let unchanged = with(&router, "/a.txt", &header);
        assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""));
    }
    write(&dir.path().join("web"), "a.txt", "other");
    let changed = with(&router, "/a.txt", &format!("If-None-Match: {tag}"));
    assert_eq!((changed.status, changed.body.as_str()), (200, "other"));
}

#[test]
fn parts_of_a_file_are_sent_and_the_whole_where_it_has_changed_since() {
    let (_dir, router) = serving(&[("a.txt", "0123456789")]);
    for (range, part, named) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
    ] {
        let answer = with(&router, "/a.txt", &format!("Range: {range}"));
        assert_eq!((answer.status, answer.body.as_str()), (206, part));
        assert_eq!(answer.header("content-range"), named);
    }
    let beyond = with(&router, "/a.txt", "Range: bytes=10-");
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.header("content-range"), "bytes */10");
    let several = with(&router, "/a.txt", "Range: bytes=0-1,4-5");
    assert_eq!((several.status, several.body.as_str()), (200, "0123456789"));
    let tag = get(router.url(), "/a.txt").header("etag").to_owned();
    let resumed = |range: &str, tag: &str| {
        let headers = format!("Range: {range}\r\nIf-Range: {tag}");
        let answer = with(&router, "/a.txt", &headers);
        (answer.status, answer.body)
    };
    assert_eq!(resumed("bytes=8-", &tag), (206, "89".to_owned()));
    for range in ["bytes=8-", "bytes=12-"] {
        let whole = resumed(range, "\"older\"");
        assert_eq!(whole, (200, "0123456789".to_owned()));
    }
}

#[test]
fn a_folder_is_its_index_and_is_never_listed() {
    let (dir, router) = serving(&[
        ("sub/index.html", "in sub"),
        ("sub/page.html", "page"),
        ("bare/file.txt", "file"),
    ]);
    // Without an index of the operator's own, the start page is at the top.
    assert!(
        get(router.url(), "/")
            .body
            .contains("<title>wamp router</title>")
    );
    assert_eq!(get(router.url(), "/sub/").body, "in sub");
    let redirect = get(router.url(), "/sub?a=1");
    assert_eq!((redirect.status, redirect.body.as_str()), (307, ""));
    assert_eq!(redirect.header("location"), "/sub/?a=1");
    for path in ["/bare/", "/sub/page.html/", "/sub/nothing/"] {
        assert_eq!(get(router.url(), path).status, 404, "{path}");
    }
    write(&dir.path().join("web"), "index.html", "mine");
    for path in ["/", "/?query", "/index.html"] {
        assert_eq!(get(router.url(), path).body, "mine", "{path}");
    }
}

#[test]
fn nothing_outside_the_folder_is_reached() {
    let (dir, router) = serving(&[("a.txt", "a"), ("sub/b.txt", "b")]);
    let web = dir.path().join("web");
    symlink(dir.path().join("secret"), web.join("link.txt")).unwrap();
    symlink("../../secret", web.join("sub/relative.txt")).unwrap();
    symlink(dir.path(), web.join("up")).unwrap();
    symlink("/", web.join("root")).unwrap();
    symlink("circle", web.join("circle")).unwrap();
    symlink("gone", web.join("dangling")).unwrap();
    let absolute = dir.path().join("secret").display().to_string();
    let mut paths: Vec<String> = [
        "/../secret",
        "/sub/../../secret",
        "/%2e%2e/secret",
        "/.%2e/secret",
        "/..%2fsecret",
        "/sub/..%2f..%2fsecret",
        "/sub%2f..%2f..%2fsecret",
        "/..%5csecret",
        "/%5c..%5csecret",
        "/%2e%2e%00/secret",
        "/a.txt%00",
        "/%00",
        "/a.txt/",
        "/a.txt/..",
        "/a.txt/../a.txt",
        "/link.txt",
        "/sub/relative.txt",
        "/up/secret",
        "/up/",
        "/root/etc/passwd",
        "/root/",
        "/circle",
        "/dangling",
        "/%ff",
        "/%",
        "/%zz",
        "//a.txt",
        "//sub",
    ]
    .map(str::to_owned)
    .into();
    paths.push(absolute.clone());
    paths.push(format!("/{absolute}"));
    paths.push(format!("/{}", absolute.replace('/', "%2f")));
    paths.push(format!("/{}", "x".repeat(5_000)));
    paths.push(format!("/{}", "x/".repeat(3_000)));
    for path in paths {
        let answer = get(router.url(), &path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert!(answer.body.starts_with("nothing is here"), "{path}");
    }
    for path in ["/../a.txt", "\\..\\secret", "..", "a.txt", "*"] {
        let mut peer = Peer::connect(router.url());
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        peer.write(request.as_bytes());
        let answer = String::from_utf8(peer.read_to_end()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
    }
}

#[test]
fn links_that_stay_in_the_folder_are_followed_and_the_folder_may_be_one() {
    let dir = folder_with(&[("a.txt", "old"), ("sub/b.txt", "b")]);
    let web = dir.path().join("web");
    symlink(web.join("a.txt"), web.join("sub/absolute.txt")).unwrap();
    symlink("../a.txt", web.join("sub/relative.txt")).unwrap();
    let current = dir.path().join("current");
    symlink(&web, &current).unwrap();
    let router = Router::start_with(["--web", current.to_str().unwrap()]);
    for path in ["/a.txt", "/sub/absolute.txt", "/sub/relative.txt"] {
        assert_eq!(get(router.url(), path).body, "old", "{path}");
    }
    // Turned to another folder, as deployments do.
    fs::create_dir(dir.path().join("next")).unwrap();
    fs::write(dir.path().join("next/a.txt"), "new").unwrap();
    fs::remove_file(&current).unwrap();
    symlink(dir.path().join("next"), &current).unwrap();
    assert_eq!(get(router.url(), "/a.txt").body, "new");
    fs::remove_file(&current).unwrap();
    assert_eq!(get(router.url(), "/a.txt").status, 404);
}

#[test]
fn what_is_hidden_or_no_file_is_not_served() {
    let (dir, router) = serving(&[
        (".env", "secret"),
        (".git/config", "secret"),
        ("sub/.hidden/a.txt", "secret"),
        (".well-known/security.txt", "contact"),
        ("..data/a.txt", "secret"),
    ]);
    let web = dir.path().join("web");
    symlink(".env", web.join("visible.txt")).unwrap();
    symlink("/dev/zero", web.join("device")).unwrap();
    let pipe = Command::new("mkfifo").arg(web.join("pipe")).status();
    assert!(pipe.unwrap().success());
    for path in [
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/.git/",
        "/.git",
        "/sub/.hidden/a.txt",
        "/..data/a.txt",
        "/visible.txt",
        "/device",
        "/pipe",
    ] {
        assert_eq!(get(router.url(), path).status, 404, "{path}");
    }
    let known = get(router.url(), "/.well-known/security.txt");
    assert_eq!(known.body, "contact");
}

#[test]
fn what_the_router_itself_has_comes_before_the_folder_and_the_examples_after() {
    let dir = folder_with(&[
        ("ws", "mine"),
        ("echo", "mine"),
        ("count", "mine"),
        ("wamp.js", "mine"),
        ("examples/files.html", "mine"),
    ]);
    let web = dir.path().join("web");
    let router = Router::start_with(["--demo", "--web", web.to_str().unwrap()]);
    for path in ["/ws", "/echo", "/count"] {
        assert_eq!(get(router.url(), path).status, 426, "{path}");
    }
    assert!(get(router.url(), "/wamp.js").body.contains("Connection"));
    assert_eq!(get(router.url(), "/examples/files.html").body, "mine");
    let theirs = get(router.url(), "/examples/files.js").body;
    assert!(theirs.contains("filewithext"));
    let without = Router::start_with(["--web", web.to_str().unwrap()]);
    assert_eq!(get(without.url(), "/count").body, "mine");
}

#[test]
fn a_folder_that_is_not_there_ends_with_9_and_is_named() {
    let dir = folder_with(&[]);
    for (path, why) in [
        ("nowhere", "no such file or directory"),
        ("secret", "not a directory"),
    ] {
        let path = dir.path().join(path).display().to_string();
        wamp(["router", "--listen", ":0", "--web", &path])
            .run()
            .exit_code(9)
            .stdout("")
            .stderr(&format!("error: cannot serve the folder {path}: {why}\n"));
    }
}
