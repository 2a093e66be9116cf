//! Which device this tab is to the server. Every open tab is a device of its own, or two of them would push each other
//! out; a tab that is opened again takes up the place of an earlier one, or the server would keep more and more of them.

use std::cell::RefCell;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

/// Tabs of one browser that have a place to come back to. More are possible, but each is new to the server.
const PLACES: u32 = 8;

/// The name of this tab's device, once it has one.
#[derive(Default)]
pub(super) struct Device {
    name: RefCell<Option<String>>,
}

impl Device {
    /// The name, taken at the first call and kept until the page ends.
    pub(super) async fn name(&self) -> String {
        if let Some(name) = self.name.borrow().clone() {
            return name;
        }
        let browser = browser_name();
        let mut name = None;
        for place in 1..=PLACES {
            let candidate = format!("web-{browser}-{place}");
            match hold(&format!("tim-{candidate}")).await {
                Some(true) => {
                    name = Some(candidate);
                    break;
                }
                Some(false) => {}
                // No locks here, as on plain HTTP: a name for this tab alone.
                None => break,
            }
        }
        let name = name.unwrap_or_else(|| format!("web-{browser}-{}", random_word()));
        *self.name.borrow_mut() = Some(name.clone());
        name
    }
}

/// What tells this browser from the others of the account.
fn browser_name() -> String {
    const KEY: &str = "tim.browser";
    if let Some(name) = super::storage::read(KEY).filter(|name| (1..=8).contains(&name.len())) {
        return name;
    }
    let name = random_word();
    super::storage::write(KEY, &name);
    name
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Between 0 and the number of letters.
fn random_word() -> String {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    (0..6)
        .map(|_| {
            let index = (js_sys::Math::random() * LETTERS.len() as f64) as usize;
            char::from(LETTERS.get(index).copied().unwrap_or(b'a'))
        })
        .collect()
}

/// Takes a lock of this name until the page ends. `None`: the browser has none.
async fn hold(name: &str) -> Option<bool> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    let request: Function = Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;

    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE).ok()?;
    let granted = Promise::new(&mut |resolve, _| {
        let callback = Closure::once_into_js(move |lock: JsValue| -> JsValue {
            let is_granted = !lock.is_null();
            let _answered = resolve.call1(&JsValue::UNDEFINED, &is_granted.into());
            if is_granted {
                // Never settled: the lock is held until the page is gone.
                Promise::new(&mut |_, _| {}).into()
            } else {
                JsValue::UNDEFINED
            }
        });
        let _held = request.call3(&locks, &name.into(), &options, &callback);
    });
    wasm_bindgen_futures::JsFuture::from(granted)
        .await
        .ok()?
        .as_bool()
}
