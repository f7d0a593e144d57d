//! URLs of WebSockets as people write them. What a short form stands for, each kind of command says itself.

use url::Url;

/// Reads a WebSocket's URL; one without a scheme is `expanded` first.
///
/// # Errors
/// What is wrong with it, and how it is written.
pub(super) fn websocket(text: &str, expanded: impl FnOnce(&str) -> String) -> Result<Url, String> {
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
        "ws" | "wss" if url.has_host() => Ok(url),
        "ws" | "wss" => Err("it names no host".to_owned()),
        "https" => Err(better("wss")),
        _ => Err(better("ws")),
    }
}
