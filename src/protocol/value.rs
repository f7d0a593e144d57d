//! Values as every serializer can carry them: integers, floats, text and bytes kept apart.
//!
//! The router never turns payload into values; options, the client and the command line do.

use bytes::Bytes;
use bytestring::ByteString;

/// One value of a payload or an option.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// `true` or `false`, never a number.
    Bool(bool),
    /// A whole number. Serializers carry -2^63 to 2^64-1 (CBOR -2^64 to 2^64-1).
    Integer(i128),
    /// A floating-point number, also where it is whole.
    Float(f64),
    /// Unicode text.
    Text(ByteString),
    /// Binary data; in JSON a text of U+0000 and base64.
    Bytes(Bytes),
    /// Values in a row.
    List(Vec<Self>),
    /// Values by name.
    Dict(Dict),
}

/// Values by name, in the order in which they came. Of a name given twice, the last counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dict(Vec<(ByteString, Value)>);

impl Value {
    /// What kind of value this is, as error messages say it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "binary data",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dict",
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub const fn as_text(&self) -> Option<&ByteString> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An integer, or a float that is whole and exact; `None` for anything else.
    ///
    /// leniency: wampy's MessagePack and CBOR write ids above 2^32 as floats.
    #[must_use]
    pub fn whole_number(&self) -> Option<i128> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Float(number) => whole(*number),
            _ => None,
        }
    }
}

/// A float that is whole and exact as an integer.
#[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
pub(crate) fn whole(number: f64) -> Option<i128> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i128)
}

impl Dict {
    /// No names yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of a name. Cost: O(names).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// Adds a name; an earlier value of it is hidden.
    pub fn push(&mut self, name: impl Into<ByteString>, value: impl Into<Value>) {
        self.0.push((name.into(), value.into()));
    }

    /// Names and values, in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ByteString, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Dict {
    type Item = (ByteString, Value);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Into<ByteString>, V: Into<Value>> FromIterator<(K, V)> for Dict {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(
            entries
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Integer(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl From<ByteString> for Value {
    fn from(value: ByteString) -> Self {
        Self::Text(value)
    }
}

impl From<Bytes> for Value {
    fn from(value: Bytes) -> Self {
        Self::Bytes(value)
    }
}

impl<V: Into<Self>> From<Vec<V>> for Value {
    fn from(values: Vec<V>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl From<Dict> for Value {
    fn from(value: Dict) -> Self {
        Self::Dict(value)
    }
}
