//! WAMP's messages: code, direction and wire shape, one row each.
//!
//! A row is all there is to a message: the macro makes of it the struct, the variant of [`Message`] and, field
//! by field in the order of the wire, its way to and from bytes ([`Element`]).
//! Spec: bp#message-definitions, ap#message-definitions.

use bytestring::ByteString;

use super::id::{PublicationId, RegistrationId, RequestId, SessionId, SubscriptionId};
use super::options::{
    AbortDetails, CallOptions, CancelOptions, ErrorDetails, EventDetails, GoodbyeDetails,
    HelloDetails, InterruptOptions, InvocationDetails, PublishOptions, RegisterOptions,
    ResultDetails, RevocationDetails, SubscribeOptions, WelcomeDetails, YieldOptions,
};
use super::payload::Payload;
use super::uri::Uri;
use super::value::Dict;
use crate::serializer::{DecodeError, Element, Elements, Reader, Writer};

macro_rules! messages {
    ($(
        $(#[$doc:meta])*
        $code:literal $wire_name:literal $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }
    )*) => {
        /// Which message it is: the first element on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum MessageCode {
            $(#[doc = concat!($wire_name, ", ", $code, ".")] $name = $code,)*
        }

        /// Any message.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Message {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name($name),)*
        }

        impl MessageCode {
            /// Every message, in the order of the codes.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The message of a code; `None` for a code that has none.
            #[must_use]
            pub const fn from_number(code: u64) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The message's name, as the specification writes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $wire_name,)*
                }
            }
        }

        impl Message {
            /// Which message it is.
            #[must_use]
            pub const fn code(&self) -> MessageCode {
                match self {
                    $(Self::$name(_) => MessageCode::$name,)*
                }
            }

            /// The message's payload, if it is one that carries any.
            #[must_use]
            pub fn payload(&self) -> Option<&Payload> {
                match self {
                    Self::Abort(Abort { payload, .. })
                    | Self::Error(Error { payload, .. })
                    | Self::Publish(Publish { payload, .. })
                    | Self::Event(Event { payload, .. })
                    | Self::Call(Call { payload, .. })
                    | Self::Result(Result { payload, .. })
                    | Self::Invocation(Invocation { payload, .. })
                    | Self::Yield(Yield { payload, .. }) => Some(payload),
                    _ => None,
                }
            }

            /// The id of the request that a client makes with it, if it is one.
            #[must_use]
            pub const fn request(&self) -> Option<RequestId> {
                match self {
                    Self::Publish(Publish { request, .. })
                    | Self::Subscribe(Subscribe { request, .. })
                    | Self::Unsubscribe(Unsubscribe { request, .. })
                    | Self::Call(Call { request, .. })
                    | Self::Register(Register { request, .. })
                    | Self::Unregister(Unregister { request, .. }) => Some(*request),
                    _ => None,
                }
            }

            /// Reads the elements behind the code.
            pub(crate) fn read<R: Reader>(
                code: MessageCode,
                elements: &mut Elements<R>,
            ) -> std::result::Result<Self, DecodeError> {
                match code {
                    $(MessageCode::$name => $name::read(elements).map(Self::$name),)*
                }
            }

            /// Writes all elements, the code first.
            pub(crate) fn write<W: Writer>(&self, writer: &mut W) {
                match self {
                    $(Self::$name(message) => message.write(writer),)*
                }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq)]
            #[expect(missing_docs, reason = "`Shape` names the fields; the specification says what they mean")]
            pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

            impl $name {
                fn read<R: Reader>(elements: &mut Elements<R>) -> std::result::Result<Self, DecodeError> {
                    Ok(Self { $($field: Element::read(stringify!($field), elements)?,)* })
                }

                fn write<W: Writer>(&self, writer: &mut W) {
                    let count = 1 $(+ Element::count(&self.$field))*;
                    writer.begin_list(count);
                    writer.integer($code);
                    $(Element::write(&self.$field, writer);)*
                    writer.end_list();
                }
            }

            impl From<$name> for Message {
                fn from(message: $name) -> Self {
                    Self::$name(message)
                }
            }
        )*
    };
}

messages! {
    /// Asks to join a realm.
    ///
    /// Shape: `[HELLO, Realm|uri, Details|dict]`
    /// Flow: client -> router; answered by WELCOME, CHALLENGE or ABORT
    /// Spec: bp#hello-1
    1 "HELLO" Hello { realm: Uri, details: Box<HelloDetails>, }

    /// Opens the session.
    ///
    /// Shape: `[WELCOME, Session|id, Details|dict]`
    /// Flow: router -> client
    /// Spec: bp#welcome-1
    2 "WELCOME" Welcome { session: SessionId, details: Box<WelcomeDetails>, }

    /// Ends a session at once; never answered.
    ///
    /// Shape: `[ABORT, Details|dict, Reason|uri, Arguments|list, ArgumentsKw|dict]`
    /// Flow: either way
    /// Spec: bp#abort-1
    3 "ABORT" Abort { details: AbortDetails, reason: Uri, payload: Payload, }

    /// Asks a client to prove who it is.
    ///
    /// Shape: `[CHALLENGE, AuthMethod|string, Extra|dict]`
    /// Flow: router -> client; answered by AUTHENTICATE
    /// Spec: ap#authentication
    4 "CHALLENGE" Challenge { authmethod: ByteString, extra: Dict, }

    /// Proves who the client is.
    ///
    /// Shape: `[AUTHENTICATE, Signature|string, Extra|dict]`
    /// Flow: client -> router; answered by WELCOME, CHALLENGE or ABORT
    /// Spec: ap#authentication
    5 "AUTHENTICATE" Authenticate { signature: ByteString, extra: Dict, }

    /// Ends a session in good order.
    ///
    /// Shape: `[GOODBYE, Details|dict, Reason|uri]`
    /// Flow: either way; answered by GOODBYE
    /// Spec: bp#goodbye-1
    6 "GOODBYE" Goodbye { details: GoodbyeDetails, reason: Uri, }

    /// Refuses a request, or tells its failure.
    ///
    /// Shape: `[ERROR, REQUEST.Type|int, REQUEST.Request|id, Details|dict, Error|uri, Arguments|list, ArgumentsKw|dict]`
    /// Flow: router -> client; callee -> dealer, for an INVOCATION
    /// Spec: bp#error
    8 "ERROR" Error {
        /// What kind of request it was.
        request_type: MessageCode,
        /// Which one.
        request: RequestId,
        details: ErrorDetails, error: Uri, payload: Payload,
    }

    /// Publishes an event.
    ///
    /// Shape: `[PUBLISH, Request|id, Options|dict, Topic|uri, Arguments|list, ArgumentsKw|dict]`
    /// Flow: publisher -> broker; answered by PUBLISHED or ERROR where acknowledgement is asked for
    /// Spec: bp#publish-1
    16 "PUBLISH" Publish { request: RequestId, options: PublishOptions, topic: Uri, payload: Payload, }

    /// Acknowledges a PUBLISH.
    ///
    /// Shape: `[PUBLISHED, PUBLISH.Request|id, Publication|id]`
    /// Flow: broker -> publisher
    /// Spec: bp#published-1
    17 "PUBLISHED" Published { request: RequestId, publication: PublicationId, }

    /// Asks for a topic's events.
    ///
    /// Shape: `[SUBSCRIBE, Request|id, Options|dict, Topic|uri]`
    /// Flow: subscriber -> broker; answered by SUBSCRIBED or ERROR
    /// Spec: bp#subscribe-1
    32 "SUBSCRIBE" Subscribe { request: RequestId, options: SubscribeOptions, topic: Uri, }

    /// Acknowledges a SUBSCRIBE.
    ///
    /// Shape: `[SUBSCRIBED, SUBSCRIBE.Request|id, Subscription|id]`
    /// Flow: broker -> subscriber; before the subscription's first EVENT
    /// Spec: bp#subscribed-1
    33 "SUBSCRIBED" Subscribed { request: RequestId, subscription: SubscriptionId, }

    /// Ends a subscription.
    ///
    /// Shape: `[UNSUBSCRIBE, Request|id, SUBSCRIBED.Subscription|id]`
    /// Flow: subscriber -> broker; answered by UNSUBSCRIBED or ERROR
    /// Spec: bp#unsubscribe-1
    34 "UNSUBSCRIBE" Unsubscribe { request: RequestId, subscription: SubscriptionId, }

    /// Acknowledges an UNSUBSCRIBE; or, with request 0, tells that the router took the subscription back.
    ///
    /// Shape: `[UNSUBSCRIBED, UNSUBSCRIBE.Request|id]`, `[UNSUBSCRIBED, 0, Details|dict]`
    /// Flow: broker -> subscriber
    /// Spec: bp#unsubscribed-1, ap#pubsub-subscription-revocation
    35 "UNSUBSCRIBED" Unsubscribed { request: Option<RequestId>, details: Option<RevocationDetails>, }

    /// Delivers a publication.
    ///
    /// Shape: `[EVENT, SUBSCRIBED.Subscription|id, PUBLISHED.Publication|id, Details|dict, Arguments|list, ArgumentsKw|dict]`
    /// Flow: broker -> subscriber
    /// Spec: bp#event-1
    36 "EVENT" Event {
        subscription: SubscriptionId, publication: PublicationId, details: EventDetails, payload: Payload,
    }

    /// Calls a procedure.
    ///
    /// Shape: `[CALL, Request|id, Options|dict, Procedure|uri, Arguments|list, ArgumentsKw|dict]`
    /// Flow: caller -> dealer; answered by RESULT or ERROR
    /// Spec: bp#call-1
    48 "CALL" Call { request: RequestId, options: CallOptions, procedure: Uri, payload: Payload, }

    /// Cancels a call.
    ///
    /// Shape: `[CANCEL, CALL.Request|id, Options|dict]`
    /// Flow: caller -> dealer
    /// Spec: ap#rpc-call-canceling
    49 "CANCEL" Cancel { request: RequestId, options: CancelOptions, }

    /// Answers a CALL.
    ///
    /// Shape: `[RESULT, CALL.Request|id, Details|dict, YIELD.Arguments|list, YIELD.ArgumentsKw|dict]`
    /// Flow: dealer -> caller
    /// Spec: bp#result-1
    50 "RESULT" Result { request: RequestId, details: ResultDetails, payload: Payload, }

    /// Offers a procedure.
    ///
    /// Shape: `[REGISTER, Request|id, Options|dict, Procedure|uri]`
    /// Flow: callee -> dealer; answered by REGISTERED or ERROR
    /// Spec: bp#register-1
    64 "REGISTER" Register { request: RequestId, options: RegisterOptions, procedure: Uri, }

    /// Acknowledges a REGISTER.
    ///
    /// Shape: `[REGISTERED, REGISTER.Request|id, Registration|id]`
    /// Flow: dealer -> callee; before the registration's first INVOCATION
    /// Spec: bp#registered-1
    65 "REGISTERED" Registered { request: RequestId, registration: RegistrationId, }

    /// Takes an offer back.
    ///
    /// Shape: `[UNREGISTER, Request|id, REGISTERED.Registration|id]`
    /// Flow: callee -> dealer; answered by UNREGISTERED or ERROR
    /// Spec: bp#unregister-1
    66 "UNREGISTER" Unregister { request: RequestId, registration: RegistrationId, }

    /// Acknowledges an UNREGISTER; or, with request 0, tells that the router took the registration back.
    ///
    /// Shape: `[UNREGISTERED, UNREGISTER.Request|id]`, `[UNREGISTERED, 0, Details|dict]`
    /// Flow: dealer -> callee
    /// Spec: bp#unregistered-1, ap#rpc-registration-revocation
    67 "UNREGISTERED" Unregistered { request: Option<RequestId>, details: Option<RevocationDetails>, }

    /// Hands a call to its callee.
    ///
    /// Shape: `[INVOCATION, Request|id, REGISTERED.Registration|id, Details|dict, CALL.Arguments|list, CALL.ArgumentsKw|dict]`
    /// Flow: dealer -> callee; answered by YIELD or ERROR
    /// Spec: bp#invocation-1
    68 "INVOCATION" Invocation {
        request: RequestId, registration: RegistrationId, details: InvocationDetails, payload: Payload,
    }

    /// Asks a callee to give up an invocation.
    ///
    /// Shape: `[INTERRUPT, INVOCATION.Request|id, Options|dict]`
    /// Flow: dealer -> callee
    /// Spec: ap#rpc-call-canceling
    69 "INTERRUPT" Interrupt { request: RequestId, options: InterruptOptions, }

    /// Answers an INVOCATION.
    ///
    /// Shape: `[YIELD, INVOCATION.Request|id, Options|dict, Arguments|list, ArgumentsKw|dict]`
    /// Flow: callee -> dealer
    /// Spec: bp#yield-1
    70 "YIELD" Yield { request: RequestId, options: YieldOptions, payload: Payload, }

    /// Acknowledges an EVENT that asked for it.
    ///
    /// Shape: `[EVENT_RECEIVED, EVENT.Publication|id]`
    /// Flow: subscriber -> broker; Autobahn's and Crossbar.io's own
    /// Spec: none (wamp-proto#280)
    337 "EVENT_RECEIVED" EventReceived { publication: PublicationId, }
}
