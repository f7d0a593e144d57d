//! The transcripts against a real Crossbar.io: each goes as written, or is in `crossbar.txt` with what came instead and
//! the section of the specification that has it our way.
//!
//! `BLESS=1 cargo test --test interop crossbar_differs` writes the list anew: an entry stays with its cause, a new one
//! goes to the end, where the test asks for a cause.
//!
//! Left out are scenarios that need what Crossbar.io cannot be given: the limits, clock and end of a router in memory,
//! settings that it has no words for, and what it decides by lot.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::conversation;
use super::differences::{Difference, Key, List};
use super::realms::PLAIN;
use super::script::{self, Scenario, Step};
use super::websocket::WebSockets;
use crate::crossbar::{Crossbar, realm};

/// Realms that it can have, besides the plain ones. What sets `lenient` and `private` apart is how it is anyhow.
const FITTING: [&str; 4] = ["history", "lenient", "private", "strict"];

/// Realms where it matters who joins. With Crossbar.io that is the transport's to say, so they have one of their own.
const SIGNING_IN: [&str; 2] = ["club", "members"];

/// A realm that asks a procedure about whoever is on no list. It has lists, or procedures.
const GUARDED: &str = "\"guarded\"";

/// Enough to keep its one thread busy.
const THREADS: usize = 3;

/// What is longer is not listed in full.
const GOT_MAX: usize = 120;

/// A scenario, and the realms that nobody else uses.
struct Play {
    file: String,
    /// What its realms' names have behind ours.
    mark: String,
    scenario: Scenario,
    realms: Vec<Value>,
    /// Whether they are of [`SIGNING_IN`].
    signs_in: bool,
}

#[test]
fn crossbar_differs_where_the_list_says_so_and_nowhere_else() {
    let found = differences(&plays());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcript/crossbar.txt");
    let mut list = List::parse(&fs::read_to_string(&path).unwrap()).unwrap();
    if std::env::var_os("BLESS").is_some() {
        list.renew(found.clone());
        fs::write(path, list.text()).unwrap();
    }
    let complaints = list.complaints(found);
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// Runs all of them, each in realms of its own: what one leaves behind is nobody's concern.
fn differences(plays: &[Play]) -> BTreeMap<Key, Difference> {
    let realms = |signs_in| -> Vec<_> {
        let plays = plays.iter().filter(|play| play.signs_in == signs_in);
        plays.flat_map(|play| play.realms.clone()).collect()
    };
    let (crossbar, door) = thread::scope(|scope| {
        let door = scope.spawn(|| Crossbar::start_with(&realms(true), &accounts()));
        (Crossbar::start(&realms(false)), door.join().unwrap())
    });
    let found = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(play) = plays.get(next.fetch_add(1, Ordering::Relaxed)) {
            let there = if play.signs_in { &door } else { &crossbar };
            if let Some(difference) = difference(there.url(), play) {
                let key = (play.file.clone(), play.scenario.title.clone());
                let same = found.lock().unwrap().insert(key, difference);
                assert_eq!(same, None, "two scenarios of one title");
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    found.into_inner().unwrap()
}

fn difference(url: &str, play: &Play) -> Option<Difference> {
    let mut stage = WebSockets::to_elsewhere(url);
    let failure = conversation::run(&mut stage, &play.scenario).err()?;
    let mut got = failure.got.join(", ");
    if got.is_empty() {
        got = failure.why;
    } else if got.len() > GOT_MAX {
        let (_, why) = failure.why.rsplit_once(" came: ").unwrap_or_default();
        got = format!("{}... {why}", beginning(&got))
            .trim_end()
            .to_owned();
    }
    let got = with_ids_in_order(&got);
    let line = failure.line.replace(&play.mark, "");
    Some(Difference { line, got })
}

/// The beginning of a message, up to the first list or dict in it that has something in it.
fn beginning(message: &str) -> &str {
    let inside = message.find('[').map_or(0, |at| at + 1);
    let mut opened = message[inside..].match_indices(['[', '{']);
    let end = opened.find(|(at, _)| !message[inside + at..].starts_with("{}"));
    end.map_or(message, |(at, _)| &message[..inside + at])
}

/// Puts a result that is a list of ids into order: it has them from a set.
fn with_ids_in_order(got: &str) -> String {
    let list = got.split_once("[[").and_then(|(before, rest)| {
        let (ids, behind) = rest.split_once("]]")?;
        Some((before, ids.split(','), behind))
    });
    let Some((before, ids, behind)) = list else {
        return got.to_owned();
    };
    let mut ids: Vec<_> = ids.collect();
    if ids.iter().all(|id| id.starts_with('$')) {
        ids.sort_unstable();
    }
    format!("{before}[[{}]]{behind}", ids.join(","))
}

/// All scenarios that Crossbar.io can be asked to run.
fn plays() -> Vec<Play> {
    let mut files: Vec<_> = fs::read_dir(script::folder())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let mut plays = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        for (at, text) in format!("\n{text}").split("\n# ").skip(1).enumerate() {
            plays.extend(play(name, at, text));
        }
    }
    plays
}

/// Gives a scenario realms of its own, for what one leaves behind is there for the next.
fn play(file: &str, at: usize, text: &str) -> Option<Play> {
    let mark = format!("-{file}-{at}");
    let mut text = format!("# {text}");
    for name in PLAIN.iter().chain(&FITTING).chain(&SIGNING_IN) {
        text = text.replace(&format!("{name:?}"), &format!("\"{name}{mark}\""));
    }
    // What the harness vouches for elsewhere, a ticket does here.
    text = text.replace(r#""authmethod": "harness""#, r#""authmethod": "ticket""#);
    text = text.replace(
        r#""authprovider": "harness""#,
        r#""authprovider": "function""#,
    );
    let mut scenario = script::parse(&text).unwrap().remove(0);
    if !fits(&scenario) || text.contains(GUARDED) || is_by_lot(&text) {
        return None;
    }
    let names = |name: &str| text.contains(&format!("\"{name}{mark}\""));
    let signs_in = SIGNING_IN.iter().any(|name| names(name));
    let named = PLAIN.iter().chain(&SIGNING_IN);
    let named = named.filter(|name| **name == scenario.realm || names(name));
    let fitting = FITTING.iter().filter(|name| **name == scenario.realm);
    let realms = named
        .chain(fitting)
        .map(|name| configured(name, &mark, &scenario));
    let realms = realms.collect();
    scenario.realm.push_str(&mark);
    Some(Play {
        file: file.to_owned(),
        mark,
        scenario,
        realms,
        signs_in,
    })
}

fn fits(scenario: &Scenario) -> bool {
    let realm = &*scenario.realm;
    scenario
        .only
        .as_deref()
        .is_none_or(|only| ["websocket", "frames"].contains(&only))
        && (PLAIN.contains(&realm) || FITTING.contains(&realm))
}

/// Whether there are callees among which Crossbar.io draws lots: it differs now and then.
fn is_by_lot(text: &str) -> bool {
    text.matches(r#""invoke": "random""#).count() > 1
}

/// A realm's configuration, as near as can be to ours of that name, with the roles that somebody has.
fn configured(name: &str, mark: &str, scenario: &Scenario) -> Value {
    let claimed = scenario.lines.iter().filter_map(|line| match &line.step {
        Step::Claims(_, claim) => Some(&*claim.authrole),
        _ => None,
    });
    let roles: BTreeSet<_> = match name {
        "members" => ["member"].into(),
        "club" => ["member", "guest"].into(),
        _ => claimed.chain(["anonymous"]).collect(),
    };
    let mut realm = realm(&format!("{name}{mark}"), roles, false);
    match name {
        "strict" => realm["options"] = json!({"uri_check": "strict"}),
        "history" => {
            realm["store"] = json!({"type": "memory", "event-history": [
                {"uri": "com.history.", "match": "prefix", "limit": 5},
                {"uri": "com.one", "match": "exact", "limit": 2},
            ]});
        }
        _ => {}
    }
    realm
}

/// Who may join the realms of [`SIGNING_IN`], as near as can be to who may with us.
fn accounts() -> Value {
    let principals = json!({"ann": {"ticket": "rosebud", "role": "member"}});
    let users = json!({"bob": {"secret": "pencil", "role": "member"}});
    json!({
        "anonymous": {"type": "static", "role": "guest"},
        "ticket": {"type": "static", "principals": principals},
        "wampcra": {"type": "static", "users": users},
    })
}
