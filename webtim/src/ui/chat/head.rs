//! The head of a chat: with whom, and how they are.

use yew::prelude::*;

use crate::i18n::{Lang, chat as texts, common, people as people_texts};
use crate::model::{Availability, ChatId, Dialog, Model, Online};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Avatar, Glyph, Icon, IconButton, IconSize, MenuButton, MenuItem};
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct HeadProps {
    pub chat: ChatId,
}

#[derive(Clone, PartialEq)]
struct Shown {
    name: String,
    picture: Option<String>,
    online: Option<bool>,
    state: String,
    pinned: bool,
    muted: bool,
}

#[component]
pub(super) fn Head(props: &HeadProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let shown = use_select({
        let chat = props.chat.clone();
        move |model| shown(lang, model, &chat)
    });
    let back = {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| app.change(crate::model::Model::close_chat))
    };
    let card = match &props.chat {
        ChatId::Peer(node) => Some(Dialog::Person(node.clone())),
        ChatId::Room(room) => Some(Dialog::Group(room.clone())),
        ChatId::System => None,
    };
    let open = card.map(|card| {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| app.change(|model| model.navigation.show(card.clone())))
    });
    let who = html! {
        <>
            <Avatar id={props.chat.to_string()[2..].to_owned()} name={shown.name.clone()} picture={shown.picture.clone()}
                room={props.chat.room().is_some()} online={shown.online} />
            <span class="chat-head-text">
                <span class="row">
                    <span class="chat-title truncate" data-test="chat-title">{ shown.name.clone() }</span>
                    if shown.muted { <Icon glyph={Glyph::BellOff} size={IconSize::Small} /> }
                </span>
                <span class="chat-state truncate" data-test="chat-state">{ shown.state.clone() }</span>
            </span>
        </>
    };
    html! {
        <header class="chat-head">
            <span class="only-narrow">
                <IconButton glyph={Glyph::Back} label={texts::back_to_list(lang)} onclick={back} test="back" />
            </span>
            if let Some(onclick) = open.clone() {
                <button type="button" class="chat-head-who" {onclick} data-test="chat-details">
                    { who }
                    <span class="visually-hidden">{ texts::details(lang) }</span>
                </button>
            } else {
                <div class="chat-head-who">{ who }</div>
            }
            <MenuButton label={texts::chat_menu(lang)} items={menu(lang, &app, &props.chat, &shown)} test="chat-menu" />
        </header>
    }
}

fn menu(lang: Lang, app: &crate::store::App, chat: &ChatId, shown: &Shown) -> Vec<MenuItem> {
    let (pinned, muted) = (shown.pinned, shown.muted);
    let pin = {
        let (app, chat) = (app.clone(), chat.clone());
        move || {
            app.change(|model| model.chats.set_pinned(&chat, !pinned));
            app.service().remember_now();
        }
    };
    let mute = {
        let (app, chat) = (app.clone(), chat.clone());
        move || app.service().set_muted(&chat, !muted)
    };
    let pin_text = if pinned {
        texts::unpin(lang)
    } else {
        texts::pin(lang)
    };
    let (mute_text, mute_glyph) = if muted {
        (texts::unmute(lang), Glyph::Bell)
    } else {
        (texts::mute(lang), Glyph::BellOff)
    };
    vec![
        MenuItem::new(pin_text, Glyph::Pin, pin).with_test("menu-pin"),
        MenuItem::new(mute_text, mute_glyph, mute).with_test("menu-mute"),
    ]
}

fn shown(lang: Lang, model: &Model, chat: &ChatId) -> Shown {
    let (online, state) = match chat {
        ChatId::Peer(peer) if model.session.is_me(peer) => (None, String::new()),
        ChatId::Peer(peer) => {
            let online = model.people.online(peer);
            let state = online.map_or_else(
                || common::offline(lang).to_owned(),
                |online| presence(lang, online),
            );
            (Some(online.is_some()), state)
        }
        ChatId::Room(room) => {
            let members = model.rooms.members(room).map(|members| members.len());
            let state = members.map(|count| common::members(lang, u64::try_from(count).unwrap_or(u64::MAX)));
            (None, state.unwrap_or_default())
        }
        ChatId::System => (None, String::new()),
    };
    let is_me = chat.peer().is_some_and(|peer| model.session.is_me(peer));
    Shown {
        name: name(lang, model, chat),
        picture: match chat {
            ChatId::Peer(peer) => model.people.picture(peer),
            ChatId::Room(room) => model.rooms.picture(room),
            ChatId::System => None,
        },
        online,
        state: if is_me {
            people_texts::you(lang).to_owned()
        } else {
            state
        },
        pinned: model.chats.get(chat).is_some_and(crate::model::Chat::is_pinned),
        muted: model.attention.is_muted(chat),
    }
}

/// What a conversation is called.
pub(in crate::ui) fn name(lang: Lang, model: &Model, chat: &ChatId) -> String {
    match chat {
        ChatId::System => texts::administration(lang).to_owned(),
        ChatId::Peer(peer) if model.session.is_me(peer) => texts::notes(lang).to_owned(),
        _ => model.chat_name(chat),
    }
}

/// How somebody is, in one line.
fn presence(lang: Lang, online: &Online) -> String {
    let mut parts = vec![
        match online.availability {
            Availability::Away => texts::away(lang),
            Availability::Busy => texts::busy(lang),
            Availability::Available | Availability::Invisible => common::online(lang),
        }
        .to_owned(),
    ];
    if let Some(mood) = online.mood {
        parts.push(format!("{} {}", mood.face(), people_texts::mood_name(lang, mood)));
    }
    if !online.status.is_empty() {
        parts.push(online.status.clone());
    }
    parts.join(" · ")
}
