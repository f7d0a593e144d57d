//! Conversations with a session, in the specification's notation: `>` is what it sends, `<` what it gets.

use bytes::Bytes;

use super::{Answer, CommandError, End, ErrorReply, Limits, Output, Session, Violation};
use crate::auth::{Credentials, Method, SignIn, SignInError};
use crate::protocol::{
    CallOptions, CancelMode, HelloDetails, Message, MessageCode, Payload, PublishOptions,
    RegisterOptions, RegistrationId, RequestId, SubscribeOptions, SubscriptionId, Uri, Value, uris,
};
use crate::serializer::Serializer;

/// A session, and what it said that nobody has looked at.
struct Talk {
    session: Session,
    hello: HelloDetails,
}

impl Talk {
    /// Says HELLO.
    fn joining() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        Self::begin(Credentials::default(), limits)
    }

    fn signing_in(credentials: Credentials) -> Self {
        Self::begin(credentials, Limits::default())
    }

    fn begin(credentials: Credentials, limits: Limits) -> Self {
        let sign_in = SignIn::new(credentials, &[1; 16]);
        let mut session = Session::join(Uri::from("realm1"), "test", sign_in, limits);
        let Some(Output::Send(Message::Hello(hello))) = session.poll_output() else {
            panic!("no HELLO");
        };
        assert_eq!(hello.realm, *"realm1");
        let hello = *hello.details;
        Self { session, hello }
    }

    fn joined() -> Self {
        let mut talk = Self::joining();
        talk.welcome();
        talk
    }

    fn welcome(&mut self) {
        self.gets(r#"[2, 7, {"roles": {"broker": {}, "dealer": {}}}]"#);
        assert!(matches!(self.next(), Output::Joined(welcome) if welcome.session.value() == 7));
    }

    fn gets(&mut self, json: &str) {
        let frame = Bytes::copy_from_slice(json.as_bytes());
        let message = Serializer::Json.decode(&frame).unwrap();
        self.session.handle_message(message);
    }

    #[track_caller]
    fn next(&mut self) -> Output {
        self.session.poll_output().expect("there is more")
    }

    #[track_caller]
    fn sends(&mut self, json: &str) {
        let Output::Send(message) = self.next() else {
            panic!("expected to send {json}");
        };
        let sent = Serializer::Json.encode(&message);
        assert_eq!(
            String::from_utf8_lossy(&sent),
            json.replace(", ", ",").replace(": ", ":")
        );
    }

    #[track_caller]
    fn ends(&mut self, expected: &End) {
        let Output::Ended(end) = self.next() else {
            panic!("expected the end");
        };
        assert_eq!(end, *expected);
        self.silence();
    }

    #[track_caller]
    fn breaks(&mut self, violation: Violation) {
        let Output::Send(Message::Abort(abort)) = self.next() else {
            panic!("expected ABORT");
        };
        assert_eq!(abort.reason, uris::PROTOCOL_VIOLATION);
        self.ends(&End::Violation(violation));
    }

    #[track_caller]
    fn answers(&mut self, request: u64, answer: Result<Answer, ErrorReply>) {
        let request = RequestId::new(request).unwrap();
        assert_eq!(self.next(), Output::Answered { request, answer });
    }

    #[track_caller]
    fn silence(&mut self) {
        assert_eq!(self.session.poll_output(), None);
    }

    fn subscribed(&mut self, topic: &str, request: u64, subscription: u64) {
        let options = SubscribeOptions::default();
        self.session.subscribe(topic.into(), options).unwrap();
        self.sends(&format!(r#"[32, {request}, {{}}, "{topic}"]"#));
        self.gets(&format!("[33, {request}, {subscription}]"));
        self.answers(
            request,
            Ok(Answer::Subscribed(subscription_id(subscription))),
        );
    }

    fn registered(&mut self) {
        let options = RegisterOptions::default();
        self.session.register("p".into(), options).unwrap();
        self.sends(r#"[64, 1, {}, "p"]"#);
        self.gets("[65, 1, 9]");
        self.answers(1, Ok(Answer::Registered(registration_id())));
    }
}

fn subscription_id(id: u64) -> SubscriptionId {
    SubscriptionId::new(id).unwrap()
}

fn registration_id() -> RegistrationId {
    RegistrationId::new(9).unwrap()
}

fn call(talk: &mut Talk) -> Result<RequestId, CommandError> {
    let payload = Payload::text("x");
    talk.session
        .call("p".into(), CallOptions::default(), payload)
}

#[test]
fn requests_count_from_one_whatever_their_kind() {
    let mut talk = Talk::joined();
    let acknowledged = PublishOptions {
        acknowledge: Some(true),
        ..PublishOptions::default()
    };
    call(&mut talk).unwrap();
    talk.session
        .publish("t".into(), PublishOptions::default(), Payload::empty())
        .unwrap();
    talk.session
        .publish("t".into(), acknowledged, Payload::empty())
        .unwrap();
    talk.sends(r#"[48, 1, {}, "p", ["x"]]"#);
    talk.sends(r#"[16, 2, {}, "t"]"#);
    talk.sends(r#"[16, 3, {"acknowledge": true}, "t"]"#);
    talk.gets("[17, 3, 5]");
    let publication = crate::protocol::PublicationId::new(5).unwrap();
    talk.answers(3, Ok(Answer::Published(publication)));
    talk.gets("[50, 1, {}, [8]]");
    assert!(matches!(
        talk.next(),
        Output::Answered {
            answer: Ok(Answer::Result(_)),
            ..
        }
    ));
    talk.silence();
}

#[test]
fn an_error_answers_its_request_with_all_it_says() {
    let mut talk = Talk::joined();
    call(&mut talk).unwrap();
    talk.sends(r#"[48, 1, {}, "p", ["x"]]"#);
    talk.gets(r#"[8, 48, 1, {}, "com.example.refused", ["x"]]"#);
    let reply = ErrorReply::text(Uri::from("com.example.refused"), "x");
    talk.answers(1, Err(reply));
    talk.gets(r#"[8, 48, 1, {}, "com.example.refused"]"#);
    let request = RequestId::FIRST;
    talk.breaks(Violation::NotPending {
        got: MessageCode::Error,
        request,
    });
}

#[test]
fn an_answer_of_another_kind_breaks_the_protocol() {
    let mut talk = Talk::joined();
    call(&mut talk).unwrap();
    talk.sends(r#"[48, 1, {}, "p", ["x"]]"#);
    talk.gets("[33, 1, 4]");
    let request = RequestId::FIRST;
    talk.breaks(Violation::NotPending {
        got: MessageCode::Subscribed,
        request,
    });
    talk.gets("[50, 1, {}]");
    talk.silence();
}

#[test]
fn a_refused_join_is_the_end() {
    let mut talk = Talk::joining();
    talk.gets(r#"[3, {"message": "no"}, "wamp.error.no_such_realm"]"#);
    let message = Some("no".into());
    talk.ends(&End::Refused {
        reason: uris::NO_SUCH_REALM,
        message,
    });
}

fn peter() -> Credentials {
    Credentials {
        authid: Some("peter".into()),
        ticket: Some("secret!!!".into()),
        secret: Some("pencil".into()),
        ..Credentials::default()
    }
}

#[test]
fn hello_offers_what_there_is_something_for() {
    let talk = Talk::joining();
    assert_eq!(talk.hello.authmethods, None);
    let talk = Talk::signing_in(peter());
    let offered = ["scram", "wampcra", "ticket", "wamp-scram"].map(Into::into);
    assert_eq!(talk.hello.authmethods, Some(offered.to_vec()));
    assert_eq!(talk.hello.authid, Some("peter".into()));
    let talk = Talk::signing_in(Credentials {
        methods: vec![Method::Ticket, Method::Anonymous],
        ..peter()
    });
    let offered = ["ticket", "anonymous"].map(Into::into);
    assert_eq!(talk.hello.authmethods, Some(offered.to_vec()));
    assert_eq!(talk.hello.authextra, None);
}

#[test]
fn a_challenge_is_answered_by_the_method_the_router_chose() {
    let mut talk = Talk::signing_in(peter());
    talk.gets(r#"[4, "ticket", {}]"#);
    talk.sends(r#"[5, "secret!!!", {}]"#);
    talk.welcome();
}

#[test]
fn a_challenge_that_nothing_was_offered_for_is_answered_by_abort() {
    for authmethod in ["ticket", "cryptosign", "anonymous", "magic"] {
        let mut talk = Talk::joining();
        talk.gets(&format!(r#"[4, "{authmethod}", {{}}]"#));
        talk.sends(
            r#"[3, {"message": "this client cannot sign in that way"}, "wamp.error.no_matching_auth_method"]"#,
        );
        let authmethod = authmethod.into();
        talk.ends(&End::Challenged { authmethod });
    }
}

#[test]
fn a_challenge_that_cannot_be_answered_is_answered_by_abort() {
    let mut talk = Talk::signing_in(peter());
    talk.gets(r#"[4, "wamp-scram", {"nonce": "AAAA", "salt": "AAAAAAAAAAAAAAAA", "kdf": "pbkdf2", "iterations": 1}]"#);
    talk.sends(
        r#"[3, {"message": "the router's nonce does not begin with this client's"}, "wamp.error.authentication_failed"]"#,
    );
    talk.ends(&End::Mistrusted(SignInError::Nonce));
}

#[test]
fn a_welcome_without_the_proof_that_scram_asks_for_is_not_trusted() {
    let mut talk = Talk::signing_in(peter());
    let nonce = talk.hello.authextra.clone().unwrap();
    let Some(Value::Text(nonce)) = nonce.get("nonce") else {
        panic!("no nonce");
    };
    talk.gets(&format!(
        r#"[4, "wamp-scram", {{"nonce": "{nonce}AAAA", "salt": "AAAAAAAAAAAAAAAA", "kdf": "pbkdf2", "iterations": 1}}]"#
    ));
    assert!(matches!(
        talk.next(),
        Output::Send(Message::Authenticate(_))
    ));
    talk.gets(r#"[2, 7, {"roles": {"broker": {}}, "authextra": {"verifier": "v=AAAA"}}]"#);
    talk.sends(
        r#"[3, {"message": "the router does not prove that it knows the password; it may be somebody else's"}, "wamp.error.authentication_failed"]"#,
    );
    talk.ends(&End::Mistrusted(SignInError::Router));
}

#[test]
fn a_router_that_never_stops_asking_breaks_a_rule() {
    let mut talk = Talk::signing_in(peter());
    for _ in 0..4 {
        talk.gets(r#"[4, "ticket", {}]"#);
        talk.sends(r#"[5, "secret!!!", {}]"#);
    }
    talk.gets(r#"[4, "ticket", {}]"#);
    assert!(matches!(talk.next(), Output::Send(Message::Abort(_))));
    assert!(matches!(
        talk.next(),
        Output::Ended(End::Violation(Violation::Unexpected { .. }))
    ));
}

#[test]
fn nothing_but_an_answer_to_hello_may_come_first() {
    let mut talk = Talk::joining();
    assert!(matches!(
        call(&mut talk),
        Err(CommandError::NotEstablished { state: "joining" })
    ));
    talk.gets(r#"[6, {}, "wamp.close.normal"]"#);
    let got = MessageCode::Goodbye;
    talk.breaks(Violation::Unexpected {
        state: "joining",
        got,
    });
}

#[test]
fn a_second_welcome_breaks_the_protocol() {
    let mut talk = Talk::joined();
    talk.gets("[2, 7, {}]");
    let got = MessageCode::Welcome;
    talk.breaks(Violation::Unexpected { state: "open", got });
}

#[test]
fn leaving_waits_for_goodbye_and_drops_what_crossed_it() {
    let mut talk = Talk::joined();
    talk.subscribed("t", 1, 4);
    talk.session.leave().unwrap();
    talk.sends(r#"[6, {}, "wamp.close.close_realm"]"#);
    assert!(call(&mut talk).is_err());
    talk.gets("[36, 4, 5, {}]");
    talk.silence();
    talk.gets(r#"[6, {}, "wamp.close.goodbye_and_out"]"#);
    talk.ends(&End::Left);
}

#[test]
fn a_router_that_leaves_is_answered() {
    let mut talk = Talk::joined();
    talk.gets(r#"[6, {"message": "bye"}, "wamp.close.system_shutdown"]"#);
    talk.sends(r#"[6, {}, "wamp.close.goodbye_and_out"]"#);
    let message = Some("bye".into());
    talk.ends(&End::RouterLeft {
        reason: uris::SYSTEM_SHUTDOWN,
        message,
    });
}

#[test]
fn abort_is_never_answered() {
    let mut talk = Talk::joined();
    talk.gets(r#"[3, {}, "wamp.error.protocol_violation", ["why"]]"#);
    let message = Some("why".into());
    talk.ends(&End::Aborted {
        reason: uris::PROTOCOL_VIOLATION,
        message,
    });
}

#[test]
fn events_come_while_subscribed_and_may_cross_unsubscribe() {
    let mut talk = Talk::joined();
    talk.subscribed("t", 1, 4);
    talk.gets("[36, 4, 5, {}, [1]]");
    assert!(matches!(talk.next(), Output::Event(_)));
    assert_eq!(
        talk.session.unsubscribe(subscription_id(4)),
        Ok(RequestId::new(2).ok())
    );
    talk.sends("[34, 2, 4]");
    talk.gets("[36, 4, 6, {}, [1]]");
    assert!(matches!(talk.next(), Output::Event(_)));
    talk.gets("[35, 2]");
    talk.answers(2, Ok(Answer::Unsubscribed));
    talk.gets("[36, 4, 7, {}, [1]]");
    talk.silence();
    talk.gets("[36, 44, 7, {}, [1]]");
    talk.breaks(Violation::UnknownSubscription(subscription_id(44)));
}

#[test]
fn a_subscription_used_twice_ends_with_its_last_use() {
    let mut talk = Talk::joined();
    talk.subscribed("t", 1, 4);
    talk.subscribed("t", 2, 4);
    assert_eq!(talk.session.unsubscribe(subscription_id(4)), Ok(None));
    talk.silence();
    assert_eq!(
        talk.session.unsubscribe(subscription_id(4)),
        Ok(RequestId::new(3).ok())
    );
    talk.sends("[34, 3, 4]");
}

#[test]
fn unsubscribe_waits_for_a_subscribe_that_may_be_for_the_same_topic() {
    let mut talk = Talk::joined();
    talk.subscribed("t", 1, 4);
    let options = SubscribeOptions::default();
    talk.session.subscribe("t".into(), options.clone()).unwrap();
    talk.sends(r#"[32, 2, {}, "t"]"#);
    assert_eq!(talk.session.unsubscribe(subscription_id(4)), Ok(None));
    talk.gets("[33, 2, 4]");
    talk.answers(2, Ok(Answer::Subscribed(subscription_id(4))));
    talk.silence();
    talk.session.subscribe("u".into(), options).unwrap();
    talk.sends(r#"[32, 3, {}, "u"]"#);
    assert_eq!(talk.session.unsubscribe(subscription_id(4)), Ok(None));
    talk.gets("[33, 3, 5]");
    talk.answers(3, Ok(Answer::Subscribed(subscription_id(5))));
    talk.sends("[34, 4, 4]");
}

#[test]
fn the_router_may_take_subscriptions_and_registrations_back() {
    let mut talk = Talk::joined();
    talk.subscribed("t", 1, 4);
    talk.gets(r#"[35, 0, {"subscription": 4, "reason": "because"}]"#);
    let reason = Some("because".into());
    let subscription = subscription_id(4);
    assert_eq!(
        talk.next(),
        Output::SubscriptionRevoked {
            subscription,
            reason
        }
    );
    talk.gets("[35, 0]");
    let got = MessageCode::Unsubscribed;
    talk.breaks(Violation::RevokedNothing { got });

    let mut talk = Talk::joined();
    talk.registered();
    talk.gets(r#"[67, 0, {"registration": 9}]"#);
    let (registration, reason) = (registration_id(), None);
    assert_eq!(
        talk.next(),
        Output::RegistrationRevoked {
            registration,
            reason
        }
    );
    talk.gets("[68, 1, 9, {}]");
    talk.breaks(Violation::UnknownRegistration(registration_id()));
}

#[test]
fn an_invocation_is_answered_once() {
    let mut talk = Talk::joined();
    talk.registered();
    talk.gets("[68, 1, 9, {}, [3]]");
    assert!(matches!(talk.next(), Output::Invocation(_)));
    talk.session
        .yield_result(RequestId::FIRST, Payload::text("done"));
    talk.sends(r#"[70, 1, {}, ["done"]]"#);
    talk.session
        .fail(RequestId::FIRST, ErrorReply::new(uris::CANCELED));
    talk.silence();
    talk.gets("[69, 1, {}]");
    talk.silence();
}

#[test]
fn an_interrupt_reaches_the_invocation_it_names() {
    let mut talk = Talk::joined();
    talk.registered();
    talk.gets("[68, 1, 9, {}]");
    assert!(matches!(talk.next(), Output::Invocation(_)));
    talk.gets("[69, 1, {}]");
    assert_eq!(talk.next(), Output::Interrupted(RequestId::FIRST));
    talk.session
        .fail(RequestId::FIRST, ErrorReply::new(uris::CANCELED));
    talk.sends(r#"[8, 68, 1, {}, "wamp.error.canceled"]"#);
}

#[test]
fn an_invocation_id_in_use_breaks_the_protocol() {
    let mut talk = Talk::joined();
    talk.registered();
    talk.gets("[68, 1, 9, {}]");
    assert!(matches!(talk.next(), Output::Invocation(_)));
    talk.gets("[68, 1, 9, {}]");
    talk.breaks(Violation::InvocationTwice(RequestId::FIRST));
}

#[test]
fn a_call_that_asked_for_parts_has_many_results_and_one_end() {
    let mut talk = Talk::joined();
    let options = CallOptions {
        receive_progress: Some(true),
        ..CallOptions::default()
    };
    let payload = Payload::empty();
    talk.session.call("p".into(), options, payload).unwrap();
    talk.sends(r#"[48, 1, {"receive_progress": true}, "p"]"#);
    for part in [r#"[50, 1, {"progress": true}, [1]]"#, "[50, 1, {}, [2]]"] {
        talk.gets(part);
        let answered = talk.next();
        assert!(matches!(answered, Output::Answered { answer: Ok(_), .. }));
    }
    talk.gets("[50, 1, {}, [3]]");
    talk.breaks(Violation::NotPending {
        got: MessageCode::Result,
        request: RequestId::FIRST,
    });
}

#[test]
fn a_part_that_nobody_asked_for_is_the_answer() {
    let mut talk = Talk::joined();
    call(&mut talk).unwrap();
    talk.sends(r#"[48, 1, {}, "p", ["x"]]"#);
    talk.gets(r#"[50, 1, {"progress": true}, [1]]"#);
    talk.next();
    talk.gets("[50, 1, {}, [2]]");
    talk.breaks(Violation::NotPending {
        got: MessageCode::Result,
        request: RequestId::FIRST,
    });
}

#[test]
fn a_call_is_cancelled_while_it_waits_and_not_after() {
    let mut talk = Talk::joined();
    let request = call(&mut talk).unwrap();
    talk.sends(r#"[48, 1, {}, "p", ["x"]]"#);
    talk.session.cancel(request, CancelMode::Kill);
    talk.sends(r#"[49, 1, {"mode": "kill"}]"#);
    talk.gets(r#"[8, 48, 1, {}, "wamp.error.canceled"]"#);
    talk.answers(1, Err(ErrorReply::new(uris::CANCELED)));
    talk.session.cancel(request, CancelMode::Kill);
    talk.silence();
}

#[test]
fn parts_of_a_result_come_before_its_end_and_not_after() {
    let mut talk = Talk::joined();
    talk.registered();
    talk.gets(r#"[68, 5, 9, {"receive_progress": true}]"#);
    assert!(matches!(talk.next(), Output::Invocation(_)));
    let invocation = RequestId::new(5).unwrap();
    talk.session.yield_progress(invocation, Payload::text("a"));
    talk.sends(r#"[70, 5, {"progress": true}, ["a"]]"#);
    talk.session.yield_result(invocation, Payload::empty());
    talk.sends("[70, 5, {}]");
    talk.session.yield_progress(invocation, Payload::text("b"));
    talk.silence();
}

#[test]
fn garbage_is_answered_by_abort() {
    let mut talk = Talk::joined();
    talk.session.handle_garbage("no message");
    talk.sends(r#"[3, {"message": "no message"}, "wamp.error.protocol_violation"]"#);
    talk.gets("[36, 4, 5, {}]");
    talk.silence();
}

#[test]
fn everything_that_can_grow_has_a_bound() {
    let limits = Limits {
        pending_max: 2,
        subscriptions_max: 1,
        registrations_max: 1,
        invocations_max: 1,
    };
    let mut talk = Talk::with(limits);
    talk.welcome();
    talk.registered();
    let full = |what, max| Err(CommandError::TooMany { what, max });
    let again = talk
        .session
        .register("q".into(), RegisterOptions::default());
    assert_eq!(again, full("registrations", 1));
    talk.gets("[68, 1, 9, {}]");
    assert!(matches!(talk.next(), Output::Invocation(_)));
    talk.gets("[68, 2, 9, {}]");
    talk.sends(
        r#"[8, 68, 2, {}, "wamp.error.unavailable", ["the callee has too many calls to answer"]]"#,
    );
    talk.session
        .subscribe("t".into(), SubscribeOptions::default())
        .unwrap();
    let again = talk
        .session
        .subscribe("u".into(), SubscribeOptions::default());
    assert_eq!(again, full("subscriptions", 1));
    call(&mut talk).unwrap();
    assert_eq!(call(&mut talk), full("pending requests", 2));
}
