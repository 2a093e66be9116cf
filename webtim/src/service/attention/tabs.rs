//! Several tabs of one account: which of them calls for attention, and what is in sight in any of them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use gloo_events::EventListener;
use js_sys::{Function, Object, Promise, Reflect};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BroadcastChannel, MessageEvent};

/// What one tab says to the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Word {
    tab: String,
    /// Whether the tab is in sight. `None` asks the others.
    visible: Option<bool>,
    chat: Option<String>,
}

/// What is known of another tab.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    visible: bool,
    chat: Option<String>,
}

/// What is in sight anywhere.
#[derive(Debug, Default)]
struct Sight {
    own: Seen,
    others: HashMap<String, Seen>,
}

impl Sight {
    fn hear(&mut self, word: Word) {
        if let Some(visible) = word.visible {
            self.others.insert(
                word.tab,
                Seen {
                    visible,
                    chat: word.chat,
                },
            );
        }
    }

    fn any(&self) -> bool {
        self.own.visible || self.others.values().any(|seen| seen.visible)
    }

    fn reads(&self, chat: &str) -> bool {
        let reads = |seen: &Seen| seen.visible && seen.chat.as_deref() == Some(chat);
        reads(&self.own) || self.others.values().any(reads)
    }
}

/// The tabs of an account. Ends its part in the conversation of the tabs when it is dropped.
pub(super) struct Tabs {
    name: String,
    channel: Option<BroadcastChannel>,
    sight: Rc<RefCell<Sight>>,
    leads: Rc<Cell<bool>>,
    /// Gives the lead to another tab.
    resign: Rc<RefCell<Option<Function>>>,
    _listener: Option<EventListener>,
}

impl Tabs {
    /// Joins the tabs of that account.
    pub(super) fn join(account: &str) -> Self {
        let name = format!("{:x}", js_sys::Math::random().to_bits());
        let sight: Rc<RefCell<Sight>> = Rc::default();
        let channel = BroadcastChannel::new(&format!("tim-attention-{account}")).ok();
        let listener = channel.as_ref().map(|channel| {
            let (sight, own, answers) = (Rc::clone(&sight), name.clone(), channel.clone());
            EventListener::new(channel, "message", move |event| {
                let text = event
                    .dyn_ref::<MessageEvent>()
                    .and_then(|event| event.data().as_string());
                if let Some(word) = text.and_then(|text| serde_json::from_str::<Word>(&text).ok()) {
                    if word.visible.is_none() {
                        say(&answers, &own, Some(&sight.borrow().own));
                    }
                    sight.borrow_mut().hear(word);
                }
            })
        });
        let tabs = Self {
            name,
            channel,
            sight,
            leads: Rc::default(),
            resign: Rc::default(),
            _listener: listener,
        };
        if let Some(channel) = &tabs.channel {
            say(channel, &tabs.name, None);
        }
        tabs.apply_for_the_lead(&format!("tim-attention-{account}"));
        tabs
    }

    /// Tells the others what this tab shows.
    pub(super) fn show(&self, visible: bool, chat: Option<String>) {
        let seen = Seen { visible, chat };
        if self.sight.borrow().own == seen {
            return;
        }
        self.sight.borrow_mut().own = seen.clone();
        if let Some(channel) = &self.channel {
            say(channel, &self.name, Some(&seen));
        }
    }

    /// Whether this tab is the one that calls for attention.
    pub(super) fn leads(&self) -> bool {
        self.leads.get()
    }

    /// Whether any tab is in sight.
    pub(super) fn in_sight(&self) -> bool {
        self.sight.borrow().any()
    }

    /// Whether any tab in sight shows that conversation.
    pub(super) fn reads(&self, chat: &str) -> bool {
        self.sight.borrow().reads(chat)
    }

    /// One tab holds a lock as long as it lives; the next in line gets it afterwards. Without locks every tab leads.
    fn apply_for_the_lead(&self, lock: &str) {
        let leads = Rc::clone(&self.leads);
        let resign = Rc::clone(&self.resign);
        let granted = Closure::once_into_js(move |_lock: JsValue| {
            leads.set(true);
            Promise::new(&mut |resolve, _reject| {
                resign.replace(Some(resolve));
            })
        });
        if request_lock(lock, &granted).is_none() {
            self.leads.set(true);
        }
    }
}

impl Drop for Tabs {
    fn drop(&mut self) {
        self.show(false, None);
        if let Some(resign) = self.resign.borrow_mut().take() {
            drop(resign.call0(&JsValue::UNDEFINED));
        }
        if let Some(channel) = &self.channel {
            channel.close();
        }
    }
}

fn say(channel: &BroadcastChannel, tab: &str, seen: Option<&Seen>) {
    let word = Word {
        tab: tab.to_owned(),
        visible: seen.map(|seen| seen.visible),
        chat: seen.and_then(|seen| seen.chat.clone()),
    };
    if let Ok(text) = serde_json::to_string(&word) {
        // A closed channel has nobody to tell.
        drop(channel.post_message(&text.into()));
    }
}

fn request_lock(name: &str, granted: &JsValue) -> Option<()> {
    let navigator = web_sys::window()?.navigator();
    let locks = Reflect::get(&navigator, &"locks".into())
        .ok()
        .filter(JsValue::is_truthy)?;
    let request: Function = Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;
    let options = Object::new();
    Reflect::set(&options, &"mode".into(), &"exclusive".into()).ok()?;
    let held = request.call3(&locks, &name.into(), &options, granted).ok()?;
    // The promise ends with the lock; nobody waits for it.
    drop(held);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(tab: &str, visible: Option<bool>, chat: Option<&str>) -> Word {
        Word {
            tab: tab.to_owned(),
            visible,
            chat: chat.map(str::to_owned),
        }
    }

    #[test]
    fn a_conversation_is_read_only_where_it_is_in_sight() {
        let mut sight = Sight::default();
        assert!(!sight.any());
        sight.hear(word("b", Some(true), Some("u:x")));
        assert!(sight.any() && sight.reads("u:x") && !sight.reads("u:y"));
        sight.hear(word("b", Some(false), Some("u:x")));
        sight.hear(word("c", None, None));
        assert!(!sight.any() && !sight.reads("u:x"));
    }
}
