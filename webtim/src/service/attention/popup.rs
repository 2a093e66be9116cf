//! Notices of the system, one for each conversation.

use std::cell::RefCell;
use std::collections::HashMap;

use gloo_events::EventListener;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Notification, NotificationOptions, NotificationPermission};

/// Whether the browser permits notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// It can be asked.
    Askable,
    /// Yes.
    Granted,
    /// No. Only the settings of the browser change that.
    Denied,
    /// This browser has none.
    Missing,
}

/// Whether the browser permits notices.
#[must_use]
pub fn permission() -> Permission {
    let window = web_sys::window();
    let known =
        window.is_some_and(|window| js_sys::Reflect::has(&window, &"Notification".into()).unwrap_or(false));
    if !known {
        return Permission::Missing;
    }
    match Notification::permission() {
        NotificationPermission::Granted => Permission::Granted,
        NotificationPermission::Denied => Permission::Denied,
        _ => Permission::Askable,
    }
}

/// Asks the person. Must be called in answer to something that they did.
pub async fn ask() -> Permission {
    if permission() == Permission::Askable
        && let Ok(promise) = Notification::request_permission()
    {
        // The answer is read below, in whatever form it comes.
        drop(JsFuture::from(promise).await);
    }
    permission()
}

/// Notices that are on the screen.
#[derive(Default)]
pub(super) struct Popups {
    shown: RefCell<HashMap<String, (Notification, EventListener)>>,
}

impl Popups {
    /// Shows a notice for a conversation in place of the one before. `opened` is called when it is pressed.
    pub(super) fn show(
        &self,
        chat: &str,
        title: &str,
        body: &str,
        icon: Option<&str>,
        opened: impl FnOnce() + 'static,
    ) {
        if permission() != Permission::Granted {
            return;
        }
        let options = NotificationOptions::new();
        options.set_body(body);
        options.set_tag(chat);
        options.set_renotify(true);
        // The tone is ours, or none at all.
        options.set_silent(Some(true));
        if let Some(icon) = icon {
            options.set_icon(icon);
        }
        // Some phones show notices only through a service worker: there is none to show then.
        let Ok(notice) = Notification::new_with_options(title, &options) else {
            return;
        };
        let pressed = notice.clone();
        let listener = EventListener::once(&notice, "click", move |_| {
            if let Some(window) = web_sys::window() {
                drop(window.focus());
            }
            pressed.close();
            opened();
        });
        self.shown
            .borrow_mut()
            .insert(chat.to_owned(), (notice, listener));
    }

    /// Takes the notice of a conversation away: it was read.
    pub(super) fn close(&self, chat: &str) {
        if let Some((notice, _)) = self.shown.borrow_mut().remove(chat) {
            notice.close();
        }
    }

    /// Takes all notices away.
    pub(super) fn close_all(&self) {
        for (_, (notice, _)) in self.shown.borrow_mut().drain() {
            notice.close();
        }
    }
}
