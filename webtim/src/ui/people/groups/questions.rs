//! What is asked before it is done to a group or a member.

use tim_client::{Node, RoomId, RoomKind};
use yew::prelude::*;

use crate::i18n::groups;
use crate::model::{Done, Toast};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, Confirm, Dialog, DialogSize, TextField};
use crate::ui::people::command::use_command;
use crate::ui::people::sign_in::notice;
use crate::ui::use_lang;

/// Something to be done to a member: who, and what they are called.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberQuestion {
    Kick(Node, String),
    Block(Node, String),
}

#[derive(Clone, PartialEq, Properties)]
pub struct AskMemberProps {
    pub room: RoomId,
    pub question: MemberQuestion,
    pub onclose: Callback<()>,
}

#[component]
pub fn AskMember(props: &AskMemberProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let command = use_command();
    let (title, text) = match &props.question {
        MemberQuestion::Kick(_, name) => (groups::kick(lang), groups::kick_question(lang, name)),
        MemberQuestion::Block(_, name) => (
            groups::block_member(lang),
            groups::block_member_question(lang, name),
        ),
    };
    let onconfirm = {
        let (app, room, question, onclose, command) = (
            app.clone(),
            props.room.clone(),
            props.question.clone(),
            props.onclose.clone(),
            command.clone(),
        );
        Callback::from(move |()| {
            let (service, room, question) = (app.service().clone(), room.clone(), question.clone());
            let (app, onclose) = (app.clone(), onclose.clone());
            command.run(
                async move {
                    match question {
                        MemberQuestion::Kick(node, _) => service.kick(&room, &node).await.map(|()| node),
                        MemberQuestion::Block(node, _) => {
                            service.block_member(&room, &node).await.map(|()| node)
                        }
                    }
                },
                move |node| {
                    app.change(|model| model.toasts.add(Toast::Done(Done::Kicked(node))));
                    onclose.emit(());
                },
            );
        })
    };
    html! {
        <Confirm {title} {text} action={title} danger=true busy={command.is_busy()} error={command.error(lang).map(AttrValue::from)}
            {onconfirm} onclose={props.onclose.clone()} />
    }
}

/// Something to be done to the group itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupQuestion {
    Leave,
    Block,
    Dissolve,
}

#[derive(Clone, PartialEq, Properties)]
pub struct AskGroupProps {
    pub room: RoomId,
    pub question: GroupQuestion,
    /// Only the founder: leaving is explained instead of done.
    pub founder: bool,
    pub onclose: Callback<()>,
    pub onquestion: Callback<GroupQuestion>,
}

#[component]
pub fn AskGroup(props: &AskGroupProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let command = use_command();
    let (topic, kind) = (*{
        let room = props.room.clone();
        use_select(move |model| {
            (
                model.rooms.name(&room),
                model.rooms.profile(&room).and_then(|profile| profile.kind),
            )
        })
    })
    .clone();
    if props.question == GroupQuestion::Dissolve {
        return html! { <Dissolve room={props.room.clone()} {topic} onclose={props.onclose.clone()} /> };
    }
    if props.founder {
        let dissolve = {
            let onquestion = props.onquestion.clone();
            Callback::from(move |()| onquestion.emit(GroupQuestion::Dissolve))
        };
        return html! {
            <Confirm title={groups::founder_cannot_leave(lang)} text={groups::founder_cannot_leave_text(lang)} action={groups::dissolve(lang)} danger=true
                onconfirm={dissolve} onclose={props.onclose.clone()} test="founder-cannot-leave" />
        };
    }
    let (title, text) = match (props.question, kind) {
        (GroupQuestion::Block, _) => (
            groups::block_group(lang),
            groups::block_group_question(lang, &topic),
        ),
        (_, Some(RoomKind::Open)) => (groups::leave(lang), groups::leave_question(lang, &topic)),
        _ => (groups::leave(lang), groups::leave_private_question(lang, &topic)),
    };
    let onconfirm = {
        let (app, room, question, command, topic) = (
            app.clone(),
            props.room.clone(),
            props.question,
            command.clone(),
            topic.clone(),
        );
        Callback::from(move |()| {
            let (service, room, topic, app) =
                (app.service().clone(), room.clone(), topic.clone(), app.clone());
            command.run(
                async move {
                    match question {
                        GroupQuestion::Block => service.block_group(&room).await,
                        _ => service.leave_group(&room).await,
                    }
                },
                move |()| {
                    app.change(|model| {
                        model.navigation.close_dialog();
                        model.toasts.add(Toast::Done(Done::Left(topic)));
                    });
                },
            );
        })
    };
    html! {
        <Confirm {title} {text} action={title} danger=true busy={command.is_busy()} error={command.error(lang).map(AttrValue::from)} {onconfirm}
            onclose={props.onclose.clone()} />
    }
}

#[derive(Clone, PartialEq, Properties)]
struct DissolveProps {
    room: RoomId,
    topic: String,
    onclose: Callback<()>,
}

/// Dissolving cannot be undone, so the name of the group has to be typed.
#[component]
fn Dissolve(props: &DissolveProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let command = use_command();
    let typed = use_state(String::new);
    let progress = use_state(|| None::<(usize, usize)>);
    let others = {
        let room = props.room.clone();
        use_select(move |model| {
            model
                .rooms
                .members(&room)
                .map_or(0, |members| members.len().saturating_sub(1))
        })
    };
    let is_same = typed.trim() == props.topic.trim();
    let onsubmit = {
        let (app, room, topic, command) = (
            app.clone(),
            props.room.clone(),
            props.topic.clone(),
            command.clone(),
        );
        let progress = progress.setter();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if !is_same {
                return;
            }
            let (service, room, topic, app, progress) = (
                app.service().clone(),
                room.clone(),
                topic.clone(),
                app.clone(),
                progress.clone(),
            );
            command.run(
                async move {
                    service
                        .dissolve_group(&room, move |done, all| progress.set(Some((done, all))))
                        .await
                },
                move |()| {
                    app.change(|model| {
                        model.navigation.close_dialog();
                        model.toasts.add(Toast::Done(Done::Dissolved(topic)));
                    });
                },
            );
        })
    };
    let oninput = {
        let typed = typed.setter();
        Callback::from(move |text: String| typed.set(text))
    };
    let cancel = {
        let onclose = props.onclose.clone();
        Callback::from(move |_: MouseEvent| onclose.emit(()))
    };
    let others = u64::try_from(*others).unwrap_or(u64::MAX);
    html! {
        <Dialog title={groups::dissolve(lang)} size={DialogSize::Small} role="alertdialog" onclose={props.onclose.clone()} test="dissolve-dialog">
            <form class="stack" {onsubmit}>
                <p>{ groups::dissolve_question(lang, &props.topic) }</p>
                if others > 0 { <p>{ groups::dissolve_members(lang, others) }</p> }
                <TextField label={groups::dissolve_confirm(lang, &props.topic)} value={(*typed).clone()} {oninput} technical=true focus=true test="dissolve-name" />
                if let (true, Some((done, all))) = (command.is_busy(), *progress) {
                    <p role="status">{ groups::removing(lang, &done.to_string(), &all.to_string()) }</p>
                }
                { notice(command.error(lang), "dissolve-error") }
                <div class="form-foot">
                    <Button onclick={cancel} test="confirm-cancel">{ crate::i18n::common::cancel(lang) }</Button>
                    <Button submit=true kind={ButtonKind::Danger} busy={command.is_busy()} disabled={!is_same} test="confirm-ok">{ groups::dissolve(lang) }</Button>
                </div>
            </form>
        </Dialog>
    }
}
