//! What the two encodings have in common: the choice of encoding, the error of reading, the trait of the wire
//! structs and the trait of the values inside them. Nothing here knows a particular struct.

pub mod compact;
pub mod json;

use std::collections::BTreeMap;

use bytes::Bytes;
use thiserror::Error;

use compact::Reader;
use json::Members;

/// How deep values may be nested inside one struct before it is refused. The structs need 4.
pub const MAX_NESTING: u32 = 32;

/// A decoded value uses at most `DECODE_FACTOR * input length + DECODE_BASE` bytes of memory, else decoding
/// ends with [`DecodeError::TooLarge`].
///
/// The factor is what the smallest sensible content needs: an entry of a map of short strings takes about 15
/// bytes on the wire and more than 500 bytes in a `BTreeMap` that holds nothing else.
pub const DECODE_FACTOR: usize = 64;

/// The constant part of the memory bound of decoding, in bytes. See [`DECODE_FACTOR`].
pub const DECODE_BASE: usize = 16 * 1024;

/// The part of [`DECODE_FACTOR`] that is left to the contents of strings and to buffers of the parser. The
/// rest is what containers are charged for.
const CONTENT_FACTOR: usize = 8;

/// What the containers of a decoded value may take, in bytes.
fn container_budget(input_length: usize) -> usize {
    input_length
        .saturating_mul(DECODE_FACTOR - CONTENT_FACTOR)
        .saturating_add(DECODE_BASE)
}

/// The two encodings of the wire structs (`wire-protocol 5`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Thrift compact protocol, bare struct (`wire-protocol 5.2`).
    #[default]
    Compact,
    /// UTF-8 JSON object (`wire-protocol 5.3`).
    Json,
}

/// Why bytes could not be read as a wire struct.
///
/// The error carries no part of the input, so that it can be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input ends inside a value.
    #[error("the input ends inside a value")]
    UnexpectedEnd,
    /// A variable-length integer is longer than its type allows.
    #[error("a variable-length integer is too long")]
    Varint,
    /// An integer does not fit the type of its field.
    #[error("an integer is out of the range of its field")]
    IntegerRange,
    /// A type code that the compact protocol does not define.
    #[error("unknown compact type code {0}")]
    UnknownType(u8),
    /// A string is not UTF-8.
    #[error("a string is not UTF-8")]
    Utf8,
    /// Values are nested deeper than [`MAX_NESTING`].
    #[error("values are nested deeper than {MAX_NESTING}")]
    TooDeep,
    /// The decoded form would need more memory than the bound of [`DECODE_FACTOR`] allows.
    #[error("the decoded form would be too large for its input")]
    TooLarge,
    /// The text is not JSON, or a member has the wrong type.
    #[error("malformed JSON at line {line}, column {column}")]
    Json {
        /// Line of the text, from 1.
        line: usize,
        /// Column of the text in bytes, from 1.
        column: usize,
    },
}

/// A struct that travels in both encodings. Implemented by the structs of [`crate::wire`] and [`crate::admin`]
/// only.
pub trait WireStruct: sealed::Fields {
    /// Name of the struct in the interface definition, for example `TimMessage`.
    const NAME: &'static str;

    /// Appends the encoded struct to `out`. Reuse `out` to encode without allocating.
    fn encode_into(&self, encoding: Encoding, out: &mut Vec<u8>) {
        match encoding {
            Encoding::Compact => compact::encode_into(self, out),
            Encoding::Json => json::encode_into(self, out),
        }
    }

    /// Returns the encoded struct.
    fn encode(&self, encoding: Encoding) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.encode_into(encoding, &mut out);
        out
    }

    /// Reads a struct. Unknown fields are skipped and missing ones are absent, or zero when the definition
    /// requires them. See [`compact::decode`] and [`json::decode`] for what the two encodings tolerate.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not a complete struct of that encoding.
    fn decode(input: &[u8], encoding: Encoding) -> Result<Self, DecodeError> {
        match encoding {
            Encoding::Compact => compact::decode(input),
            Encoding::Json => json::decode(input),
        }
    }
}

pub(crate) mod sealed {
    use super::{DecodeError, Members, Reader};

    /// The code that the struct table generates. Sealed: the module is private to the crate.
    pub trait Fields: Sized + Default + Clone + PartialEq + std::fmt::Debug {
        /// Writes all fields and the final STOP byte.
        fn write_compact(&self, out: &mut Vec<u8>);
        /// Reads fields up to and including the STOP byte.
        fn read_compact(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError>;
        /// Writes the JSON object.
        fn write_json(&self, out: &mut Vec<u8>);
        /// The number of the member of that name, in any letter case.
        fn member(name: &[u8]) -> Option<u8>;
        /// Reads the value of the member with that number.
        fn read_member<'de, A: serde::de::MapAccess<'de>>(
            &mut self,
            member: u8,
            members: &mut Members<'_, A>,
        ) -> Result<(), A::Error>;
    }
}

/// A value of a field: how it is written and read in both encodings.
///
/// `read_compact` gives `None` for a container whose elements have another type than expected: it is skipped
/// as a whole and counts as absent (`wire-protocol 5.2`, rules for readers).
pub(crate) trait Value: Sized + Default {
    /// Type code of the compact protocol in a field header. Booleans use two codes, see [`Value::accepts`].
    const TYPE: u8;

    /// Whether a field header with this type code announces such a value.
    fn accepts(type_code: u8) -> bool {
        type_code == Self::TYPE
    }
    /// Writes header and value of a field.
    fn write_field(&self, id: i16, last: &mut i16, out: &mut Vec<u8>) {
        compact::write_header(out, last, id, Self::TYPE);
        self.write_element(out);
    }
    /// Writes the value as an element of a list or map.
    fn write_element(&self, out: &mut Vec<u8>);
    /// Reads the value after a field header with this type code.
    fn read_field(_type_code: u8, reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        Self::read_element(reader)
    }
    /// Reads the value as an element of a list or map.
    fn read_element(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError>;

    /// Whether the JSON form omits the value in an optional member.
    fn omitted(&self) -> bool {
        false
    }
    /// Writes the JSON value.
    fn write_json(&self, out: &mut Vec<u8>);
    /// Reads a JSON value that is not null.
    fn read_json<'de, D: serde::Deserializer<'de>>(
        source: D,
        budget: &json::Budget,
    ) -> Result<Self, D::Error>;
}

impl Value for bool {
    const TYPE: u8 = compact::TRUE;

    fn accepts(type_code: u8) -> bool {
        matches!(type_code, compact::TRUE | compact::FALSE)
    }
    #[inline]
    fn write_field(&self, id: i16, last: &mut i16, out: &mut Vec<u8>) {
        compact::write_header(out, last, id, if *self { compact::TRUE } else { compact::FALSE });
    }
    fn write_element(&self, out: &mut Vec<u8>) {
        out.push(if *self { compact::TRUE } else { compact::FALSE });
    }
    fn read_field(type_code: u8, _reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        Ok(Some(type_code == compact::TRUE))
    }
    fn read_element(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        Ok(Some(reader.byte()? == compact::TRUE))
    }
    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
    fn read_json<'de, D: serde::Deserializer<'de>>(
        source: D,
        _budget: &json::Budget,
    ) -> Result<Self, D::Error> {
        <bool as serde::Deserialize>::deserialize(source)
    }
}

impl Value for i8 {
    const TYPE: u8 = compact::BYTE;

    #[inline]
    fn write_element(&self, out: &mut Vec<u8>) {
        out.push(self.to_be_bytes()[0]);
    }
    #[inline]
    fn read_element(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        Ok(Some(i8::from_be_bytes([reader.byte()?])))
    }
    fn write_json(&self, out: &mut Vec<u8>) {
        json::write_integer(out, i64::from(*self));
    }
    fn read_json<'de, D: serde::Deserializer<'de>>(
        source: D,
        _budget: &json::Budget,
    ) -> Result<Self, D::Error> {
        json::read_integer(source)
    }
}

macro_rules! varint_value {
    ($($ty:ty = $code:expr),+) => {$(
        impl Value for $ty {
            const TYPE: u8 = $code;

            #[inline]
            fn write_element(&self, out: &mut Vec<u8>) {
                compact::write_signed(out, i64::from(*self));
            }
            #[inline]
            fn read_element(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
                <$ty>::try_from(reader.signed()?).map(Some).map_err(|_| DecodeError::IntegerRange)
            }
            fn write_json(&self, out: &mut Vec<u8>) {
                json::write_integer(out, i64::from(*self));
            }
            fn read_json<'de, D: serde::Deserializer<'de>>(
                source: D,
                _budget: &json::Budget,
            ) -> Result<Self, D::Error> {
                json::read_integer(source)
            }
        }
    )+};
}
varint_value!(i16 = compact::I16, i32 = compact::I32, i64 = compact::I64);

impl Value for String {
    const TYPE: u8 = compact::BINARY;

    #[inline]
    fn write_element(&self, out: &mut Vec<u8>) {
        compact::write_binary(out, self.as_bytes());
    }
    #[inline]
    fn read_element(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let text = std::str::from_utf8(reader.binary()?).map_err(|_| DecodeError::Utf8)?;
        Ok(Some(text.to_owned()))
    }
    fn write_json(&self, out: &mut Vec<u8>) {
        json::write_string(out, self);
    }
    fn read_json<'de, D: serde::Deserializer<'de>>(
        source: D,
        _budget: &json::Budget,
    ) -> Result<Self, D::Error> {
        json::read_string(source)
    }
}

impl Value for Bytes {
    const TYPE: u8 = compact::BINARY;

    #[inline]
    fn write_element(&self, out: &mut Vec<u8>) {
        compact::write_binary(out, self);
    }
    #[inline]
    fn read_element(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        Ok(Some(Bytes::copy_from_slice(reader.binary()?)))
    }
    fn write_json(&self, out: &mut Vec<u8>) {
        json::write_base64(out, self);
    }
    fn read_json<'de, D: serde::Deserializer<'de>>(
        source: D,
        _budget: &json::Budget,
    ) -> Result<Self, D::Error> {
        json::read_base64(source)
    }
}

impl<T: Value> Value for Vec<T> {
    const TYPE: u8 = compact::LIST;

    fn write_element(&self, out: &mut Vec<u8>) {
        compact::write_list_header(out, self.len(), T::TYPE);
        for element in self {
            element.write_element(out);
        }
    }
    fn read_element(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        reader.list()
    }
    fn omitted(&self) -> bool {
        self.is_empty()
    }
    fn write_json(&self, out: &mut Vec<u8>) {
        let mut separator = b'[';
        for element in self {
            out.push(separator);
            element.write_json(out);
            separator = b',';
        }
        if separator == b'[' {
            out.push(b'[');
        }
        out.push(b']');
    }
    fn read_json<'de, D: serde::Deserializer<'de>>(
        source: D,
        budget: &json::Budget,
    ) -> Result<Self, D::Error> {
        json::read_list(source, budget)
    }
}

impl<T: Value> Value for BTreeMap<String, T> {
    const TYPE: u8 = compact::MAP;

    fn write_element(&self, out: &mut Vec<u8>) {
        compact::write_map_header(out, self.len(), String::TYPE, T::TYPE);
        for (key, value) in self {
            key.write_element(out);
            value.write_element(out);
        }
    }
    fn read_element(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        reader.map()
    }
    fn omitted(&self) -> bool {
        self.is_empty()
    }
    fn write_json(&self, out: &mut Vec<u8>) {
        let mut separator = b'{';
        for (key, value) in self {
            out.push(separator);
            json::write_string(out, key);
            out.push(b':');
            value.write_json(out);
            separator = b',';
        }
        if separator == b'{' {
            out.push(b'{');
        }
        out.push(b'}');
    }
    fn read_json<'de, D: serde::Deserializer<'de>>(
        source: D,
        budget: &json::Budget,
    ) -> Result<Self, D::Error> {
        json::read_map(source, budget)
    }
}

/// Memory that a map takes for one more entry, in bytes: nodes hold 11 entries and are at least half full.
pub(crate) fn map_entry_size<T>(entries_before: usize) -> usize {
    let pair = size_of::<String>() + size_of::<T>();
    if entries_before == 0 {
        11 * pair + 32
    } else {
        2 * pair + 32
    }
}
