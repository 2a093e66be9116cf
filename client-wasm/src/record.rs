//! Writing plain JavaScript objects. Whole numbers of 64 bits are `BigInt`, bytes are `Uint8Array`, and what is not
//! there is no property.

use std::collections::BTreeMap;
use std::fmt::Display;

use bytes::Bytes;
use js_sys::{Array, BigInt, Object, Reflect, Uint8Array};
use tim_client::{Mid, Timestamp};
use wasm_bindgen::prelude::*;

/// An object that is being filled.
pub(crate) struct Record(Object);

impl Record {
    pub(crate) fn new() -> Self {
        Self(Object::new())
    }

    /// An object that says what it is.
    pub(crate) fn of_type(name: &str) -> Self {
        Self::new().with("type", name)
    }

    /// An object whose names come from strangers: it inherits nothing, so that no name means more than others.
    fn map() -> Self {
        Self(Object::create(JsValue::NULL.unchecked_ref()))
    }

    pub(crate) fn with(self, name: &str, value: impl Into<JsValue>) -> Self {
        self.set(name, &value.into());
        self
    }

    pub(crate) fn maybe(self, name: &str, value: Option<impl Into<JsValue>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The text form of something that may be there.
    pub(crate) fn shown(self, name: &str, value: Option<&impl Display>) -> Self {
        self.maybe(name, value.map(ToString::to_string))
    }

    fn set(&self, name: &str, value: &JsValue) {
        // It fails for frozen objects only.
        if let Err(_frozen) = Reflect::set(&self.0, &JsValue::from_str(name), value) {}
    }
}

impl From<Record> for JsValue {
    fn from(record: Record) -> Self {
        record.0.into()
    }
}

pub(crate) fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

pub(crate) fn integer(number: i64) -> JsValue {
    BigInt::from(number).into()
}

pub(crate) fn unsigned(number: u64) -> JsValue {
    BigInt::from(number).into()
}

pub(crate) fn mid(mid: Mid) -> JsValue {
    integer(mid.get())
}

/// Nanoseconds since the Unix epoch.
pub(crate) fn time(time: Timestamp) -> JsValue {
    integer(time.nanos())
}

pub(crate) fn list<T>(items: impl IntoIterator<Item = T>, write: impl Fn(T) -> JsValue) -> JsValue {
    let list = Array::new();
    for item in items {
        list.push(&write(item));
    }
    list.into()
}

/// A list of text forms.
pub(crate) fn names<T: Display>(items: impl IntoIterator<Item = T>) -> JsValue {
    list(items, |item| item.to_string().into())
}

pub(crate) fn texts(fields: BTreeMap<String, String>) -> JsValue {
    let map = Record::map();
    for (name, text) in fields {
        map.set(&name, &text.into());
    }
    map.into()
}

pub(crate) fn binaries(fields: BTreeMap<String, Bytes>) -> JsValue {
    let map = Record::map();
    for (name, content) in fields {
        map.set(&name, &bytes(&content));
    }
    map.into()
}
