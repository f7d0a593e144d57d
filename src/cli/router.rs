//! `wamp router`: realms on listeners, until it is told to stop.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tracing::{info, warn};
use tracing_subscriber::fmt::time::SystemTime;

use super::check::load;
use super::exit::Failure;
use super::listen::{LogArgs, Stop, explain, tell_ready};
use super::overrides::Overrides;
use super::reload::Reload;
use super::users::WatchedUsers;
use crate::auth::Principals;
use crate::config::{Config, FILE_NAME, RealmConfig};
use crate::node::{Listening, RAW_PATHS, Router, demo, log_listening};
use crate::protocol::Uri;
use crate::router::{Authenticator, SignInRules};
use crate::transport::tls::TlsServer;
use crate::transport::{Closing, Cookies, Door, Folder, Pages, RawPaths, Site, io_text};

/// How long connections may take to close once every session has left.
const CLOSE_TIME: Duration = Duration::from_secs(3);

/// Run a WAMP router
#[derive(Args, Debug)]
pub(super) struct RouterArgs {
    /// Be what this file says; `wamp init` writes one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
    /// Offer `sum`, publish the current directory's files and have pages that use them, to try things
    #[arg(long)]
    demo: bool,
    #[command(flatten)]
    log: LogArgs,
}

impl RouterArgs {
    /// Runs the router; returns when it was told to stop and has stopped.
    ///
    /// # Errors
    /// An address that cannot be listened on ([`BindError`](crate::transport::BindError)), a config that cannot be read.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        self.log.start("wamp=info", SystemTime, io::stderr);
        let mut stop = Stop::new()?;
        let config = self.config()?;
        let (is_open, listen) = (config.is_open(), config.listen.clone());
        let names: Vec<Uri> = config.realms.iter().map(|it| it.name.clone()).collect();
        let site = self.site(&config)?;
        let authenticator = authenticator(&config.realms);
        let users = WatchedUsers::of(&config.realms);
        let reload = Reload::new(self.config.clone(), self.overrides.clone(), config.clone())?;
        let realms = config.realms.into_iter().map(|it| (it.name, it.settings));
        let router = Router::new(realms, config.limits, authenticator);
        let (listening, closing) = Listening::bind(&listen, Arc::clone(&router), site)
            .await
            .map_err(|error| explain(&error, "router", "--listen :0"))?;
        log_listening(&listening, is_open);
        if self.demo {
            for realm in &names {
                demo::start(listening.gate(), realm).await?;
            }
            info!(
                "the demo offers `sum`, publishes filewithext.<ext>, lets in pages opened as files, and has raw WebSockets at /echo and /count"
            );
        }
        tell_ready(&listening.urls())?;
        Self::serve(&router, listening, &mut stop, (users, reload)).await;
        tokio::select! {
            () = shut_down(&router, closing) => info!("stopped"),
            signal = stop.requested() => warn!("{signal}: stopped at once"),
        }
        Ok(())
    }

    /// Accepts until it is told to stop; on the way, users files and the config are read again.
    async fn serve(
        router: &Router,
        listening: Listening,
        stop: &mut Stop,
        (mut users, mut reload): (WatchedUsers, Reload),
    ) {
        let mut accepting = pin!(listening.accept());
        loop {
            tokio::select! {
                () = &mut accepting => return,
                () = users.watch(router) => {}
                () = reload.requested() => {
                    // bound: as for a users file; a worker thread may wait that long.
                    let realms = tokio::task::block_in_place(|| reload.apply(router));
                    users = realms.map_or(users, |realms| WatchedUsers::of(&realms));
                }
                signal = stop.requested() => {
                    return info!("{signal}: stopping; calls in flight get their answer, again to stop at once");
                }
            }
        }
    }

    /// Flags over the file, over the defaults. No file is read unasked.
    fn config(&self) -> Result<Config, Failure> {
        let Some(file) = &self.config else {
            if Path::new(FILE_NAME).is_file() {
                info!(
                    "{FILE_NAME} is here, and is read only if told so: wamp router --config {FILE_NAME}"
                );
            }
            let mut config = Config::default();
            self.overrides.apply(&mut config);
            return Ok(config);
        };
        let mut config = load(file)?;
        info!(?file, "the config is read");
        for realm in self.overrides.apply(&mut config) {
            warn!(
                "realm {} is not in the config: it is open to everybody, as without one",
                realm.quoted()
            );
        }
        for note in config.notes() {
            warn!("{note}");
        }
        Ok(config)
    }

    fn site(&self, config: &Config) -> Result<Site, Failure> {
        let mut admission = config.admission.clone();
        let mut raw_paths = RawPaths::default();
        if self.demo {
            if RAW_PATHS.iter().any(|(path, _)| *path == config.path) {
                let path = &config.path;
                let failure = Failure::usage(format!("--demo has a raw WebSocket at {path}"));
                return Err(failure.hint("speak WAMP at another path: --path /ws"));
            }
            admission.allowed_origins.push("null".to_owned());
            raw_paths = RawPaths::Listed(RAW_PATHS);
        }
        let pages = Pages {
            realms: config.realms.iter().map(|it| it.name.to_string()).collect(),
            folder: config.web.as_deref().map(folder).transpose()?,
            has_examples: self.demo,
        };
        Ok(Site {
            wamp_path: Some(config.path.clone()),
            raw_paths,
            pages: Some(pages),
            admission,
            door: door(config)?,
            longpoll: None,
            cookies: config.cookie_max_age.map(|max_age| {
                let count_max = config.limits.cookies;
                Arc::new(Cookies::new(max_age, count_max))
            }),
        })
    }
}

/// What connections go through first.
fn door(config: &Config) -> Result<Door, Failure> {
    let tls = config.tls.as_ref().map(|tls| {
        let server = TlsServer::new(tls.files.clone());
        server.map_err(|error| Failure::local(error.to_string()))
    });
    Ok(Door {
        tls: tls.transpose()?.map(Arc::new),
        plain: config.tls.as_ref().map(|tls| tls.plain).unwrap_or_default(),
        proxies: config.proxy_from.clone(),
    })
}

/// Who may sign in to which realm.
fn authenticator(realms: &[RealmConfig]) -> Authenticator {
    let rules = |realm: &RealmConfig| SignInRules {
        anonymous: realm.anonymous.clone(),
        principals: Principals::new(realm.everybody().cloned(), rand::random()).into(),
        authenticator: realm.authenticator.clone(),
    };
    let rules = realms
        .iter()
        .map(|realm| (realm.name.clone(), rules(realm)));
    Authenticator::default().with_rules(rules)
}

/// The folder whose files are served, which must be there.
fn folder(path: &Path) -> Result<Folder, Failure> {
    Folder::open(path).map_err(|error| {
        let text = io_text(&error);
        Failure::local(format!(
            "cannot serve the folder {}: {text}",
            path.display()
        ))
    })
}

async fn shut_down(router: &Router, closing: Closing) {
    router.shut_down().await;
    closing.all_over(CLOSE_TIME).await;
}
