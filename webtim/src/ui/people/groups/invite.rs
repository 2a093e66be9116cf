//! Choosing friends to add to a group.

use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

use tim_client::{Node, RoomId};
use yew::prelude::*;

use crate::i18n::{Lang, common, groups, order, people};
use crate::model::{Done, Model, Toast, Trouble};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Avatar, Button, ButtonKind, Dialog, EmptyState, Glyph, SearchField, VirtualList};
use crate::ui::people::command::use_command;
use crate::ui::people::person::use_person;
use crate::ui::people::sign_in::notice;
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub struct InviteProps {
    pub room: RoomId,
}

/// Friends who are not in the group, by name.
fn candidates(model: &Model, lang: Lang, room: &RoomId, typed: &str) -> Vec<Node> {
    let inside: HashSet<&Node> = model
        .rooms
        .members(room)
        .into_iter()
        .flat_map(|members| members.iter())
        .collect();
    let mut friends: Vec<(String, &Node)> = model
        .people
        .friends
        .iter()
        .filter(|node| !inside.contains(node))
        .map(|node| (model.people.name(node), node))
        .filter(|(name, _)| order::matches(name, typed))
        .collect();
    friends.sort_by(|left, right| order::compare(lang, &left.0, &right.0));
    friends.into_iter().map(|(_, node)| node.clone()).collect()
}

#[component]
pub fn Invite(props: &InviteProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let typed = use_state(String::new);
    let chosen = use_state(|| Rc::new(BTreeSet::<Node>::new()));
    let command = use_command();
    let found = {
        let (room, typed) = (props.room.clone(), (*typed).clone());
        use_select(move |model| candidates(model, lang, &room, &typed))
    };
    let toggle = {
        let chosen = chosen.clone();
        Callback::from(move |node: Node| {
            let mut next = (**chosen).clone();
            if !next.remove(&node) {
                next.insert(node);
            }
            chosen.set(Rc::new(next));
        })
    };
    let row = use_callback(
        (found.clone(), (*chosen).clone(), toggle),
        |number: usize, (found, chosen, toggle): &(Rc<Vec<Node>>, Rc<BTreeSet<Node>>, Callback<Node>)| {
            match found.get(number) {
                Some(node) => {
                    html! { <Candidate key={node.to_string()} node={node.clone()} chosen={chosen.contains(node)} {toggle} /> }
                }
                None => Html::default(),
            }
        },
    );
    let close = {
        let app = app.clone();
        Callback::from(move |()| app.change(|model| model.navigation.close_dialog()))
    };
    let add = {
        let (app, room, chosen, command) = (app.clone(), props.room.clone(), chosen.clone(), command.clone());
        Callback::from(move |_: MouseEvent| {
            let (service, room, nodes) = (app.service().clone(), room.clone(), (**chosen).clone());
            let (app, chosen) = (app.clone(), chosen.setter());
            command.run(
                async move {
                    let mut added = 0;
                    let mut left = BTreeSet::new();
                    let mut failed: Option<Trouble> = None;
                    for node in nodes {
                        match service.invite(&room, &node).await {
                            Ok(()) => added += 1,
                            Err(trouble) => {
                                failed = Some(trouble);
                                left.insert(node);
                            }
                        }
                    }
                    Ok((added, left, failed))
                },
                move |(added, left, failed)| {
                    chosen.set(Rc::new(left));
                    app.change(|model| {
                        if added > 0 {
                            model.toasts.add(Toast::Done(Done::Invited(added)));
                        }
                        match failed {
                            Some(trouble) => model.toasts.add(Toast::Failed(trouble)),
                            None => model.navigation.close_dialog(),
                        }
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
        let close = close.clone();
        Callback::from(move |_: MouseEvent| close.emit(()))
    };
    let count = u64::try_from(chosen.len()).unwrap_or(u64::MAX);
    let foot = html! {
        <>
            <Button onclick={cancel}>{ common::cancel(lang) }</Button>
            <Button kind={ButtonKind::Primary} busy={command.is_busy()} disabled={count == 0} onclick={add} test="invite-selected">
                { if count == 0 { groups::invite(lang).to_owned() } else { groups::invite_selected(lang, count) } }
            </Button>
        </>
    };
    html! {
        <Dialog title={groups::invite_title(lang)} onclose={close} flush=true hold={count > 0} {foot} test="invite-dialog">
            <div class="dialog-tools">
                <SearchField label={people::search_friends(lang)} value={(*typed).clone()} {oninput} focus=true test="search-invite" />
                { notice(command.error(lang), "invite-error") }
            </div>
            if found.is_empty() {
                <EmptyState glyph={Glyph::People} title={if typed.is_empty() { groups::invite_none(lang) } else { common::no_results(lang) }} />
            } else {
                <VirtualList class="dialog-list" label={people::friends(lang)} count={found.len()} row_height={56} {row} test="candidates" />
            }
        </Dialog>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct CandidateProps {
    node: Node,
    chosen: bool,
    toggle: Callback<Node>,
}

#[component]
fn Candidate(props: &CandidateProps) -> Html {
    let person = use_person(&props.node);
    let onchange = {
        let (toggle, node) = (props.toggle.clone(), props.node.clone());
        Callback::from(move |_: Event| toggle.emit(node.clone()))
    };
    html! {
        <label class="list-row list-check" data-test="candidate" data-name={person.name.clone()}>
            <input type="checkbox" checked={props.chosen} {onchange} />
            <Avatar id={props.node.to_string()} name={person.name.clone()} picture={person.picture.clone().map(AttrValue::from)} online={person.online} size={crate::ui::kit::AvatarSize::Small} />
            <span class="truncate">{ &person.name }</span>
        </label>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tim_client::UserProfile;

    #[test]
    fn only_friends_who_are_not_in_the_group_can_be_added() {
        let mut model = Model::default();
        let room = RoomId::new("r").unwrap();
        for name in ["carol", "anna", "bob"] {
            let node = Node::new(name).unwrap();
            model.people.friends.insert(node.clone());
            model
                .people
                .set_profiles([(node, UserProfile::new().with_nickname(name))]);
        }
        model.rooms.set_member(&room, true);
        model
            .rooms
            .set_members(&room, vec![Node::new("bob").unwrap(), Node::new("dan").unwrap()]);
        let found = candidates(&model, Lang::English, &room, "");
        let names: Vec<_> = found.iter().map(Node::as_str).collect();
        assert_eq!(names, ["anna", "carol"]);
    }
}
