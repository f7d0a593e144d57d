//! What single texts mean: addresses, paths, names, origins. Flags and files read them alike.

use std::time::Duration;

use url::Url;

use super::units;
use crate::protocol::{Uri, UriRule};
use crate::transport::check_socket_path;

/// Reads `ADDR:PORT`, or `:PORT` for loopback, or `unix:/path`; a name is looked up when it is listened on.
///
/// # Errors
/// What is wrong with it, and how it is written.
pub fn address(text: &str) -> Result<String, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        return match check_socket_path(path) {
            Ok(()) => Ok(text.to_owned()),
            Err(error) => Err(error.to_string()),
        };
    }
    let right = "write it as 127.0.0.1:9000, [::1]:9000, :9000 for loopback or unix:/path";
    let (host, port) = text.rsplit_once(':').ok_or(right)?;
    port.parse::<u16>()
        .map_err(|_| format!("{port:?} is no port from 0 to 65535; {right}"))?;
    let is_bare_ipv6 = host.contains(':') && !host.starts_with('[');
    if host.contains('/') || is_bare_ipv6 {
        return Err(right.to_owned());
    }
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    Ok(format!("{host}:{port}"))
}

/// Reads the name of a realm, which is a URI.
///
/// # Errors
/// Why it is none.
pub fn realm_name(text: &str) -> Result<Uri, String> {
    let realm = Uri::from(text);
    realm
        .check(UriRule::Loose)
        .map_err(|why| format!("no valid realm name: {why}"))?;
    Ok(realm)
}

/// Reads the URI of a procedure that a client may register.
///
/// # Errors
/// Why it is none.
pub fn procedure(text: &str) -> Result<Uri, String> {
    let procedure = Uri::from(text);
    let checked = procedure.check(UriRule::Loose);
    checked.map_err(|why| format!("no valid URI of a procedure: {why}"))?;
    if procedure.is_reserved() {
        return Err("clients cannot register what begins so".to_owned());
    }
    Ok(procedure)
}

/// Reads the path of a URL, as a request writes it.
///
/// # Errors
/// What is wrong with it, and how it is written.
pub fn path(text: &str) -> Result<String, String> {
    if !text.starts_with('/') {
        return Err(format!("a path begins with a slash: /{text}"));
    }
    let url = Url::parse(&format!("http://localhost{text}")).ok();
    match url.as_ref().map(Url::path) {
        Some(path) if path == text => Ok(text.to_owned()),
        Some(path) => Err(format!("a request for this path says {path}")),
        None => Err("no path of a URL".to_owned()),
    }
}

/// Reads an origin as browsers send it, or `*` for every one.
///
/// # Errors
/// How it is written.
pub fn origin(text: &str) -> Result<String, String> {
    if text == "*" || text == "null" {
        return Ok(text.to_owned());
    }
    let right = "write an origin as https://app.example or http://localhost:3000, `null` or `*`";
    let url = Url::parse(text).ok().filter(Url::has_host).ok_or(right)?;
    // A browser leaves out the port where it is the scheme's own; schemes like an extension's have an opaque origin.
    let sent = match url.origin() {
        origin @ url::Origin::Tuple(..) => origin.ascii_serialization(),
        url::Origin::Opaque(_) => format!("{}://{}", url.scheme(), url.authority()),
    };
    if sent.eq_ignore_ascii_case(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("a browser sends this origin as {sent}"))
    }
}

/// Reads the name of a host, without a port.
///
/// # Errors
/// How it is written.
pub fn host(text: &str) -> Result<String, String> {
    let url = Url::parse(&format!("http://{text}/")).ok();
    let name = url.as_ref().and_then(Url::host_str);
    match name {
        Some(name) if name.eq_ignore_ascii_case(text) => Ok(text.to_owned()),
        Some(name) => Err(format!("write the host alone: {name}")),
        None => Err("write a host as dev.example".to_owned()),
    }
}

/// How long a cookie lasts: from a second to 400 days, beyond which browsers do not keep one.
pub(super) fn cookie_age(text: &str) -> Result<Duration, String> {
    let most = Duration::from_hours(400 * 24);
    let time = units::time(text)?;
    if (Duration::from_secs(1)..=most).contains(&time) {
        Ok(time)
    } else {
        Err("may be from \"1s\" to \"400d\"".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_host_is_loopback() {
        assert_eq!(address(":9000").unwrap(), "127.0.0.1:9000");
        assert_eq!(address("[::1]:0").unwrap(), "[::1]:0");
        for wrong in [
            "9000",
            "::1:9000",
            "localhost:http",
            ":65536",
            "http://h:80",
        ] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_path_is_as_requests_write_it() {
        assert_eq!(path("/a/b").unwrap(), "/a/b");
        assert_eq!(
            path("/a b").unwrap_err(),
            "a request for this path says /a%20b"
        );
        for wrong in ["", "ws", "/a?b", "/a#b", "/a/../b"] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_origin_is_as_browsers_send_it() {
        for right in [
            "*",
            "null",
            "https://app.example",
            "http://localhost:3000",
            "http://[::1]:5173",
            "chrome-extension://abcdef",
        ] {
            assert_eq!(origin(right).as_deref(), Ok(right), "{right}");
        }
        assert_eq!(
            origin("https://app.example/").unwrap_err(),
            "a browser sends this origin as https://app.example"
        );
        assert_eq!(
            origin("https://app.example:443").unwrap_err(),
            "a browser sends this origin as https://app.example"
        );
        for wrong in ["app.example", "localhost:3000", "", "data:x"] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_host_has_no_port() {
        assert_eq!(host("Dev.example").unwrap(), "Dev.example");
        assert_eq!(
            host("dev.example:8080").unwrap_err(),
            "write the host alone: dev.example"
        );
        assert!(host("").is_err());
        assert!(host("a b").is_err());
    }
}
