//! Keys that work everywhere. The settings list them.

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};
use yew::prelude::*;

use crate::model::{ChatId, Filter, Model, Screen};
use crate::store::{App, use_app};

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shortcut {
    Search,
    Next,
    Previous,
    Back,
}

/// The shortcut of a key, if it is one. `command`: Ctrl or the command key of a Mac; `typing`: in a field.
fn shortcut(key: &str, command: bool, alt: bool, typing: bool) -> Option<Shortcut> {
    match (key, command, alt) {
        ("k" | "K", true, false) => Some(Shortcut::Search),
        ("ArrowDown", false, true) => Some(Shortcut::Next),
        ("ArrowUp", false, true) => Some(Shortcut::Previous),
        ("Escape", false, false) if !typing => Some(Shortcut::Back),
        _ => None,
    }
}

/// The conversation after or before the open one, as the list shows them.
fn neighbour(chats: &[ChatId], open: Option<&ChatId>, forward: bool) -> Option<ChatId> {
    let present = open.and_then(|open| chats.iter().position(|chat| chat == open));
    let next = match (present, forward) {
        (None, true) => 0,
        (None, false) => chats.len().checked_sub(1)?,
        (Some(present), true) => present + 1,
        (Some(present), false) => present.checked_sub(1)?,
    };
    chats.get(next).cloned()
}

fn step(model: &mut Model, forward: bool) {
    let chats = model.listed(Filter::All, "");
    if let Some(chat) = neighbour(&chats, model.navigation.chat(), forward) {
        model.open_chat(&chat);
    }
}

/// One step back, unless there is none.
fn back(model: &mut Model) {
    if model.navigation.screen() != Screen::Chats {
        model.navigation.go(Screen::Chats);
    } else if model.navigation.chat().is_some() {
        model.close_chat();
    }
}

/// Listens to the keys of the whole page. Draws nothing.
#[component]
pub fn Shortcuts() -> Html {
    let app = use_app();
    use_effect_with((), move |()| {
        let listener = web_sys::window().map(|window| {
            let options = EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(&window, "keydown", options, move |event| {
                if let Some(event) = event.dyn_ref::<KeyboardEvent>() {
                    pressed(&app, event);
                }
            })
        });
        move || drop(listener)
    });
    Html::default()
}

fn pressed(app: &App, event: &KeyboardEvent) {
    // Somebody has dealt with it, an input method is composing, or something is in front.
    if event.default_prevented() || event.is_composing() || is_covered() {
        return;
    }
    let typing = event
        .target()
        .and_then(|target| target.dyn_into::<HtmlElement>().ok())
        .is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"));
    let command = event.ctrl_key() || event.meta_key();
    let Some(shortcut) = shortcut(&event.key(), command, event.alt_key(), typing) else {
        return;
    };
    event.prevent_default();
    match shortcut {
        Shortcut::Search => {
            app.change(|model| model.navigation.go(Screen::Chats));
            app.spawn(focus_search());
        }
        Shortcut::Next => app.change(|model| step(model, true)),
        Shortcut::Previous => app.change(|model| step(model, false)),
        Shortcut::Back => app.change(back),
    }
}

/// Whether a dialog or a menu lies over the page.
fn is_covered() -> bool {
    const COVERS: &str = "dialog[open], [popover='auto']:popover-open";
    web_sys::window()
        .and_then(|window| window.document())
        .is_some_and(|document| matches!(document.query_selector(COVERS), Ok(Some(_))))
}

/// The list may have to be drawn first.
async fn focus_search() {
    gloo_timers::future::TimeoutFuture::new(0).await;
    let field = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| {
            document
                .query_selector("[data-test='conversation-filter']")
                .ok()
                .flatten()
        })
        .and_then(|field| field.dyn_into::<HtmlElement>().ok());
    if let Some(field) = field {
        crate::ui::kit::focus(&field);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_other_modifiers_are_left_alone() {
        assert_eq!(shortcut("k", true, false, true), Some(Shortcut::Search));
        assert_eq!(shortcut("k", false, false, false), None);
        assert_eq!(shortcut("ArrowDown", false, true, true), Some(Shortcut::Next));
        assert_eq!(shortcut("ArrowDown", true, true, false), None);
        assert_eq!(shortcut("Escape", false, false, false), Some(Shortcut::Back));
        assert_eq!(shortcut("Escape", false, false, true), None);
    }

    #[test]
    fn the_neighbours_end_at_both_ends_of_the_list() {
        let chats: Vec<ChatId> = ["u:a", "u:b"]
            .iter()
            .filter_map(|chat| ChatId::parse(chat))
            .collect();
        assert_eq!(neighbour(&chats, None, true).as_ref(), chats.first());
        assert_eq!(neighbour(&chats, None, false).as_ref(), chats.last());
        assert_eq!(neighbour(&chats, chats.first(), true).as_ref(), chats.last());
        assert_eq!(neighbour(&chats, chats.last(), true), None);
        assert_eq!(neighbour(&chats, chats.first(), false), None);
        assert_eq!(neighbour(&[], None, false), None);
    }

    #[test]
    fn escape_leads_to_the_list_of_conversations() {
        let mut model = Model::default();
        model.open_chat(&ChatId::System);
        model.navigation.go(Screen::Settings);
        back(&mut model);
        assert_eq!(
            (model.navigation.screen(), model.navigation.chat()),
            (Screen::Chats, Some(&ChatId::System))
        );
        back(&mut model);
        assert_eq!(model.navigation.chat(), None);
        back(&mut model);
        assert_eq!(model.navigation.screen(), Screen::Chats);
    }
}
