//! One attempt at a session: dial, HELLO, WELCOME.

use bytestring::ByteString;
use tokio::time::{Instant, timeout_at};

use super::state::{Gap, Joined};
use super::{ConnectError, ConnectOptions};
use crate::auth::{Binding, SignIn};
use crate::client::{End, Limits, Output, Session};
use crate::protocol::message::{Authenticate, Welcome};
use crate::protocol::{Dict, Message, uris};
use crate::serializer::Serializer;
use crate::transport::{Connection, DialError, Read, Stage};

/// How long a connection that did not lead to a session may take to close.
const CLOSE_PATIENCE: std::time::Duration = std::time::Duration::from_millis(200);

/// An open session and its connection.
pub(super) struct Link {
    pub(super) connection: Connection,
    pub(super) session: Session,
    welcome: Welcome,
}

impl Link {
    pub(super) fn joined(&self, gap: Option<Gap>) -> Joined {
        Joined {
            welcome: self.welcome.clone(),
            serializer: self.connection.serializer(),
            gap,
        }
    }
}

/// Dials, and joins the realm.
pub(super) async fn establish(options: &ConnectOptions) -> Result<Link, ConnectError> {
    let deadline = options.timeout.map(|timeout| Instant::now() + timeout);
    let connection = options.dialer.dial(deadline).await?;
    establish_over(connection, options, deadline).await
}

/// Joins the realm over a connection that is there; if the router takes no binding, over another one without.
pub(super) async fn establish_over(
    connection: Connection,
    options: &ConnectOptions,
    deadline: Option<Instant>,
) -> Result<Link, ConnectError> {
    let sign_in = SignIn::new(options.credentials.clone(), &rand::random());
    let bound = sign_in.clone().bound_to(binding(&connection));
    let may_do_unbound = bound.can_do_unbound();
    match attempt(connection, options, bound, deadline).await {
        Err(Failed {
            error,
            is_in_hello: true,
        }) if may_do_unbound && !is_elsewhere(&error) => {
            let connection = options.dialer.dial(deadline).await?;
            attempt(connection, options, sign_in, deadline).await
        }
        outcome => outcome,
    }
    .map_err(|failed| failed.error)
}

/// Why there is no session, and whether the router had challenged nobody yet.
struct Failed {
    error: ConnectError,
    is_in_hello: bool,
}

/// What there is to bind signing in to.
fn binding(connection: &Connection) -> Option<Binding> {
    let tls = connection.tls()?;
    Some(Binding {
        id: tls.binding?,
        is_required: !tls.is_verified,
    })
}

/// Whether another HELLO would fare no better: nobody refused it for what it says of who we are.
fn is_elsewhere(error: &ConnectError) -> bool {
    !matches!(error, ConnectError::Join(End::Refused { reason, .. }) if *reason != uris::NO_SUCH_REALM)
}

async fn attempt(
    mut connection: Connection,
    options: &ConnectOptions,
    sign_in: SignIn,
    deadline: Option<Instant>,
) -> Result<Link, Failed> {
    let realm = options.realm.clone();
    let mut session = Session::join(realm, &options.agent, sign_in, Limits::default());
    let joining = join(&mut connection, &mut session);
    let joined = match deadline {
        None => joining.await,
        Some(deadline) => timeout_at(deadline, joining).await.unwrap_or_else(|_| {
            let stage = Stage::Join;
            Err(Failed {
                error: DialError::Timeout { stage }.into(),
                is_in_hello: false,
            })
        }),
    };
    match joined {
        Ok(welcome) => Ok(Link {
            connection,
            session,
            welcome,
        }),
        Err(failed) => {
            connection.close(CLOSE_PATIENCE).await;
            Err(failed)
        }
    }
}

async fn join(connection: &mut Connection, session: &mut Session) -> Result<Welcome, Failed> {
    let mut is_in_hello = true;
    loop {
        while let Some(output) = session.poll_output() {
            match output {
                Output::Send(message) => queue(connection, &message),
                Output::Joined(welcome) => return Ok(welcome),
                Output::Ended(end) => {
                    let error = ConnectError::Join(end);
                    return Err(Failed { error, is_in_hello });
                }
                // Nothing else happens before WELCOME.
                _ => {}
            }
        }
        match connection.read(true).await {
            Ok(Read::Message(message)) => {
                trace_received(connection.serializer(), &message);
                is_in_hello &= !matches!(message, Message::Challenge(_));
                session.handle_message(message);
            }
            Ok(Read::Alive | Read::Written) => {}
            Err(error) => {
                let error = error.into();
                return Err(Failed { error, is_in_hello });
            }
        }
    }
}

/// Queues a message, and lets a log that wants to see frames see it.
pub(super) fn queue(connection: &mut Connection, message: &Message) {
    trace_frame(">", connection.serializer(), message);
    connection.queue(message);
}

/// Lets a log that wants to see frames see a message that came.
pub(super) fn trace_received(serializer: Serializer, message: &Message) {
    trace_frame("<", serializer, message);
}

fn trace_frame(direction: &str, serializer: Serializer, message: &Message) {
    if tracing::enabled!(target: "wamp::frame", tracing::Level::TRACE) {
        // A log is no place for secrets, and a ticket is one.
        let masked = matches!(message, Message::Authenticate(_)).then(|| {
            let (signature, extra) = (ByteString::from_static("…"), Dict::new());
            Authenticate { signature, extra }.into()
        });
        let json = Serializer::Json.encode(masked.as_ref().unwrap_or(message));
        tracing::trace!(
            target: "wamp::frame",
            "{direction} {} {} ({})",
            message.code().name(),
            String::from_utf8_lossy(&json),
            serializer.name(),
        );
    }
}
