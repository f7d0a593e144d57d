//! `wamp ws` on a terminal, as a person sees it: what is on the screen, and how the terminal is left behind.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use tokio_tungstenite::tungstenite::{Error, Message as Frame, WebSocket};

use super::server::{DEADLINE, Server, close_with, drain, reporting};

const ROWS: u16 = 50;
/// How many lines that scrolled away are looked at in the end.
const SCROLLBACK: usize = 100_000;

/// A person's terminal with one program in it.
pub(in crate::cli) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    /// Kept open, so that its modes can be looked at when the program has gone.
    _slave: Box<dyn SlavePty + Send>,
    keyboard: Box<dyn Write + Send>,
    program: Box<dyn Child + Send + Sync>,
    screen: Arc<(Mutex<vt100::Parser>, Condvar)>,
    modes_before: String,
    _state: tempfile::TempDir,
}

impl Terminal {
    fn start(args: &[&str]) -> Self {
        Self::start_with(args, |_, _| {})
    }

    fn start_with(args: &[&str], prepare: impl Fn(&mut CommandBuilder, &std::path::Path)) -> Self {
        Self::run(&[&["ws"], args].concat(), prepare)
    }

    /// Starts our binary with these words.
    pub(in crate::cli) fn run(
        words: &[&str],
        prepare: impl Fn(&mut CommandBuilder, &std::path::Path),
    ) -> Self {
        let size = PtySize {
            rows: ROWS,
            cols: 80,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let modes_before = modes(&*pair.master);
        let state = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_wamp"));
        command.args(words);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("XDG_STATE_HOME", state.path());
        prepare(&mut command, state.path());
        let program = pair.slave.spawn_command(command).unwrap();
        let [rows, columns] = [ROWS, 80].map(|size| size.try_into().unwrap());
        let parser = vt100::Parser::new(rows, columns, SCROLLBACK);
        let screen = Arc::new((Mutex::new(parser), Condvar::new()));
        let mut output = pair.master.try_clone_reader().unwrap();
        let shown = Arc::clone(&screen);
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut chunk) {
                shown.0.lock().unwrap().process(&chunk[..count]);
                shown.1.notify_all();
            }
        });
        Self {
            keyboard: pair.master.take_writer().unwrap(),
            master: pair.master,
            _slave: pair.slave,
            program,
            screen,
            modes_before,
            _state: state,
        }
    }

    pub(in crate::cli) fn type_keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// The lines on the screen, once they are as is wished.
    #[track_caller]
    pub(in crate::cli) fn wait(
        &self,
        wish: &str,
        holds: impl Fn(&[String]) -> bool,
    ) -> Vec<String> {
        let parser = self.screen.0.lock().unwrap();
        let is_not_yet = |parser: &mut vt100::Parser| !holds(&lines(parser));
        let waited = self
            .screen
            .1
            .wait_timeout_while(parser, DEADLINE, is_not_yet);
        let (parser, timed_out) = waited.unwrap();
        let lines = lines(&parser);
        assert!(
            !timed_out.timed_out(),
            "waited for {wish} in vain:\n{}",
            lines.join("\n")
        );
        lines
    }

    #[track_caller]
    fn wait_for_line(&self, line: &str) -> Vec<String> {
        self.wait(line, |lines| lines.iter().any(|shown| shown == line))
    }

    /// The end of the program: its exit code, the screen, and the terminal as it was before.
    #[track_caller]
    pub(in crate::cli) fn finish(mut self) -> (u32, Vec<String>) {
        let status = self.program.wait().unwrap();
        // All that was said has been read when what is typed now is echoed.
        self.type_keys("END\r");
        let lines = self.wait("the end", |lines| {
            lines.iter().any(|line| line.ends_with("END"))
        });
        assert_eq!(
            modes(&*self.master),
            self.modes_before,
            "the terminal's modes"
        );
        let mut parser = self.screen.0.lock().unwrap();
        let is_pasting = parser.screen().bracketed_paste();
        assert!(!is_pasting, "bracketed paste is left on");
        let mut all = scrolled_away(&mut parser);
        all.extend(lines);
        drop(parser);
        // As a shell counts.
        let code = match status.signal() {
            Some("Interrupt") => 128 + 2,
            Some("Terminated") => 128 + 15,
            _ => status.exit_code(),
        };
        (code, all)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.program.kill();
    }
}

fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

/// The lines up to the last that is not empty.
fn lines(parser: &vt100::Parser) -> Vec<String> {
    let contents = parser.screen().contents();
    contents
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// The lines above the screen.
fn scrolled_away(parser: &mut vt100::Parser) -> Vec<String> {
    let screen = parser.screen_mut();
    screen.set_scrollback(usize::MAX);
    let first_lines = (1..=screen.scrollback()).rev().map(|offset| {
        screen.set_scrollback(offset);
        screen.rows(0, 80).next().unwrap().trim_end().to_owned()
    });
    first_lines.collect()
}

/// How many messages have been shown.
fn shown(lines: &[String]) -> u32 {
    let mut numbers = lines
        .iter()
        .filter_map(|line| line.strip_prefix("< message "));
    numbers
        .next_back()
        .map_or(0, |number| number.parse().unwrap_or_default())
}

/// Sends `message 1`, `message 2` and so on, so many at once and then none for so long, until it has got the last of
/// the lines that are to come, which it hands to the test.
fn pushing(
    burst: usize,
    pause: Duration,
    lines_to_come: usize,
) -> (Server, std::sync::mpsc::Receiver<String>) {
    let (sender, received) = channel();
    let server = Server::start(move |mut socket: WebSocket<TcpStream>| {
        socket.get_ref().set_read_timeout(Some(pause)).unwrap();
        let mut numbers = 1..;
        let mut got = 0;
        while got < lines_to_come {
            for number in numbers.by_ref().take(burst) {
                let message = format!("message {number}");
                socket.send(Frame::text(message)).unwrap();
            }
            match socket.read() {
                Ok(Frame::Text(text)) => {
                    sender.send(text.to_string()).unwrap();
                    got += 1;
                }
                Ok(_) => {}
                Err(Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return,
            }
        }
        close_with(socket, Some((1000, "enough")));
    });
    (server, received)
}

/// Asserts that each line typed is on the screen as it was typed, each message as it came, and nothing else; returns
/// how many messages there are.
#[track_caller]
fn assert_whole(lines: &[String], typed: &[&str]) -> u32 {
    let screen = lines.join("\n");
    let mut typed = typed.iter();
    let mut messages = 0;
    for line in lines {
        if let Some(number) = line.strip_prefix("< message ") {
            messages += 1;
            assert_eq!(number, messages.to_string(), "{screen}");
        } else if let Some(text) = line.strip_prefix("> ") {
            assert_eq!(Some(&text), typed.next(), "{screen}");
        } else {
            let is_known = line.starts_with("-- ") || line == ">" || line == "END";
            assert!(is_known, "{line:?} is torn:\n{screen}");
        }
    }
    assert_eq!(typed.next(), None, "{screen}");
    messages
}

#[test]
fn a_line_stays_whole_while_200_messages_a_second_arrive() {
    const TYPED: [&str; 4] = [
        "the quick brown fox jumps over the lazy dog",
        "© Hellø wørld!",
        "{\"op\":\"sub\",\"args\":[1,2,3]}",
        "the last of four lines",
    ];
    let (server, received) = pushing(1, Duration::from_millis(5), TYPED.len());
    let mut terminal = Terminal::start(&[&server.url()]);
    terminal.wait("messages", |lines| shown(lines) >= 3);
    for text in TYPED {
        for (at, key) in text.char_indices() {
            terminal.type_keys(&key.to_string());
            let typed = format!("> {}", &text[..at + key.len_utf8()]);
            let typed = typed.trim_end().to_owned();
            // It stays there while more messages come.
            let before = terminal.wait(&typed, |lines| lines.last() == Some(&typed));
            terminal.wait(&typed, |lines| {
                lines.last() == Some(&typed) && shown(lines) > shown(&before)
            });
        }
        terminal.type_keys("\r");
        assert_eq!(received.recv_timeout(DEADLINE).unwrap(), text);
    }
    let (code, lines) = terminal.finish();
    assert_eq!(code, 0);
    assert!(assert_whole(&lines, &TYPED) > 100);
    assert!(lines.contains(&"-- closed by the server: 1000 (normal) \"enough\"".to_owned()));
}

#[test]
fn no_line_is_torn_at_its_end_by_a_flood() {
    const LINES: usize = 100;
    let (server, received) = pushing(4, Duration::from_millis(2), LINES);
    let mut terminal = Terminal::start(&[&server.url()]);
    terminal.wait("messages", |lines| shown(lines) >= 1);
    let typed: Vec<_> = (1..=LINES).map(|number| format!("line {number}")).collect();
    for line in &typed {
        terminal.type_keys(&format!("{line}\r"));
        assert_eq!(&received.recv_timeout(DEADLINE).unwrap(), line);
    }
    let (_, lines) = terminal.finish();
    assert_whole(
        &lines,
        &typed.iter().map(String::as_str).collect::<Vec<_>>(),
    );
}

#[test]
fn what_is_typed_is_sent_and_what_a_slash_begins_is_done() {
    let server = Server::echo();
    let mut terminal = Terminal::start(&[&server.url()]);
    terminal.wait_for_line(">");
    terminal.type_keys("hello\r");
    terminal.wait_for_line("< hello");
    terminal.type_keys("@hex:d5b4\r");
    terminal.wait_for_line("< <bin 2 B d5b4>");
    terminal.type_keys("//slash\r");
    terminal.wait_for_line("< /slash");
    terminal.type_keys("/pi\t\r");
    terminal.wait("a pong", |lines| {
        lines.iter().any(|line| line.starts_with("-- pong after "))
    });
    terminal.type_keys("/nope\r");
    terminal.wait_for_line("error: there is no command /nope");
    terminal.type_keys("/help\r");
    terminal.wait("help", |lines| {
        lines.iter().any(|line| line.starts_with("/close [CODE"))
    });
    terminal.type_keys("{\"a\":\r1}\r");
    terminal.wait("JSON over lines", |lines| {
        lines.windows(2).any(|pair| pair == ["< {\"a\":", "1}"])
    });
    terminal.type_keys("/close 4000 done\r");
    let (code, lines) = terminal.finish();
    assert_eq!(code, 0, "{}", lines.join("\n"));
    assert!(
        lines.contains(&"-- closed: 4000 \"done\"".to_owned()),
        "{lines:#?}"
    );
}

#[test]
fn a_line_that_was_left_by_ctrl_z_is_there_again() {
    let server = Server::echo();
    let mut terminal = Terminal::start(&[&server.url()]);
    terminal.wait_for_line(">");
    // Nobody here could wake it up again, so it is not let stop.
    terminal.type_keys("half a line\x1b[D\x1a");
    terminal.wait("the line twice", |lines| {
        lines.iter().filter(|line| *line == "> half a line").count() == 2
    });
    terminal.type_keys("ll\x7f\r");
    terminal.wait_for_line("< half a linle");
    terminal.type_keys("\x04");
    assert_eq!(terminal.finish().0, 0);
}

#[test]
fn a_message_cannot_draw_on_the_screen() {
    let server = Server::start(|mut socket: WebSocket<TcpStream>| {
        socket
            .send(Frame::text("\u{1b}[2J\u{7}\r\n-- closed"))
            .unwrap();
        drain(&mut socket);
    });
    let mut terminal = Terminal::start(&[&server.url()]);
    terminal.wait_for_line("< \\u001b[2J\\u0007\\u000d\\n-- closed");
    terminal.type_keys("\x04");
    terminal.finish();
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    for (keys, code) in [
        ("\x04", 0),
        ("\x03", 0),
        ("/quit\r", 0),
        ("half\x03\x03", 0),
        ("/close\r", 0),
    ] {
        let (server, received) = reporting();
        let mut terminal = Terminal::start(&[&server.url()]);
        terminal.wait_for_line(">");
        assert_ne!(
            modes(&*terminal.master),
            terminal.modes_before,
            "nobody edits"
        );
        terminal.type_keys(keys);
        assert!(
            matches!(received.recv_timeout(DEADLINE).unwrap(), Frame::Close(_)),
            "{keys:?}"
        );
        let (ended, lines) = terminal.finish();
        assert_eq!(ended, code, "{keys:?}: {lines:#?}");
        assert!(
            lines.contains(&"-- closed: 1000 (normal)".to_owned()),
            "{keys:?}: {lines:#?}"
        );
    }
}

#[test]
fn the_terminal_is_given_back_when_the_server_ends_it() {
    for (close, code, said) in [
        (
            Some((1000, "")),
            0,
            "-- closed by the server: 1000 (normal)",
        ),
        (
            Some((4000, "no")),
            7,
            "error: the server closed the connection: 4000 \"no\"",
        ),
    ] {
        // At once, and in the middle of a line.
        let (code_at_once, lines) = Terminal::start(&[&Server::closes_with(close).url()]).finish();
        assert_eq!(code_at_once, code, "{lines:#?}");
        assert!(lines.contains(&said.to_owned()), "{lines:#?}");

        let (sender, typed) = channel::<()>();
        let typed = Arc::new(Mutex::new(typed));
        let server = Server::start(move |socket: WebSocket<TcpStream>| {
            typed.lock().unwrap().recv().unwrap();
            close_with(socket, close);
        });
        let mut terminal = Terminal::start(&[&server.url()]);
        terminal.wait_for_line(">");
        terminal.type_keys("half a li");
        terminal.wait_for_line("> half a li");
        sender.send(()).unwrap();
        let (ended, lines) = terminal.finish();
        assert_eq!(ended, code, "{lines:#?}");
        assert!(lines.contains(&said.to_owned()), "{lines:#?}");
    }
}

#[test]
fn the_terminal_is_given_back_when_a_signal_ends_it() {
    let (server, _received) = reporting();
    let terminal = Terminal::start(&[&server.url()]);
    terminal.wait_for_line(">");
    let pid = terminal.program.process_id().unwrap().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-s", "TERM", &pid])
        .status();
    assert!(sent.unwrap().success());
    let (code, lines) = terminal.finish();
    assert_eq!(code, 143, "{lines:#?}");
}

#[test]
fn lines_are_there_again_the_next_time_those_that_begin_with_a_blank_are_not() {
    let server = Server::echo();
    let kept = tempfile::tempdir().unwrap();
    let history = kept.path().join("deep/down/history");
    let start = || {
        Terminal::start_with(&[&server.url()], |command, _| {
            command.env("WAMP_HISTORY", &history);
        })
    };
    let mut terminal = start();
    terminal.wait_for_line(">");
    terminal.type_keys("remembered\r");
    terminal.wait_for_line("< remembered");
    terminal.type_keys(" secret\r");
    terminal.wait_for_line("<  secret");
    terminal.type_keys("\x04");
    terminal.finish();
    let mut terminal = start();
    terminal.wait_for_line(">");
    terminal.type_keys("\x1b[A");
    terminal.wait_for_line("> remembered");
    terminal.type_keys("\r");
    terminal.wait_for_line("< remembered");
    terminal.type_keys("\x04");
    terminal.finish();
    let mode = std::fs::metadata(&history).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_terminal_gets_the_head_of_bytes_and_no_raw_ones() {
    let server = Server::echo();
    let terminal = Terminal::start(&[
        &server.url(),
        "-m",
        "@hex:000102030405060708090a0b0c0d0e0f10",
    ]);
    terminal.wait_for_line("<bin 17 B 000102030405060708090a0b0c0d0e0f..>");
    let (code, _) = terminal.finish();
    assert_eq!(code, 0);
    let terminal = Terminal::start(&[&server.url(), "-m", "x", "--show", "raw"]);
    terminal.wait_for_line("error: --show raw writes bytes, and stdout is a terminal");
    assert_eq!(terminal.finish().0, 2);
}

#[test]
fn a_person_who_waits_is_told_what_for() {
    let (server, _received) = reporting();
    let mut terminal = Terminal::start(&[&server.url(), "-m", "x"]);
    terminal.wait("patience", |lines| {
        lines
            .iter()
            .any(|line| line.starts_with("-- 1 more to come (Ctrl-C stops"))
    });
    terminal.type_keys("\x03");
    assert_eq!(terminal.finish().0, 130);
    let mut mirror = Terminal::start(&[&server.url(), "--mirror"]);
    mirror.wait_for_line("-- nothing has come yet (Ctrl-C stops)");
    mirror.type_keys("\x03");
    assert_eq!(mirror.finish().0, 130);
}
