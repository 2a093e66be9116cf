//! Requests for friendship: those that wait for a decision, and the own ones.

use tim_client::Node;
use yew::prelude::*;

use super::command::use_command;
use super::person::PersonRow;
use crate::i18n::{dates, people};
use crate::model::{Petition, Wish};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, EmptyState, Glyph};
use crate::ui::use_lang;

#[component]
pub fn Requests() -> Html {
    let lang = use_lang();
    let incoming = use_select(|model| {
        let petitions = model.inbox.petitions().iter();
        petitions
            .filter(|petition| petition.wish == Wish::Friend)
            .cloned()
            .collect::<Vec<_>>()
    });
    let outgoing = use_select(|model| model.people.asked.iter().cloned().collect::<Vec<_>>());
    if incoming.is_empty() && outgoing.is_empty() {
        return html! {
            <EmptyState glyph={Glyph::Inbox} title={people::no_requests(lang)} text={people::no_requests_text(lang)} test="no-requests" />
        };
    }
    html! {
        <div class="screen-scroll">
            if !incoming.is_empty() {
                <section class="list-section">
                    <h2 class="list-heading">{ people::incoming(lang) }</h2>
                    { for incoming.iter().filter_map(|petition| Node::new(&petition.from).ok().map(|node| html! {
                        <IncomingRow key={petition.from.clone()} {node} petition={petition.clone()} />
                    })) }
                </section>
            }
            if !outgoing.is_empty() {
                <section class="list-section">
                    <h2 class="list-heading">{ people::outgoing(lang) }</h2>
                    { for outgoing.iter().map(|node| html! { <OutgoingRow key={node.to_string()} node={node.clone()} /> }) }
                </section>
            }
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct IncomingRowProps {
    node: Node,
    petition: Petition,
}

#[component]
fn IncomingRow(props: &IncomingRowProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let command = use_command();
    let accept = {
        let (app, node, command) = (app.clone(), props.node.clone(), command.clone());
        Callback::from(move |_: MouseEvent| {
            let (service, node) = (app.service().clone(), node.clone());
            command.run(async move { service.add_friend(&node, "").await }, |_| {});
        })
    };
    let decline = {
        let (app, node, command) = (app.clone(), props.node.clone(), command.clone());
        Callback::from(move |_: MouseEvent| {
            let (service, node) = (app.service().clone(), node.clone());
            command.run(async move { service.remove_friend(&node).await }, |()| {});
        })
    };
    let text = props.petition.text.trim();
    let line = if text.is_empty() {
        people::asks_for_friendship(lang).to_owned()
    } else {
        format!("“{text}”")
    };
    html! {
        <>
            <PersonRow node={props.node.clone()} {line} tag={dates::stamp(lang, props.petition.time, crate::service::now())} test="friend-request">
                <Button small=true kind={ButtonKind::DangerQuiet} disabled={command.is_busy()} onclick={decline} test="decline">{ people::decline(lang) }</Button>
                <Button small=true kind={ButtonKind::Primary} busy={command.is_busy()} onclick={accept} test="accept">{ people::accept(lang) }</Button>
            </PersonRow>
            if let Some(error) = command.error(lang) { <p class="list-error" role="alert">{ error }</p> }
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct OutgoingRowProps {
    node: Node,
}

#[component]
fn OutgoingRow(props: &OutgoingRowProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let command = use_command();
    let withdraw = {
        let (app, node, command) = (app.clone(), props.node.clone(), command.clone());
        Callback::from(move |_: MouseEvent| {
            let (service, node) = (app.service().clone(), node.clone());
            command.run(async move { service.remove_friend(&node).await }, |()| {});
        })
    };
    html! {
        <>
            <PersonRow node={props.node.clone()} line={people::waiting_for_answer(lang)} test="own-request">
                <Button small=true busy={command.is_busy()} onclick={withdraw} test="withdraw">{ people::withdraw(lang) }</Button>
            </PersonRow>
            if let Some(error) = command.error(lang) { <p class="list-error" role="alert">{ error }</p> }
        </>
    }
}
