//! Which hosts and origins are let in: a page from elsewhere must not speak to a router on this machine.
//!
//! A browser sends `Host` and `Origin` whether a page wants it or not; programs send no `Origin` and are not
//! concerned. Pure decisions; [`http`](super::http) applies them.

use std::net::IpAddr;

use url::Url;

use super::address::{Address, Ends};

/// What is let in beyond programs, and pages from the host that they ask or from this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// Origins let in, as `https://example.com`; `*` is all, `null` a page opened as a file.
    pub allowed_origins: Vec<String>,
    /// Names of this machine that a loopback listener answers to, beside the loopback names.
    pub allowed_hosts: Vec<String>,
}

/// Why a request is not let in. Each says what to set if it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No `Host`, or one that is no host.
    #[error("the request names no valid host")]
    NoHost,
    /// A name that is not this machine's: DNS rebinding, or a name to list.
    #[error(
        "host {0:?} is not a name of this machine's loopback; --allow-host {0} would let it in, as allowed_hosts in a config"
    )]
    Host(String),
    /// An origin that is not listed.
    #[error(
        "origin {0:?} is not allowed; --allow-origin {0} would let it in, as allowed_origins in a config"
    )]
    Origin(String),
    /// Several origins, or one that no browser sends, so that no setting could list it.
    #[error("the request does not name one origin as browsers do")]
    OddOrigin,
    /// A page opened as a file, or a sandboxed one.
    #[error(
        "origin \"null\" (a page opened as a file) is not allowed; --allow-origin null lets it in from this machine, as allowed_origins in a config"
    )]
    NullOrigin,
}

impl Admission {
    /// Decides on one request, by its `Host` and `Origin` and the two ends of its connection.
    ///
    /// # Errors
    /// [`Refused`] with what would let it in.
    pub fn check(
        &self,
        ends: Ends,
        host: Option<&str>,
        origin: Option<&str>,
    ) -> Result<(), Refused> {
        let host = host.and_then(host_name).ok_or(Refused::NoHost)?;
        // A Unix socket has no name that could be another machine's, and no page speaks to one.
        if ends.local.ip().is_some_and(|ip| ip.is_loopback())
            && !is_loopback(&host)
            && !contains(&self.allowed_hosts, &host)
        {
            return Err(Refused::Host(host));
        }
        match origin {
            None => Ok(()),
            Some("null") => self.check_null_origin(ends.peer),
            Some(origin) => self.check_origin(&host, origin),
        }
    }

    /// Whether a page that is let in is one of this host or of an origin listed by name, not merely by `*` or `null`.
    /// Programs, which name no origin, are.
    #[must_use]
    pub fn names(&self, host: Option<&str>, origin: Option<&str>) -> bool {
        let named = Self {
            allowed_origins: self
                .allowed_origins
                .iter()
                .filter(|listed| *listed != "*")
                .cloned()
                .collect(),
            allowed_hosts: Vec::new(),
        };
        let host = host.and_then(host_name);
        match (host, origin) {
            (_, None) => true,
            (_, Some("null")) | (None, _) => false,
            (Some(host), Some(origin)) => named.check_origin(&host, origin).is_ok(),
        }
    }

    /// A file on somebody else's machine says `null` as well: only this machine's are let in.
    fn check_null_origin(&self, peer: Address) -> Result<(), Refused> {
        if contains(&self.allowed_origins, "null") && peer.is_local() {
            Ok(())
        } else {
            Err(Refused::NullOrigin)
        }
    }

    fn check_origin(&self, host: &str, origin: &str) -> Result<(), Refused> {
        let is_listed =
            contains(&self.allowed_origins, origin) || contains(&self.allowed_origins, "*");
        let origin_host = Url::parse(origin)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned));
        match origin_host {
            _ if is_listed => Ok(()),
            Some(name) if name.eq_ignore_ascii_case(host) || is_loopback(&name) => Ok(()),
            Some(_) => Err(Refused::Origin(origin.to_owned())),
            None => Err(Refused::OddOrigin),
        }
    }
}

/// The name in a `Host` header, without its port.
fn host_name(host: &str) -> Option<String> {
    let url = Url::parse(&format!("http://{host}/")).ok()?;
    let is_only_host = url.path() == "/" && url.username().is_empty() && url.query().is_none();
    url.host_str().filter(|_| is_only_host).map(str::to_owned)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn contains(list: &[String], item: &str) -> bool {
    list.iter().any(|listed| listed.eq_ignore_ascii_case(item))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn ends(local: &str, peer: &str) -> Ends {
        let address = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 8080).into();
        Ends {
            local: address(local),
            peer: address(peer),
        }
    }

    fn check(admission: &Admission, host: &str, origin: Option<&str>) -> Result<(), Refused> {
        admission.check(ends("127.0.0.1", "127.0.0.1"), Some(host), origin)
    }

    #[test]
    fn a_loopback_listener_answers_to_loopback_names_only() {
        let admission = Admission::default();
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.1.2.3",
            "[::1]:8080",
            "a.localhost",
            "localhost.",
        ] {
            assert_eq!(check(&admission, host, None), Ok(()), "{host}");
        }
        for host in ["evil.example:8080", "192.168.1.5", "localhost.evil.example"] {
            assert!(
                matches!(check(&admission, host, None), Err(Refused::Host(_))),
                "{host}"
            );
        }
        assert_eq!(
            admission.check(ends("127.0.0.1", "127.0.0.1"), None, None),
            Err(Refused::NoHost)
        );
        assert_eq!(check(&admission, "localhost/x", None), Err(Refused::NoHost));
    }

    #[test]
    fn a_listed_host_is_let_in_and_the_refusal_names_the_setting() {
        let refused = check(&Admission::default(), "dev.example:8080", None).unwrap_err();
        assert!(refused.to_string().contains("--allow-host dev.example"));
        let admission = Admission {
            allowed_hosts: vec!["dev.example".into()],
            ..Admission::default()
        };
        assert_eq!(check(&admission, "dev.example:8080", None), Ok(()));
    }

    #[test]
    fn a_listener_on_all_addresses_guards_its_loopback_as_well() {
        for local in ["::1", "::ffff:127.0.0.1"] {
            let ends = ends(local, local);
            let refused = Admission::default().check(ends, Some("dev.example"), None);
            assert!(matches!(refused, Err(Refused::Host(_))), "{local}");
        }
    }

    #[test]
    fn other_listeners_answer_to_any_name() {
        let ends = ends("192.168.1.5", "192.168.1.9");
        assert_eq!(
            Admission::default().check(ends, Some("dev.example"), None),
            Ok(())
        );
    }

    #[test]
    fn origins_of_this_machine_are_let_in_and_others_only_when_listed() {
        let admission = Admission {
            allowed_origins: vec!["https://app.example".into()],
            ..Admission::default()
        };
        for origin in [
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://[::1]:5173",
            "https://app.example",
        ] {
            assert_eq!(
                check(&admission, "localhost:8080", Some(origin)),
                Ok(()),
                "{origin}"
            );
        }
        let refused =
            check(&admission, "localhost:8080", Some("https://evil.example")).unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("--allow-origin https://evil.example")
        );
        for origin in ["garbage", "data:x", ""] {
            let refused = check(&admission, "localhost:8080", Some(origin));
            assert_eq!(refused, Err(Refused::OddOrigin), "{origin}");
        }
        let any = Admission {
            allowed_origins: vec!["*".into()],
            ..Admission::default()
        };
        assert_eq!(
            check(&any, "localhost", Some("https://evil.example")),
            Ok(())
        );
    }

    #[test]
    fn an_origin_of_the_same_host_is_let_in() {
        let ends = ends("192.168.1.5", "192.168.1.9");
        let check =
            |origin| Admission::default().check(ends, Some("dev.example:8080"), Some(origin));
        assert_eq!(check("http://dev.example"), Ok(()));
        assert!(check("http://other.example").is_err());
    }

    #[test]
    fn the_origin_of_a_file_is_let_in_where_listed_and_from_this_machine_only() {
        let listed = Admission {
            allowed_origins: vec!["null".into()],
            ..Admission::default()
        };
        assert_eq!(
            check(&Admission::default(), "localhost", Some("null")),
            Err(Refused::NullOrigin)
        );
        assert_eq!(check(&listed, "localhost", Some("null")), Ok(()));
        let far = ends("192.168.1.5", "192.168.1.9");
        assert_eq!(
            listed.check(far, Some("dev.example"), Some("null")),
            Err(Refused::NullOrigin)
        );
    }
}
