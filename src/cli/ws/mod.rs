//! `wamp ws`: a raw WebSocket, for people at a terminal and for scripts.

mod conversation;
mod editor;
mod failure;
mod framing;
mod gate;
mod handshake;
mod history;
mod input;
mod message;
mod modes;
mod screen;
mod show;
mod slash;
mod typing;
mod url;

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt as _;
use std::path::PathBuf;
use std::time::Duration;

use ::url::Url;
use anyhow::Result;
use tokio::time::Instant;

use self::conversation::{Conversation, Plan};
use self::framing::{Framing, read_stdin};
use self::handshake::HandshakeArgs;
use self::input::{Input, Rounds};
use self::message::Recipe;
use self::screen::Screen;
use self::show::{Binary, Layout};
use super::client::{limit, parse_timeout, patiently};
use super::console::{Console, ConsoleArgs};
use super::exit::{Exit, Failure};
use super::sigil::SigilReader;
use super::signal::Signals;
use super::size;
use super::tls::TlsArgs;
use crate::ws::{Client, Closing, Opened, Target};

/// How long connecting may take where nothing else is said.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// `{n}` as help can show it: clap takes the bare one for a line break.
macro_rules! counter {
    () => {
        "{\x1b[mn}"
    };
}

/// Shown below the options.
const EXAMPLES: &str = concat!(
    "\
On a terminal one types, and what comes is printed above; /help there has more.
  wamp ws :9000                              to ws://localhost:9000/
  wamp ws :9000 -m hello                     send, print the answer, end
  wamp ws :9000 -m @bin:photo.png -m @json:x.json   bytes; a file that is JSON
  wamp ws :9000 -m '{\"op\":\"sub\"}' -n 3       three messages are to come
  wamp ws :9000 --every 1s --template -m 'hello ",
    counter!(),
    "' -m @uuid:
  tail -f log | wamp ws :9000 - -n 0         each line; no answers are awaited

A message begins with @ for other things than its own text: @FILE @json:FILE
@bin:FILE (- is stdin) @hex: @b64: @str: @env: @uuid: and @@text. Stdin is read
only where - or --frame says so."
);

/// Talk to any WebSocket server
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(mut_arg("verbose", |verbose| verbose.help("Say more: the handshake, and pings that come")))]
pub(super) struct WsArgs {
    /// Server, as ws://HOST:PORT/PATH or wss://…; :9000 and HOST/PATH will do too
    #[arg(value_parser = url::parse)]
    url: Url,
    /// - sends what stdin holds
    #[arg(value_name = "-", value_parser = ["-"], hide_possible_values = true)]
    #[arg(conflicts_with_all = ["messages", "mirror"])]
    stdin: Option<String>,
    #[command(flatten)]
    sending: SendArgs,
    #[command(flatten)]
    receiving: ReceiveArgs,
    #[command(flatten)]
    handshake: HandshakeArgs,
    /// Longest wait for the connection, as 30s, 500ms, 2m; 0 is for ever [default: 10s]
    #[arg(short = 'T', long, value_name = "DURATION", value_parser = parse_timeout)]
    #[arg(help_heading = "Handshake")]
    timeout: Option<Duration>,
    #[command(flatten)]
    tls: TlsArgs,
    /// PEM file of our certificate and its chain
    #[arg(long, value_name = "FILE", requires = "key", help_heading = "TLS")]
    cert: Option<PathBuf>,
    /// PEM file of its private key
    #[arg(long, alias = "tls-key", value_name = "FILE")]
    #[arg(requires = "cert", help_heading = "TLS")]
    key: Option<PathBuf>,
    #[command(flatten)]
    console: ConsoleArgs,
}

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Sending")]
struct SendArgs {
    /// Message to send; several are sent in turn
    #[arg(
        short,
        long = "message",
        value_name = "MESSAGE",
        allow_hyphen_values = true
    )]
    messages: Vec<String>,
    /// Send text as binary messages
    #[arg(short, long)]
    binary: bool,
    /// Send the messages again and again
    #[arg(long, value_name = "DURATION", value_parser = parse_period, requires = "messages")]
    every: Option<Duration>,
    #[arg(help = concat!("Replace ", counter!(), " in messages by the number of the round"))]
    #[arg(long, requires = "messages")]
    template: bool,
    /// Read stdin, cut into messages: line, null, blank, json, all, len4
    #[arg(long, value_enum, value_name = "HOW", hide_possible_values = true)]
    #[arg(conflicts_with_all = ["messages", "mirror"])]
    frame: Option<Framing>,
    /// Send back what comes, text as text and bytes as bytes
    #[arg(long, conflicts_with = "messages")]
    mirror: bool,
    /// Ask for a sign of life so often, and tell how long it took
    #[arg(short = 'P', long, value_name = "DURATION", value_parser = parse_period)]
    ping: Option<Duration>,
    /// How to close in the end [default: 1000]
    #[arg(long, value_name = "CODE[:REASON]", value_parser = parse_closing)]
    close: Option<Closing>,
}

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Receiving")]
struct ReceiveArgs {
    /// End when so many messages have come [default: as many as were sent with -m or from stdin]
    #[arg(short = 'n', long, value_name = "COUNT")]
    count: Option<u64>,
    /// End when all is sent and none has come for so long
    #[arg(long, value_name = "DURATION", value_parser = parse_period)]
    wait: Option<Duration>,
    /// Binary messages as json, hex, base64, utf8, raw [default: their head on a terminal, else json]
    #[arg(long, value_enum, value_name = "HOW", hide_possible_values = true)]
    show: Option<Binary>,
    /// Greatest message taken
    #[arg(long, value_name = "SIZE", value_parser = size::parse, default_value = "64MiB")]
    max_message: usize,
}

impl WsArgs {
    pub(super) async fn run(self) -> Result<Exit> {
        let console = Console::new(&self.console);
        let layout = self.layout(&console)?;
        let source = self.source(&console)?;
        let target = self.target(&console)?;
        let mut signals = Signals::listen()?;
        let client = tokio::select! {
            client = self.open(&target, &console) => client?,
            exit = signals.next() => return Ok(exit),
        };
        let (input, above) = source.open(&self.sending)?;
        let plan = self.plan(&input);
        let screen = Screen::new(&console, layout, above);
        Conversation::new(client, input, screen, plan)
            .run(&mut signals)
            .await
    }

    fn layout(&self, console: &Console) -> Result<Layout, Failure> {
        let is_terminal = console.stdout_is_terminal();
        if is_terminal && self.receiving.show == Some(Binary::Raw) {
            let failure = Failure::usage("--show raw writes bytes, and stdout is a terminal");
            return Err(failure.hint("redirect it, or take --show hex"));
        }
        Ok(Layout {
            is_terminal,
            palette: console.stdout(),
            binary: self.receiving.show,
        })
    }

    /// Understands what is to be sent before there is a connection to send it to.
    fn source(&self, console: &Console) -> Result<Source, Failure> {
        let sending = &self.sending;
        if self.stdin.is_some() || sending.frame.is_some() {
            return Ok(Source::Stdin(sending.frame.unwrap_or_default()));
        }
        let mut sigils = SigilReader::default();
        let recipes = sending
            .messages
            .iter()
            .map(|word| Recipe::read(word, &mut sigils, sending.binary, sending.template));
        let recipes = recipes.collect::<Result<Vec<_>, _>>()?;
        let is_typed_on = io::stdin().is_terminal();
        let is_idle = recipes.is_empty() && !sending.mirror;
        if is_idle && !is_typed_on && console.is_watched() && holds_something(&io::stdin()) {
            console.note("stdin is not read; - behind the URL sends what it holds");
        }
        Ok(match sending.every {
            Some(period) => Source::Rounds(period, recipes),
            None if is_idle && is_typed_on && console.stdout_is_terminal() => Source::Typed,
            None => Source::Once(recipes),
        })
    }

    fn target(&self, console: &Console) -> Result<Target, Failure> {
        // What -m reads from stdin is its own; a password does not come from there.
        let handshake = self
            .handshake
            .read(&mut SigilReader::without_stdin(), console)?;
        let identity = self.cert.clone().zip(self.key.clone());
        Ok(Target {
            tls: self.tls.client(&self.url, identity, console)?,
            url: self.url.clone(),
            handshake,
            message_bytes_max: self.receiving.max_message,
        })
    }

    async fn open(&self, target: &Target, console: &Console) -> Result<Client, Failure> {
        let limit = self.timeout.map_or(Some(CONNECT_TIMEOUT), limit);
        let deadline = limit.map(|limit| Instant::now() + limit);
        let opening = patiently(console, "the server", target.open(deadline));
        let (client, opened) = opening
            .await
            .map_err(|error| failure::not_open(&error, &self.url, limit))?;
        say_opened(&self.url, &opened, console);
        Ok(client)
    }

    fn plan(&self, input: &Input) -> Plan {
        let is_answered = match input {
            Input::Once(recipes) => !recipes.is_empty(),
            Input::Stdin(_) => true,
            Input::Rounds(_) | Input::Typed { .. } => false,
        };
        Plan {
            count: self.receiving.count,
            wait: self.receiving.wait,
            is_answered,
            mirrors: self.sending.mirror,
            ping_interval: self.sending.ping,
            closing: self.sending.close.clone().unwrap_or(Closing {
                code: Closing::NORMAL,
                reason: String::new(),
            }),
        }
    }
}

/// Where what is sent will come from.
enum Source {
    Once(Vec<Recipe>),
    Rounds(Duration, Vec<Recipe>),
    Stdin(Framing),
    Typed,
}

impl Source {
    fn open(self, sending: &SendArgs) -> Result<(Input, Option<editor::Above>), Failure> {
        Ok(match self {
            Self::Once(recipes) => (Input::Once(recipes.into()), None),
            Self::Rounds(period, recipes) => (Input::Rounds(Rounds::every(period, recipes)), None),
            Self::Stdin(framing) => (Input::Stdin(read_stdin(framing, sending.binary)), None),
            Self::Typed => {
                let (editor, above) = editor::start()?;
                let is_binary = sending.binary;
                (Input::Typed { editor, is_binary }, above)
            }
        })
    }
}

/// Whether a stream is a pipe or a file, from which somebody may expect that it is read.
fn holds_something(stream: &impl AsFd) -> bool {
    let file = stream.as_fd().try_clone_to_owned().map(File::from);
    file.and_then(|file| file.metadata())
        .is_ok_and(|it| it.file_type().is_fifo() || it.is_file())
}

fn say_opened(url: &Url, opened: &Opened, console: &Console) {
    let subprotocol = match &opened.answered.subprotocol {
        Some(name) => format!(", subprotocol {name}"),
        None => String::new(),
    };
    console.note(&format!("open {url}{subprotocol}"));
    if let Some(address) = opened.address {
        console.fact(&format!("connected to {address}"));
    }
    if let Some(tls) = &opened.tls {
        console.fact(&format!("{} with {}", tls.version, tls.cipher_suite));
    }
    let request = opened.answered.request.lines();
    for line in request.filter(|line| !line.is_empty()) {
        console.fact(&format!("> {}", handshake::shown(line)));
    }
    let response = &opened.answered.response;
    console.fact(&format!("< HTTP/1.1 {}", response.status()));
    for (name, value) in response.headers() {
        console.fact(&format!(
            "< {name}: {}",
            String::from_utf8_lossy(value.as_bytes())
        ));
    }
}

/// A duration that is longer than nothing.
fn parse_period(text: &str) -> Result<Duration, String> {
    match parse_timeout(text)? {
        Duration::ZERO => Err("it has to be longer than 0".to_owned()),
        period => Ok(period),
    }
}

fn parse_closing(text: &str) -> Result<Closing, String> {
    slash::closing(text, ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_is_a_code_and_perhaps_a_reason() {
        let closing = parse_closing("4000:see you: later").unwrap();
        assert_eq!(
            (closing.code, closing.reason.as_str()),
            (4000, "see you: later")
        );
        assert_eq!(parse_closing("1000").unwrap().reason, "");
        assert!(parse_closing("1006").is_err());
        assert!(parse_period("0").is_err());
    }
}
