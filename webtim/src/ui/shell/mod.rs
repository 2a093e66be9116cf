//! The frame: which screen is shown, navigation, dialogs, banners, toasts.

mod banner;
mod dialogs;
mod navigation_bar;
mod screens;
mod shortcuts;
mod toasts;

use yew::prelude::*;

use self::banner::Banner;
use self::dialogs::Dialogs;
use self::navigation_bar::NavigationBar;
use self::screens::Screens;
use self::shortcuts::Shortcuts;
use self::toasts::Toasts;
use crate::model::Phase;
use crate::store::{use_app, use_select};
use crate::ui::people::{SignInScreen, StartScreen};

/// The whole page.
#[component]
pub fn Shell() -> Html {
    let app = use_app();
    use_effect_with((), {
        let app = app.clone();
        move |()| {
            let service = app.service().clone();
            app.spawn(async move { service.start().await });
        }
    });
    let phase = use_select(|model| model.session.phase.clone());
    let is_in_chat = use_select(|model| model.navigation.chat().is_some());
    match *phase {
        Phase::Starting | Phase::Loading => html! { <><StartScreen /><Toasts /></> },
        Phase::SignedOut => html! { <><SignInScreen /><Toasts /></> },
        Phase::Ready => html! {
            <div class={classes!("shell", is_in_chat.then_some("shell-in-chat"))} data-test="shell">
                <NavigationBar />
                <div class="shell-main">
                    <Banner />
                    <Screens />
                </div>
                <Shortcuts />
                <Dialogs />
                <Toasts />
            </div>
        },
    }
}
