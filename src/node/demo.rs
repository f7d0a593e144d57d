//! What `wamp router --demo` offers: something to call, and something to listen to.
//!
//! A client like any other, over a stream inside this process: `sum`, and a lister that says every second
//! which files of each extension the current directory holds (scenario S6).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::duplex;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;
use url::Url;

use super::connect::{ConnectError, ConnectOptions, Peer, RequestError};
use super::serve::Gate;
use crate::auth::Credentials;
use crate::client::ErrorReply;
use crate::protocol::message::Invocation;
use crate::protocol::{Dict, Payload, PublishOptions, RegisterOptions, Uri, UriRule, Value, uris};
use crate::serializer::Serializer;
use crate::transport::{ByteStream, Dialer};

/// How often the directory is listed.
const LIST_INTERVAL: Duration = Duration::from_secs(1);
/// The buffer of the stream inside this process, each way.
const STREAM_BYTES: usize = 64 * 1024;
/// How many sums are worked out at once; each takes no time.
const SUMS_MAX: usize = 16;

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The demo could not join.
    #[error("the demo cannot join")]
    Connect(#[from] ConnectError),
    /// The demo's procedure was refused.
    #[error("the demo cannot offer `sum`")]
    Register(#[from] RequestError),
}

/// Joins a realm as the demo, and keeps at it until the router goes down.
///
/// # Errors
/// [`DemoError`].
pub async fn start(gate: Gate, realm: &Uri) -> Result<(), DemoError> {
    let path = gate.path().to_owned();
    let opener = move || {
        let (ours, theirs) = duplex(STREAM_BYTES);
        tokio::spawn(gate.clone().serve_local(theirs));
        async { Ok::<_, io::Error>(Box::new(ours) as Box<dyn ByteStream>) }.boxed()
    };
    let Ok(url) = Url::parse(&format!("ws://localhost{path}")) else {
        return Ok(());
    };
    let options = ConnectOptions {
        dialer: Dialer {
            url,
            tls: None,
            opener: Some(Arc::new(opener)),
            serializers: vec![Serializer::MsgPack],
        },
        realm: realm.clone(),
        credentials: Credentials::default(),
        agent: concat!("wamp-demo/", env!("CARGO_PKG_VERSION")).to_owned(),
        timeout: None,
        retry: None,
        ping_interval: None,
    };
    let peer = Peer::connect(options).await?;
    peer.register(
        "sum",
        RegisterOptions::default(),
        SUMS_MAX,
        |invocation, _| async move { sum(&invocation) },
    )
    .await?;
    tokio::spawn(list_for_ever(peer));
    Ok(())
}

/// Adds up all arguments: as an integer if they all are, else as a float.
fn sum(invocation: &Invocation) -> Result<Payload, ErrorReply> {
    let args = invocation
        .payload
        .args()
        .map_err(|error| invalid_argument(&error.to_string()))?;
    let total = args
        .iter()
        .try_fold(Value::Integer(0), add)
        .map_err(|culprit| {
            invalid_argument(&format!("sum takes numbers, not {}", excerpt(&culprit)))
        })?;
    Ok(Payload::from_values(
        invocation.payload.serializer(),
        &[total],
        &Dict::new(),
    ))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "that is what adding a float means"
)]
fn add(total: Value, term: &Value) -> Result<Value, Value> {
    match (total, term) {
        (Value::Integer(total), Value::Integer(number)) => {
            let total = total.checked_add(*number);
            total.map(Value::Integer).ok_or_else(|| term.clone())
        }
        (Value::Integer(total), Value::Float(term)) => Ok(Value::Float(total as f64 + term)),
        (Value::Float(total), Value::Integer(term)) => Ok(Value::Float(total + *term as f64)),
        (Value::Float(total), Value::Float(term)) => Ok(Value::Float(total + term)),
        (_, culprit) => Err(culprit.clone()),
    }
}

/// A value as JSON, cut after so many characters.
fn excerpt(value: &Value) -> String {
    const CHARS_MAX: usize = 60;
    let json = Serializer::Json.encode_value(value);
    String::from_utf8_lossy(&json)
        .chars()
        .take(CHARS_MAX)
        .collect()
}

fn invalid_argument(text: &str) -> ErrorReply {
    ErrorReply {
        error: uris::INVALID_ARGUMENT,
        payload: Payload::text(text),
    }
}

/// Publishes `filewithext.<ext>` for the current directory, until the session ends.
async fn list_for_ever(peer: Peer) {
    let mut ticks = interval(LIST_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut extensions_before = BTreeSet::new();
    while peer.joined().is_some() {
        ticks.tick().await;
        let files = match files_by_extension(Path::new(".")) {
            Ok(files) => files,
            Err(error) => {
                warn!("the demo cannot list the current directory: {error}");
                continue;
            }
        };
        for (extension, names) in with_emptied(files, &mut extensions_before) {
            let args = [Value::from(names)];
            let payload = Payload::from_values(Serializer::MsgPack, &args, &Dict::new());
            let topic = Uri::from(format!("filewithext.{extension}"));
            if peer
                .publish(topic, PublishOptions::default(), payload)
                .await
                .is_err()
            {
                return;
            }
        }
    }
}

type Files = BTreeMap<String, Vec<String>>;

fn files_by_extension(directory: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    for entry in directory.read_dir()? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let extension = Path::new(&name)
            .extension()
            .and_then(|extension| extension.to_str());
        if let Some(extension) = extension.filter(|extension| is_uri_part(extension)) {
            files.entry(extension.to_owned()).or_default().push(name);
        }
    }
    for names in files.values_mut() {
        names.sort();
    }
    Ok(files)
}

fn is_uri_part(text: &str) -> bool {
    Uri::from(text).check(UriRule::Loose).is_ok()
}

/// Adds an empty list, once, for each extension whose last file has gone.
fn with_emptied(mut files: Files, extensions_before: &mut BTreeSet<String>) -> Files {
    let extensions = files.keys().cloned().collect();
    for emptied in std::mem::replace(extensions_before, extensions) {
        files.entry(emptied).or_default();
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_whose_last_file_has_gone_is_listed_empty_once() {
        let mut before = BTreeSet::new();
        let files =
            |extension: &str| Files::from([(extension.to_owned(), vec![format!("a.{extension}")])]);
        assert_eq!(with_emptied(files("py"), &mut before), files("py"));
        let mut expected = files("txt");
        expected.insert("py".to_owned(), Vec::new());
        assert_eq!(with_emptied(files("txt"), &mut before), expected);
        assert_eq!(with_emptied(files("txt"), &mut before), files("txt"));
    }

    #[test]
    fn files_without_an_extension_or_with_one_that_is_no_uri_part_are_left_out() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b.txt", "a.txt", "Makefile", "x.c#", "y.a b", ".hidden"] {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        let files = files_by_extension(directory.path()).unwrap();
        assert_eq!(
            files,
            Files::from([(
                "txt".to_owned(),
                vec!["a.txt".to_owned(), "b.txt".to_owned()]
            )])
        );
    }

    #[test]
    fn sums_stay_integers_until_a_float_comes() {
        let total = |args: &[Value]| args.iter().try_fold(Value::Integer(0), add);
        assert_eq!(total(&[3_u64.into(), 5_u64.into()]), Ok(Value::Integer(8)));
        assert_eq!(total(&[3_u64.into(), 0.5.into()]), Ok(Value::Float(3.5)));
        assert_eq!(total(&[3_u64.into(), "x".into()]), Err(Value::from("x")));
    }
}
