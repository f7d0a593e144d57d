//! Notices when a shell has turned a pattern into file names before we saw it.

use super::console::Console;
use super::exit::Failure;

/// Set to switch this off.
const OFF: &str = "WAMP_NO_GLOB_CHECK";

/// Refuses several patterns that are all files here, and warns of one.
pub(super) fn check(patterns: &[String], console: &Console) -> Result<(), Failure> {
    if std::env::var_os(OFF).is_some_and(|value| !value.is_empty()) {
        return Ok(());
    }
    let is_file = |pattern: &String| std::path::Path::new(pattern).exists();
    if !patterns.iter().all(is_file) {
        return Ok(());
    }
    if let [pattern] = patterns {
        console.note(&format!(
            "{pattern:?} is a file here: if the shell made it of a pattern, quote the pattern"
        ));
        return Ok(());
    }
    let guess = format!("{}*", common_prefix(patterns));
    let message = format!(
        "all {} patterns are files here: the shell has expanded one",
        patterns.len()
    );
    let hint = format!(
        "quote it: wamp sub {}  ({OFF}=1 if they are meant)",
        shell_words::quote(&guess)
    );
    Err(Failure::usage(message).hint(hint))
}

fn common_prefix(words: &[String]) -> &str {
    let Some((first, others)) = words.split_first() else {
        return "";
    };
    let is_common = |end: &usize| {
        let prefix = first.get(..*end);
        prefix.is_some_and(|prefix| others.iter().all(|other| other.starts_with(prefix)))
    };
    let end = (0..=first.len()).rev().find(is_common).unwrap_or_default();
    first.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::common_prefix;

    #[test]
    fn the_pattern_is_guessed_from_what_the_files_share() {
        let prefix = |words: &[&str]| {
            common_prefix(&words.iter().map(ToString::to_string).collect::<Vec<_>>()).to_owned()
        };
        assert_eq!(
            prefix(&["filewithext.py", "filewithext.txt"]),
            "filewithext."
        );
        assert_eq!(prefix(&["a", "b"]), "");
        assert_eq!(prefix(&["ä1", "ö1"]), "");
    }
}
