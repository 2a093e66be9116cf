//! Requests to join the groups that one manages.

use tim_client::{Node, RoomId};
use yew::prelude::*;

use crate::i18n::groups;
use crate::model::{Dialog, Petition, Wish};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, EmptyState, Glyph};
use crate::ui::people::command::use_command;
use crate::ui::people::person::PersonRow;
use crate::ui::use_lang;

/// Whether it is a request to join a group.
pub fn is_to_decide(petition: &Petition) -> bool {
    matches!(petition.wish, Wish::Join(_))
}

fn parties(petition: &Petition) -> Option<(Node, RoomId)> {
    match &petition.wish {
        Wish::Join(room) => Some((Node::new(&petition.from).ok()?, RoomId::new(room).ok()?)),
        Wish::Friend => None,
    }
}

#[component]
pub fn JoinRequests() -> Html {
    let lang = use_lang();
    let waiting = use_select(|model| {
        let petitions = model.inbox.petitions().iter();
        petitions
            .filter(|petition| is_to_decide(petition))
            .cloned()
            .collect::<Vec<_>>()
    });
    if waiting.is_empty() {
        return html! {
            <EmptyState glyph={Glyph::Inbox} title={groups::no_join_requests(lang)} text={groups::no_join_requests_text(lang)} test="no-join-requests" />
        };
    }
    html! {
        <div class="screen-scroll">
            { for waiting.iter().filter_map(|petition| {
                let (node, room) = parties(petition)?;
                let key = format!("{node} {room}");
                Some(html! { <JoinRequestRow {key} {node} {room} text={petition.text.clone()} /> })
            }) }
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct JoinRequestRowProps {
    pub node: Node,
    pub room: RoomId,
    pub text: String,
}

/// Somebody who would like to join.
#[component]
pub fn JoinRequestRow(props: &JoinRequestRowProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let topic = {
        let room = props.room.clone();
        use_select(move |model| model.rooms.name(&room))
    };
    let command = use_command();
    let approve = {
        let (app, node, room, command) = (
            app.clone(),
            props.node.clone(),
            props.room.clone(),
            command.clone(),
        );
        Callback::from(move |_: MouseEvent| {
            let (service, node, room) = (app.service().clone(), node.clone(), room.clone());
            command.run(async move { service.invite(&room, &node).await }, |()| {});
        })
    };
    let refuse = {
        let (app, node, room) = (app.clone(), props.node.clone(), props.room.clone());
        Callback::from(move |_: MouseEvent| {
            app.change(|model| {
                model
                    .navigation
                    .show(Dialog::RefuseJoin(room.clone(), node.clone()))
            })
        })
    };
    let line = match props.text.trim() {
        "" => groups::wants_to_join(lang, &topic),
        text => format!("“{text}”"),
    };
    html! {
        <>
            <PersonRow node={props.node.clone()} {line} tag={(*topic).clone()} test="join-request">
                <Button small=true kind={ButtonKind::DangerQuiet} disabled={command.is_busy()} onclick={refuse} test="refuse">{ groups::refuse(lang) }</Button>
                <Button small=true kind={ButtonKind::Primary} busy={command.is_busy()} onclick={approve} test="approve">{ groups::approve(lang) }</Button>
            </PersonRow>
            if let Some(error) = command.error(lang) { <p class="list-error" role="alert">{ error }</p> }
        </>
    }
}
