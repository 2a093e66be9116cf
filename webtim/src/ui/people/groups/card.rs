//! The card of a group: what it is, its members, and what can be done.

use tim_client::{Node, RoomId, RoomKind};
use yew::prelude::*;

use super::member::{Members, role_of};
use super::questions::{AskGroup, AskMember, GroupQuestion, MemberQuestion};
use super::requests::JoinRequestRow;
use super::row::kind_text;
use crate::i18n::{common, dates, groups};
use crate::model::{ChatId, Dialog as Shown, Role, Wish};
use crate::store::{use_app, use_select};
use crate::ui::kit::{
    Avatar, AvatarSize, Button, ButtonKind, Dialog, EmptyState, Glyph, Icon, IconSize, MenuButton, MenuItem,
    Skeleton, Tab, Tabs,
};
use crate::ui::people::command::use_command;
use crate::ui::people::person::PersonRow;
use crate::ui::people::sign_in::notice;
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub struct GroupCardProps {
    pub room: RoomId,
}

/// What the card shows of the group.
#[derive(Clone, Debug, PartialEq)]
struct Facts {
    name: String,
    picture: Option<String>,
    announcement: Option<String>,
    kind: Option<RoomKind>,
    created: Option<i64>,
    members: Option<u64>,
    joined: bool,
    asked: bool,
    own: Role,
    /// Who would like to join, and what they say.
    waiting: Vec<(Node, String)>,
}

impl Facts {
    fn of(model: &crate::model::Model, room: &RoomId) -> Self {
        let profile = model.rooms.profile(room);
        let joined = model.rooms.is_joined(room);
        let me = model.session.me.as_ref();
        let wish = Wish::Join(room.to_string());
        let waiting = model
            .inbox
            .petitions()
            .iter()
            .filter(|petition| petition.wish == wish);
        Self {
            name: model.rooms.name(room),
            picture: model.rooms.picture(room),
            announcement: model.rooms.announcement(room).map(str::to_owned),
            kind: profile.and_then(|profile| profile.kind),
            created: profile
                .and_then(|profile| profile.created)
                .map(|time| time.nanos() / 1_000_000),
            members: model
                .rooms
                .members(room)
                .and_then(|members| u64::try_from(members.len()).ok()),
            joined,
            asked: model.rooms.asked.contains(room),
            own: match me {
                Some(me) if joined => role_of(profile.map(|profile| &**profile), me),
                _ => Role::Outside,
            },
            waiting: waiting
                .filter_map(|petition| Some((Node::new(&petition.from).ok()?, petition.text.clone())))
                .collect(),
        }
    }
}

#[component]
pub fn GroupCard(props: &GroupCardProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let room = props.room.clone();
    let facts = {
        let room = room.clone();
        use_select(move |model| Facts::of(model, &room))
    };
    let tab = use_state(|| AttrValue::from("group-members"));
    let member_question = use_state(|| None::<MemberQuestion>);
    let group_question = use_state(|| None::<GroupQuestion>);
    let command = use_command();
    use_effect_with(room.clone(), {
        let app = app.clone();
        move |room| app.service().reload_room(room)
    });

    let close = {
        let app = app.clone();
        Callback::from(move |()| app.change(|model| model.navigation.close_dialog()))
    };
    let show = |dialog: Shown| {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| app.change(|model| model.navigation.show(dialog.clone())))
    };
    let open_chat = {
        let (app, room) = (app.clone(), room.clone());
        Callback::from(move |_: MouseEvent| app.service().open_chat(ChatId::Room(room.clone())))
    };
    let join = {
        let (app, room, command) = (app.clone(), room.clone(), command.clone());
        Callback::from(move |_: MouseEvent| {
            let (service, room) = (app.service().clone(), room.clone());
            command.run(async move { service.join_group(&room, "").await }, |()| {});
        })
    };
    let actions = if facts.joined {
        html! {
            <>
                <Button kind={ButtonKind::Primary} icon={Glyph::Chats} onclick={open_chat} test="open-group">{ groups::open_chat(lang) }</Button>
                if facts.kind == Some(RoomKind::Open) || facts.own.manages() {
                    <Button icon={Glyph::AddPerson} onclick={show(Shown::Invite(room.clone()))} test="invite">{ groups::invite(lang) }</Button>
                }
            </>
        }
    } else if facts.kind == Some(RoomKind::Open) {
        html! { <Button kind={ButtonKind::Primary} busy={command.is_busy()} onclick={join} test="join">{ groups::join(lang) }</Button> }
    } else if facts.asked {
        html! { <span class="tag" data-test="asked">{ groups::asked_tag(lang) }</span> }
    } else {
        html! { <Button kind={ButtonKind::Primary} onclick={show(Shown::AskToJoin(room.clone()))} test="ask-to-join">{ groups::ask_to_join(lang) }</Button> }
    };
    let ask = |question: GroupQuestion| {
        let setter = group_question.setter();
        move || setter.set(Some(question))
    };
    let mut more = Vec::new();
    if facts.own.manages() {
        let (app, room) = (app.clone(), room.clone());
        let edit = move || app.change(|model| model.navigation.show(Shown::EditGroup(room.clone())));
        more.push(MenuItem::new(groups::edit_group(lang), Glyph::Edit, edit).with_test("edit-group"));
    }
    if facts.joined {
        more.push(
            MenuItem::new(groups::leave(lang), Glyph::Logout, ask(GroupQuestion::Leave))
                .danger()
                .apart()
                .with_test("leave"),
        );
        if facts.own == Role::Founder {
            more.push(
                MenuItem::new(groups::dissolve(lang), Glyph::Trash, ask(GroupQuestion::Dissolve))
                    .danger()
                    .with_test("dissolve"),
            );
        } else {
            more.push(
                MenuItem::new(groups::block_group(lang), Glyph::Block, ask(GroupQuestion::Block))
                    .danger()
                    .with_test("block-group"),
            );
        }
    }
    let (glyph, kind_name) = kind_text(lang, facts.kind);
    let mut line = kind_name.to_owned();
    if let Some(members) = facts.members.filter(|_| facts.joined) {
        line = format!("{line} · {}", common::members(lang, members));
    }
    if let Some(created) = facts.created {
        line = format!(
            "{line} · {}",
            groups::created_on(lang, &dates::date(lang, created))
        );
    }
    let onquestion = {
        let setter = member_question.setter();
        Callback::from(move |question: MemberQuestion| setter.set(Some(question)))
    };
    let onselect = {
        let tab = tab.setter();
        Callback::from(move |id: AttrValue| tab.set(id))
    };
    let content = match tab.as_str() {
        "group-requests" if facts.own.manages() => {
            html! { <Waiting room={room.clone()} waiting={facts.waiting.clone()} /> }
        }
        "group-blocked" if facts.own.manages() => html! { <BlockedMembers room={room.clone()} /> },
        _ => html! { <Members room={room.clone()} own={facts.own} {onquestion} /> },
    };
    html! {
        <>
            <Dialog title={groups::group(lang)} onclose={close} flush=true test="group-card">
                <div class="group-head" data-node={room.to_string()}>
                    <Avatar id={room.to_string()} name={facts.name.clone()} picture={facts.picture.clone().map(AttrValue::from)} size={AvatarSize::Large} room=true />
                    <div class="grow">
                        <p class="card-name" data-test="group-name">{ &facts.name }</p>
                        <p class="card-line"><Icon {glyph} size={IconSize::Small} />{ line }</p>
                    </div>
                    <div class="card-actions">
                        { actions }
                        if !more.is_empty() { <MenuButton label={common::more(lang)} items={more} test="group-more" /> }
                    </div>
                    { notice(command.error(lang), "group-error") }
                    if let Some(announcement) = &facts.announcement {
                        <div class="group-announcement" data-test="group-announcement">
                            <h3><Icon glyph={Glyph::Announcement} size={IconSize::Small} />{ groups::announcement(lang) }</h3>
                            <p>{ announcement }</p>
                        </div>
                    }
                </div>
                if facts.own.manages() {
                    <Tabs label={groups::group(lang)} selected={(*tab).clone()} {onselect} tabs={vec![
                        Tab { id: "group-members".into(), title: groups::members_title(lang).into(), count: 0 },
                        Tab { id: "group-requests".into(), title: groups::join_requests(lang).into(), count: u64::try_from(facts.waiting.len()).unwrap_or(u64::MAX) },
                        Tab { id: "group-blocked".into(), title: groups::blocked_members(lang).into(), count: 0 },
                    ]}>{ content }</Tabs>
                } else if facts.joined {
                    { content }
                }
            </Dialog>
            if let Some(question) = (*member_question).clone() {
                <AskMember room={room.clone()} {question} onclose={{
                    let setter = member_question.setter();
                    Callback::from(move |()| setter.set(None))
                }} />
            }
            if let Some(question) = *group_question {
                <AskGroup key={format!("{question:?}")} room={room.clone()} {question} founder={facts.own == Role::Founder} onclose={{
                    let setter = group_question.setter();
                    Callback::from(move |()| setter.set(None))
                }} onquestion={{
                    let setter = group_question.setter();
                    Callback::from(move |next: GroupQuestion| setter.set(Some(next)))
                }} />
            }
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct WaitingProps {
    room: RoomId,
    waiting: Vec<(Node, String)>,
}

#[component]
fn Waiting(props: &WaitingProps) -> Html {
    let lang = use_lang();
    if props.waiting.is_empty() {
        return html! { <EmptyState glyph={Glyph::Inbox} title={groups::no_join_requests(lang)} /> };
    }
    html! {
        <div class="dialog-list">
            { for props.waiting.iter().map(|(node, text)| html! {
                <JoinRequestRow key={node.to_string()} node={node.clone()} room={props.room.clone()} text={text.clone()} />
            }) }
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct BlockedMembersProps {
    room: RoomId,
}

#[component]
fn BlockedMembers(props: &BlockedMembersProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let blocked = use_state(|| None::<Vec<Node>>);
    let command = use_command();
    use_effect_with(props.room.clone(), {
        let (app, blocked, command) = (app.clone(), blocked.setter(), command.clone());
        move |room| {
            let (service, room) = (app.service().clone(), room.clone());
            command.run(
                async move { service.blocked_members(&room).await },
                move |nodes| blocked.set(Some(nodes)),
            );
        }
    });
    let unblock = |node: Node| {
        let (app, room, blocked, command) =
            (app.clone(), props.room.clone(), blocked.clone(), command.clone());
        Callback::from(move |_: MouseEvent| {
            let (service, room, node) = (app.service().clone(), room.clone(), node.clone());
            let left: Vec<Node> = blocked
                .iter()
                .flatten()
                .filter(|other| **other != node)
                .cloned()
                .collect();
            let blocked = blocked.setter();
            command.run(
                async move { service.unblock_member(&room, &node).await },
                move |()| blocked.set(Some(left)),
            );
        })
    };
    html! {
        <div class="dialog-list">
            { notice(command.error(lang), "blocked-error") }
            { match &*blocked {
                None if command.trouble().is_some() => Html::default(),
                None => html! { <Skeleton rows={2} /> },
                Some(nodes) if nodes.is_empty() => html! { <EmptyState glyph={Glyph::Block} title={groups::no_blocked_members(lang)} /> },
                Some(nodes) => nodes.iter().map(|node| html! {
                    <PersonRow key={node.to_string()} node={node.clone()} test="blocked-member">
                        <Button small=true onclick={unblock(node.clone())} test="unblock-member">{ groups::unblock(lang) }</Button>
                    </PersonRow>
                }).collect(),
            } }
        </div>
    }
}
