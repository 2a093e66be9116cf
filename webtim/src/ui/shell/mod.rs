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
use crate::store::{use_app, use_select};
use crate::ui::people::{SignInScreen, StartScreen};

/// The whole page.
#[component]
pub fn Shell() -> Html {
    let app = use_app();
    use_effect_with((), move |()| {
        let service = app.service().clone();
        app.spawn(async move { service.start().await });
    });
    let phase = use_select(|model| model.session.phase.clone());
    match *phase {
        Phase::Starting | Phase::Loading => html! { <StartScreen /> },
        Phase::SignedOut => html! {
            <>
                <SignInScreen />
                <Toasts />
            </>
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
