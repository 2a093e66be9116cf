//! One conversation in the list.

use yew::prelude::*;

use crate::i18n::{Lang, chat as texts, common, dates, numbers};
use crate::model::{Body, ChatId, Happening, Removed, Summary};
use crate::store::{use_app, use_select};
use crate::ui::chat::{chat_title, mark};
use crate::ui::kit::{Avatar, Glyph, Icon, IconSize};
use crate::ui::media::summary;
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct ConversationRowProps {
    pub chat: ChatId,
}

#[component]
pub(super) fn ConversationRow(props: &ConversationRowProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let shown = use_select({
        let chat = props.chat.clone();
        move |model| {
            let summary = model.summary(&chat)?;
            let is_open = model.navigation.chat() == Some(&chat);
            Some((
                summary,
                chat_title(lang, model, &chat),
                is_open,
                model.attention.is_muted(&chat),
            ))
        }
    });
    let Some((row, name, is_open, is_muted)) = &*shown else {
        return Html::default();
    };
    let onclick = {
        let (app, chat) = (app, props.chat.clone());
        Callback::from(move |_: MouseEvent| app.change(|model| model.open_chat(&chat)))
    };
    let is_room = props.chat.room().is_some();
    let presence = match row.online {
        Some(true) => Some("online"),
        Some(false) => Some("offline"),
        None => None,
    };
    let time = row
        .last
        .as_ref()
        .map(|last| dates::stamp(lang, last.time, crate::service::now()));
    let unread = (row.unread > 0).then(|| common::unread(lang, row.unread));
    html! {
        <button type="button" class={classes!("conversation", is_open.then_some("conversation-open"))} {onclick} aria-current={is_open.then_some("true")}
            data-test="conversation" data-chat={props.chat.to_string()} data-unread={row.unread.to_string()} data-presence={presence}>
            <Avatar id={props.chat.to_string()[2..].to_owned()} name={name.clone()} picture={row.picture.clone()} room={is_room} online={row.online} />
            <span class="conversation-text">
                <span class="conversation-line">
                    <span class="conversation-name truncate">{ name.clone() }</span>
                    if *is_muted { <Icon glyph={Glyph::BellOff} size={IconSize::Small} /> }
                    if row.pinned { <Icon glyph={Glyph::Pin} size={IconSize::Small} label={texts::pinned(lang)} /> }
                    <span class="conversation-time">{ time }</span>
                </span>
                <span class="conversation-line">
                    { preview(lang, row) }
                    if let Some(label) = unread {
                        <span class={classes!("badge", is_muted.then_some("badge-quiet"))} role="img" aria-label={label}>{ numbers::badge(row.unread) }</span>
                    }
                </span>
            </span>
        </button>
    }
}

fn preview(lang: Lang, row: &Summary) -> Html {
    if let Some(draft) = row.draft.as_ref().filter(|draft| !draft.trim().is_empty()) {
        let draft = draft.split_whitespace().collect::<Vec<_>>().join(" ");
        return html! { <span class="conversation-preview conversation-draft truncate" data-test="conversation-draft">{ texts::draft(lang, &draft) }</span> };
    }
    let Some(last) = &row.last else {
        return html! { <span class="conversation-preview truncate">{ texts::nothing_yet(lang) }</span> };
    };
    let text = match &last.body {
        Body::Content(content) => {
            let text = summary(lang, content);
            match &row.author {
                Some(author) => texts::they_wrote(lang, author, &text),
                None => text,
            }
        }
        Body::Removed(Removed::Recalled) if last.mine => texts::recalled_own(lang).to_owned(),
        Body::Removed(Removed::Recalled) => texts::recalled(lang, row.author.as_deref().unwrap_or(&row.name)),
        Body::Removed(Removed::Burned) => texts::burned(lang).to_owned(),
        Body::Happening(Happening::FriendsNow) => texts::friends_now(lang).to_owned(),
        Body::Happening(Happening::Topic(topic)) => texts::topic(lang, topic),
        Body::Happening(Happening::Joined(people) | Happening::Gone(people)) => {
            common::members(lang, u64::try_from(people.len()).unwrap_or(u64::MAX))
        }
    };
    html! {
        <>
            { mark(lang, row.delivery.as_ref()) }
            <span class="conversation-preview truncate" data-test="conversation-preview">{ text }</span>
        </>
    }
}
