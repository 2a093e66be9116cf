//! Says that there is no connection, for as long as there is none.

use gloo_timers::callback::Interval;
use yew::prelude::*;

use crate::i18n::{chat as texts, common};
use crate::model::Connection;
use crate::service::now;
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, Glyph, Icon};
use crate::ui::use_lang;

#[component]
pub(super) fn Banner() -> Html {
    let lang = use_lang();
    let app = use_app();
    let connection = use_select(|model| model.session.connection.clone());
    let update = use_force_update();
    let is_waiting = *connection != Connection::Online;
    use_effect_with(is_waiting, move |is_waiting| {
        let clock = is_waiting.then(|| Interval::new(1000, move || update.force_update()));
        move || drop(clock)
    });
    let Connection::Waiting { next_attempt } = *connection else {
        return html! { <div role="status" class="banner-place" data-test="connection-banner" data-state="online" hidden={true} /> };
    };
    let seconds = u64::try_from((next_attempt - now() + 999) / 1000).unwrap_or(0);
    let text = if seconds == 0 {
        texts::reconnecting(lang).to_owned()
    } else {
        texts::reconnecting_in(lang, &common::wait(lang, seconds))
    };
    let onclick = Callback::from(move |_: MouseEvent| app.service().connect_now());
    html! {
        <div class="banner" data-test="connection-banner" data-state="waiting">
            <Icon glyph={Glyph::Disconnected} />
            // Not the seconds: they would be read out one by one.
            <span role="status" class="visually-hidden">{ texts::reconnecting(lang) }</span>
            <span class="grow" aria-hidden="true">{ text }</span>
            <Button small={true} kind={ButtonKind::Quiet} {onclick} test="connect-now">{ texts::connect_now(lang) }</Button>
        </div>
    }
}
