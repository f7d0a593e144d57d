//! Finds the end of the plain part of a text, many bytes at a time.
//!
//! Most bytes of a message are text, and reader and writer stop at the same ones.

/// How many bytes from the start need no escape: none of `"`, `\` and the control characters.
///
/// Most texts are short, so the first bytes are looked at word by word. Whatever goes on is likely to go on for
/// long: there, the compiler has a block at a time looked at by vector instructions.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
    let Some((first, rest)) = bytes.split_at_checked(BLOCK) else {
        return plain_by_words(bytes);
    };
    let length = plain_by_words(first);
    if length < BLOCK {
        return length;
    }
    let (blocks, _) = rest.as_chunks::<BLOCK>();
    let blocks = blocks.iter().take_while(|block| is_plain(block)).count();
    let length = BLOCK + blocks * BLOCK;
    length + plain_by_words(bytes.get(length..).unwrap_or_default())
}

#[inline]
fn plain_by_words(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return index * WORD + found.trailing_zeros() as usize / 8;
        }
    }
    let in_tail = tail
        .iter()
        .position(|byte| matches!(byte, ..0x20 | b'"' | b'\\'));
    words.len() * WORD + in_tail.unwrap_or(tail.len())
}

/// Whether no byte of a block is special: of each byte a number is made that is 0 if it is, and the least of
/// them is taken, which are vector instructions all the way.
fn is_plain(block: &[u8; BLOCK]) -> bool {
    let least = block.iter().fold(u8::MAX, |least, byte| {
        let control = byte.saturating_sub(0x1f);
        least.min(control).min(byte ^ b'"').min(byte ^ b'\\')
    });
    least != 0
}

const BLOCK: usize = 64;
const WORD: usize = size_of::<u64>();

/// The top bit of each byte that ends a plain part, the lowest such byte being exact.
///
/// A byte is below a limit if taking the limit away borrows from its top bit. The borrow spoils only the
/// bytes above, and those do not count.
const fn special(word: u64) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x8080_8080_8080_8080;
    let quote = word ^ (LOW * b'"' as u64);
    let backslash = word ^ (LOW * b'\\' as u64);
    let control = word.wrapping_sub(LOW * 0x20) & !word;
    let quote = quote.wrapping_sub(LOW) & !quote;
    let backslash = backslash.wrapping_sub(LOW) & !backslash;
    (control | quote | backslash) & TOP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_byte_is_found_wherever_it_stands() {
        for special in 0..=u8::MAX {
            let ends = special < 0x20 || special == b'"' || special == b'\\';
            for around in [b'a', b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff] {
                for length in [1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 100] {
                    for position in 0..length {
                        let mut text = vec![around; length];
                        text[position] = special;
                        let expected = if ends { position } else { length };
                        assert_eq!(plain(&text), expected, "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_first_of_several_counts() {
        assert_eq!(plain(b"abc\x00\x01\"\\defgh"), 3);
        assert_eq!(plain(b"\x1f \x1f\"\"\"\"\""), 0);
        assert_eq!(plain(b""), 0);
    }
}
