//! WAMP's values: messages, ids, URIs, options, payload. No IO, no clock, no policy.
//!
//! Start at [`message`]: one row a message, with code, direction and wire shape. How a message becomes
//! bytes is [`serializer`](crate::serializer)'s business.

mod feature;
mod id;
pub mod message;
mod options;
mod payload;
mod uri;
pub mod uris;
mod value;

pub use feature::{Feature, FeatureSet, Role, Roles};
pub use id::{InvalidId, PublicationId, RegistrationId, RequestId, SessionId, SubscriptionId};
pub use message::{Message, MessageCode};
pub(crate) use options::Options;
pub use options::{
    AbortDetails, Audience, CallOptions, CallOrigin, CallTerms, CancelMode, CancelOptions, EncAlgo,
    EncSerializer, ErrorDetails, EventDetails, EventOrigin, GoodbyeDetails, HelloDetails,
    InterruptOptions, InvocationDetails, InvocationPolicy, Links, OptionError, Passthru,
    PublishOptions, RegisterOptions, ResultDetails, RevocationDetails, RunMode, SubscribeOptions,
    WelcomeDetails, YieldOptions,
};
pub use payload::Payload;
pub use uri::{MatchPolicy, Uri, UriError, UriRule};
pub(crate) use value::whole;
pub use value::{Dict, Value};
