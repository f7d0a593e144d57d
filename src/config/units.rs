//! Amounts with a unit: bytes as `16 MiB`, times as `10s`, and how they are shown.

use std::time::Duration;

/// The units of bytes, the greatest first.
const BYTE_UNITS: [(&str, usize); 4] = [
    ("GiB", 1024 * 1024 * 1024),
    ("MiB", 1024 * 1024),
    ("KiB", 1024),
    ("B", 1),
];

/// Reads a number of bytes with its unit.
///
/// # Errors
/// How it is written.
pub(super) fn bytes(text: &str) -> Result<usize, String> {
    let right = "write bytes as \"16 MiB\", in B, KiB, MiB or GiB";
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = BYTE_UNITS.iter().find(|(name, _)| *name == unit.trim());
    let (_, size) = unit.ok_or(right)?;
    let number: usize = number.parse().map_err(|_| right)?;
    let bytes = number.checked_mul(*size);
    bytes.ok_or_else(|| "more bytes than a machine can count".to_owned())
}

/// Shows bytes in the greatest unit that divides them.
pub(super) fn show_bytes(bytes: usize) -> String {
    let fits = |size: usize| bytes > 0 && bytes.is_multiple_of(size);
    let unit = BYTE_UNITS.iter().find(|(_, size)| fits(*size));
    let (name, size) = unit.unwrap_or(&("B", 1));
    format!("{} {name}", bytes / size)
}

/// Reads a time with its units.
///
/// # Errors
/// How it is written.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "write a time as \"10s\", \"500ms\" or \"1h 30m\"".to_owned())
}

/// Shows a time.
pub(super) fn show_time(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_they_are_shown() {
        for (text, number) in [
            ("0 B", 0),
            ("1023 B", 1023),
            ("64 KiB", 65_536),
            ("16 MiB", 16 << 20),
            ("3 GiB", 3 << 30),
        ] {
            assert_eq!(bytes(text), Ok(number), "{text}");
            assert_eq!(show_bytes(number), text);
        }
        assert_eq!(bytes("64KiB"), Ok(65_536));
        for wrong in [
            "",
            "16",
            "16 MB",
            "1.5 MiB",
            "-1 B",
            "MiB",
            "16 mib",
            "99999999999 GiB",
        ] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_read_as_they_are_shown() {
        assert_eq!(time("1h 30m"), Ok(Duration::from_mins(90)));
        assert_eq!(
            time(&show_time(Duration::from_millis(1500))),
            Ok(Duration::from_millis(1500))
        );
        for wrong in ["", "10", "ten seconds", "-1s"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
