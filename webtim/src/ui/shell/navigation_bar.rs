//! The way to the other screens: at the side, on phones at the bottom.

use yew::prelude::*;

use crate::i18n::{chat as texts, common, people};
use crate::model::{Dialog, Screen, Wish};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Avatar, Badge, Glyph, Icon};
use crate::ui::use_lang;

#[component]
pub fn NavigationBar() -> Html {
    let lang = use_lang();
    let app = use_app();
    let screen = use_select(|model| model.navigation.screen());
    let waiting = use_select(|model| {
        let petitions = model.inbox.petitions().iter();
        let (friends, others): (Vec<_>, Vec<_>) =
            petitions.partition(|petition| petition.wish == Wish::Friend);
        let count = |list: Vec<_>| u64::try_from(list.len()).unwrap_or(u64::MAX);
        (model.chats.unread(), count(friends), count(others))
    });
    let me = use_select(|model| {
        let me = model.session.me.as_ref()?;
        Some((me.to_string(), model.people.name(me), model.people.picture(me)))
    });
    let (unread, friends, joins) = *waiting;
    let entries = [
        (
            Screen::Chats,
            "nav-chats",
            Glyph::Chats,
            common::chats(lang),
            unread,
        ),
        (
            Screen::People,
            "nav-people",
            Glyph::People,
            common::people(lang),
            friends,
        ),
        (
            Screen::Groups,
            "nav-groups",
            Glyph::Groups,
            common::groups(lang),
            joins,
        ),
        (
            Screen::Settings,
            "nav-settings",
            Glyph::Settings,
            common::settings(lang),
            0,
        ),
    ]
    .map(|(entry, test, glyph, text, count)| {
        let app = app.clone();
        let onclick = move |_: MouseEvent| app.change(|model| model.navigation.go(entry));
        let current = (*screen == entry).then_some("page");
        html! {
            <button type="button" class="nav-entry" data-test={test} aria-current={current} {onclick}>
                <span class="nav-icon"><Icon {glyph} /><Badge {count} /></span>
                <span class="nav-text truncate">{ text }</span>
            </button>
        }
    });
    let own = me.as_ref().as_ref().map(|(id, name, picture)| {
        let app = app.clone();
        let onclick = move |_: MouseEvent| app.change(|model| model.navigation.show(Dialog::Status));
        html! {
            <button type="button" class="nav-own" {onclick} title={name.clone()} data-test="nav-own">
                <Avatar id={id.clone()} name={name.clone()} picture={picture.clone()} />
                <span class="visually-hidden">{ people::set_status(lang) }</span>
            </button>
        }
    });
    html! {
        <nav class="nav" aria-label={texts::navigation(lang)}>
            { for own }
            { for entries }
        </nav>
    }
}
