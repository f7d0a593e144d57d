//! How a stream ends so that its last bytes arrive.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Closes our direction of a stream, then passes over what the peer still sends; `Ready` at its end.
///
/// A stream that is dropped with bytes unread ends by a reset, which may overtake what was written before.
pub(super) fn poll_end<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    cx: &mut Context<'_>,
) -> Poll<()> {
    if ready!(Pin::new(&mut *stream).poll_shutdown(cx)).is_err() {
        return Poll::Ready(());
    }
    let mut buffer = [0; 1024];
    loop {
        let mut buffer = ReadBuf::new(&mut buffer);
        match ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer)) {
            Ok(()) if !buffer.filled().is_empty() => {}
            Ok(()) | Err(_) => return Poll::Ready(()),
        }
    }
}

/// Ends a stream so that what was written last arrives; at most for so long.
pub(crate) async fn end<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, at_most: Duration) {
    let end = poll_fn(|cx| poll_end(stream, cx));
    // The peer has had its time; what it did with it changes nothing.
    drop(tokio::time::timeout(at_most, end).await);
}
