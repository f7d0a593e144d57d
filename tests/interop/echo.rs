//! Bare WebSockets: `wamp echo` meets the client of autobahn-python's echo example.

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
