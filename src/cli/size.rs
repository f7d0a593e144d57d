//! A number of bytes as people write it.

/// `65536`, `64k`, `64KiB`, `16m`, `16MiB`, `1GiB`; never 0. Units are powers of 1024.
pub(super) fn parse(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" => Some(0),
        "k" | "kib" => Some(10),
        "m" | "mib" => Some(20),
        "g" | "gib" => Some(30),
        _ => None,
    };
    let number = digits.parse::<usize>().ok();
    number
        .zip(shift)
        .and_then(|(number, shift)| number.checked_mul(1 << shift))
        .filter(|size| *size > 0)
        .ok_or_else(|| "write a number of bytes as 65536, 64k or 16MiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_with_units() {
        assert_eq!(parse("1000"), Ok(1000));
        assert_eq!(parse("64MiB"), Ok(64 << 20));
        assert_eq!(parse("16m"), Ok(16 << 20));
        assert_eq!(parse("1k"), Ok(1024));
        for text in [
            "",
            "MiB",
            "0",
            "0k",
            "-1",
            "1.5M",
            "1TB",
            "99999999999GiB",
            "1 k",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
