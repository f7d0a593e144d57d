//! The URIs that the specification defines and this program sends or understands.
//!
//! Spec: bp#uris-errors and `routers.md` 1.4; one line of meaning each.

use super::Uri;

macro_rules! uris {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: Uri = Uri::from_static($text);)*

        /// The URIs of errors.
        pub fn errors() -> impl Iterator<Item = Uri> {
            let all = [$($name),*].into_iter();
            all.filter(|uri| uri.as_str().starts_with("wamp.error."))
        }
    };
}

uris! {
    /// A URI that the rule in force does not allow.
    INVALID_URI = "wamp.error.invalid_uri";
    /// Nobody registered the procedure.
    NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure";
    /// Somebody else already registered the procedure.
    PROCEDURE_ALREADY_EXISTS = "wamp.error.procedure_already_exists";
    /// The session holds no registration of that id.
    NO_SUCH_REGISTRATION = "wamp.error.no_such_registration";
    /// The session holds no subscription of that id.
    NO_SUCH_SUBSCRIPTION = "wamp.error.no_such_subscription";
    /// The callee does not take these arguments.
    INVALID_ARGUMENT = "wamp.error.invalid_argument";
    /// The callee failed in a way of its own.
    RUNTIME_ERROR = "wamp.error.runtime_error";
    /// The call ended before its callee answered: cancelled, or the callee has gone.
    CANCELED = "wamp.error.canceled";
    /// The call took longer than its caller allowed.
    TIMEOUT = "wamp.error.timeout";
    /// The callee cannot take the call now, which may go to another. Of the router itself, in answer to any request: a
    /// limit with a name is reached, or the router goes down.
    UNAVAILABLE = "wamp.error.unavailable";
    /// No callee of the registration can take the call now.
    NO_AVAILABLE_CALLEE = "wamp.error.no_available_callee";
    /// What was asked for is not to be had here.
    FEATURE_NOT_SUPPORTED = "wamp.error.feature_not_supported";
    /// The peer's rights do not cover the request.
    NOT_AUTHORIZED = "wamp.error.not_authorized";
    /// Nobody could be asked for the peer's rights, or did not say.
    AUTHORIZATION_FAILED = "wamp.error.authorization_failed";
    /// The peer broke a rule of the protocol; the session is over.
    PROTOCOL_VIOLATION = "wamp.error.protocol_violation";
    /// A message larger than the router or its peer takes.
    PAYLOAD_SIZE_EXCEEDED = "wamp.error.payload_size_exceeded";
    /// The router has no realm of that name.
    NO_SUCH_REALM = "wamp.error.no_such_realm";
    /// There is no other session of that id.
    NO_SUCH_SESSION = "wamp.error.no_such_session";
    /// Callers and publishers are not disclosed in this realm.
    DISCLOSE_ME_DISALLOWED = "wamp.error.option_disallowed.disclose_me";
    /// Wrong, or nobody is called that.
    AUTHENTICATION_DENIED = "wamp.error.authentication_denied";
    /// This realm is not for those who do not say who they are.
    AUTHENTICATION_REQUIRED = "wamp.error.authentication_required";
    /// No role is for who would join.
    NO_SUCH_ROLE = "wamp.error.no_such_role";
    /// The router did not prove who it is.
    AUTHENTICATION_FAILED = "wamp.error.authentication_failed";
    /// None of the ways offered to sign in is to be had.
    NO_MATCHING_AUTH_METHOD = "wamp.error.no_matching_auth_method";
    /// Somebody ended the session.
    KILLED = "wamp.close.killed";
    /// A peer leaves on its own.
    CLOSE_REALM = "wamp.close.close_realm";
    /// The answer to GOODBYE.
    GOODBYE_AND_OUT = "wamp.close.goodbye_and_out";
    /// The router is going down.
    SYSTEM_SHUTDOWN = "wamp.close.system_shutdown";
}
