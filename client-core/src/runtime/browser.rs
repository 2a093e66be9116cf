//! Running in a JavaScript host: a page, a worker, or Node.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Function, Reflect};
use parking_lot::Mutex;
use wasm_bindgen::prelude::*;
use web_sys::EventTarget;

use super::script::{Sleep, performance_now};

/// Something under way.
pub(crate) type Task<T> = Pin<Box<dyn Future<Output = T>>>;

/// Starts something as often as it is asked to.
pub(crate) type Source<T> = Rc<dyn Fn() -> Task<T>>;

/// The wall clock is this much ahead of the other clock when the device has slept, in milliseconds.
const SLEPT: f64 = 5_000.0;

/// Counts the time since it was made, the time for which the device slept included.
#[derive(Debug)]
pub(crate) struct Clock(Mutex<Reading>);

#[derive(Debug)]
struct Reading {
    steady: f64,
    wall: f64,
    /// Milliseconds counted so far.
    elapsed: f64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Reading {
            steady: performance_now(),
            wall: js_sys::Date::now(),
            elapsed: 0.0,
        }))
    }

    pub(crate) fn now(&self) -> Duration {
        let (steady, wall) = (performance_now(), js_sys::Date::now());
        let mut reading = self.0.lock();
        let by_steady = (steady - reading.steady).max(0.0);
        let by_wall = wall - reading.wall;
        reading.elapsed += if by_wall > by_steady + SLEPT {
            by_wall
        } else {
            by_steady
        };
        reading.steady = steady;
        reading.wall = wall;
        Duration::from_secs_f64(reading.elapsed / 1000.0)
    }

    /// The wall-clock time, in milliseconds since the Unix epoch.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a date of this age is a whole number far below 2^53"
    )]
    pub(crate) fn unix_millis() -> u64 {
        js_sys::Date::now().max(0.0) as u64
    }
}

pub(crate) async fn sleep_until(clock: &Clock, at: Duration) {
    Sleep::new(at.saturating_sub(clock.now())).await;
}

pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(task);
}

pub(crate) fn random_seed() -> u64 {
    // Without a source of randomness the time has to do: the seed keeps no secret.
    getrandom::u64().unwrap_or_else(|_| performance_now().to_bits() ^ js_sys::Date::now().to_bits())
}

/// Tells when the device may have woken up or changed its network, where the host has events for that.
pub(crate) struct WakeSignals {
    listeners: Vec<(EventTarget, &'static str)>,
    handler: Closure<dyn FnMut()>,
}

impl WakeSignals {
    pub(crate) fn listen(wake: impl Fn() + 'static) -> Self {
        let global = js_sys::global();
        let document = Reflect::get(&global, &"document".into())
            .ok()
            .filter(JsValue::is_object);
        let handler = Closure::<dyn FnMut()>::new({
            let document = document.clone();
            move || {
                let is_hidden = document
                    .as_ref()
                    .and_then(|document| Reflect::get(document, &"hidden".into()).ok())
                    .is_some_and(|hidden| hidden.is_truthy());
                if !is_hidden {
                    wake();
                }
            }
        });
        let mut listeners = Vec::new();
        let mut add = |target: &JsValue, event: &'static str| {
            // Node has no such events.
            let can_listen = Reflect::get(target, &"addEventListener".into())
                .is_ok_and(|method| method.is_instance_of::<Function>());
            let target: &EventTarget = target.unchecked_ref();
            if can_listen
                && target
                    .add_event_listener_with_callback(event, handler.as_ref().unchecked_ref())
                    .is_ok()
            {
                listeners.push((target.clone(), event));
            }
        };
        add(&global, "online");
        add(&global, "pageshow");
        if let Some(document) = &document {
            add(document, "visibilitychange");
            add(document, "resume");
        }
        Self { listeners, handler }
    }
}

impl Drop for WakeSignals {
    fn drop(&mut self) {
        for (target, event) in &self.listeners {
            // It fails for unknown listeners only.
            if let Err(_unknown) =
                target.remove_event_listener_with_callback(event, self.handler.as_ref().unchecked_ref())
            {
            }
        }
    }
}
