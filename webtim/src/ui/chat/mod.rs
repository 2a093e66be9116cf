//! The open chat: head, messages, composer.

mod actions;
mod head;
mod items;
mod layout;
mod list;
mod row;

use yew::prelude::*;

use self::head::Head;
pub(in crate::ui) use self::head::name as chat_title;
use self::list::MessageList;
pub(in crate::ui) use self::row::mark;
use crate::i18n::chat as texts;
use crate::model::ChatId;
use crate::store::{use_app, use_select};
use crate::ui::compose::Composer;
use crate::ui::media::summary;
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub struct ChatViewProps {
    pub chat: ChatId,
}

/// One conversation. Has to be drawn anew (by its key) for every conversation.
#[component]
pub fn ChatView(props: &ChatViewProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let chat = props.chat.clone();
    let name = use_select(move |model| model.chat_name(&chat));
    // Before anything of it is drawn: drawing it reads it.
    use_memo(props.chat.clone(), |chat| {
        app.change(|model| model.chats.open(chat))
    });
    use_effect_with(props.chat.clone(), {
        let app = app.clone();
        move |chat: &ChatId| {
            app.service().opened(chat);
            let chat = chat.clone();
            move || app.change(|model| model.chats.close(&chat))
        }
    });
    html! {
        <section class="chat" aria-label={texts::messages_with(lang, &name)} data-test="chat" data-chat={props.chat.to_string()}>
            <Head chat={props.chat.clone()} />
            <MessageList chat={props.chat.clone()} label={texts::messages_with(lang, &name)} />
            <Announcer chat={props.chat.clone()} />
            <Composer key={props.chat.to_string()} chat={props.chat.clone()} />
        </section>
    }
}

/// Reads new messages out. Apart from the list, where scrolling puts old lines into the page.
#[component]
fn Announcer(props: &ChatViewProps) -> Html {
    let lang = use_lang();
    let chat = props.chat.clone();
    let newest = use_select(move |model| {
        let message = model.chats.get(&chat)?.last()?;
        let content = message.content().filter(|_| !message.mine)?;
        let name = message
            .from
            .as_ref()
            .map(|from| model.people.name(from))
            .unwrap_or_default();
        Some((
            message.row,
            texts::they_wrote(lang, &name, &summary(lang, content)),
        ))
    });
    let first = use_memo((), {
        let newest = newest.clone();
        move |()| newest.as_ref().as_ref().map(|(row, _)| *row)
    });
    // What was there when the chat was opened is not news.
    let text = newest
        .as_ref()
        .as_ref()
        .filter(|(row, _)| Some(*row) > *first)
        .map(|(_, text)| text.clone());
    html! { <div class="visually-hidden" aria-live="polite">{ text }</div> }
}
