//! URLs of routers and WebSockets as people write them. What a short form stands for, each kind of command says itself.

use url::Url;

/// Reads a WebSocket's URL; one without a scheme is `expanded` first. `instead` is where a password belongs.
///
/// # Errors
/// What is wrong with it, and how it is written.
pub(super) fn websocket(
    text: &str,
    expanded: impl FnOnce(&str) -> String,
    instead: &str,
) -> Result<Url, String> {
    if let Some((scheme, rest)) = text.split_once(":/")
        && ["ws", "wss"].contains(&scheme)
        && !rest.starts_with('/')
    {
        return Err(format!("did you mean {scheme}://{rest}?"));
    }
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        expanded(text)
    };
    let url = Url::parse(&full).map_err(|error| error.to_string())?;
    let better = |scheme: &str| {
        let rest = full.split_once("://").map_or("", |(_, rest)| rest);
        format!("{}:// is no WebSocket; try {scheme}://{rest}", url.scheme())
    };
    match url.scheme() {
        "ws" | "wss" => {}
        "https" => return Err(better("wss")),
        _ => return Err(better("ws")),
    }
    if !url.has_host() {
        return Err("it names no host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("a password is not for the URL: {instead}"));
    }
    Ok(url)
}

/// Reads a RawSocket's URL, which begins with `scheme` and `:/`.
///
/// # Errors
/// What is wrong with it, and how it is written.
pub(super) fn rawsocket(text: &str, scheme: &str) -> Result<Url, String> {
    if scheme != "unix" && !text.contains("://") {
        return Err(format!("did you mean {}?", text.replacen(":/", "://", 1)));
    }
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    match scheme {
        "unix" if has_host || url.path().len() < 2 => {
            Err("write the path of a Unix socket as unix:/path".to_owned())
        }
        "unix" => Ok(url),
        _ if !has_host => Err("it names no host".to_owned()),
        _ if url.path().len() > 1 => {
            let at = text.trim_end_matches(url.path());
            Err(format!("RawSocket has no path; try {at}"))
        }
        _ => Ok(url),
    }
}
