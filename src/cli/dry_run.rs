//! `--dry-run`: the messages that would be sent, as they would be in JSON, and no router asked.

use anyhow::Result;

use super::exit::Exit;
use super::printer::write_stdout;
use crate::protocol::Message;
use crate::serializer::Serializer;

/// For the commands that send one kind of message. No other has the flag: one that took it and went on would mislead.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct DryRunArgs {
    /// Print the messages that would be sent, and ask no router
    #[arg(long = "dry-run")]
    pub(super) is_on: bool,
}

/// Prints them, one a line.
pub(super) fn show(messages: impl IntoIterator<Item = Message>) -> Result<Exit> {
    for message in messages {
        let mut line = Serializer::Json.encode(&message).to_vec();
        line.push(b'\n');
        write_stdout(&line)?;
    }
    Ok(Exit::Done)
}
