//! Dialogs with one text: asking to join, and refusing that.

use tim_client::{Node, RoomId};
use yew::prelude::*;

use crate::i18n::{common, groups, people};
use crate::model::{Done, Toast};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, Dialog, TextField};
use crate::ui::people::ask_friend::REQUEST_MAX;
use crate::ui::people::command::use_command;
use crate::ui::people::person::PersonRow;
use crate::ui::people::sign_in::notice;
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub struct AskToJoinProps {
    pub room: RoomId,
}

#[component]
pub fn AskToJoin(props: &AskToJoinProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let topic = {
        let room = props.room.clone();
        use_select(move |model| model.rooms.name(&room))
    };
    let own_name = use_select(|model| {
        model
            .session
            .me
            .as_ref()
            .map(|me| model.people.name(me))
            .unwrap_or_default()
    });
    let text = use_state(|| groups::request_default(lang, &own_name));
    let command = use_command();
    use_effect_with(props.room.clone(), {
        let app = app.clone();
        move |room| app.service().reload_room(room)
    });
    let close = {
        let app = app.clone();
        Callback::from(move |()| app.change(|model| model.navigation.close_dialog()))
    };
    let onsubmit = {
        let (app, room, text, command) = (app.clone(), props.room.clone(), text.clone(), command.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (service, room, text) = (app.service().clone(), room.clone(), text.trim().to_owned());
            let (app, told) = (app.clone(), room.clone());
            command.run(async move { service.join_group(&room, &text).await }, move |()| {
                app.change(|model| {
                    model.navigation.close_dialog();
                    model.toasts.add(Toast::Done(Done::AskedToJoin(told)));
                });
            });
        })
    };
    let oninput = {
        let text = text.setter();
        Callback::from(move |typed: String| text.set(typed))
    };
    let cancel = {
        let close = close.clone();
        Callback::from(move |_: MouseEvent| close.emit(()))
    };
    html! {
        <Dialog title={groups::ask_to_join(lang)} onclose={close} test="ask-to-join-dialog">
            <form class="stack" {onsubmit}>
                <p>{ groups::ask_to_join_text(lang, &topic) }</p>
                <TextField label={people::request_text(lang)} value={(*text).clone()} {oninput} lines=true limit={REQUEST_MAX} focus=true test="request-text" />
                { notice(command.error(lang), "ask-error") }
                <div class="form-foot">
                    <Button onclick={cancel}>{ common::cancel(lang) }</Button>
                    <Button submit=true kind={ButtonKind::Primary} busy={command.is_busy()} test="send-request">{ people::send_request(lang) }</Button>
                </div>
            </form>
        </Dialog>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct RefuseJoinProps {
    pub room: RoomId,
    pub node: Node,
}

#[component]
pub fn RefuseJoin(props: &RefuseJoinProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let topic = {
        let room = props.room.clone();
        use_select(move |model| model.rooms.name(&room))
    };
    let text = use_state(String::new);
    let command = use_command();
    let close = {
        let app = app.clone();
        Callback::from(move |()| app.change(|model| model.navigation.close_dialog()))
    };
    let onsubmit = {
        let (app, room, node, text, command) = (
            app.clone(),
            props.room.clone(),
            props.node.clone(),
            text.clone(),
            command.clone(),
        );
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (service, room, node, text) = (
                app.service().clone(),
                room.clone(),
                node.clone(),
                text.trim().to_owned(),
            );
            let app = app.clone();
            command.run(
                async move { service.refuse_join(&room, &node, &text).await },
                move |()| {
                    app.change(|model| model.navigation.close_dialog());
                },
            );
        })
    };
    let oninput = {
        let text = text.setter();
        Callback::from(move |typed: String| text.set(typed))
    };
    let cancel = {
        let close = close.clone();
        Callback::from(move |_: MouseEvent| close.emit(()))
    };
    html! {
        <Dialog title={groups::refuse_title(lang)} onclose={close} test="refuse-dialog">
            <form class="stack" {onsubmit}>
                <PersonRow node={props.node.clone()} line={groups::wants_to_join(lang, &topic)} onclick={Callback::noop()} />
                <TextField label={groups::refuse_reason(lang)} hint={groups::refuse_hint(lang)} value={(*text).clone()} {oninput} lines=true
                    limit={REQUEST_MAX} focus=true test="refuse-reason" />
                { notice(command.error(lang), "refuse-error") }
                <div class="form-foot">
                    <Button onclick={cancel}>{ common::cancel(lang) }</Button>
                    <Button submit=true kind={ButtonKind::Danger} busy={command.is_busy()} test="confirm-refuse">{ groups::refuse(lang) }</Button>
                </div>
            </form>
        </Dialog>
    }
}
