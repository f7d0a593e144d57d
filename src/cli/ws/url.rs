//! What a URL may look like on the command line of `wamp ws`.

use url::Url;

use crate::cli::url::websocket;

/// A WebSocket's URL, also without a scheme and, as `:8080/p`, without a host: that is this machine.
pub(super) fn parse(text: &str) -> Result<Url, String> {
    let expanded = |short: &str| {
        if short.starts_with([':', '/']) {
            format!("ws://localhost{short}")
        } else {
            format!("ws://{short}")
        }
    };
    let mut url = websocket(text, expanded, "--basic USER:PASSWORD, or --basic @FILE")?;
    // It is for browsers; a server never gets it. Spec: RFC 6455, 3.
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_urls_are_helped_along() {
        for (text, url) in [
            (":9000", "ws://localhost:9000/"),
            (":8080/p", "ws://localhost:8080/p"),
            ("/p", "ws://localhost/p"),
            ("host", "ws://host/"),
            ("host:9000", "ws://host:9000/"),
            ("localhost:9000/a?b=c&d=e", "ws://localhost:9000/a?b=c&d=e"),
            ("[::1]:9000", "ws://[::1]:9000/"),
            ("wss://host/x#y", "wss://host/x"),
            (
                "ws://host:9001/runCase?case=1&agent=wamp",
                "ws://host:9001/runCase?case=1&agent=wamp",
            ),
        ] {
            assert_eq!(parse(text).map(String::from), Ok(url.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_websockets_url_is_answered_by_one() {
        for (text, said) in [
            ("http://h/p", "http:// is no WebSocket; try ws://h/p"),
            ("https://h", "https:// is no WebSocket; try wss://h"),
            ("ws:/h", "did you mean ws://h?"),
            ("ws://", "empty host"),
            ("ws://u:p@h", "a password is not for the URL"),
            ("host:port", "invalid port number"),
            ("a b", "invalid international domain name"),
        ] {
            let refused = parse(text).unwrap_err();
            assert!(refused.starts_with(said), "{text}: {refused}");
        }
    }
}
