//! The harness on itself: a conversation that goes otherwise than written must fail, and say how.

use std::collections::BTreeMap;

use wamp::serializer::Serializer;

use super::conversation::run;
use super::differences::{Difference, Key, List};
use super::memory::Memory;
use super::script;
use super::stage::Stage;
use super::websocket::WebSockets;
use crate::support::Router;

const TITLE: &str = "# A title.   spec: bp#ids\n";

/// Runs one scenario on every stage; all must say the same.
fn play(lines: &str) -> Result<(), (usize, String)> {
    let text = format!("{TITLE}{lines}");
    let scenarios = script::parse(&text).unwrap();
    let outcome = play_on(&mut Memory::new(), &scenarios[0]);
    let over_websocket = play_on(&mut WebSockets::to_process(Serializer::Cbor), &scenarios[0]);
    assert_eq!(outcome, over_websocket);
    outcome
}

fn play_on(stage: &mut impl Stage, scenario: &script::Scenario) -> Result<(), (usize, String)> {
    run(stage, scenario).map_err(|failure| (failure.line_number, failure.why))
}

#[test]
fn a_message_nobody_expected_fails() {
    let silence = play("ann -> [SUBSCRIBE, 1, {}, \"\"]\n.\n");
    let (line, why) = silence.unwrap_err();
    assert_eq!(line, 3);
    assert!(
        why.starts_with("nobody expected ann <- [ERROR,32,1,{},\"wamp.error.invalid_uri\""),
        "{why}"
    );
}

#[test]
fn a_message_nobody_expected_fails_at_the_end_too() {
    let end = play("ann -> [GOODBYE, {}, \"x\"]\nbob connects\n");
    let nobody = "nobody expected ann <- [GOODBYE,{},\"wamp.close.goodbye_and_out\"]";
    assert_eq!(end, Err((1, nobody.into())));
}

#[test]
fn a_message_that_does_not_come_fails() {
    let missing = play("ann -> [PUBLISH, 1, {}, \"com.x\"]\nann <- [PUBLISHED, 1, _]\n");
    assert_eq!(missing, Err((3, "nothing came".into())));
}

#[test]
fn a_close_nobody_expected_fails() {
    let closed = play("ann connects\nann -> [ABORT, {}, \"x\"]\nann <- [ABORT, _, _]\n");
    assert_eq!(closed, Err((4, "the router closed the transport".into())));
    let closed = play("ann connects\nann -> [ABORT, {}, \"x\"]\n");
    assert_eq!(closed, Err((1, "nobody expected ann closed".into())));
}

#[test]
fn names_stand_for_what_they_were_bound_to() {
    let subscribe = "ann -> [SUBSCRIBE, 1, {}, \"com.x\"]\nann <- [SUBSCRIBED, 1, $sub]\n\
                     ann -> [SUBSCRIBE, 2, {}, \"com.x\"]\n";
    assert_eq!(
        play(&format!("{subscribe}ann <- [SUBSCRIBED, 2, $sub]\n")),
        Ok(())
    );
    let other = play(&format!("{subscribe}ann <- [SUBSCRIBED, $sub, 2]\n"));
    assert_eq!(other.unwrap_err().0, 5);
    let unbound = play("ann -> [UNSUBSCRIBE, 1, $none]\n");
    assert_eq!(unbound, Err((2, "$none stands for nothing yet".into())));
}

#[test]
fn a_list_in_any_order_holds_each_item_once() {
    let list = "ann -> [CALL, 1, {}, \"com.x\", [1, 2, 2]]\n";
    let register = "ann -> [REGISTER, 1, {}, \"com.x\"]\nann <- [REGISTERED, 1, _]\n";
    let call = list.replace("CALL, 1", "CALL, 2");
    let got = |list: &str| {
        play(&format!(
            "{register}{call}ann <- [INVOCATION, _, _, {{}}, {list}]\n"
        ))
    };
    assert_eq!(got("any_order[2, $x, 2]"), Ok(()));
    assert_eq!(got("any_order[2, ...]"), Ok(()));
    for list in ["any_order[1, 1, 2]", "any_order[1, 2]", "any_order[3, ...]"] {
        assert_eq!(got(list).unwrap_err().0, 5, "{list}");
    }
}

#[test]
fn ids_that_follow_each_other_are_not_far() {
    let far = |more: &str| {
        play(&format!(
            "ann -> [CALL, 1, {{}}, \"com.x\"]\nann <- [ERROR, $call, $one, ...]\n{more}\n"
        ))
    };
    assert_eq!(
        far("$call is far from $one").unwrap_err(),
        (4, "48 and 1 are near each other".into())
    );
    let unbound = far("$call is far from $none");
    assert_eq!(unbound, Err((4, "$none stands for nothing yet".into())));
}

#[test]
fn waiting_for_what_never_comes_fails() {
    let scenario =
        format!("{TITLE}ann -> [PUBLISH, 1, {{}}, \"com.x\"]\nann <~ [PUBLISHED, 1, _]\n");
    let scenarios = script::parse(&scenario).unwrap();
    let outcome = play_on(&mut Memory::new(), &scenarios[0]);
    assert_eq!(outcome, Err((3, "nothing came".into())));
}

#[test]
fn who_says_who_it_is_is_believed_where_the_harness_vouches() {
    let text = "# A title.  spec: bp#ids  realm: trust\n\
                ann -> [HELLO, \"trust\", {\"roles\": {\"caller\": {}}, \"authmethods\": [\"harness\"], \"authid\": \"bob\", \
                \"authrole\": \"staff\"}]\n\
                ann <- [WELCOME, _, {\"authid\": \"bob\", \"authrole\": \"staff\", \"authprovider\": \"harness\", ...}]\n";
    let scenarios = script::parse(text).unwrap();
    assert_eq!(play_on(&mut Memory::new(), &scenarios[0]), Ok(()));
    assert_eq!(
        play_on(&mut WebSockets::to_library(Serializer::Json), &scenarios[0]),
        Ok(())
    );
}

#[test]
fn a_failure_shows_what_was_said() {
    let text = format!("{TITLE}ann -> [CALL, 1, {{}}, \"com.x\"]\nann <- [RESULT, 1, {{}}]\n");
    let scenarios = script::parse(&text).unwrap();
    let shown = run(&mut Memory::new(), &scenarios[0])
        .unwrap_err()
        .to_string();
    for part in [
        "A title.\n  line: ann <- [RESULT, 1, {}]\n  but:  [ERROR,48,1,",
        "--- said so far\nann joins realm1\n",
        "\nann -> [CALL,1,{},\"com.x\"]\nann <- [ERROR,48,1,{}",
    ] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
}

#[test]
fn what_came_instead_is_told_with_names_for_ids() {
    let text =
        format!("{TITLE}ann -> [CALL, 1, {{}}, \"wamp.session.list\"]\nann <- [RESULT, 1, {{}}]\n");
    let scenarios = script::parse(&text).unwrap();
    let router = Router::start();
    let mut stage = WebSockets::to_elsewhere(router.url());
    let failure = run(&mut stage, &scenarios[0]).unwrap_err();
    assert_eq!(failure.got, ["ann <- [RESULT,1,{},[[$ann]]]"]);
}

#[test]
fn a_file_that_is_no_transcript_is_refused() {
    let refused = |text: &str| script::parse(text).unwrap_err();
    let tag = refused("# A title.  spec: bp#ids  reason: none\n.\n");
    assert_eq!(tag, "1: \"reason:\" is no tag");
    let no_spec = refused("# A title.\n.\n");
    assert!(
        no_spec.starts_with("1: a scenario needs `spec:`"),
        "{no_spec}"
    );
    assert!(refused("# A title.   spec: rfc\n.\n").starts_with("1: \"rfc\" is no section"));
    assert_eq!(refused(TITLE), "1: a scenario without lines");
    assert_eq!(refused("."), "1: no scenario has begun");
    assert_eq!(refused(""), "1: no scenario");
    let unclear = refused(&format!("{TITLE}ann listens\n"));
    assert_eq!(unclear, "2: what does \"ann listens\" mean?");
    let cut_off = refused(&format!("{TITLE}ann -> [CALL, 1\n"));
    assert!(cut_off.starts_with("2: "), "{cut_off}");
}

/// A list with one difference, as the file has it.
const LIST: &str = "Head.\n\n# A cause.   spec: bp#ids\n## Why.\ncalls: A title.\n  ann <- [WELCOME, _, _]\n  ann closed\n";

fn found(title: &str, got: &str) -> BTreeMap<Key, Difference> {
    let (line, got) = ("ann <- [WELCOME, _, _]".into(), got.into());
    BTreeMap::from([(("calls".into(), title.into()), Difference { line, got })])
}

#[test]
fn a_difference_is_listed_as_it_is_with_a_cause_and_a_section() {
    let complaint = |list: &str, found| {
        let complaints = List::parse(list).unwrap().complaints(found);
        let [complaint] = &complaints[..] else {
            panic!("{complaints:?}")
        };
        complaint.split_once(": ").unwrap().0.to_owned()
    };
    let same = || found("A title.", "ann closed");
    let list = List::parse(LIST).unwrap();
    assert_eq!(list.complaints(same()), [""; 0]);
    assert_eq!(list.text(), LIST);

    assert_eq!(complaint("Head.", same()), "differs and is not listed");
    assert_eq!(
        complaint(LIST, BTreeMap::new()),
        "is listed and does not differ"
    );
    assert_eq!(
        complaint(LIST, found("A title.", "nothing came")),
        "differs otherwise than listed"
    );
    for without in [
        LIST.replace("   spec: bp#ids", ""),
        LIST.replace("bp#ids", "somewhere"),
        LIST.replace("## Why.\n", ""),
    ] {
        assert_eq!(complaint(&without, same()), "has no cause with a section");
    }
}

#[test]
fn a_list_that_is_renewed_keeps_causes_and_asks_for_those_that_are_new() {
    let mut list = List::parse(LIST).unwrap();
    list.renew(found("A title.", "nothing came"));
    assert_eq!(list.text(), LIST.replace("ann closed", "nothing came"));
    list.renew(found("Another.", "ann closed"));
    assert!(!list.text().contains("A title."));
    let complaints = list.complaints(found("Another.", "ann closed"));
    assert!(complaints[0].starts_with("has no cause"), "{complaints:?}");
}
