//! Components. They draw what they select of the model and call the service; they keep only what concerns the
//! drawing itself, such as scroll positions and half-typed text.
#![allow(missing_docs)] // Components and their properties are called by their names; what is not obvious is said.

pub mod chat;
pub mod compose;
pub mod conversations;
pub mod kit;
pub mod media;
pub mod people;
pub mod preferences;
pub mod shell;

pub use self::preferences::use_lang;

use yew::prelude::*;

use crate::store::App;

/// Draws the application into the element `app` of the page, or into its body.
pub(crate) fn mount() {
    let element = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.get_element_by_id("app"));
    match element {
        Some(element) => yew::Renderer::<Root>::with_root(element).render(),
        None => yew::Renderer::<Root>::new().render(),
    };
}

/// Everything, below the handle that all components use.
#[component]
pub fn Root() -> Html {
    let app = use_memo((), |()| {
        let app = App::new();
        preferences::load(app.store());
        app
    });
    html! {
        <ContextProvider<App> context={(*app).clone()}>
            <preferences::PreferencesKeeper />
            <shell::Shell />
        </ContextProvider<App>>
    }
}
