//! The Thrift compact protocol of a bare struct (`wire-protocol 5.2`). No length and no count read from the
//! input is believed before it has been compared with the bytes that are left.

use std::collections::BTreeMap;

use super::{DecodeError, MAX_NESTING, Value, WireStruct, container_budget, map_entry_size};

pub(crate) const STOP: u8 = 0;
pub(crate) const TRUE: u8 = 1;
pub(crate) const FALSE: u8 = 2;
pub(crate) const BYTE: u8 = 3;
pub(crate) const I16: u8 = 4;
pub(crate) const I32: u8 = 5;
pub(crate) const I64: u8 = 6;
const DOUBLE: u8 = 7;
pub(crate) const BINARY: u8 = 8;
pub(crate) const LIST: u8 = 9;
const SET: u8 = 10;
pub(crate) const MAP: u8 = 11;
pub(crate) const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// Appends the compact form of `value` to `out`.
pub fn encode_into<T: WireStruct>(value: &T, out: &mut Vec<u8>) {
    value.write_compact(out);
}

/// Reads a struct from its compact form.
///
/// Bytes after the final STOP byte are ignored. Unknown fields, and known fields with another type, are
/// skipped. Missing required fields are zero. Of a repeated field the last one counts.
///
/// # Errors
/// Every [`DecodeError`] except [`DecodeError::Json`]. A string that is not UTF-8 is refused.
pub fn decode<T: WireStruct>(input: &[u8]) -> Result<T, DecodeError> {
    let mut reader = Reader::new(input);
    let mut value = T::default();
    value.read_compact(&mut reader)?;
    Ok(value)
}

#[inline]
pub(crate) fn write_header(out: &mut Vec<u8>, last: &mut i16, id: i16, type_code: u8) {
    let delta = id.wrapping_sub(*last);
    match u8::try_from(delta) {
        Ok(delta @ 1..=15) => out.push(delta << 4 | type_code),
        _ => {
            out.push(type_code);
            write_signed(out, i64::from(id));
        }
    }
    *last = id;
}

#[inline]
pub(crate) fn write_unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

#[inline]
pub(crate) fn write_signed(out: &mut Vec<u8>, value: i64) {
    write_unsigned(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

#[inline]
pub(crate) fn write_binary(out: &mut Vec<u8>, value: &[u8]) {
    write_unsigned(out, value.len() as u64);
    out.extend_from_slice(value);
}

pub(crate) fn write_list_header(out: &mut Vec<u8>, count: usize, element: u8) {
    match u8::try_from(count) {
        Ok(count @ 0..=14) => out.push(count << 4 | element),
        _ => {
            out.push(0xF0 | element);
            write_unsigned(out, count as u64);
        }
    }
}

pub(crate) fn write_map_header(out: &mut Vec<u8>, count: usize, key: u8, value: u8) {
    write_unsigned(out, count as u64);
    if count > 0 {
        out.push(key << 4 | value);
    }
}

/// Header of one field.
pub(crate) struct FieldHeader {
    pub(crate) id: i16,
    pub(crate) type_code: u8,
}

/// What is left of an input, and of the memory that its decoded form may take.
pub struct Reader<'a> {
    rest: &'a [u8],
    budget: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self {
            rest: input,
            budget: container_budget(input.len()),
        }
    }

    /// Takes `bytes` off the memory budget, before that memory is allocated.
    fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        self.budget = self.budget.checked_sub(bytes).ok_or(DecodeError::TooLarge)?;
        Ok(())
    }

    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        let (&byte, rest) = self.rest.split_first().ok_or(DecodeError::UnexpectedEnd)?;
        self.rest = rest;
        Ok(byte)
    }

    #[inline]
    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(DecodeError::UnexpectedEnd)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(crate) fn unsigned(&mut self) -> Result<u64, DecodeError> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut value = u64::from(first & 0x7F);
        let mut shift = 7;
        loop {
            let byte = self.byte()?;
            // The tenth byte holds the last bit of 64.
            if shift == 63 && byte > 1 {
                return Err(DecodeError::Varint);
            }
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
        }
    }

    #[inline]
    pub(crate) fn signed(&mut self) -> Result<i64, DecodeError> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// A length or count. Each counted thing takes at least one byte, so more than what is left is refused.
    #[inline]
    fn count(&mut self) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.unsigned()?).map_err(|_| DecodeError::UnexpectedEnd)?;
        if count > self.rest.len() {
            Err(DecodeError::UnexpectedEnd)
        } else {
            Ok(count)
        }
    }

    #[inline]
    pub(crate) fn binary(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.count()?;
        self.take(length)
    }

    /// The next field header, or `None` at the STOP byte. `last` is the id of the field before.
    #[inline]
    pub(crate) fn field(&mut self, last: &mut i16) -> Result<Option<FieldHeader>, DecodeError> {
        let byte = self.byte()?;
        if byte == STOP {
            return Ok(None);
        }
        let delta = i16::from(byte >> 4);
        let id = if delta == 0 {
            i16::try_from(self.signed()?).map_err(|_| DecodeError::IntegerRange)?
        } else {
            last.checked_add(delta).ok_or(DecodeError::IntegerRange)?
        };
        *last = id;
        Ok(Some(FieldHeader {
            id,
            type_code: byte & 0x0F,
        }))
    }

    /// Skips the value of a field of a struct.
    pub(crate) fn skip_field(&mut self, type_code: u8) -> Result<(), DecodeError> {
        match type_code {
            TRUE | FALSE => Ok(()),
            _ => self.skip(type_code, 0),
        }
    }

    /// Skips one element of a container, or a field that is not a boolean.
    fn skip(&mut self, type_code: u8, depth: u32) -> Result<(), DecodeError> {
        if depth >= MAX_NESTING {
            return Err(DecodeError::TooDeep);
        }
        match type_code {
            TRUE | FALSE | BYTE => self.byte().map(drop),
            I16 | I32 | I64 => self.unsigned().map(drop),
            DOUBLE => self.take(8).map(drop),
            UUID => self.take(16).map(drop),
            BINARY => self.binary().map(drop),
            LIST | SET => {
                let (count, element) = self.list_header()?;
                self.skip_elements(count, element, depth)
            }
            MAP => match self.map_header()? {
                (0, ..) => Ok(()),
                (count, key, value) => self.skip_entries(count, key, value, depth),
            },
            STRUCT => {
                let mut last = 0;
                while let Some(field) = self.field(&mut last)? {
                    match field.type_code {
                        TRUE | FALSE => {}
                        other => self.skip(other, depth + 1)?,
                    }
                }
                Ok(())
            }
            other => Err(DecodeError::UnknownType(other)),
        }
    }

    fn skip_elements(&mut self, count: usize, element: u8, depth: u32) -> Result<(), DecodeError> {
        (0..count).try_for_each(|_| self.skip(element, depth + 1))
    }

    fn skip_entries(&mut self, count: usize, key: u8, value: u8, depth: u32) -> Result<(), DecodeError> {
        (0..count).try_for_each(|_| {
            self.skip(key, depth + 1)?;
            self.skip(value, depth + 1)
        })
    }

    /// Count and element type of a list or set.
    fn list_header(&mut self) -> Result<(usize, u8), DecodeError> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => self.count()?,
            count if usize::from(count) > self.rest.len() => return Err(DecodeError::UnexpectedEnd),
            count => usize::from(count),
        };
        Ok((count, byte & 0x0F))
    }

    /// Count, key type and value type of a map. The types of an empty map are not on the wire.
    fn map_header(&mut self) -> Result<(usize, u8, u8), DecodeError> {
        match self.count()? {
            0 => Ok((0, STOP, STOP)),
            count => {
                let types = self.byte()?;
                Ok((count, types >> 4, types & 0x0F))
            }
        }
    }

    pub(crate) fn list<T: Value>(&mut self) -> Result<Option<Vec<T>>, DecodeError> {
        let (count, element) = self.list_header()?;
        if count > 0 && !T::accepts(element) {
            self.skip_elements(count, element, 0)?;
            return Ok(None);
        }
        self.charge(count.saturating_mul(size_of::<T>()))?;
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(T::read_element(self)?.unwrap_or_default());
        }
        Ok(Some(list))
    }

    pub(crate) fn map<T: Value>(&mut self) -> Result<Option<BTreeMap<String, T>>, DecodeError> {
        let (count, key, value) = self.map_header()?;
        if count > 0 && !(String::accepts(key) && T::accepts(value)) {
            self.skip_entries(count, key, value, 0)?;
            return Ok(None);
        }
        let mut map = BTreeMap::new();
        for _ in 0..count {
            self.charge(map_entry_size::<T>(map.len()))?;
            let key = String::read_element(self)?.unwrap_or_default();
            map.insert(key, T::read_element(self)?.unwrap_or_default());
        }
        Ok(Some(map))
    }
}
