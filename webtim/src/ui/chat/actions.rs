//! What can be done with a message.

use std::rc::Rc;

use yew::prelude::*;

use super::row::focus_composer;
use crate::fields::Reply;
use crate::i18n::{Lang, chat as texts, common};
use crate::model::{ChatId, Message, Toast};
use crate::service::{Service, now};
use crate::store::{App, use_app};
use crate::ui::kit::{Confirm, Glyph, MenuItem};
use crate::ui::media::summary;
use crate::ui::use_lang;

/// Something that is asked before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Recall,
    Burn,
}

/// The actions of a message.
pub(super) fn menu(
    lang: Lang,
    app: &App,
    chat: &ChatId,
    message: &Rc<Message>,
    ask: &Callback<Question>,
) -> Vec<MenuItem> {
    let Some(content) = message.content().cloned() else {
        return Vec::new();
    };
    let mut items = Vec::new();
    if let (Some(mid), Some(from)) = (message.mid, message.from.clone())
        && *chat != ChatId::System
    {
        let (app, chat, text) = (app.clone(), chat.clone(), summary(lang, &content));
        items.push(
            MenuItem::new(texts::reply(lang), Glyph::Reply, move || {
                let reply = Reply::to(mid, from.as_str(), &text);
                app.change(|model| model.drafts.reply(&chat, Some(reply)));
                focus_composer();
            })
            .with_test("menu-reply"),
        );
    }
    if !content.burn && !content.text.is_empty() {
        let (app, text) = (app.clone(), content.text.clone());
        items.push(
            MenuItem::new(texts::copy_text(lang), Glyph::Copy, move || {
                copy(&app, text.clone())
            })
            .with_test("menu-copy"),
        );
    }
    if Service::is_recallable(message, now()) {
        let ask = ask.clone();
        items.push(
            MenuItem::new(texts::recall(lang), Glyph::Recall, move || {
                ask.emit(Question::Recall)
            })
            .apart()
            .danger()
            .with_test("menu-recall"),
        );
    }
    let is_received = chat.peer().is_some() && !message.mine && message.mid.is_some();
    if is_received {
        let ask = ask.clone();
        items.push(
            MenuItem::new(texts::burn(lang), Glyph::Flame, move || ask.emit(Question::Burn))
                .apart()
                .danger()
                .with_test("menu-burn"),
        );
    }
    items
}

fn copy(app: &App, text: String) {
    let Some(window) = web_sys::window() else { return };
    let promise = window.navigator().clipboard().write_text(&text);
    let app = app.clone();
    app.clone().spawn(async move {
        if wasm_bindgen_futures::JsFuture::from(promise).await.is_ok() {
            app.change(|model| model.toasts.add(Toast::Copied));
        }
    });
}

#[derive(Clone, PartialEq, Properties)]
pub(super) struct AskedProps {
    pub chat: ChatId,
    pub mid: i64,
    pub question: Question,
    pub onclose: Callback<()>,
}

/// Asks, and does it.
#[component]
pub(super) fn Asked(props: &AskedProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let busy = use_state(|| false);
    let error = use_state(|| None::<AttrValue>);
    let onconfirm = {
        let (busy, error) = (busy.clone(), error.clone());
        let (app, props) = (app, props.clone());
        Callback::from(move |()| {
            busy.set(true);
            let (busy, error, service, props) =
                (busy.clone(), error.clone(), app.service().clone(), props.clone());
            app.spawn(async move {
                let done = match props.question {
                    Question::Recall => service.recall(&props.chat, props.mid).await,
                    Question::Burn => service.burn(&props.chat, props.mid).await,
                };
                match done {
                    Ok(()) => props.onclose.emit(()),
                    Err(trouble) => {
                        busy.set(false);
                        error.set(Some(common::trouble(lang, &trouble).into()));
                    }
                }
            });
        })
    };
    let (title, text) = match props.question {
        Question::Recall => (texts::recall(lang), texts::recall_question(lang)),
        Question::Burn => (texts::burn(lang), texts::burn_question(lang)),
    };
    html! {
        <Confirm {title} {text} action={title} danger={true} busy={*busy} error={(*error).clone()} {onconfirm} onclose={props.onclose.clone()} />
    }
}
