//! The JSON form (`wire-protocol 5.3`), read with `serde_json` under the tolerance rules of the protocol and
//! written by hand. Error values never carry a piece of the input.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::sealed::Fields;
use super::{DecodeError, MAX_NESTING, Value, WireStruct, container_budget, map_entry_size};

/// Appends the JSON form of `value` to `out`: members in the order of their field ids, unset optional members
/// and optional members that are empty lists or maps left out, no white space.
pub fn encode_into<T: WireStruct>(value: &T, out: &mut Vec<u8>) {
    value.write_json(out);
}

/// Reads a struct from its JSON form.
///
/// Tolerated: `null` for anything, missing and unknown members, member names in any letter case, repeated
/// members (the last one counts), halves of surrogate pairs in strings (read as U+FFFD, because browsers
/// send them for text that was cut inside a character), control characters in strings.
///
/// Refused: a top-level value that is not an object, a member of the wrong type, numbers with fraction or
/// exponent or out of range, base64 that is not standard with padding, nesting deeper than [`MAX_NESTING`],
/// and anything but white space after the object.
///
/// # Errors
/// [`DecodeError::Json`], [`DecodeError::TooDeep`] or [`DecodeError::TooLarge`].
pub fn decode<T: WireStruct>(input: &[u8]) -> Result<T, DecodeError> {
    check_nesting(input)?;
    let budget = Budget::for_input(input.len());
    let mut source = serde_json::Deserializer::from_slice(input);
    let decoded = (&mut source).deserialize_map(Object::<T> {
        budget: &budget,
        target: PhantomData,
    });
    decoded
        .and_then(|value| source.end().map(|()| value))
        .map_err(|error| {
            if budget.exceeded.get() {
                DecodeError::TooLarge
            } else {
                DecodeError::Json {
                    line: error.line(),
                    column: error.column(),
                }
            }
        })
}

/// Refuses deep nesting before anything is parsed, so that no parser has to be trusted with it.
fn check_nesting(input: &[u8]) -> Result<(), DecodeError> {
    let mut depth = 0_u32;
    let mut bytes = input.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_NESTING {
                    return Err(DecodeError::TooDeep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(inside) = bytes.next() {
                    match inside {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Memory that the decoded form may still take.
pub struct Budget {
    left: Cell<usize>,
    exceeded: Cell<bool>,
}

impl Budget {
    fn for_input(length: usize) -> Self {
        Self {
            left: Cell::new(container_budget(length)),
            exceeded: Cell::new(false),
        }
    }

    fn charge<E: Error>(&self, bytes: usize) -> Result<(), E> {
        if let Some(left) = self.left.get().checked_sub(bytes) {
            self.left.set(left);
            Ok(())
        } else {
            self.exceeded.set(true);
            Err(E::custom("too large"))
        }
    }
}

/// The members of an object that is being read.
pub struct Members<'b, A> {
    access: A,
    budget: &'b Budget,
}

impl<'de, A: MapAccess<'de>> Members<'_, A> {
    /// The next value, or `None` for null.
    pub(crate) fn value<T: Value>(&mut self) -> Result<Option<T>, A::Error> {
        self.access.next_value_seed(Nullable {
            budget: self.budget,
            target: PhantomData,
        })
    }
}

/// Reads an object into a struct.
struct Object<'b, T> {
    budget: &'b Budget,
    target: PhantomData<T>,
}

impl<'de, T: Fields> Visitor<'de> for Object<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<T, A::Error> {
        let mut value = T::default();
        let mut members = Members {
            access,
            budget: self.budget,
        };
        while let Some(member) = members.access.next_key_seed(MemberName(PhantomData::<T>))? {
            match member {
                Some(member) => value.read_member(member, &mut members)?,
                None => drop(members.access.next_value::<IgnoredAny>()?),
            }
        }
        Ok(value)
    }
}

/// Finds the number of a member, `None` for an unknown name.
struct MemberName<T>(PhantomData<T>);

impl<'de, T: Fields> DeserializeSeed<'de> for MemberName<T> {
    type Value = Option<u8>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Option<u8>, D::Error> {
        source.deserialize_bytes(self)
    }
}

impl<T: Fields> Visitor<'_> for MemberName<T> {
    type Value = Option<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Option<u8>, E> {
        Ok(T::member(name))
    }
}

/// Reads a value that may be null.
struct Nullable<'b, T> {
    budget: &'b Budget,
    target: PhantomData<T>,
}

impl<'de, T: Value> DeserializeSeed<'de> for Nullable<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Option<T>, D::Error> {
        source.deserialize_option(self)
    }
}

impl<'de, T: Value> Visitor<'de> for Nullable<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of the type of the member")
    }

    fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, source: D) -> Result<Option<T>, D::Error> {
        T::read_json(source, self.budget).map(Some)
    }
}

pub(crate) fn read_struct<'de, T: Fields, D: Deserializer<'de>>(
    source: D,
    budget: &Budget,
) -> Result<T, D::Error> {
    source.deserialize_map(Object {
        budget,
        target: PhantomData,
    })
}

pub(crate) fn read_integer<'de, T: TryFrom<i64>, D: Deserializer<'de>>(source: D) -> Result<T, D::Error> {
    struct Integer;
    impl Visitor<'_> for Integer {
        type Value = i64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an integer")
        }
        fn visit_i64<E: Error>(self, value: i64) -> Result<i64, E> {
            Ok(value)
        }
        fn visit_u64<E: Error>(self, value: u64) -> Result<i64, E> {
            i64::try_from(value).map_err(|_| E::custom("out of range"))
        }
        // The parser gives "-0" as a floating-point number.
        fn visit_f64<E: Error>(self, value: f64) -> Result<i64, E> {
            if value == 0.0 && value.is_sign_negative() {
                Ok(0)
            } else {
                Err(E::custom("not an integer"))
            }
        }
    }
    let value = source.deserialize_i64(Integer)?;
    T::try_from(value).map_err(|_| D::Error::custom("out of range"))
}

pub(crate) fn read_string<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    source.deserialize_bytes(Text)
}

/// Reads a string, with U+FFFD for halves of surrogate pairs.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<String, D::Error> {
        source.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Text {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<String, E> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => replace_surrogates(bytes).ok_or_else(|| E::custom("not UTF-8")),
        }
    }
}

/// Text from bytes that are UTF-8 except for encoded surrogates, which is how the parser hands out escapes
/// of single surrogates. `None` when anything else is wrong with them.
fn replace_surrogates(bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                return Some(text);
            }
            Err(error) => {
                let (valid, invalid) = rest.split_at_checked(error.valid_up_to())?;
                text.push_str(std::str::from_utf8(valid).ok()?);
                let (0xED, [0xA0..=0xBF, 0x80..=0xBF, after @ ..]) = invalid.split_first()? else {
                    return None;
                };
                text.push(char::REPLACEMENT_CHARACTER);
                rest = after;
            }
        }
    }
}

pub(crate) fn read_base64<'de, D: Deserializer<'de>>(source: D) -> Result<Bytes, D::Error> {
    struct Base64;
    impl Visitor<'_> for Base64 {
        type Value = Bytes;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a base64 string")
        }
        fn visit_bytes<E: Error>(self, text: &[u8]) -> Result<Bytes, E> {
            STANDARD
                .decode(text)
                .map(Bytes::from)
                .map_err(|_| E::custom("not base64"))
        }
    }
    source.deserialize_bytes(Base64)
}

pub(crate) fn read_list<'de, T: Value, D: Deserializer<'de>>(
    source: D,
    budget: &Budget,
) -> Result<Vec<T>, D::Error> {
    struct List<'b, T>(&'b Budget, PhantomData<T>);
    impl<'de, T: Value> Visitor<'de> for List<'_, T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(element) = access.next_element_seed(Nullable {
                budget: self.0,
                target: PhantomData::<T>,
            })? {
                // A vector starts with room for four and doubles, with old and new room in use for a moment.
                self.0
                    .charge(size_of::<T>() * if list.is_empty() { 4 } else { 3 })?;
                list.push(element.unwrap_or_default());
            }
            Ok(list)
        }
    }
    source.deserialize_seq(List(budget, PhantomData))
}

pub(crate) fn read_map<'de, T: Value, D: Deserializer<'de>>(
    source: D,
    budget: &Budget,
) -> Result<BTreeMap<String, T>, D::Error> {
    struct Map<'b, T>(&'b Budget, PhantomData<T>);
    impl<'de, T: Value> Visitor<'de> for Map<'_, T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some(key) = access.next_key_seed(Text)? {
                self.0.charge(map_entry_size::<T>(map.len()))?;
                let value = access.next_value_seed(Nullable {
                    budget: self.0,
                    target: PhantomData::<T>,
                })?;
                map.insert(key, value.unwrap_or_default());
            }
            Ok(map)
        }
    }
    source.deserialize_map(Map(budget, PhantomData))
}

/// Appends `"name":` after a comma, or after the opening brace for the first member.
pub(crate) fn write_member_name(out: &mut Vec<u8>, separator: &mut u8, name: &str) {
    out.push(*separator);
    *separator = b',';
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Appends the closing brace, and the opening one when there was no member.
pub(crate) fn write_object_end(out: &mut Vec<u8>, separator: u8) {
    if separator == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
}

pub(crate) fn write_integer(out: &mut Vec<u8>, value: i64) {
    let mut digits = [0_u8; 20];
    let mut start = digits.len();
    let mut rest = value.unsigned_abs();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10).to_le_bytes()[0];
        start -= 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(plain) = rest
        .iter()
        .position(|byte| matches!(byte, 0..0x20 | b'"' | b'\\'))
    {
        let (before, from) = rest.split_at(plain);
        out.extend_from_slice(before);
        let Some((&byte, after)) = from.split_first() else {
            break;
        };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(control >> 4)]);
                out.push(HEX[usize::from(control & 0x0F)]);
            }
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

pub(crate) fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    // 3 bytes give 4 characters; a multiple of 3 keeps padding at the end only.
    let mut text = [0_u8; 1024];
    for chunk in bytes.chunks(768) {
        if let Ok(length) = STANDARD.encode_slice(chunk, &mut text) {
            out.extend_from_slice(text.get(..length).unwrap_or_default());
        }
    }
    out.push(b'"');
}
