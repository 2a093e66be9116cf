//! The way to the other screens.

use yew::prelude::*;

use crate::model::Screen;
use crate::store::{use_app, use_select};

const ENTRIES: [(Screen, &str); 4] = [
    (Screen::Chats, "chats"),
    (Screen::People, "people"),
    (Screen::Groups, "groups"),
    (Screen::Settings, "settings"),
];

#[component]
pub fn NavigationBar() -> Html {
    let app = use_app();
    let screen = use_select(|model| model.navigation.screen());
    let entries = ENTRIES.map(|(entry, name)| {
        let app = app.clone();
        let onclick = move |_: MouseEvent| app.change(|model| model.navigation.go(entry));
        let current = (*screen == entry).then_some("page");
        html! {
            <button type="button" class="nav-entry" data-test={format!("nav-{name}")} aria-current={current} {onclick}>
                { name }
            </button>
        }
    });
    html! { <nav class="nav">{ for entries }</nav> }
}
