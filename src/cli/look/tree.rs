//! URIs as a tree of their parts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cli::console::printable;

/// A part of URIs, what is below it, and what stands at the URI that ends here.
#[derive(Debug, Default)]
pub(super) struct Tree {
    below: BTreeMap<String, Self>,
    note: Option<String>,
}

impl Tree {
    /// Adds a URI and what is said of it.
    pub(super) fn add(&mut self, uri: &str, note: String) {
        let mut at = self;
        for part in uri.split('.') {
            at = at.below.entry(part.to_owned()).or_default();
        }
        at.note = Some(match at.note.take() {
            Some(other) => format!("{other}; {note}"),
            None => note,
        });
    }

    /// The tree, a line for each part; an empty part, which stands for any, as `*`.
    pub(super) fn draw(&self) -> String {
        let mut text = String::new();
        self.draw_below("", &mut text);
        text.trim_end().to_owned()
    }

    // bound: a URI has 64 parts at most, and so has the tree of levels.
    fn draw_below(&self, indent: &str, text: &mut String) {
        let count = self.below.len();
        for (index, (part, tree)) in self.below.iter().enumerate() {
            let is_last = index + 1 == count;
            let (branch, deeper) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            let part = if part.is_empty() { "*" } else { part };
            let note = tree.note.as_deref().unwrap_or_default();
            let line = format!("{indent}{branch}{}  {note}", printable(part));
            let _ = writeln!(text, "{}", line.trim_end());
            tree.draw_below(&format!("{indent}{deeper}"), text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_uris_share_are_drawn_once() {
        let mut tree = Tree::default();
        tree.add("com.b", "exact".to_owned());
        tree.add("com.a..x", "wildcard".to_owned());
        tree.add("com.b", "prefix".to_owned());
        tree.add("sum", "exact".to_owned());
        let drawn = "\
├─ com
│  ├─ a
│  │  └─ *
│  │     └─ x  wildcard
│  └─ b  exact; prefix
└─ sum  exact";
        assert_eq!(tree.draw(), drawn);
    }
}
