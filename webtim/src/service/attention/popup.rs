//! Notices of the system, one for each conversation.

use std::cell::RefCell;
use std::collections::HashMap;

use gloo_events::EventListener;
use web_sys::{Notification, NotificationOptions, NotificationPermission};

/// Whether the browser permits notices. The settings ask for it, when somebody wants them.
fn is_permitted() -> bool {
    let known = web_sys::window()
        .is_some_and(|window| js_sys::Reflect::has(&window, &"Notification".into()).unwrap_or(false));
    known && Notification::permission() == NotificationPermission::Granted
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
        if !is_permitted() {
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
