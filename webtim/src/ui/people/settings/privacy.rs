//! Who sees and reaches oneself: visibility, blocked people and groups.

use std::collections::BTreeMap;

use tim_client::{Node, RoomId, RoomProfile};
use yew::prelude::*;

use crate::i18n::{account, groups, people};
use crate::model::{Availability, Done, Toast};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, Skeleton, Switch};
use crate::ui::people::command::use_command;
use crate::ui::people::groups::row::GroupRow;
use crate::ui::people::person::PersonRow;
use crate::ui::people::sign_in::notice;
use crate::ui::use_lang;

#[component]
pub(super) fn Privacy() -> Html {
    let app = use_app();
    let lang = use_lang();
    let own = use_select(|model| {
        (
            model.session.availability,
            model.session.status.clone(),
            model.session.mood,
        )
    });
    let blocked = use_select(|model| model.people.blocked.iter().cloned().collect::<Vec<_>>());
    use_effect_with((), {
        let app = app.clone();
        move |()| {
            let service = app.service().clone();
            app.attempt(async move { service.reload_blocked().await });
        }
    });
    let oninvisible = {
        let (app, own) = (app.clone(), own.clone());
        Callback::from(move |on: bool| {
            let availability = if on {
                Availability::Invisible
            } else {
                Availability::Available
            };
            app.service().set_presence(availability, &own.1, own.2);
        })
    };
    html! {
        <div class="stack settings-sections">
            <Switch label={account::invisible(lang)} hint={account::invisible_hint(lang)} on={own.0 == Availability::Invisible} onchange={oninvisible} test="invisible" />
            <section class="stack-tight">
                <h3>{ account::blocked_people(lang) }</h3>
                <p class="muted">{ account::blocked_people_text(lang) }</p>
                if blocked.is_empty() {
                    <p data-test="nobody-blocked">{ account::nobody_blocked(lang) }</p>
                } else {
                    <div>{ for blocked.iter().map(|node| html! { <BlockedPerson key={node.to_string()} node={node.clone()} /> }) }</div>
                }
            </section>
            <BlockedGroups />
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct BlockedPersonProps {
    node: Node,
}

#[component]
fn BlockedPerson(props: &BlockedPersonProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let command = use_command();
    let onclick = {
        let (app, node, command) = (app.clone(), props.node.clone(), command.clone());
        Callback::from(move |_: MouseEvent| {
            let (service, app, node) = (app.service().clone(), app.clone(), node.clone());
            let told = node.clone();
            command.run(async move { service.unblock(&node).await }, move |()| {
                app.change(|model| model.toasts.add(Toast::Done(Done::Unblocked(told))));
            });
        })
    };
    html! {
        <>
            <PersonRow node={props.node.clone()} test="blocked-person">
                <Button small=true busy={command.is_busy()} {onclick} test="unblock">{ people::unblock(lang) }</Button>
            </PersonRow>
            { notice(command.error(lang), "unblock-error") }
        </>
    }
}

#[component]
fn BlockedGroups() -> Html {
    let app = use_app();
    let lang = use_lang();
    let rooms = use_state(|| None::<BTreeMap<RoomId, RoomProfile>>);
    let command = use_command();
    use_effect_with((), {
        let (app, rooms, command) = (app.clone(), rooms.setter(), command.clone());
        move |()| {
            let service = app.service().clone();
            command.run(async move { service.blocked_groups().await }, move |found| {
                rooms.set(Some(found))
            });
        }
    });
    let unblock = |room: RoomId| {
        let (app, rooms, command) = (app.clone(), rooms.clone(), command.clone());
        Callback::from(move |_: MouseEvent| {
            let (service, room) = (app.service().clone(), room.clone());
            let mut left = (*rooms).clone().unwrap_or_default();
            left.remove(&room);
            let rooms = rooms.setter();
            command.run(async move { service.unblock_group(&room).await }, move |()| {
                rooms.set(Some(left))
            });
        })
    };
    html! {
        <section class="stack-tight">
            <h3>{ account::blocked_groups(lang) }</h3>
            <p class="muted">{ account::blocked_groups_text(lang) }</p>
            { notice(command.error(lang), "blocked-groups-error") }
            { match &*rooms {
                None if command.trouble().is_some() => Html::default(),
                None => html! { <Skeleton rows={1} /> },
                Some(rooms) if rooms.is_empty() => html! { <p>{ account::no_group_blocked(lang) }</p> },
                Some(rooms) => rooms.iter().map(|(room, profile)| html! {
                    <GroupRow key={room.to_string()} room={room.clone()} name={profile.topic.clone().map(AttrValue::from)} kind={profile.kind} test="blocked-group">
                        <Button small=true onclick={unblock(room.clone())} test="unblock-group">{ groups::unblock(lang) }</Button>
                    </GroupRow>
                }).collect(),
            } }
        </section>
    }
}
