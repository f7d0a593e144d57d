//! `wamp call`: calls a procedure and prints its result.

use anyhow::Result;

use super::argument::Arguments;
use super::client::{Client, ClientArgs, Stay};
use super::exit::Exit;
use super::printer::{OutputArgs, Printer};
use crate::protocol::{CallOptions, Payload};

/// Shown below the options.
const EXAMPLES: &str = "\
Arguments are JSON where they are, else text; NAME=VALUE is a keyword argument:
  wamp call sum 3 -5                    two integers
  wamp call user.create Ada age=36 'tags:=[\"a\"]'
  wamp call put @bin:photo.png          a file's bytes; also @FILE @json:FILE
                                        @- @hex: @b64: @str: @env: and @@text";

/// Call a procedure and print its result
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CallArgs {
    /// Procedure to call, such as com.example.add
    #[arg(value_name = "PROC")]
    procedure: String,
    /// Arguments, typed as below
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    words: Vec<String>,
    /// Keyword argument, also with a name that is no word
    #[arg(short, long = "kwarg", value_name = "NAME=VALUE")]
    keywords: Vec<String>,
    /// Call this many times, one after the other
    #[arg(short = 'n', long, default_value_t = 1, hide_default_value = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    pub(super) client: ClientArgs,
}

impl CallArgs {
    pub(super) async fn run(self) -> Result<Exit> {
        let console = &self.client.console();
        let arguments = Arguments::parse(&self.words, &self.keywords)?;
        let printer = Printer::new(&self.output, console);
        let work = async |client: &Client<'_>, signals: &mut super::signal::Signals| {
            tokio::select! {
                done = self.call_all(client, &arguments, &printer) => done,
                exit = signals.next() => Ok(exit),
            }
        };
        self.client.session(console, Stay::Brief, work).await
    }

    async fn call_all(
        &self,
        client: &Client<'_>,
        arguments: &Arguments,
        printer: &Printer,
    ) -> Result<Exit> {
        let what = format!("procedure {:?}", self.procedure);
        let payload = arguments.payload(client.serializer());
        for _ in 0..self.count {
            let options = CallOptions::default();
            let call = client
                .peer
                .call(self.procedure.as_str(), options, payload.clone());
            let outcome = client.answer(&what, call).await?;
            printer.result(Arguments::from_payload(&outcome.payload)?)?;
        }
        Ok(Exit::Done)
    }
}

impl Arguments {
    /// The values of what came.
    pub(super) fn from_payload(payload: &Payload) -> Result<Self> {
        use anyhow::Context as _;
        Ok(Self {
            args: payload.args().context("the payload cannot be read")?,
            kwargs: payload.kwargs().context("the payload cannot be read")?,
        })
    }
}
