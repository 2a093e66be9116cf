//! What people are notified of, and how.

use web_sys::{Notification, NotificationPermission};
use yew::prelude::*;

use crate::i18n::account;
use crate::store::{use_app, use_select};
use crate::ui::kit::{Glyph, Icon, Switch};
use crate::ui::use_lang;

/// What the browser says about notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Permission {
    Unsupported,
    Undecided,
    Granted,
    Denied,
}

fn permission() -> Permission {
    let supported = web_sys::window()
        .is_some_and(|window| js_sys::Reflect::has(&window, &"Notification".into()).unwrap_or(false));
    if !supported {
        return Permission::Unsupported;
    }
    match Notification::permission() {
        NotificationPermission::Granted => Permission::Granted,
        NotificationPermission::Denied => Permission::Denied,
        _ => Permission::Undecided,
    }
}

#[component]
pub(super) fn Notifications() -> Html {
    let app = use_app();
    let lang = use_lang();
    let chosen = use_select(|model| model.preferences.clone());
    let granted = use_state(permission);
    let onbrowser = {
        let (app, granted) = (app.clone(), granted.setter());
        Callback::from(move |on: bool| {
            app.change(|model| model.preferences.notifications = on);
            if !on || permission() != Permission::Undecided {
                granted.set(permission());
                return;
            }
            let Ok(asked) = Notification::request_permission() else {
                return;
            };
            let (app, granted) = (app.clone(), granted.clone());
            app.clone().spawn(async move {
                // The answer is read from the browser, also when the question could not be asked.
                drop(wasm_bindgen_futures::JsFuture::from(asked).await);
                let now = permission();
                app.change(|model| model.preferences.notifications = now == Permission::Granted);
                granted.set(now);
            });
        })
    };
    let set = |change: fn(&mut crate::model::Preferences, bool)| {
        let app = app.clone();
        Callback::from(move |on: bool| app.change(|model| change(&mut model.preferences, on)))
    };
    let possible = matches!(*granted, Permission::Undecided | Permission::Granted);
    let on = chosen.notifications && *granted == Permission::Granted;
    let problem = match *granted {
        Permission::Denied => Some(account::notify_denied(lang)),
        Permission::Unsupported => Some(account::notify_unsupported(lang)),
        _ => None,
    };
    html! {
        <div class="stack">
            <Switch label={account::notify_sound(lang)} on={chosen.sound} onchange={set(|preferences, on| preferences.sound = on)} test="notify-sound" />
            <Switch label={account::notify_browser(lang)} hint={account::notify_browser_hint(lang)} {on} disabled={!possible} onchange={onbrowser} test="notify-browser" />
            if let Some(problem) = problem {
                <p class="notice notice-warning"><Icon glyph={Glyph::BellOff} /><span>{ problem }</span></p>
            }
            <Switch label={account::notify_preview(lang)} hint={account::notify_preview_hint(lang)} on={chosen.preview} disabled={!on}
                onchange={set(|preferences, on| preferences.preview = on)} test="notify-preview" />
        </div>
    }
}
