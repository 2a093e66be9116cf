//! webtim, the chat application in the browser.
//!
//! | module | what it is | may use |
//! |---|---|---|
//! | [`model`] | what is known, as plain data; every change is a function of the model | nothing of the browser |
//! | [`text`] | links and formatting of message texts, as data | nothing of the browser |
//! | [`i18n`] | every text that people read, in every language | of the browser, its dates |
//! | [`emoji`] | the emoji one can choose from, with words to search for | nothing of the browser |
//! | [`fields`] | the fields of messages that carry files, answers and what is to be burned | nothing of the browser |
//! | [`store`] | the model of this tab, and who wants to know when it changes | model |
//! | [`service`] | the connection, storage and other tabs: events into changes, wishes into requests | model, store |
//! | [`ui`] | components: draw what they select of the model, call the service | all of them |
//!
//! # How to add …
//!
//! **State**: a field in the slice of [`model::Model`] it belongs to, and a method of that slice that changes it, with
//! a test. Components and the service change it by [`App::change`](store::App::change):
//! `app.change(|model| model.navigation.open(chat))`. All changes made in one turn of the event loop are drawn together.
//!
//! **Something drawn**: `let topic = use_select(move |model| model.rooms.topic(&room));`. The component is drawn again
//! only when the selected value is another one (`PartialEq`), so select as little as possible and something cheap to
//! compare: it is evaluated after every change of the model. What is large is shared (`Rc`) or has a `revision`.
//!
//! **A screen**: a variant of [`model::Screen`], its component in the folder of its area, an arm in `ui/shell/screens.rs`,
//! and, if people get there by the navigation, an entry in `ui/shell/navigation_bar.rs`.
//!
//! **A dialog**: a variant of [`model::Dialog`] with the data it needs, its component in the folder of its area, and an
//! arm in `ui/shell/dialogs.rs`. Open it with `app.change(|model| model.navigation.show(Dialog::…))`; it closes with
//! `model.navigation.close_dialog()`. Dialogs stack; Escape closes the topmost.
//!
//! **A text**: a function in the file of its area below [`i18n`], in all languages.
//!
//! **A command** (something that talks to the server): an async method of [`service::Service`] in the file of its area
//! below `service/`. It returns `Result<_, Trouble>`; [`model::Trouble`] says what went wrong in a way that can be shown.
//! From a component: `app.spawn(async move { … })`, or `app.attempt(future)` to show a failure as a toast.
//!
//! **A brief notice**: `app.change(|model| model.toasts.add(Toast::…))`.
//!
//! No element has a `style` attribute (the content security policy forbids it): use classes, or set computed
//! values through the element's `style()` in an effect. Everything that a test or a person has to find carries
//! `data-test`.

pub mod emoji;
pub mod fields;
pub mod i18n;
pub mod model;
pub mod service;
pub mod store;
pub mod text;
pub mod ui;

/// Draws the application into the page.
pub fn start() {
    ui::mount();
}
