//! What every client command shares: the router's address, the session, and what its failures mean.

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;
use tokio::time::{Instant, timeout};
use url::Url;

use super::console::{Console, ConsoleArgs, printable};
use super::context::{Given, Key, Layers, Name, Settled};
use super::exit::{Exit, Failure};
use super::hints;
use super::sign_in::SignInArgs;
use super::signal::Signals;
use super::tls::TlsArgs;
use super::url::{rawsocket, websocket};
use crate::node::connect::{
    ConnectOptions, Joined, Peer, RequestError, Retry, SessionEnd, SessionState,
};
use crate::node::until;
use crate::protocol::Uri;
use crate::serializer::Serializer;
use crate::transport::{Dialer, RAWSOCKET_SCHEMES};

/// How long connecting may take where nothing else is said.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The router where none is named.
const DEFAULT_URL: &str = "ws://127.0.0.1:8080/ws";
/// The realm where none is named.
const DEFAULT_REALM: &str = "realm1";
/// How often commands that run for long ask whether the router lives.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// When a terminal is told that there is no answer yet.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which router and realm.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(super) struct ClientArgs {
    #[arg(
        help = "Router: ws://HOST:PORT/PATH, wss, tcp (RawSocket), rss (the same through TLS), unix:PATH; :8080 and HOST:8080/ws will do too [default: ws://127.0.0.1:8080/ws]"
    )]
    #[arg(short, long, env = "WAMP_URL", hide_env_values = true, value_parser = parse_url)]
    url: Option<Url>,
    /// Realm to join [default: realm1]
    #[arg(short = 'R', long, env = "WAMP_REALM", hide_env_values = true)]
    realm: Option<String>,
    /// Context whose settings to use, of those that wamp ctx ls lists
    #[arg(
        long,
        add = super::complete::contexts(),
        env = "WAMP_CONTEXT",
        hide_env_values = true,
        value_name = "NAME"
    )]
    context: Option<String>,
    /// json, msgpack, cbor, or auto (if not given): all are offered, the router chooses
    #[arg(
        short,
        long,
        env = "WAMP_SERIALIZER",
        hide_env_values = true,
        value_name = "NAME"
    )]
    #[arg(value_enum, hide_possible_values = true)]
    serializer: Option<SerializerChoice>,
    /// Longest wait for the connection (10s if not given) and for the answer (none if not given), as 30s, 500ms, 2m; 0 is for ever
    #[arg(
        short = 'T',
        long,
        env = "WAMP_TIMEOUT",
        hide_env_values = true,
        value_name = "DURATION"
    )]
    #[arg(value_parser = parse_timeout)]
    timeout: Option<Duration>,
    #[command(flatten)]
    sign_in: SignInArgs,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print the messages that would be sent, and ask no router
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    console: ConsoleArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SerializerChoice {
    Auto,
    Json,
    Msgpack,
    Cbor,
}

/// How long a command means to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stay {
    /// For one request: never joins again.
    Brief,
    /// Until told to stop: pings, and joins again after a lost connection.
    Long,
}

/// A command's session.
#[derive(Debug)]
pub(super) struct Client<'a> {
    pub(super) peer: Peer,
    pub(super) console: &'a Console,
    args: &'a ClientArgs,
}

impl ClientArgs {
    /// Takes from contexts what neither flags nor variables say. To be called once, before all else.
    ///
    /// # Errors
    /// A context that is missing, that others can read, or that makes no sense.
    pub(super) fn settle(&mut self) -> Result<(), Failure> {
        let settled = self.settled()?;
        for origin in &settled.left_out {
            let note = format!("who to sign in as is for another router in {origin}: not used");
            self.console().fact(&note);
        }
        let usage = |text: String| Failure::local(text);
        let url = settled.get(Key::Url).unwrap_or(DEFAULT_URL);
        self.url = Some(parse_url(url).map_err(usage)?);
        self.realm = settled.get(Key::Realm).map(str::to_owned);
        let serializer = settled.get(Key::Serializer);
        let serializer = serializer.map(|name| SerializerChoice::from_str(name, true));
        self.serializer = serializer.transpose().map_err(usage)?;
        let timeout = settled.get(Key::Timeout).map(parse_timeout);
        self.timeout = timeout.transpose().map_err(usage)?;
        self.sign_in.fall_back(&settled);
        self.tls.fall_back(&settled);
        Ok(())
    }

    /// Every setting in use, and where it comes from.
    pub(super) fn settled(&self) -> Result<Settled, Failure> {
        let context = self.context.as_deref().filter(|name| !name.is_empty());
        let context = context.map(Name::parse).transpose();
        let context = context.map_err(|error| Failure::usage(format!("--context: {error}")))?;
        Ok(Settled::of(&self.given(), &Layers::read(context.as_ref())?))
    }

    /// What flags and variables say.
    fn given(&self) -> Given {
        let mut given = Given::default();
        let is_unset = std::env::var("WAMP_URL").is_ok_and(|url| url.is_empty());
        let url = self
            .url
            .as_ref()
            .filter(|url| !is_unset || url.as_str() != DEFAULT_URL);
        given.flag_or_variable(Key::Url, url.map(Url::to_string));
        given.flag_or_variable(Key::Realm, self.realm.clone());
        let serializer = self.serializer.and_then(|it| it.to_possible_value());
        given.flag_or_variable(
            Key::Serializer,
            serializer.map(|it| it.get_name().to_owned()),
        );
        let timeout = self
            .timeout
            .map(|it| humantime::format_duration(it).to_string());
        given.flag_or_variable(Key::Timeout, timeout);
        self.sign_in.given(&mut given);
        self.tls.given(&mut given);
        given
    }

    /// The router.
    fn url(&self) -> Result<Url, Failure> {
        match &self.url {
            Some(url) => Ok(url.clone()),
            None => parse_url(DEFAULT_URL).map_err(Failure::local),
        }
    }

    /// Joins, runs `work`, and leaves, whatever came of it.
    pub(super) async fn session(
        &self,
        console: &Console,
        stay: Stay,
        work: impl AsyncFnOnce(&Client<'_>, &mut Signals) -> Result<Exit>,
    ) -> Result<Exit> {
        let mut signals = Signals::listen()?;
        let client = tokio::select! {
            client = self.connect(console, stay) => client?,
            exit = signals.next() => return Ok(exit),
        };
        let done = work(&client, &mut signals).await;
        signals.or_exit(client.peer.leave()).await;
        done
    }

    /// The same for one request and its answer, which a signal ends.
    pub(super) async fn brief(
        &self,
        console: &Console,
        work: impl AsyncFnOnce(&Client<'_>) -> Result<Exit>,
    ) -> Result<Exit> {
        let work = async |client: &Client<'_>, signals: &mut Signals| {
            tokio::select! {
                done = work(client) => done,
                exit = signals.next() => Ok(exit),
            }
        };
        self.session(console, Stay::Brief, work).await
    }

    async fn connect<'a>(&'a self, console: &'a Console, stay: Stay) -> Result<Client<'a>> {
        let options = self.connect_options(console, stay)?;
        let limit = options.timeout;
        let url = options.dialer.url.clone();
        let joining = patiently(console, "the router", Peer::connect(options));
        let peer = joining
            .await
            .map_err(|error| hints::not_connected(&error, &url, self.realm(), limit))?;
        let client = self.client(peer, console);
        if let Some(joined) = client.peer.joined() {
            client.say_joined(&joined);
        }
        Ok(client)
    }

    /// A session that is there already.
    pub(super) const fn client<'a>(&'a self, peer: Peer, console: &'a Console) -> Client<'a> {
        Client {
            peer,
            console,
            args: self,
        }
    }

    /// How to join, as the flags and all else say.
    pub(super) fn connect_options(&self, console: &Console, stay: Stay) -> Result<ConnectOptions> {
        let url = self.url()?;
        let identity = self.sign_in.identity()?;
        let has_identity = identity.is_some();
        let tls = self.tls.client(&url, identity, console)?;
        // Without TLS there is nobody to show a certificate to.
        let has_certificate = has_identity && tls.is_some();
        Ok(ConnectOptions {
            dialer: Dialer {
                tls,
                url,
                opener: None,
                serializers: self.serializer.unwrap_or(SerializerChoice::Auto).offered(),
            },
            realm: Uri::from(self.realm()),
            credentials: self.sign_in.credentials(console, has_certificate)?,
            agent: concat!("wamp/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeout: self.timeout.map_or(Some(CONNECT_TIMEOUT), limit),
            retry: (stay == Stay::Long).then(Retry::default),
            ping_interval: (stay == Stay::Long).then_some(PING_INTERVAL),
        })
    }

    /// Who is told what.
    pub(super) fn console(&self) -> Console {
        Console::new(&self.console)
    }

    /// The router, as it is shown.
    pub(super) fn place(&self) -> &str {
        self.url.as_ref().map_or(DEFAULT_URL, Url::as_str)
    }

    /// Whether joining asks nobody, and runs no program, for a secret.
    pub(super) const fn joins_unattended(&self) -> bool {
        self.sign_in.is_unattended()
    }

    /// The realm.
    pub(super) fn realm(&self) -> &str {
        self.realm.as_deref().unwrap_or(DEFAULT_REALM)
    }

    /// Whether nothing is to be sent.
    pub(super) const fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// How long an answer may take; `None` is for ever.
    pub(super) fn reply_timeout(&self) -> Option<Duration> {
        self.timeout.and_then(limit)
    }
}

impl Client<'_> {
    fn say_joined(&self, joined: &Joined) {
        let agent = joined.welcome.details.agent.as_deref();
        let agent = agent.map_or_else(String::new, |agent| format!(", router {agent}"));
        self.console.fact(&format!(
            "joined {} at {} as session {} ({}{agent})",
            self.args.realm(),
            self.args.place(),
            joined.welcome.session,
            joined.serializer.name(),
        ));
    }

    pub(super) fn realm(&self) -> &str {
        self.args.realm()
    }

    /// How long an answer may take; `None` is for ever.
    pub(super) fn reply_timeout(&self) -> Option<Duration> {
        self.args.reply_timeout()
    }

    /// Why a request, `what`, has no good answer.
    pub(super) fn failed(&self, what: &str, error: &RequestError) -> Failure {
        hints::failed(what, self.realm(), error)
    }

    /// The serializer agreed upon.
    pub(super) fn serializer(&self) -> Serializer {
        let joined = self.peer.joined();
        joined.map_or(Serializer::Json, |joined| joined.serializer)
    }

    /// Waits for the answer to a request as long as it may take. `what` is asked, as in `procedure "sum"`.
    pub(super) async fn answer<T>(
        &self,
        what: &str,
        request: impl Future<Output = Result<T, RequestError>>,
    ) -> Result<T, Failure> {
        let answered = self.reply(what, request).await?;
        answered.map_err(|error| hints::failed(what, self.realm(), &error))
    }

    /// The same for who knows what to do with a request that has no good answer.
    pub(super) async fn reply<T>(
        &self,
        what: &str,
        request: impl Future<Output = Result<T, RequestError>>,
    ) -> Result<Result<T, RequestError>, Failure> {
        let answer = patiently(self.console, what, request);
        match self.args.reply_timeout() {
            None => Ok(answer.await),
            Some(limit) => timeout(limit, answer)
                .await
                .map_err(|_| hints::no_answer(what, limit)),
        }
    }

    /// Tells of lost and regained sessions; returns once there will be no other.
    pub(super) async fn watch(&self) -> Failure {
        let mut state = self.peer.state();
        loop {
            let seen = state.borrow_and_update().clone();
            match seen {
                SessionState::Joined(joined) => {
                    if let Some(gap) = &joined.gap {
                        let seconds = gap.duration.as_secs_f64();
                        self.console.note(&format!(
                            "joined again after {seconds:.1} s; what happened in between is missing"
                        ));
                        self.say_joined(&joined);
                    }
                }
                SessionState::Lost(end) => {
                    self.console
                        .note(&format!("session lost: {end}; joining again"));
                }
                SessionState::Closed(end) => return closed(&end),
            }
            if state.changed().await.is_err() {
                return Failure::new(Exit::SessionLost, "session lost");
            }
        }
    }
}

fn closed(end: &SessionEnd) -> Failure {
    let exit = match end {
        SessionEnd::Ended(end) => Exit::of_end(end),
        _ => Exit::SessionLost,
    };
    Failure::new(exit, printable(&format!("session lost: {end}")))
}

/// Tells a terminal, after a while, that there is no answer yet.
pub(super) async fn patiently<T>(
    console: &Console,
    what: &str,
    answer: impl Future<Output = T>,
) -> T {
    let mut answer = std::pin::pin!(answer);
    if console.is_watched() {
        match timeout(PATIENCE, &mut answer).await {
            Ok(answer) => return answer,
            Err(_) => console.note(&format!("waiting for {what} (Ctrl-C cancels)")),
        }
    }
    answer.await
}

/// Ends once so much time is over since then, and says how much that is; never, where there is no limit. Cancel-safe.
pub(super) async fn over(limit: Option<Duration>, since: Instant) -> Duration {
    until(limit.map(|limit| since + limit)).await;
    limit.unwrap_or_default()
}

/// No limit where the limit is zero.
pub(super) fn limit(timeout: Duration) -> Option<Duration> {
    (!timeout.is_zero()).then_some(timeout)
}

impl SerializerChoice {
    fn offered(self) -> Vec<Serializer> {
        match self {
            // Binary first: shorter, and it keeps bytes and floats without detours.
            Self::Auto => vec![Serializer::MsgPack, Serializer::Cbor, Serializer::Json],
            Self::Json => vec![Serializer::Json],
            Self::Msgpack => vec![Serializer::MsgPack],
            Self::Cbor => vec![Serializer::Cbor],
        }
    }
}

/// A duration as people write it; a bare number is seconds.
pub(super) fn parse_timeout(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string()),
        Err(_) => humantime::parse_duration(text)
            .map_err(|_| "a duration is written as 30s, 500ms or 2m".to_owned()),
    }
}

/// A router's URL: of a RawSocket, or a WebSocket's, also in the short forms `:PORT`, `HOST`, `HOST:PORT` and those with
/// a path.
pub(super) fn parse_url(text: &str) -> Result<Url, String> {
    if let Some((scheme, rest)) = text.split_once(':')
        && RAWSOCKET_SCHEMES.contains(&scheme)
        && rest.starts_with('/')
    {
        return rawsocket(text, scheme);
    }
    let expanded = |short: &str| {
        let (host, path) = short.split_once('/').unwrap_or((short, "ws"));
        let host = match host {
            "" => "127.0.0.1:8080".to_owned(),
            host if host.starts_with(':') => format!("127.0.0.1{host}"),
            host if host.contains(':') && !host.ends_with(']') => host.to_owned(),
            host => format!("{host}:8080"),
        };
        format!("ws://{host}/{path}")
    };
    websocket(
        text,
        expanded,
        "--authid NAME with --ticket-file or --secret-file",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_urls_are_helped_along() {
        for (text, url) in [
            (":9000", "ws://127.0.0.1:9000/ws"),
            (":9000/x", "ws://127.0.0.1:9000/x"),
            ("host", "ws://host:8080/ws"),
            ("host:9000", "ws://host:9000/ws"),
            ("host:9000/ws", "ws://host:9000/ws"),
            ("host/a/b?c=d", "ws://host:8080/a/b?c=d"),
            ("[::1]", "ws://[::1]:8080/ws"),
            ("[::1]:9000", "ws://[::1]:9000/ws"),
            ("ws://host", "ws://host/"),
            ("wss://host/x", "wss://host/x"),
            ("ws://host:9000/x", "ws://host:9000/x"),
            ("tcp://host:9000", "tcp://host:9000"),
            ("rs://[::1]", "rs://[::1]"),
            ("rss://host/", "rss://host/"),
            ("unix:/run/wamp.sock", "unix:/run/wamp.sock"),
            ("tcp:9000", "ws://tcp:9000/ws"),
        ] {
            assert_eq!(parse_url(text).unwrap().as_str(), url, "{text}");
        }
        for text in ["ws://", "wss://", "host:port", "a b"] {
            assert!(parse_url(text).is_err(), "{text}");
        }
        for (text, said) in [
            (
                "http://host/ws",
                "http:// is no WebSocket; try ws://host/ws",
            ),
            ("https://host", "https:// is no WebSocket; try wss://host"),
            ("wss:/host", "did you mean wss://host?"),
            ("tcp:/host", "did you mean tcp://host?"),
            ("tcp://host/ws", "RawSocket has no path; try tcp://host"),
            (
                "unix://host/x",
                "write the path of a Unix socket as unix:/path",
            ),
            (
                "ws://ann:x@host",
                "a password is not for the URL: --authid NAME with --ticket-file or --secret-file",
            ),
        ] {
            assert_eq!(parse_url(text), Err(said.to_owned()), "{text}");
        }
    }

    #[test]
    fn timeouts_are_durations_or_seconds() {
        assert_eq!(parse_timeout("0"), Ok(Duration::ZERO));
        assert_eq!(parse_timeout("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_timeout("2m"), Ok(Duration::from_mins(2)));
        assert!(parse_timeout("soon").is_err());
        assert!(parse_timeout("-1").is_err());
    }
}
