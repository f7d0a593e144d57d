//! Headers whose value is a list. Spec: RFC 9110, 5.6.1.

use tokio_tungstenite::tungstenite::http::header::AsHeaderName;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue};

/// The items of a header's list, over all lines of that name, in their order; lines that are no text are passed over.
pub(super) fn items(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value: &HeaderValue| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .filter(|item| !item.is_empty())
}
