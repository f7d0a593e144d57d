//! Bare WebSockets: `wamp echo` and `wamp ws` meet the client and the server of autobahn-python's echo example.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::peer::python;
use crate::support::{Program, wamp};

#[test]
fn wamp_echo_says_what_autobahn_python_sends_and_sends_it_back() {
    let mut echo = wamp(["echo", "127.0.0.1:0"]).start();
    let url = echo.next_line();
    for number in 1..=2 {
        let client = start(&["client", &url, "3"]).finish().exit_code(0).stdout;
        let uuids = lines_with(&client, "UUID sent: ");
        let messages: Vec<_> = uuids
            .iter()
            .zip(1..)
            .flat_map(|(uuid, count)| {
                [
                    format!("text received: © Hellø wørld {count}!"),
                    format!("UUID received: {uuid}"),
                    "binary received: 4 bytes, 00010304".to_owned(),
                ]
            })
            .collect();
        assert_eq!(messages.len(), 9, "{client}");

        let received = client.lines().filter(|line| line.contains(" received: "));
        assert_eq!(received.collect::<Vec<_>>(), messages);
        assert_eq!(lines_with(&client, "closed: 1000 ").len(), 1, "{client}");

        let client = format!(" [{number}] ");
        echo.wait_for_line(&format!("{client}closed"));
        let log = echo.stderr();
        let said = lines_with(&log, &client);
        let [connected, open, received @ .., closed] = &said[..] else {
            panic!("{log}");
        };
        assert!(connected.starts_with("connected: 127.0.0.1:"), "{log}");
        assert!(open.starts_with("open: /"), "{log}");
        assert_eq!(received, messages);
        for part in ["closed: code 1000", "that was all", " clean;"] {
            assert!(closed.contains(part), "{closed}");
        }
    }
    echo.interrupt();
    echo.finish().exit_code(0);
}

#[test]
fn wamp_ws_sends_to_autobahn_python_until_it_is_told_to_stop_and_prints_what_comes_back() {
    let mut server = start(&["server"]);
    let url = server.next_line();
    let mut client = wamp(["ws", &url, "--every", "20ms", "--template"])
        .args(["-m", "© Hellø wørld {n}!", "-m", "@uuid:"])
        .start();
    let mut uuids = BTreeSet::new();
    for count in 1..=5 {
        let text = format!("© Hellø wørld {count}!");
        assert_eq!(server.next_line(), format!("text received: {text}"));
        assert_eq!(client.next_line(), text);
        let bytes: String = serde_json::from_str(&client.next_line()).unwrap();
        let bytes = STANDARD.decode(bytes.strip_prefix('\0').unwrap()).unwrap();
        let sent = server.next_line().replace('-', "");
        assert_eq!(sent, format!("UUID received: {}", hex::encode(&bytes)));
        uuids.insert(bytes);
    }
    assert_eq!(uuids.len(), 5, "each is another: {uuids:?}");
    client.interrupt();
    server.wait_for_line("closed: 1000 None, clean: True");
    client.finish().exit_code(130);
}

/// Starts autobahn-python's client or server.
#[track_caller]
fn start(args: &[&str]) -> Program {
    let mut command = python("echo.py");
    command.args(args);
    Program::start(command)
}

/// What comes after `mark` on the lines that have it.
fn lines_with<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    let after = |line: &'a str| line.split_once(mark).map(|(_, after)| after);
    text.lines().filter_map(after).collect()
}
