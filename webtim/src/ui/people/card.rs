//! The card of a person.

use tim_client::{Node, RoomId};
use yew::prelude::*;

use super::command::use_command;
use super::person::use_person;
use crate::i18n::{dates, people};
use crate::model::{ChatId, Dialog as Shown, Done, Relation, Toast};
use crate::store::{use_app, use_select};
use crate::ui::kit::{
    Avatar, AvatarSize, Button, ButtonKind, Confirm, Dialog, DialogSize, Glyph, Icon, IconButton, MenuButton,
    MenuItem,
};
use crate::ui::use_lang;

/// What is asked before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Remove,
    Block,
}

#[derive(Clone, PartialEq, Properties)]
pub struct PersonCardProps {
    pub node: Node,
}

#[component]
pub fn PersonCard(props: &PersonCardProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let person = use_person(&props.node);
    let profile = {
        let node = props.node.clone();
        use_select(move |model| model.people.profile(&node).map(|profile| (**profile).clone()))
    };
    let shared = {
        let node = props.node.clone();
        use_select(move |model| {
            let has = |room: &&RoomId| {
                model
                    .rooms
                    .members(room)
                    .is_some_and(|members| members.contains(&node))
            };
            let rooms = model.rooms.joined().filter(has);
            rooms
                .map(|room| (room.clone(), model.rooms.name(room)))
                .collect::<Vec<_>>()
        })
    };
    let question = use_state(|| None::<Question>);
    let command = use_command();

    // It may have changed since it was fetched.
    use_effect_with(props.node.clone(), {
        let app = app.clone();
        move |node| app.service().reload_profile(node)
    });

    let close = {
        let app = app.clone();
        Callback::from(move |()| app.change(|model| model.navigation.close_dialog()))
    };
    let show = |dialog: Shown| {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| app.change(|model| model.navigation.show(dialog.clone())))
    };
    let message = {
        let (app, node) = (app.clone(), props.node.clone());
        Callback::from(move |_: MouseEvent| app.service().open_chat(ChatId::Peer(node.clone())))
    };
    let relate = |wanted: Relation| {
        let (app, node, command) = (app.clone(), props.node.clone(), command.clone());
        Callback::from(move |_: MouseEvent| {
            let (service, node, app) = (app.service().clone(), node.clone(), app.clone());
            match wanted {
                Relation::Friend => command.run(async move { service.add_friend(&node, "").await }, |_| {}),
                Relation::Blocked => {
                    let told = node.clone();
                    command.run(async move { service.unblock(&node).await }, move |()| {
                        app.change(|model| model.toasts.add(Toast::Done(Done::Unblocked(told))));
                    });
                }
                _ => command.run(async move { service.remove_friend(&node).await }, |()| {}),
            }
        })
    };
    let busy = command.is_busy();
    let actions = match person.relation {
        Relation::Myself => html! {
            <>
                <Button kind={ButtonKind::Primary} icon={Glyph::Edit} onclick={show(Shown::EditProfile)} test="edit-profile">{ people::edit_profile(lang) }</Button>
                <Button icon={Glyph::Mood} onclick={show(Shown::Status)} test="set-status">{ people::set_status(lang) }</Button>
            </>
        },
        Relation::Friend => html! {
            <Button kind={ButtonKind::Primary} icon={Glyph::Chats} onclick={message} test="message">{ people::message(lang) }</Button>
        },
        Relation::Asks => html! {
            <>
                <Button kind={ButtonKind::Primary} icon={Glyph::Check} {busy} onclick={relate(Relation::Friend)} test="accept">{ people::accept(lang) }</Button>
                <Button kind={ButtonKind::DangerQuiet} disabled={busy} onclick={relate(Relation::Stranger)} test="decline">{ people::decline(lang) }</Button>
            </>
        },
        Relation::Asked => html! {
            <Button {busy} onclick={relate(Relation::Stranger)} test="withdraw">{ people::withdraw(lang) }</Button>
        },
        Relation::Blocked => html! {
            <Button {busy} onclick={relate(Relation::Blocked)} test="unblock">{ people::unblock(lang) }</Button>
        },
        Relation::Stranger => html! {
            <Button kind={ButtonKind::Primary} icon={Glyph::AddPerson} onclick={show(Shown::AskFriend(props.node.clone()))} test="add-friend">
                { people::add_friend(lang) }
            </Button>
        },
    };
    let ask = |asked: Question| {
        let question = question.setter();
        move || question.set(Some(asked))
    };
    let mut more = Vec::new();
    if person.relation == Relation::Friend {
        more.push(
            MenuItem::new(
                people::remove_friend(lang),
                Glyph::RemovePerson,
                ask(Question::Remove),
            )
            .danger()
            .with_test("remove-friend"),
        );
    }
    if !matches!(person.relation, Relation::Myself | Relation::Blocked) {
        more.push(
            MenuItem::new(people::block(lang), Glyph::Block, ask(Question::Block))
                .danger()
                .with_test("block"),
        );
    }
    let line = person.line(lang);
    let account_name = profile
        .as_ref()
        .as_ref()
        .and_then(|profile| profile.name.clone())
        .filter(|name| !name.trim().is_empty());
    let about = profile
        .as_ref()
        .as_ref()
        .and_then(|profile| profile.extend.as_ref()?.get("tim.about").cloned());
    let area = profile.as_ref().as_ref().and_then(|profile| profile.area.clone());
    let since = profile.as_ref().as_ref().and_then(|profile| profile.created);
    let fact = |title: &'static str, text: Option<String>| match text.filter(|text| !text.trim().is_empty()) {
        Some(text) => html! { <div><dt>{ title }</dt><dd>{ text }</dd></div> },
        None => Html::default(),
    };
    html! {
        <>
            <Dialog title={people::profile(lang)} size={DialogSize::Normal} onclose={close.clone()} test="person-card">
                <div class="card-head" data-node={props.node.to_string()}>
                    <Avatar id={props.node.to_string()} name={person.name.clone()} picture={person.picture.clone().map(AttrValue::from)} size={AvatarSize::Huge} online={person.online} />
                    <p class="card-name" data-test="card-name">{ &person.name }</p>
                    if !line.is_empty() { <p class="card-line" data-test="card-status">{ line }</p> }
                    <div class="card-actions">
                        { actions }
                        if !more.is_empty() { <MenuButton label={crate::i18n::common::more(lang)} items={more} test="card-more" /> }
                    </div>
                    if let Some(error) = command.error(lang) { <p class="notice notice-error" role="alert">{ error }</p> }
                </div>
                <dl class="facts">
                    { fact(people::about_me(lang), about) }
                    { fact(people::account_name(lang), account_name) }
                    { fact(people::area(lang), area) }
                    <div><dt>{ people::address(lang) }</dt><dd class="row"><code class="truncate">{ props.node.to_string() }</code><CopyButton text={props.node.to_string()} label={people::copy_address(lang)} /></dd></div>
                </dl>
                if !shared.is_empty() && person.relation != Relation::Myself {
                    <section class="stack-tight">
                        <h3 class="list-heading">{ people::shared_groups(lang) }</h3>
                        <div class="row-wrap">
                            { for shared.iter().map(|(room, name)| html! {
                                <button key={room.to_string()} type="button" class="button button-small" onclick={show(Shown::Group(room.clone()))}>
                                    <Icon glyph={Glyph::Groups} size={crate::ui::kit::IconSize::Small} /><span class="truncate">{ name }</span>
                                </button>
                            }) }
                        </div>
                    </section>
                }
                if let Some(since) = since {
                    <p class="muted card-since">{ people::member_since(lang, &dates::date(lang, since.nanos() / 1_000_000)) }</p>
                }
            </Dialog>
            if let Some(asked) = *question {
                <Ask node={props.node.clone()} name={person.name.clone()} question={asked} onclose={{
                    let question = question.setter();
                    Callback::from(move |()| question.set(None))
                }} />
            }
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct AskProps {
    node: Node,
    name: String,
    question: Question,
    onclose: Callback<()>,
}

#[component]
fn Ask(props: &AskProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let command = use_command();
    let (title, text, action) = match props.question {
        Question::Remove => (
            people::remove_friend(lang),
            people::remove_friend_question(lang, &props.name),
            people::remove_friend(lang),
        ),
        Question::Block => (
            people::block(lang),
            people::block_question(lang, &props.name),
            people::block(lang),
        ),
    };
    let onconfirm = {
        let (app, node, question, onclose, command) = (
            app.clone(),
            props.node.clone(),
            props.question,
            props.onclose.clone(),
            command.clone(),
        );
        Callback::from(move |()| {
            let (service, node, onclose) = (app.service().clone(), node.clone(), onclose.clone());
            command.run(
                async move {
                    match question {
                        Question::Remove => service.remove_friend(&node).await,
                        Question::Block => service.block(&node).await,
                    }
                },
                move |()| onclose.emit(()),
            );
        })
    };
    html! {
        <Confirm {title} {text} {action} danger=true busy={command.is_busy()} error={command.error(lang).map(AttrValue::from)}
            {onconfirm} onclose={props.onclose.clone()} />
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct CopyButtonProps {
    pub text: AttrValue,
    pub label: AttrValue,
}

/// Copies a text.
#[component]
pub fn CopyButton(props: &CopyButtonProps) -> Html {
    let app = use_app();
    let onclick = {
        let (app, text) = (app.clone(), props.text.clone());
        Callback::from(move |_: MouseEvent| {
            let Some(window) = web_sys::window() else { return };
            let copying = window.navigator().clipboard().write_text(&text);
            let shown = app.clone();
            app.spawn(async move {
                if wasm_bindgen_futures::JsFuture::from(copying).await.is_ok() {
                    shown.change(|model| model.toasts.add(Toast::Copied));
                }
            });
        })
    };
    html! { <IconButton glyph={Glyph::Copy} label={props.label.clone()} small=true {onclick} test="copy" /> }
}
