//! What the application asks of a session.

use super::output::{ErrorReply, Output};
use super::pending::Request;
use super::session::{Session, State};
use crate::protocol::message::{
    Call, Cancel, Error, Goodbye, Publish, Register, Subscribe, Unregister, Unsubscribe, Yield,
};
use crate::protocol::{
    CallOptions, CancelMode, CancelOptions, ErrorDetails, GoodbyeDetails, MessageCode, Payload,
    PublishOptions, RegisterOptions, RegistrationId, RequestId, SubscribeOptions, SubscriptionId,
    Uri, YieldOptions, uris,
};

/// Why a session does not take a command. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// It is not open, or no longer.
    #[error("the session is {state}")]
    NotEstablished {
        /// What it is doing instead.
        state: &'static str,
    },
    /// A bound is reached.
    #[error("more than {max} {what} in one session")]
    TooMany {
        /// Of what there are too many.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
}

impl Session {
    /// Calls a procedure; answered by a result or an error.
    ///
    /// # Errors
    /// [`CommandError`] where the session is not open or has too many requests pending.
    pub fn call(
        &mut self,
        procedure: Uri,
        options: CallOptions,
        payload: Payload,
    ) -> Result<RequestId, CommandError> {
        let is_progressive = options.receive_progress == Some(true);
        let request = self.begin(Request::Call { is_progressive })?;
        self.send(Call {
            request,
            options,
            procedure,
            payload,
        });
        Ok(request)
    }

    /// Asks for the end of a call, whose answer still comes. One that was answered meanwhile is left alone.
    pub fn cancel(&mut self, call: RequestId, mode: CancelMode) {
        if self.state == State::Established && self.pending.is_call(call) {
            let options = CancelOptions { mode: Some(mode) };
            self.send(Cancel {
                request: call,
                options,
            });
        }
    }

    /// Publishes an event; answered only where the options ask for an acknowledgement.
    ///
    /// # Errors
    /// [`CommandError`] where the session is not open or has too many requests pending.
    pub fn publish(
        &mut self,
        topic: Uri,
        options: PublishOptions,
        payload: Payload,
    ) -> Result<RequestId, CommandError> {
        let request = if options.acknowledge == Some(true) {
            self.begin(Request::Publish)?
        } else {
            self.check_established()?;
            self.next_request()
        };
        self.send(Publish {
            request,
            options,
            topic,
            payload,
        });
        Ok(request)
    }

    /// Asks for a topic's events. Asking twice is allowed; each takes an [`unsubscribe`](Self::unsubscribe).
    ///
    /// # Errors
    /// [`CommandError`] where the session is not open or a bound is reached.
    pub fn subscribe(
        &mut self,
        topic: Uri,
        options: SubscribeOptions,
    ) -> Result<RequestId, CommandError> {
        let max = self.limits.subscriptions_max;
        if self.subscriptions.len() + self.pending.subscribes() >= max {
            let what = "subscriptions";
            return Err(CommandError::TooMany { what, max });
        }
        let request = self.begin(Request::Subscribe)?;
        self.send(Subscribe {
            request,
            options,
            topic,
        });
        Ok(request)
    }

    /// Gives one use of a subscription back.
    ///
    /// `None` where there is nothing to wait for: it is used elsewhere too, or not held. Also while a SUBSCRIBE is
    /// on its way, because that may be for the same topic and the router would end both: UNSUBSCRIBE then follows
    /// its answer.
    ///
    /// # Errors
    /// [`CommandError`] where the session is not open or has too many requests pending.
    pub fn unsubscribe(
        &mut self,
        subscription: SubscriptionId,
    ) -> Result<Option<RequestId>, CommandError> {
        self.check_established()?;
        let Some(uses) = self.subscriptions.get_mut(&subscription) else {
            return Ok(None);
        };
        *uses = uses.saturating_sub(1);
        if *uses > 0 {
            return Ok(None);
        }
        if self.pending.subscribes() > 0 {
            self.unused.push(subscription);
            return Ok(None);
        }
        self.send_unsubscribe(subscription).map(Some)
    }

    pub(super) fn send_unsubscribe(
        &mut self,
        subscription: SubscriptionId,
    ) -> Result<RequestId, CommandError> {
        let request = self.begin(Request::Unsubscribe(subscription))?;
        self.send(Unsubscribe {
            request,
            subscription,
        });
        Ok(request)
    }

    /// Offers a procedure.
    ///
    /// # Errors
    /// [`CommandError`] where the session is not open or a bound is reached.
    pub fn register(
        &mut self,
        procedure: Uri,
        options: RegisterOptions,
    ) -> Result<RequestId, CommandError> {
        let max = self.limits.registrations_max;
        if self.registrations.len() + self.pending.registers() >= max {
            let what = "registrations";
            return Err(CommandError::TooMany { what, max });
        }
        let request = self.begin(Request::Register)?;
        self.send(Register {
            request,
            options,
            procedure,
        });
        Ok(request)
    }

    /// Takes an offer back. Its calls may come until this is answered.
    ///
    /// # Errors
    /// [`CommandError`] where the session is not open or has too many requests pending.
    pub fn unregister(&mut self, registration: RegistrationId) -> Result<RequestId, CommandError> {
        let request = self.begin(Request::Unregister(registration))?;
        self.send(Unregister {
            request,
            registration,
        });
        Ok(request)
    }

    /// Answers an invocation. One that was answered before, or died with its session, is left alone.
    pub fn yield_result(&mut self, invocation: RequestId, payload: Payload) {
        if self.invocations.remove(&invocation) {
            self.send(Yield {
                request: invocation,
                options: YieldOptions::default(),
                payload,
            });
        }
    }

    /// Sends a part of an invocation's result; its answer follows. Spec: ap#rpc-progressive-call-results.
    pub fn yield_progress(&mut self, invocation: RequestId, payload: Payload) {
        if self.invocations.contains(&invocation) {
            self.send(Yield {
                request: invocation,
                options: YieldOptions {
                    progress: Some(true),
                    ..YieldOptions::default()
                },
                payload,
            });
        }
    }

    /// Tells the failure of an invocation. One that was answered before is left alone.
    pub fn fail(&mut self, invocation: RequestId, reply: ErrorReply) {
        if self.invocations.remove(&invocation) {
            self.send(Error {
                request_type: MessageCode::Invocation,
                request: invocation,
                details: ErrorDetails::default(),
                error: reply.error,
                payload: reply.payload,
            });
        }
    }

    /// Leaves in good order; ends with [`End::Left`](super::End::Left) once the router answers.
    ///
    /// # Errors
    /// [`CommandError`] where the session is not open.
    pub fn leave(&mut self) -> Result<(), CommandError> {
        self.check_established()?;
        self.state = State::Leaving;
        self.send(Goodbye {
            details: GoodbyeDetails::default(),
            reason: uris::CLOSE_REALM,
        });
        Ok(())
    }

    fn check_established(&self) -> Result<(), CommandError> {
        if self.state == State::Established {
            return Ok(());
        }
        let state = self.state.name();
        Err(CommandError::NotEstablished { state })
    }

    fn begin(&mut self, kind: Request) -> Result<RequestId, CommandError> {
        self.check_established()?;
        let max = self.limits.pending_max;
        if self.pending.len() >= max {
            let what = "pending requests";
            return Err(CommandError::TooMany { what, max });
        }
        let request = self.next_request();
        self.pending.insert(request, kind);
        Ok(request)
    }

    /// Counts request ids from 1. Spec: bp#ids.
    fn next_request(&mut self) -> RequestId {
        let request = self.next_request;
        self.next_request = request.next();
        request
    }

    pub(super) fn send(&mut self, message: impl Into<crate::protocol::Message>) {
        self.output.push_back(Output::Send(message.into()));
    }
}
