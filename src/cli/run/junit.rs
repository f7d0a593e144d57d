//! A report in `JUnit`'s XML, which CI systems read.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::play::Verdict;
use crate::cli::exit::Failure;

/// Writes a report of the steps of a file.
pub(super) fn write(file: &Path, steps: &Path, verdicts: &[Verdict]) -> Result<(), Failure> {
    let text = render(&steps.display().to_string(), verdicts);
    fs::write(file, text).map_err(|error| Failure::io("write", file.display(), &error))
}

fn render(suite: &str, verdicts: &[Verdict]) -> String {
    let failed = verdicts
        .iter()
        .filter(|verdict| verdict.why.is_some())
        .count();
    let all: Duration = verdicts.iter().map(|verdict| verdict.time).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{0}\" tests=\"{1}\" failures=\"{failed}\" errors=\"0\" time=\"{2:.6}\">\n",
        escaped(suite),
        verdicts.len(),
        all.as_secs_f64(),
    );
    for verdict in verdicts {
        let (name, seconds) = (escaped(&verdict.name), verdict.time.as_secs_f64());
        let _ = write!(
            text,
            "  <testcase classname=\"{}\" name=\"{name}\" time=\"{seconds:.6}\"",
            escaped(suite)
        );
        let _ = match &verdict.why {
            None => writeln!(text, "/>"),
            Some(why) => writeln!(
                text,
                ">\n    <failure message=\"{}\"/>\n  </testcase>",
                escaped(why)
            ),
        };
    }
    text.push_str("</testsuite>\n");
    text
}

/// A text in an attribute. What XML cannot carry at all is replaced.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' => safe.push_str("&#10;"),
            '\t' => safe.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_told_and_nothing_breaks_the_markup() {
        let verdict = |name: &str, why: Option<&str>| Verdict {
            name: name.to_owned(),
            time: Duration::from_millis(1500),
            why: why.map(str::to_owned),
        };
        let text = render(
            "s",
            &[verdict("a", None), verdict("b \"<&>\"", Some("x\u{1b}\ny"))],
        );
        let expected = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuite name=\"s\" tests=\"2\" failures=\"1\" errors=\"0\" time=\"3.000000\">
  <testcase classname=\"s\" name=\"a\" time=\"1.500000\"/>
  <testcase classname=\"s\" name=\"b &quot;&lt;&amp;&gt;&quot;\" time=\"1.500000\">
    <failure message=\"x\u{fffd}&#10;y\"/>
  </testcase>
</testsuite>
";
        assert_eq!(text, expected);
    }
}
