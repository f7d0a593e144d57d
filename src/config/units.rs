//! Amounts with a unit: bytes as `16 MiB`, times as `10s`, and how they are shown.

use std::time::Duration;

use crate::router::Rate;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const GIB: usize = 1024 * MIB;
/// The greatest number in a rate: below, a part of a second is still some time.
const RATE_MAX: u32 = 1_000_000;

/// Reads a number of bytes: `65536`, `64k`, `64 KiB`, `16m`, `1GiB`. Units are powers of 1024.
///
/// # Errors
/// How it is written.
pub fn bytes(text: &str) -> Result<usize, String> {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let size = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "k" | "kib" => Some(KIB),
        "m" | "mib" => Some(MIB),
        "g" | "gib" => Some(GIB),
        _ => None,
    };
    let number: Option<usize> = number.parse().ok();
    let bytes = number.zip(size).and_then(|(it, size)| it.checked_mul(size));
    bytes.ok_or_else(|| "write a number of bytes as 65536, 64k or 16MiB".to_owned())
}

/// Shows bytes in the greatest unit that divides them.
pub(super) fn show_bytes(bytes: usize) -> String {
    let units = [("GiB", GIB), ("MiB", MIB), ("KiB", KIB)];
    let fitting = units
        .into_iter()
        .find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size));
    let (name, size) = fitting.unwrap_or(("B", 1));
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

/// Reads how often something may happen: `1000/s`, `10/m`.
///
/// # Errors
/// How it is written.
pub(super) fn rate(text: &str) -> Result<Rate, String> {
    let read = || {
        let (count, period) = text.split_once('/')?;
        let seconds = match period.trim() {
            "s" => 1,
            "m" => 60,
            _ => return None,
        };
        let count: u32 = count.trim().parse().ok()?;
        let rate = Rate::new(count, Duration::from_secs(seconds));
        rate.filter(|rate| rate.count() <= RATE_MAX)
    };
    read().ok_or_else(|| {
        format!("write a rate as \"1000/s\", or \"10/m\" for a minute, with from 1 to {RATE_MAX}")
    })
}

/// Writes a time as configs do.
#[must_use]
pub fn show_time(time: Duration) -> String {
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
        for (text, number) in [
            ("1000", 1000),
            ("64KiB", 65_536),
            ("1k", 1024),
            ("16M", 16 << 20),
        ] {
            assert_eq!(bytes(text), Ok(number), "{text}");
        }
        for wrong in [
            "",
            "MiB",
            "-1",
            "16 MB",
            "1.5 MiB",
            "1TB",
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
