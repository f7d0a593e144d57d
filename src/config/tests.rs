//! The file that `wamp init` writes, every limit, and the keys there are.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::router::{Limit, Unit};

/// A realm that everybody may join, for what a test is not about.
const REALM: &str = r#"
[[realms]]
name = "realm1"
[[realms.roles]]
name = "anonymous"
rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] }]
"#;

fn read(text: &str) -> Result<Config, String> {
    // For what the examples name.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("public")).unwrap();
    std::fs::write(folder.path().join("users.toml"), "principals = []").unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for (name, pem) in [
        ("wamp.crt", made.cert.pem()),
        ("clients.crt", made.cert.pem()),
        ("wamp.key", made.signing_key.serialize_pem()),
    ] {
        std::fs::write(folder.path().join(name), pem).unwrap();
    }
    Config::parse(text, "f", folder.path()).map_err(|error| error.to_string())
}

/// Whether a line of the template is a setting behind a `#`.
fn is_behind(line: &str) -> bool {
    let setting = line.strip_prefix('#').and_then(|it| it.chars().next());
    setting.is_some_and(|c| c.is_ascii_lowercase() || c == '[')
}

/// The template's lines, each block of settings behind `#` with whether it is wanted: blocks count from 0.
fn uncomment(is_wanted: impl Fn(usize) -> bool) -> (String, usize) {
    let mut text = String::new();
    let (mut block, mut was_behind) = (0, false);
    for line in template().lines() {
        let is_behind = is_behind(line);
        block += usize::from(was_behind && !is_behind);
        was_behind = is_behind;
        text += line
            .strip_prefix('#')
            .filter(|_| is_behind && is_wanted(block))
            .unwrap_or(line);
        text.push('\n');
    }
    (text, block + usize::from(was_behind))
}

#[test]
fn the_template_is_the_router_without_a_config() {
    assert_eq!(read(&template()).unwrap(), Config::default());
}

#[test]
fn what_the_template_has_behind_a_hash_can_be_had_block_by_block_and_all_at_once() {
    let (all, count) = uncomment(|_| true);
    assert!(count > 40, "{count} blocks");
    let config = read(&all).unwrap();
    assert!(config.web.is_some());
    let settings = &config.realms[0].settings;
    assert_eq!(
        (settings.history.len(), settings.trust.len()),
        (1, 1),
        "{settings:?}"
    );
    let mut defaults = 0;
    for wanted in 0..count {
        let (text, _) = uncomment(|block| block == wanted);
        let config = read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        defaults += usize::from(config == Config::default());
    }
    // All but the examples: of web, cookies, TLS, users, an authenticator, an authorizer, another role, lifetime, history and trust, and
    // of two principals; of limits of a realm and of a role, and of rates.
    assert_eq!(defaults, count - 15);
}

#[test]
fn the_template_shows_every_setting_there_is() {
    let (all, _) = uncomment(|_| true);
    let lines: Vec<&str> = all.lines().collect();
    let is_table = |line: &str| line.starts_with('[');
    let tables = (0..lines.len()).filter(|at| is_table(lines[*at]));
    let mut count = 0;
    for begin in [0].into_iter().chain(tables.map(|at| at + 1)) {
        let mut with_unknown = lines.clone();
        with_unknown.insert(begin, "not_a_setting = 1");
        let error = read(&with_unknown.join("\n")).unwrap_err();
        let Some((_, known)) = error.split_once("there is no such setting here; there are ") else {
            // Those of the limits are not listed, and taken from the table that the reader goes by.
            assert!(lines[begin - 1].ends_with("limits]"), "{error}");
            continue;
        };
        for key in known.split(", ") {
            let is_there = |line: &&&str| {
                line.starts_with(&format!("{key} = ")) || is_table(line) && line.contains(key)
            };
            assert!(lines.iter().any(|line| is_there(&line)), "{key}");
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}

/// Another value than the default, within the range, as it is written.
fn other(limit: &Limit, limits: &mut Limits) -> String {
    match limit.unit {
        Unit::Bytes(field) => {
            let bytes = (field.of)(limits);
            *bytes += 1;
            format!("\"{bytes} B\"")
        }
        Unit::Count(field) => {
            let count = (field.of)(limits);
            *count += 1;
            count.to_string()
        }
        Unit::Time(field) => {
            let time = (field.of)(limits);
            *time += Duration::from_millis(1);
            format!("\"{} ms\"", time.as_millis())
        }
    }
}

#[test]
fn every_limit_can_be_set() {
    for limit in Limits::TABLE {
        let mut limits = Limits::default();
        let written = other(limit, &mut limits);
        assert_ne!(limits, Limits::default());
        let text = format!("[limits]\n{} = {written}\n{REALM}", limit.name);
        assert_eq!(read(&text).unwrap().limits, limits, "{text}");
    }
}

#[test]
fn a_limit_has_a_range_and_its_default_is_within() {
    for limit in Limits::TABLE {
        let mut limits = Limits::default();
        let (least, most, beyond) = match limit.unit {
            Unit::Bytes(field) => {
                assert!(field.range.contains((field.of)(&mut limits)));
                let show = |bytes: usize| format!("\"{bytes} B\"");
                (
                    show(*field.range.start()),
                    show(*field.range.end()),
                    show(field.range.end() + 1),
                )
            }
            Unit::Count(field) => {
                assert!(field.range.contains((field.of)(&mut limits)));
                let (least, most) = (field.range.start(), field.range.end());
                (least.to_string(), most.to_string(), (most + 1).to_string())
            }
            Unit::Time(field) => {
                assert!(field.range.contains((field.of)(&mut limits)));
                let show = |time: Duration| format!("\"{} ms\"", time.as_millis());
                let beyond = *field.range.end() + Duration::from_millis(1);
                (
                    show(*field.range.start()),
                    show(*field.range.end()),
                    show(beyond),
                )
            }
        };
        let read = |value: &str| read(&format!("[limits]\n{} = {value}\n{REALM}", limit.name));
        assert!(
            read(&least).is_ok() && read(&most).is_ok(),
            "{}",
            limit.name
        );
        let error = read(&beyond).unwrap_err();
        assert!(error.contains("may be from "), "{error}");
    }
}

#[test]
fn a_rule_of_a_role_grants_what_it_says() {
    use crate::protocol::MatchPolicy::{Exact, Prefix};
    use crate::router::Decision::{Allowed, Denied, Unruled};
    use crate::router::{Action, UriPattern};
    let role = |rules: &str| {
        read(&format!(
            "[[realms]]\nname = \"r\"\n[[realms.roles]]\nname = \"staff\"\nrules = [{rules}]"
        ))
    };
    let rules = r#"
        { uri = "com.", match = "prefix", allow = ["call", "publish"] },
        { uri = "com.", match = "prefix", allow = ["kill"], from = "loopback" },
        { uri = "com.x", allow = [] },
    "#;
    let config = role(rules).unwrap();
    assert_eq!(config.realms[0].anonymous, None);
    let roles = &config.realms[0].settings.roles;
    let (name, rights) = roles.iter().next().unwrap();
    assert_eq!(name, "staff");
    for (action, policy, uri, is_local, expected) in [
        (Action::Call, Exact, "com.y", false, Allowed),
        (Action::Register, Exact, "com.y", false, Denied),
        (Action::Kill, Exact, "com.y", false, Denied),
        (Action::Kill, Exact, "com.y", true, Allowed),
        (Action::Call, Exact, "com.x", true, Denied),
        (Action::Call, Prefix, "com.y", false, Allowed),
        (Action::Call, Prefix, "com.", false, Denied),
        (Action::Call, Exact, "org.x", false, Unruled),
    ] {
        let uris = UriPattern {
            policy,
            pattern: uri.into(),
        };
        let decision = rights.explain(action, &uris, is_local).decision;
        assert_eq!(decision, expected, "{action:?} {uri:?}");
    }
    for (rules, why) in [
        (r#"{ allow = ["call"] }"#, "needs the setting `uri`"),
        (
            r#"{ uri = "", match = "prefix" }"#,
            "needs the setting `allow`",
        ),
        (
            r#"{ uri = "", match = "prefix", allow = ["fly"] }"#,
            "\"kill\" or \"watch\", not \"fly\"",
        ),
        (
            r#"{ uri = "", match = "prefix", allow = ["kill"], from = "home" }"#,
            "write \"any\" or \"loopback\"",
        ),
        (
            r#"{ uri = "", match = "prefix", allow = ["kill"], form = "any" }"#,
            "did you mean `from`",
        ),
    ] {
        let error = role(rules).unwrap_err();
        assert!(error.contains(why), "{rules}: {error}");
    }
    let many = vec![r#"{ uri = "a", allow = [] }"#; 1_001].join(", ");
    let error = role(&many).unwrap_err();
    assert!(error.contains("a role has at most 1000 rules"), "{error}");
}

#[test]
fn a_role_has_a_name_of_its_own_and_an_authorizer_that_can_be_registered() {
    for (roles, why) in [
        (r#"{ name = "a b" }"#, "a name holds no ' '"),
        (r#"{ name = "" }"#, "a name has no empty part"),
        ("{ rules = [] }", "needs the setting `name`"),
        (
            r#"{ name = "a" }, { name = "a" }"#,
            "this realm has a role of this name already",
        ),
        (
            r#"{ name = "a", authorizer = "a..b" }"#,
            "no valid URI of a procedure",
        ),
        (
            r#"{ name = "a", authorizer = "wamp.session.get" }"#,
            "clients cannot register",
        ),
        (r#"{ name = "a", cache = "60s" }"#, "there is none"),
        (
            r#"{ name = "a", authorizer = "a.b", cache = "60" }"#,
            "write a time as",
        ),
    ] {
        let error = read(&format!("[[realms]]\nname = \"r\"\nroles = [{roles}]"));
        let error = error.unwrap_err();
        assert!(error.contains(why), "{roles}: {error}");
    }
    let text = r#"[[realms]]
        name = "r"
        roles = [{ name = "a", authorizer = "a.b", cache = "60s" }]"#;
    let config = read(text).unwrap();
    let (_, rights) = config.realms[0].settings.roles.iter().next().unwrap();
    let authorizer = rights.authorizer().unwrap();
    assert_eq!(authorizer.procedure.as_str(), "a.b");
    assert_eq!(authorizer.cache, Some(Duration::from_mins(1)));
}

#[test]
fn paths_in_a_file_are_seen_from_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("pages")).unwrap();
    let file = folder.path().join("f.toml");
    std::fs::write(&file, format!("web = \"pages\"\n{REALM}")).unwrap();
    let config = Config::load(&file).unwrap();
    assert_eq!(config.web.as_deref(), Some(&*folder.path().join("pages")));
    let missing = Config::parse(&format!("web = \"pages\"\n{REALM}"), "f", Path::new(""));
    assert_eq!(
        missing.unwrap_err().to_string(),
        "f:1:7: web: \"pages\": no such file or directory"
    );
}

proptest! {
    #[test]
    fn a_damaged_config_is_read_or_refused(
        at in 0..8000_usize,
        gone in 0..200_usize,
        put in "[ \\[\\]{}=\"#a-z0-9.\n\\PC]{0,9}",
    ) {
        let (all, _) = uncomment(|_| true);
        let mut chars: Vec<char> = all.chars().collect();
        let at = at.min(chars.len());
        let end = (at + gone).min(chars.len());
        chars.splice(at..end, put.chars());
        if let Err(error) = read(&chars.into_iter().collect::<String>()) {
            prop_assert!(error.contains("f:"), "{error}");
        }
    }
}
