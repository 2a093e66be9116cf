//! Reading what JavaScript passes. Wrong types are refused by name, never converted silently.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use js_sys::{Array, BigInt, Function, Object, Reflect, Uint8Array};
use tim_client::{Conversation, HistoryStart, Mid, Node, RoomId, Timestamp, VirtualRoomId};
use wasm_bindgen::prelude::*;

use crate::failure::Failure;

/// The properties of an object, or of nothing.
pub(crate) struct Fields<'a>(pub(crate) &'a JsValue);

impl Fields<'_> {
    /// A property that is there.
    pub(crate) fn get(&self, name: &str) -> Option<JsValue> {
        if !self.0.is_object() {
            return None;
        }
        Reflect::get(self.0, &JsValue::from_str(name))
            .ok()
            .filter(|value| !value.is_undefined() && !value.is_null())
    }

    fn read<T>(
        &self,
        name: &str,
        what: &str,
        read: impl FnOnce(&JsValue) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match read(&value) {
                Some(value) => Ok(Some(value)),
                None => Err(Failure::invalid(&format!("{name} must be {what}"))),
            },
        }
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        self.read(name, "a string", JsValue::as_string)
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        self.read(name, "true or false", JsValue::as_bool)
    }

    /// A whole number in the range of that type.
    pub(crate) fn number<T: TryFrom<i64>>(&self, name: &str) -> Result<Option<T>, Failure> {
        self.read(name, "a whole number in its range", |value| {
            whole(value).and_then(|number| T::try_from(number).ok())
        })
    }

    /// A time in milliseconds.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Duration>, Failure> {
        self.read(name, "a number of milliseconds", |value| {
            value
                .as_f64()
                .and_then(|milliseconds| Duration::try_from_secs_f64(milliseconds / 1000.0).ok())
        })
    }

    pub(crate) fn bytes(&self, name: &str) -> Result<Option<Bytes>, Failure> {
        self.read(name, "a Uint8Array", bytes)
    }

    pub(crate) fn function(&self, name: &str) -> Result<Option<Function>, Failure> {
        self.read(name, "a function", |value| value.dyn_ref::<Function>().cloned())
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, Failure> {
        self.map(name, "an object with strings", JsValue::as_string)
    }

    pub(crate) fn binaries(&self, name: &str) -> Result<Option<BTreeMap<String, Bytes>>, Failure> {
        self.map(name, "an object with Uint8Arrays", bytes)
    }

    fn map<T>(
        &self,
        name: &str,
        what: &str,
        read: impl Fn(&JsValue) -> Option<T>,
    ) -> Result<Option<BTreeMap<String, T>>, Failure> {
        self.read(name, what, |value| {
            let mut map = BTreeMap::new();
            for entry in Object::entries(value.dyn_ref::<Object>()?) {
                let entry: &Array = entry.unchecked_ref();
                map.insert(entry.get(0).as_string()?, read(&entry.get(1))?);
            }
            Some(map)
        })
    }

    pub(crate) fn room(&self, name: &str) -> Result<Option<RoomId>, Failure> {
        self.text(name)?.as_deref().map(room).transpose()
    }

    pub(crate) fn nodes(&self, name: &str) -> Result<Option<Vec<Node>>, Failure> {
        self.get(name).as_ref().map(nodes).transpose()
    }

    pub(crate) fn strings(&self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        self.read(name, "an array of strings", |value| {
            value
                .dyn_ref::<Array>()?
                .iter()
                .map(|text| text.as_string())
                .collect()
        })
    }
}

fn bytes(value: &JsValue) -> Option<Bytes> {
    value
        .dyn_ref::<Uint8Array>()
        .map(|bytes| Bytes::from(bytes.to_vec()))
}

/// A whole number, given as number or as `BigInt`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be whole, and below 2^53 where numbers are exact"
)]
fn whole(value: &JsValue) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_991.0;
    match value.as_f64() {
        Some(number) => (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64),
        None => i64::try_from(value.dyn_ref::<BigInt>()?.clone()).ok(),
    }
}

pub(crate) fn node(text: &str) -> Result<Node, Failure> {
    Node::new(text).map_err(|error| Failure::invalid(&error.to_string()))
}

pub(crate) fn room(text: &str) -> Result<RoomId, Failure> {
    RoomId::new(text).map_err(|error| Failure::invalid(&error.to_string()))
}

pub(crate) fn virtual_room(text: &str) -> Result<VirtualRoomId, Failure> {
    VirtualRoomId::new(text).map_err(|error| Failure::invalid(&error.to_string()))
}

pub(crate) fn nodes(value: &JsValue) -> Result<Vec<Node>, Failure> {
    let list = value
        .dyn_ref::<Array>()
        .ok_or_else(|| Failure::invalid("a list of nodes must be an array"))?;
    list.iter()
        .map(|text| node(&text.as_string().unwrap_or_default()))
        .collect()
}

pub(crate) fn rooms(value: &JsValue) -> Result<Vec<RoomId>, Failure> {
    Ok(nodes(value)?.into_iter().map(RoomId::from).collect())
}

pub(crate) fn mid(value: &JsValue) -> Result<Mid, Failure> {
    whole(value)
        .and_then(Mid::new)
        .ok_or_else(|| Failure::invalid("the number of a message must be a positive whole number"))
}

/// A node as text, or an object with `kind`.
pub(crate) fn conversation(value: &JsValue) -> Result<Conversation, Failure> {
    if let Some(peer) = value.as_string() {
        return Ok(node(&peer)?.into());
    }
    let fields = Fields(value);
    let part = |name| {
        fields
            .text(name)?
            .ok_or_else(|| Failure::invalid(&format!("the conversation has no {name}")))
    };
    match fields.text("kind")?.as_deref() {
        Some("peer") => Ok(node(&part("peer")?)?.into()),
        Some("room") => Ok(room(&part("room")?)?.into()),
        Some("system") => Ok(Conversation::System),
        _ => Err(Failure::invalid(
            "a conversation is a node, a room, or an object with its kind",
        )),
    }
}

/// Nothing, `{ at: mid }` or `{ before: nanoseconds }`.
pub(crate) fn history_start(value: &JsValue) -> Result<HistoryStart, Failure> {
    let fields = Fields(value);
    if let Some(at) = fields.get("at") {
        return Ok(HistoryStart::At(mid(&at)?));
    }
    Ok(match fields.number("time")? {
        Some(nanos) => HistoryStart::Time(Timestamp::from_nanos(nanos)),
        None => HistoryStart::Newest,
    })
}
