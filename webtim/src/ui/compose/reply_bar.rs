//! Above the text: the message that is being answered.

use yew::prelude::*;

use crate::i18n::media;
use crate::model::ChatId;
use crate::store::{use_app, use_select};
use crate::ui::kit::{Glyph, Icon, IconButton};
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct ReplyBarProps {
    pub chat: ChatId,
}

#[component]
pub(super) fn ReplyBar(props: &ReplyBarProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let chat = props.chat.clone();
    let reply = use_select(move |model| {
        let reply = model.drafts.get(&chat)?.reply.clone()?;
        let author = tim_client::Node::new(&reply.from).ok();
        let mine = author.as_ref().is_some_and(|author| model.session.is_me(author));
        let name = author
            .map(|author| model.people.name(&author))
            .unwrap_or_default();
        Some((reply, mine, name))
    });
    let cancel = {
        let chat = props.chat.clone();
        Callback::from(move |_: MouseEvent| app.change(|model| model.drafts.reply(&chat, None)))
    };
    html! {
        if let Some((reply, mine, name)) = &*reply {
            <div class="reply-bar" data-test="reply-bar">
                <Icon glyph={Glyph::Reply} />
                <div class="reply-bar-text">
                    <span class="reply-bar-name truncate">
                        { if *mine { media::replying_to_yourself(lang).to_owned() } else { media::replying_to(lang, name) } }
                    </span>
                    <span class="truncate">{ reply.text.clone() }</span>
                </div>
                <IconButton glyph={Glyph::Close} small={true} label={media::cancel_reply(lang)} onclick={cancel} test="reply-cancel" />
            </div>
        }
    }
}
