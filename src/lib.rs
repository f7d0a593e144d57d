//! One binary for everyone who works with WAMP or WebSockets.
