//! One line of a conversation: a bubble, or a line in the middle for what nobody wrote.

use std::rc::Rc;

use web_sys::HtmlElement;
use yew::prelude::*;

use super::actions::{Asked, Question, menu};
use super::items::Item;
use crate::i18n::{Lang, chat as texts, common, dates};
use crate::model::{Body, ChatId, Delivery, Dialog, Happening, Model, Removed};
use crate::store::{use_app, use_select};
use crate::text::Names;
use crate::ui::kit::{
    Anchor, Avatar, AvatarSize, Button, ButtonKind, Glyph, Icon, IconButton, IconSize, Menu,
};
use crate::ui::media::MessageContent;
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct RowProps {
    pub chat: ChatId,
    pub item: Item,
    pub names: Rc<Names>,
    /// It was gone to from a quotation.
    pub marked: bool,
    pub onquote: Callback<i64>,
}

#[component]
pub(super) fn Row(props: &RowProps) -> Html {
    let lang = use_lang();
    let item = &props.item;
    let message = &item.message;
    let line = match &message.body {
        Body::Content(_) => html! { <Bubble ..props.clone() /> },
        Body::Removed(_) | Body::Happening(_) => {
            html! { <Aside chat={props.chat.clone()} item={item.clone()} /> }
        }
    };
    html! {
        <div class={classes!("line", item.first.then_some("line-first"))} data-row={item.row.to_string()}>
            if item.day {
                <div class="day" role="separator" data-test="day-separator"><span>{ dates::day(lang, message.time, crate::service::now()) }</span></div>
            }
            if item.new {
                <div class="new-mark" role="separator" data-test="new-messages"><span>{ texts::new_messages(lang) }</span></div>
            }
            { line }
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct AsideProps {
    chat: ChatId,
    item: Item,
}

/// A message that was taken away, or something that happened.
#[component]
fn Aside(props: &AsideProps) -> Html {
    let lang = use_lang();
    let message = Rc::clone(&props.item.message);
    let text = use_select({
        let message = Rc::clone(&message);
        move |model| match &message.body {
            Body::Removed(Removed::Recalled) if message.mine => texts::recalled_own(lang).to_owned(),
            Body::Removed(Removed::Recalled) => {
                let name = message.from.as_ref().map(|from| model.people.name(from));
                texts::recalled(lang, &name.unwrap_or_default())
            }
            Body::Removed(Removed::Burned) => texts::burned(lang).to_owned(),
            Body::Happening(happening) => happened(lang, model, happening),
            Body::Content(_) => String::new(),
        }
    });
    let state = match message.body {
        Body::Removed(Removed::Recalled) => Some("recalled"),
        Body::Removed(Removed::Burned) => Some("burned"),
        _ => None,
    };
    html! {
        <p class="aside" data-test={state.map_or("happening", |_| "message")} data-state={state}
            data-mid={message.mid.map(|mid| mid.to_string())} data-own={state.map(|_| message.mine.to_string())}>
            <span>{ (*text).clone() }</span>
        </p>
    }
}

fn happened(lang: Lang, model: &Model, happening: &Happening) -> String {
    const NAMED: usize = 3;
    let names = |people: &[tim_client::Node]| {
        let named: Vec<String> = people
            .iter()
            .take(NAMED)
            .map(|node| model.people.name(node))
            .collect();
        let named = named.join(texts::between(lang));
        match u64::try_from(people.len().saturating_sub(NAMED)) {
            Ok(more) if more > 0 => texts::and_more(lang, &named, more),
            _ => named,
        }
    };
    match happening {
        Happening::FriendsNow => texts::friends_now(lang).to_owned(),
        Happening::Joined(people) => texts::joined(lang, &names(people)),
        Happening::Gone(people) => texts::gone(lang, &names(people)),
        Happening::Topic(topic) => texts::topic(lang, topic),
    }
}

/// A message.
#[component]
fn Bubble(props: &RowProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let item = &props.item;
    let message = Rc::clone(&item.message);
    let from = message.from.clone();
    let author = use_select({
        let (from, mine) = (from.clone(), message.mine);
        move |model| match &from {
            _ if mine => (texts::yourself(lang).to_owned(), None),
            Some(from) => (model.people.name(from), model.people.picture(from)),
            None => (texts::administration(lang).to_owned(), None),
        }
    });
    let (name, picture) = (*author).clone();
    let open = use_state(|| None::<Anchor>);
    let question = use_state(|| None::<Question>);
    let more = use_node_ref();

    let onmore = {
        let (open, more) = (open.clone(), more.clone());
        Callback::from(move |_: MouseEvent| open.set(Some(Anchor::Element(more.clone()))))
    };
    let oncontextmenu = {
        let open = open.clone();
        Callback::from(move |event: MouseEvent| {
            let is_selecting = web_sys::window()
                .and_then(|window| window.get_selection().ok().flatten())
                .is_some_and(|selection| !selection.is_collapsed());
            if is_selecting || crate::ui::kit::is_of_control(&event) {
                return;
            }
            event.prevent_default();
            open.set(Some(Anchor::Point(event.client_x(), event.client_y())));
        })
    };
    let onclose = {
        let open = open.clone();
        Callback::from(move |()| open.set(None))
    };
    let ask = {
        let question = question.clone();
        Callback::from(move |asked: Question| question.set(Some(asked)))
    };
    let answered = {
        let question = question.clone();
        Callback::from(move |()| question.set(None))
    };
    let oncard = {
        let (app, from) = (app.clone(), from.clone());
        Callback::from(move |_: MouseEvent| {
            if let Some(from) = from.clone() {
                app.change(|model| model.navigation.show(Dialog::Person(from)));
            }
        })
    };

    let is_group = props.chat.room().is_some();
    let shows_author = is_group && !message.mine;
    let content = message.content().cloned().unwrap_or_default();
    let quote = content.reply.as_ref().map(|reply| {
        html! { <Quote mid={reply.mid} from={reply.from.clone()} text={reply.text.clone()} onquote={props.onquote.clone()} /> }
    });
    let time = dates::time(lang, message.time);
    let classes = classes!(
        "message",
        if message.mine {
            "message-own"
        } else {
            "message-other"
        },
        item.last.then_some("message-last"),
        props.marked.then_some("message-marked"),
    );
    html! {
        <div class={classes} role="article" aria-label={texts::message_of(lang, &name, &time)} {oncontextmenu} data-test="message"
            data-mid={message.mid.map(|mid| mid.to_string())} data-own={message.mine.to_string()} data-state={state(item.delivery.as_ref())}>
            if is_group && !message.mine {
                <div class="message-side">
                    if item.last {
                        <button type="button" class="bare" tabindex="-1" onclick={oncard.clone()} aria-label={name.clone()}>
                            <Avatar id={from.as_ref().map(ToString::to_string).unwrap_or_default()} name={name.clone()} {picture} size={AvatarSize::Small} />
                        </button>
                    }
                </div>
            }
            <div class="message-column">
                <div class="bubble">
                    if shows_author && item.first {
                        <button type="button" class="message-author" onclick={oncard} data-test="message-sender">{ name.clone() }</button>
                    }
                    { for quote }
                    <div class="message-body">
                        <MessageContent chat={props.chat.clone()} message={Rc::clone(&message)} names={Rc::clone(&props.names)} />
                    </div>
                    <span class="message-meta" title={dates::full(lang, message.time)}>
                        <time>{ time }</time>
                        { mark(lang, item.delivery.as_ref()) }
                    </span>
                </div>
                if let Some(Delivery::Failed(trouble)) = &item.delivery {
                    <Failed chat={props.chat.clone()} row={item.row} why={common::trouble(lang, trouble)} />
                }
            </div>
            <div class="message-tools">
                <IconButton node={more} glyph={Glyph::More} small={true} label={texts::message_actions(lang)} expanded={open.is_some()} onclick={onmore} test="message-menu" />
            </div>
            if let Some(anchor) = (*open).clone() {
                <Menu {anchor} label={texts::message_actions(lang)} items={menu(lang, &app, &props.chat, &message, &ask)} {onclose} />
            }
            if let (Some(asked), Some(mid)) = (*question, message.mid) {
                <Asked chat={props.chat.clone()} {mid} question={asked} onclose={answered} />
            }
        </div>
    }
}

fn state(delivery: Option<&Delivery>) -> Option<&'static str> {
    delivery.map(|delivery| match delivery {
        Delivery::Sending => "sending",
        Delivery::Sent => "sent",
        Delivery::Delivered => "delivered",
        Delivery::Failed(_) => "failed",
    })
}

/// How far an own message has come, as a sign.
pub(in crate::ui) fn mark(lang: Lang, delivery: Option<&Delivery>) -> Html {
    let (glyph, label) = match delivery {
        None => return Html::default(),
        Some(Delivery::Sending) => (Glyph::Clock, texts::sending(lang)),
        Some(Delivery::Sent) => (Glyph::Check, texts::sent(lang)),
        Some(Delivery::Delivered) => (Glyph::DoubleCheck, texts::delivered(lang)),
        Some(Delivery::Failed(_)) => (Glyph::Warning, texts::not_sent(lang)),
    };
    html! { <Icon {glyph} {label} size={IconSize::Small} /> }
}

#[derive(Clone, PartialEq, Properties)]
struct QuoteProps {
    mid: i64,
    from: String,
    text: String,
    onquote: Callback<i64>,
}

/// The message that is answered.
#[component]
fn Quote(props: &QuoteProps) -> Html {
    let lang = use_lang();
    let from = props.from.clone();
    let name = use_select(move |model| match tim_client::Node::new(&from) {
        Ok(node) if model.session.is_me(&node) => texts::yourself(lang).to_owned(),
        Ok(node) => model.people.name(&node),
        Err(_) => String::new(),
    });
    let onclick = {
        let (onquote, mid) = (props.onquote.clone(), props.mid);
        Callback::from(move |_: MouseEvent| onquote.emit(mid))
    };
    html! {
        <button type="button" class="quote" {onclick} title={texts::go_to_quoted(lang)} data-test="message-reply">
            <span class="quote-name truncate">{ (*name).clone() }</span>
            <span class="quote-text">{ props.text.clone() }</span>
        </button>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct FailedProps {
    chat: ChatId,
    row: crate::model::RowId,
    why: String,
}

/// What to do about a message that was not sent.
#[component]
fn Failed(props: &FailedProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let act = |act: fn(&crate::service::Service, &ChatId, crate::model::RowId)| {
        let (app, chat, row) = (app.clone(), props.chat.clone(), props.row);
        Callback::from(move |_: MouseEvent| act(app.service(), &chat, row))
    };
    html! {
        <div class="message-failed" role="alert">
            <span>{ props.why.clone() }</span>
            <Button small={true} kind={ButtonKind::Quiet} onclick={act(crate::service::Service::retry)} test="message-retry">{ common::retry(lang) }</Button>
            <Button small={true} kind={ButtonKind::DangerQuiet} onclick={act(crate::service::Service::discard)} test="message-discard">{ texts::discard(lang) }</Button>
        </div>
    }
}

/// Gives the focus to the place where one writes, if there is one.
pub(super) fn focus_composer() {
    use wasm_bindgen::JsCast;
    let field = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| {
            document
                .query_selector("[data-test='composer-text']")
                .ok()
                .flatten()
        });
    if let Some(field) = field.and_then(|field| field.dyn_into::<HtmlElement>().ok()) {
        crate::ui::kit::focus(&field);
    }
}
