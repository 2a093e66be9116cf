//! The frame: which screen is shown, navigation, dialogs, banners, toasts.

mod dialogs;
mod navigation_bar;
mod screens;
mod toasts;

use yew::prelude::*;

use self::dialogs::Dialogs;
use self::navigation_bar::NavigationBar;
use self::screens::Screens;
use self::toasts::Toasts;
use crate::model::Phase;
use crate::store::use_select;

/// The whole page.
#[component]
pub fn Shell() -> Html {
    let phase = use_select(|model| model.session.phase.clone());
    match *phase {
        Phase::Starting | Phase::SignedOut | Phase::Loading => html! {
            <div class="shell-start" aria-busy="true" data-test="starting" />
        },
        Phase::Ready => html! {
            <div class="shell" data-test="shell">
                <NavigationBar />
                <Screens />
                <Dialogs />
                <Toasts />
            </div>
        },
    }
}
