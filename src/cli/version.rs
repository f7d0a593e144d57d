//! `wamp version`: what this binary is and speaks.

use anyhow::Result;

use super::console::{Console, ConsoleArgs};
use super::exit::Exit;
use super::printer::{OutputArgs, Printer};
use crate::protocol::Feature;
use crate::serializer::Serializer;

/// Print version, protocol, serializers, transports and target
#[derive(Debug, clap::Args)]
pub(super) struct VersionArgs {}

impl VersionArgs {
    #[expect(clippy::unused_self, reason = "every command runs this way")]
    pub(super) fn run(self) -> Result<Exit> {
        let serializers = Serializer::ALL.map(Serializer::name).join(", ");
        let features = Feature::ALL.iter().map(|feature| feature.key());
        let features = features.collect::<Vec<_>>().join(", ");
        let printer = Printer::new(
            &OutputArgs::default(),
            &Console::new(&ConsoleArgs::default()),
        );
        printer.text(&format!(
            "wamp {}\nprotocol: WAMP v2 ({features})\nserializers: {serializers}\ntransports: websocket (also batched), rawsocket, both through TLS and Unix sockets; router: http long-poll\ntarget: {}",
            env!("CARGO_PKG_VERSION"),
            target(),
        ))?;
        Ok(Exit::Done)
    }
}

/// The target triple, put together from what the compiler tells: there is no build script to ask.
fn target() -> String {
    let vendor = if cfg!(target_vendor = "apple") {
        "apple"
    } else if cfg!(target_vendor = "pc") {
        "pc"
    } else {
        "unknown"
    };
    let os = if cfg!(target_os = "macos") {
        "darwin"
    } else {
        std::env::consts::OS
    };
    let environment = if cfg!(target_env = "gnu") {
        "-gnu"
    } else if cfg!(target_env = "musl") {
        "-musl"
    } else if cfg!(target_env = "msvc") {
        "-msvc"
    } else {
        ""
    };
    format!("{}-{vendor}-{os}{environment}", std::env::consts::ARCH)
}
