//! What somebody may have meant who has misspelt a procedure.

use std::time::Duration;

use tokio::time::timeout;

use super::client::Client;
use super::look::{Kind, Meta};

/// How long the realm is asked; whoever has misspelt it waits.
const PATIENCE: Duration = Duration::from_millis(300);
/// Letters that may be wrong, missing, too many or in another's place.
const TYPOS_MAX: usize = 2;

/// A hint at the procedure whose name is nearest, and at the others; nothing where the realm has none, or does not tell in
/// time. Cost: a request for each procedure.
pub(super) async fn procedure(client: &Client<'_>, typed: &str) -> Option<String> {
    let asking = Meta(client).uris(Kind::Procedure);
    let names = timeout(PATIENCE, asking).await.ok()?.ok()?;
    let nearest = nearest(&names, typed)?;
    Some(format!(
        "did you mean {nearest:?}?  wamp ls procs lists {}",
        names.len()
    ))
}

fn nearest<'a>(names: &'a [String], typed: &str) -> Option<&'a str> {
    let distance = |name: &&String| strsim::damerau_levenshtein(name, typed);
    let nearest = names.iter().min_by_key(distance)?;
    (distance(&nearest) <= TYPOS_MAX).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_letters_may_be_wrong() {
        let names = ["com.example.add", "node", "sum"].map(str::to_owned);
        for (typed, meant) in [
            ("nope", Some("node")),
            ("usm", Some("sum")),
            ("com.exmaple.ad", Some("com.example.add")),
            ("com.example.subtract", None),
        ] {
            assert_eq!(nearest(&names, typed), meant, "{typed}");
        }
        assert_eq!(nearest(&[], "sum"), None);
    }
}
