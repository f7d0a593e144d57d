//! `wamp router`: realms on listeners, until it is told to stop.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tracing::{info, warn};
use tracing_subscriber::fmt::time::SystemTime;

use super::listen::{LogArgs, Stop, address, explain, tell_ready};
use crate::node::{Listening, RAW_PATHS, Router, demo, log_listening};
use crate::protocol::{Uri, UriRule};
use crate::router::{Authenticator, Limits, RequestIds, Settings, TimeUnit};
use crate::transport::{Admission, Closing, RawPaths, Site};

/// How long connections may take to close once every session has left.
const CLOSE_TIME: Duration = Duration::from_secs(3);

/// Run a WAMP router
#[derive(Args, Debug)]
pub(super) struct RouterArgs {
    /// Listen here; repeatable. Port 0 picks a free one, `:9000` is loopback
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: Vec<String>,
    /// Serve a realm of this name; repeatable
    #[arg(long, value_name = "NAME", default_value = "realm1", value_parser = realm_name)]
    realm: Vec<Uri>,
    /// Speak WAMP over WebSocket at this path
    #[arg(long, value_name = "PATH", default_value = "/ws", value_parser = path)]
    path: String,
    /// Let in pages of this origin too; repeatable (`null`: opened as files)
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Answer to this host name on loopback too; repeatable
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Offer `sum` and publish the current directory's files, to try things
    #[arg(long)]
    demo: bool,
    /// How ids of requests are checked: strictly, or (for clients written against Crossbar.io) not
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    request_ids: RequestIdsChoice,
    /// What a call's `timeout` counts (`s`: for clients written against Crossbar.io)
    #[arg(long, value_enum, value_name = "UNIT", default_value_t)]
    call_timeout_unit: TimeUnitChoice,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum RequestIdsChoice {
    #[default]
    Strict,
    Lenient,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum TimeUnitChoice {
    #[default]
    Ms,
    S,
}

impl From<RequestIdsChoice> for RequestIds {
    fn from(choice: RequestIdsChoice) -> Self {
        match choice {
            RequestIdsChoice::Strict => Self::Strict,
            RequestIdsChoice::Lenient => Self::Lenient,
        }
    }
}

impl From<TimeUnitChoice> for TimeUnit {
    fn from(choice: TimeUnitChoice) -> Self {
        match choice {
            TimeUnitChoice::Ms => Self::Milliseconds,
            TimeUnitChoice::S => Self::Seconds,
        }
    }
}

fn realm_name(text: &str) -> Result<Uri, String> {
    let realm = Uri::from(text);
    realm
        .check(UriRule::Loose)
        .map_err(|why| format!("no valid realm name: {why}"))?;
    Ok(realm)
}

fn path(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err(format!("a path begins with a slash: /{text}"))
    }
}

impl RouterArgs {
    /// Runs the router; returns when it was told to stop and has stopped.
    ///
    /// # Errors
    /// An address that cannot be listened on ([`BindError`](crate::transport::BindError)).
    pub(super) async fn run(self) -> anyhow::Result<()> {
        self.log.start("wamp=info", SystemTime, io::stderr);
        let mut stop = Stop::new()?;
        let settings = self.settings();
        let realms = self
            .realm
            .iter()
            .map(|realm| (realm.clone(), settings.clone()));
        let router = Router::new(realms, Limits::default(), Authenticator::default());
        let (listening, closing) = Listening::bind(&self.listen, Arc::clone(&router), self.site())
            .await
            .map_err(|error| explain(&error, "router", "--listen :0"))?;
        log_listening(&listening);
        if self.demo {
            let realms: BTreeSet<&Uri> = self.realm.iter().collect();
            for realm in realms {
                demo::start(listening.gate(), realm).await?;
            }
            info!(
                "the demo offers `sum`, publishes filewithext.<ext>, lets in pages opened as files, and has raw WebSockets at /echo and /count"
            );
        }
        tell_ready(&listening.urls())?;
        tokio::select! {
            () = listening.accept() => {}
            signal = stop.requested() => info!("{signal}: stopping; calls in flight get their answer, again to stop at once"),
        }
        tokio::select! {
            () = shut_down(&router, closing) => info!("stopped"),
            signal = stop.requested() => warn!("{signal}: stopped at once"),
        }
        Ok(())
    }

    fn settings(&self) -> Settings {
        Settings {
            request_ids: self.request_ids.into(),
            call_timeout_unit: self.call_timeout_unit.into(),
            ..Settings::default()
        }
    }

    fn site(&self) -> Site {
        let mut allowed_origins = self.allow_origin.clone();
        let mut raw_paths = RawPaths::default();
        if self.demo {
            allowed_origins.push("null".to_owned());
            raw_paths = RawPaths::Listed(RAW_PATHS);
        }
        let admission = Admission {
            allowed_origins,
            allowed_hosts: self.allow_host.clone(),
        };
        Site {
            wamp_path: Some(self.path.clone()),
            raw_paths,
            admission,
        }
    }
}

async fn shut_down(router: &Router, closing: Closing) {
    router.shut_down().await;
    closing.all_over(CLOSE_TIME).await;
}
