//! The screen of people: friends, requests, and ways to find somebody.

use yew::prelude::*;

use super::discover::Discover;
use super::friends::Friends;
use super::requests::Requests;
use super::screen_head::ScreenHead;
use crate::i18n::{common, people};
use crate::model::Wish;
use crate::store::use_select;
use crate::ui::kit::{Tab, Tabs};
use crate::ui::use_lang;

#[component]
pub fn PeopleScreen() -> Html {
    let lang = use_lang();
    let waiting = use_select(|model| {
        let waiting = model
            .inbox
            .petitions()
            .iter()
            .filter(|petition| petition.wish == Wish::Friend);
        u64::try_from(waiting.count()).unwrap_or(u64::MAX)
    });
    let selected = use_state(|| AttrValue::from(if *waiting > 0 { "requests" } else { "friends" }));
    let onselect = {
        let selected = selected.setter();
        Callback::from(move |id: AttrValue| selected.set(id))
    };
    let ondiscover = {
        let selected = selected.setter();
        Callback::from(move |()| selected.set(AttrValue::from("discover")))
    };
    let tabs = [
        ("friends", people::friends(lang), 0),
        ("requests", people::requests(lang), *waiting),
        ("discover", people::discover(lang), 0),
    ]
    .map(|(id, title, count)| Tab {
        id: id.into(),
        title: title.into(),
        count,
    });
    html! {
        <main class="screen" data-test="people-screen">
            <ScreenHead title={common::people(lang)} />
            <Tabs label={common::people(lang)} tabs={tabs.to_vec()} selected={(*selected).clone()} {onselect}>
                { match selected.as_str() {
                    "requests" => html! { <Requests /> },
                    "discover" => html! { <Discover /> },
                    _ => html! { <Friends {ondiscover} /> },
                } }
            </Tabs>
        </main>
    }
}
