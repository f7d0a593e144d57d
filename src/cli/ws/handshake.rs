//! What the handshake of `wamp ws` says: headers, who we are, subprotocols.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, ORIGIN};

use crate::cli::console::Console;
use crate::cli::exit::Failure;
use crate::cli::sigil::{SigilReader, Written};
use crate::transport::Handshake;

/// What the server is told beside the URL.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Handshake")]
pub(super) struct HandshakeArgs {
    /// Header, as 'Name: value', one for each -H, also Host and Cookie; or @FILE with a header in each line
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    headers: Vec<String>,
    /// Subprotocol to offer; the best first
    #[arg(long = "subprotocol", value_name = "NAME", visible_alias = "protocol")]
    subprotocols: Vec<String>,
    /// Origin that a browser would send
    #[arg(long)]
    origin: Option<String>,
    /// User and password as USER:PASSWORD; @FILE and @env:NAME keep them off the command line
    #[arg(long, value_name = "USER:PASS", conflicts_with = "bearer")]
    basic: Option<String>,
    /// Token; @FILE and @env:NAME keep it off the command line
    #[arg(long, value_name = "TOKEN")]
    bearer: Option<String>,
}

impl HandshakeArgs {
    /// Reads what is in files and variables.
    pub(super) fn read(
        &self,
        sigils: &mut SigilReader,
        console: &Console,
    ) -> Result<Handshake, Failure> {
        let mut headers = HeaderMap::new();
        for word in &self.headers {
            let lines = match sigils.read(word)? {
                Written::Plain(line) => {
                    if is_secret(line) {
                        warn("-H", console);
                    }
                    line.to_owned()
                }
                Written::Text(lines) => lines,
                _ => return Err(Failure::usage("-H is text: 'Name: value', or @FILE")),
            };
            for line in lines.lines().filter(|line| !line.trim().is_empty()) {
                let (name, value) = header(line)?;
                headers.append(name, value);
            }
        }
        if let Some(origin) = &self.origin {
            headers.insert(ORIGIN, value("--origin", origin)?);
        }
        if let Some(basic) = &self.basic {
            let pair = secret("--basic", basic, sigils, console)?;
            if !pair.contains(':') {
                let failure = Failure::usage("--basic has no \":\"");
                return Err(failure.hint("write --basic USER:PASSWORD"));
            }
            let basic = format!("Basic {}", BASE64.encode(pair));
            headers.insert(AUTHORIZATION, value("--basic", &basic)?);
        }
        if let Some(bearer) = &self.bearer {
            let token = secret("--bearer", bearer, sigils, console)?;
            let bearer = format!("Bearer {token}");
            headers.insert(AUTHORIZATION, value("--bearer", &bearer)?);
        }
        for name in &self.subprotocols {
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                let message = format!("{name:?} is no name of a subprotocol");
                return Err(
                    Failure::usage(message).hint("letters, digits, and . - _ + make one up")
                );
            }
        }
        Ok(Handshake {
            headers,
            subprotocols: self.subprotocols.clone(),
        })
    }
}

fn header(line: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let Some((name, rest)) = line.split_once(':') else {
        let failure = Failure::usage(format!("the header {line:?} has no \":\""));
        return Err(failure.hint("write -H 'Name: value'"));
    };
    let name = HeaderName::from_bytes(name.trim().as_bytes())
        .map_err(|_| Failure::usage(format!("{name:?} is no name of a header")))?;
    let is_ours = name.as_str().starts_with("sec-websocket-")
        || ["connection", "upgrade"].contains(&name.as_str());
    if is_ours {
        let failure = Failure::usage(format!("the header {name} belongs to the handshake itself"));
        return Err(match name.as_str() {
            "sec-websocket-protocol" => failure.hint("offer a subprotocol with --subprotocol NAME"),
            _ => failure,
        });
    }
    let value = value("-H", rest.trim())?;
    Ok((name, value))
}

fn value(flag: &str, text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| Failure::usage(format!("the value of {flag} cannot be in a header")))?;
    value.set_sensitive(["--basic", "--bearer"].contains(&flag));
    Ok(value)
}

/// The value of a flag that others should not see, best taken from a file or a variable.
fn secret(
    flag: &str,
    word: &str,
    sigils: &mut SigilReader,
    console: &Console,
) -> Result<String, Failure> {
    match sigils.read(word)? {
        Written::Plain(text) => {
            warn(flag, console);
            Ok(text.to_owned())
        }
        // A file's last line end is no part of a secret.
        Written::Text(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        _ => Err(Failure::usage(format!(
            "{flag} is text: {flag} @FILE or @env:NAME"
        ))),
    }
}

/// Whether a header says who we are, so that nobody else should see it.
fn is_secret(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default().trim();
    ["authorization", "cookie"].contains(&name.to_ascii_lowercase().as_str())
}

/// A header as it may be shown.
pub(super) fn shown(line: &str) -> String {
    match line.split_once(':') {
        Some((name, _)) if is_secret(line) => format!("{name}: …"),
        _ => line.to_owned(),
    }
}

fn warn(flag: &str, console: &Console) {
    console.note(&format!(
        "what follows {flag} can be seen by all users of this machine; {flag} @FILE and {flag} @env:NAME keep it to you"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_and_a_value() {
        let (name, value) = header("X-Name:  a: b ").unwrap();
        assert_eq!((name.as_str(), value.as_bytes()), ("x-name", &b"a: b"[..]));
        assert!(header("Host: other").is_ok());
        for line in [
            "X",
            "X Y: 1",
            ": 1",
            "X: a\nb",
            "Connection: x",
            "Sec-WebSocket-Key: x",
        ] {
            assert!(header(line).is_err(), "{line:?}");
        }
    }
}
