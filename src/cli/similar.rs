//! What somebody may have meant who has misspelt a procedure.

use std::time::Duration;

use tokio::time::timeout;

use super::client::Client;
use super::look::{Kind, Meta};
use crate::config::nearest;

/// How long the realm is asked; whoever has misspelt it waits.
const PATIENCE: Duration = Duration::from_millis(300);

/// A hint at the procedure whose name is nearest, and at the others; nothing where the realm has none, or does not tell in
/// time. Cost: a request for each procedure.
pub(super) async fn procedure(client: &Client<'_>, typed: &str) -> Option<String> {
    let asking = Meta(client).uris(Kind::Procedure);
    let names = timeout(PATIENCE, asking).await.ok()?.ok()?;
    let nearest = nearest(names.iter().map(String::as_str), typed)?;
    Some(format!(
        "did you mean {nearest:?}?  wamp ls procs lists {}",
        names.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_letters_may_be_wrong() {
        let names = ["com.example.add", "node", "sum"];
        for (typed, meant) in [
            ("nope", Some("node")),
            ("usm", Some("sum")),
            ("com.exmaple.ad", Some("com.example.add")),
            ("com.example.subtract", None),
        ] {
            assert_eq!(nearest(names.into_iter(), typed), meant, "{typed}");
        }
        assert_eq!(nearest([].into_iter(), "sum"), None);
    }
}
