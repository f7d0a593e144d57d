//! One value from one format to another, without making values of it.
//!
//! What a router forwards to peers of another serializer passes here, so the memory it takes grows with the
//! bytes alone. Numbers of items, which the binary formats write in front and JSON does not know there, are
//! counted in a first pass.

use super::levels::Levels;
use super::read::{Reader, Step, Token};
use super::write::Writer;
use super::{DEPTH_MAX, SyntaxError};

/// Writes the one value that each `reader` reads.
pub(super) fn transcode<R: Reader, W: Writer>(
    reader: impl Fn() -> R,
    writer: &mut W,
) -> Result<(), SyntaxError> {
    let counts = if W::NEEDS_COUNTS {
        counts(reader())?
    } else {
        Vec::new()
    };
    let mut counts = counts.into_iter();
    let mut reader = reader();
    let mut levels = Levels::new(DEPTH_MAX);
    write_token(&mut reader, &mut levels, &mut counts, writer)?;
    while let Some((items, is_dict)) = levels.innermost() {
        if reader.next(items)? {
            if is_dict {
                writer.key(&reader.key()?);
            }
            write_token(&mut reader, &mut levels, &mut counts, writer)?;
        } else {
            if is_dict {
                writer.end_dict();
            } else {
                writer.end_list();
            }
            levels.leave();
        }
    }
    reader.end()
}

fn write_token<R: Reader, W: Writer>(
    reader: &mut R,
    levels: &mut Levels<R::Items>,
    counts: &mut impl Iterator<Item = u32>,
    writer: &mut W,
) -> Result<(), SyntaxError> {
    let mut count = |items| R::count(items).unwrap_or_else(|| counts.next().unwrap_or(0) as usize);
    match reader.token()? {
        Token::Null => writer.null(),
        Token::Bool(value) => writer.bool(value),
        Token::Integer(value) => writer.integer(value),
        Token::Float(value) => writer.float(value),
        Token::Text(value) => writer.text(&value),
        Token::Bytes(value) => writer.bytes(&value),
        Token::List(items) => {
            levels.enter_list(items, reader.cursor().position())?;
            writer.begin_list(count(&items));
        }
        Token::Dict(items) => {
            levels.enter_dict(items, reader.cursor().position())?;
            writer.begin_dict(count(&items));
        }
    }
    Ok(())
}

/// How many items each list and dict has that does not say so itself, in the order in which they begin.
fn counts<R: Reader>(mut reader: R) -> Result<Vec<u32>, SyntaxError> {
    let mut counts: Vec<u32> = Vec::new();
    // Of each list and dict around, which count is its own.
    let mut around = Vec::new();
    reader.walk(DEPTH_MAX, |step| match step {
        Step::Begin(None) => {
            around.push(Some(counts.len()));
            counts.push(0);
        }
        Step::Begin(Some(_)) => around.push(None),
        Step::Item => {
            let index = around.last().copied().flatten();
            if let Some(count) = index.and_then(|index| counts.get_mut(index)) {
                *count = count.saturating_add(1);
            }
        }
        Step::End => {
            around.pop();
        }
    })?;
    Ok(counts)
}
