//! The members of a group: a list that stays quick with ten thousand of them.

use std::collections::HashSet;
use std::rc::Rc;

use tim_client::{Node, RoomId, RoomProfile};
use yew::prelude::*;

use super::questions::MemberQuestion;
use crate::i18n::{common, groups, order};
use crate::model::{Dialog, Done, Model, Role, Toast};
use crate::store::{use_app, use_select};
use crate::ui::kit::{EmptyState, Glyph, MenuButton, MenuItem, SearchField, Skeleton, VirtualList};
use crate::ui::people::person::{PersonRow, use_person};
use crate::ui::use_lang;

/// What a member may do, from the profile of the group.
pub fn role_of(profile: Option<&RoomProfile>, node: &Node) -> Role {
    let Some(profile) = profile else {
        return Role::Member;
    };
    if profile.founder.as_ref() == Some(node) {
        Role::Founder
    } else if profile
        .managers
        .as_ref()
        .is_some_and(|managers| managers.contains(node))
    {
        Role::Manager
    } else {
        Role::Member
    }
}

/// The members with the typed text in their name: founder, managers, oneself, friends, then the others as the server
/// lists them. Names that are still on their way do not make the list jump. `None`: not fetched yet.
fn found(model: &Model, room: &RoomId, typed: &str) -> Option<Vec<Node>> {
    let members = model.rooms.members(room)?;
    let profile = model.rooms.profile(room).map(|profile| &**profile);
    let managers: HashSet<&Node> = profile
        .and_then(|profile| profile.managers.as_ref())
        .into_iter()
        .flatten()
        .collect();
    let founder = profile.and_then(|profile| profile.founder.as_ref());
    let rank = |node: &Node| {
        if founder == Some(node) {
            0
        } else if managers.contains(node) {
            1
        } else if model.session.is_me(node) {
            2
        } else if model.people.is_friend(node) {
            3
        } else {
            4
        }
    };
    let typed = typed.trim();
    let matching = |node: &&Node| typed.is_empty() || order::matches(&model.people.name(node), typed);
    let mut ranked: Vec<(u8, &Node)> = members
        .iter()
        .filter(matching)
        .map(|node| (rank(node), node))
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    Some(ranked.into_iter().map(|(_, node)| node.clone()).collect())
}

/// What the rows are made of.
type Rows = (Rc<Option<Vec<Node>>>, Rc<Option<Rc<RoomProfile>>>, MembersProps);

#[derive(Clone, PartialEq, Properties)]
pub struct MembersProps {
    pub room: RoomId,
    /// What oneself may do.
    pub own: Role,
    pub onquestion: Callback<MemberQuestion>,
}

#[component]
pub fn Members(props: &MembersProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let typed = use_state(String::new);
    let members = {
        let (room, typed) = (props.room.clone(), (*typed).clone());
        use_select(move |model| found(model, &room, &typed))
    };
    let profile = {
        let room = props.room.clone();
        use_select(move |model| model.rooms.profile(&room).cloned())
    };
    // To search names they have to be known.
    use_effect_with((props.room.clone(), typed.is_empty()), {
        let app = app.clone();
        move |(room, unfiltered)| {
            let members = app.model().rooms.members(room).cloned();
            if let (false, Some(members)) = (*unfiltered, members) {
                app.service().want_profiles(members.iter());
            }
        }
    });
    let row = {
        let app = app.clone();
        use_callback(
            (members.clone(), profile, props.clone()),
            move |number: usize, (members, profile, props): &Rows| {
                let Some(node) = (**members).as_ref().and_then(|members| members.get(number)) else {
                    return Html::default();
                };
                app.service().want_profiles([node]);
                let role = role_of((**profile).as_deref(), node);
                html! { <Member key={node.to_string()} node={node.clone()} {role} own={props.own} room={props.room.clone()} onquestion={props.onquestion.clone()} /> }
            },
        )
    };
    let oninput = {
        let typed = typed.setter();
        Callback::from(move |text: String| typed.set(text))
    };
    let list = match &*members {
        None => html! { <Skeleton rows={4} /> },
        Some(members) if members.is_empty() && !typed.is_empty() => html! {
            <EmptyState glyph={Glyph::Search} title={common::no_results(lang)} text={groups::no_member_found(lang, typed.trim())} />
        },
        Some(members) => html! {
            <VirtualList class="dialog-list" label={groups::members_title(lang)} count={members.len()} row_height={64} {row} test="members" />
        },
    };
    let is_long = !typed.is_empty() || (*members).as_ref().is_some_and(|members| members.len() > 8);
    html! {
        <>
            if is_long {
                <div class="dialog-tools"><SearchField label={groups::search_members(lang)} value={(*typed).clone()} {oninput} test="search-members" /></div>
            }
            { list }
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct MemberProps {
    node: Node,
    role: Role,
    own: Role,
    room: RoomId,
    onquestion: Callback<MemberQuestion>,
}

/// What somebody may do with a member of that role.
fn may(own: Role, role: Role, is_me: bool) -> (bool, bool) {
    let removes = !is_me && own.manages() && own > role;
    let appoints = !is_me && own == Role::Founder;
    (removes, appoints)
}

#[component]
fn Member(props: &MemberProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let person = use_person(&props.node);
    let is_me = person.relation == crate::model::Relation::Myself;
    let (removes, appoints) = may(props.own, props.role, is_me);
    let tag = match props.role {
        Role::Founder => Some(groups::founder(lang)),
        Role::Manager => Some(groups::manager(lang)),
        _ => None,
    };
    let ask = |question: fn(Node, String) -> MemberQuestion| {
        let (onquestion, node, name) = (props.onquestion.clone(), props.node.clone(), person.name.clone());
        move || onquestion.emit(question(node.clone(), name.clone()))
    };
    let mut items = Vec::new();
    if appoints {
        let manages = props.role == Role::Manager;
        let action = {
            let (app, room, node) = (app.clone(), props.room.clone(), props.node.clone());
            move || {
                let (service, room, node, app_then) =
                    (app.service().clone(), room.clone(), node.clone(), app.clone());
                app.attempt(async move {
                    service.set_manager(&room, &node, !manages).await?;
                    let done = if manages {
                        Done::Dismissed(node)
                    } else {
                        Done::Appointed(node)
                    };
                    app_then.change(|model| model.toasts.add(Toast::Done(done)));
                    Ok(())
                });
            }
        };
        let (text, test) = if manages {
            (groups::dismiss(lang), "dismiss")
        } else {
            (groups::appoint(lang), "appoint")
        };
        items.push(MenuItem::new(text, Glyph::Shield, action).with_test(test));
    }
    if removes {
        items.push(
            MenuItem::new(groups::kick(lang), Glyph::RemovePerson, ask(MemberQuestion::Kick))
                .danger()
                .apart()
                .with_test("kick"),
        );
        items.push(
            MenuItem::new(
                groups::block_member(lang),
                Glyph::Block,
                ask(MemberQuestion::Block),
            )
            .danger()
            .with_test("block-member"),
        );
    }
    let onclick = {
        let (app, node) = (app.clone(), props.node.clone());
        Callback::from(move |()| app.change(|model| model.navigation.show(Dialog::Person(node.clone()))))
    };
    html! {
        <PersonRow node={props.node.clone()} tag={tag.map(AttrValue::from)} {onclick} test="member">
            if is_me { <span class="tag tag-accent">{ crate::i18n::people::you(lang) }</span> }
            if !items.is_empty() { <MenuButton label={groups::member_actions(lang, &person.name)} {items} test="member-menu" /> }
        </PersonRow>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node {
        Node::new(text).unwrap()
    }

    #[test]
    fn members_stand_in_the_order_of_their_rights_and_else_as_they_came() {
        let mut model = Model::default();
        let room = RoomId::new("r").unwrap();
        let mut profile = RoomProfile::new().with_managers([node("manager")]);
        profile.founder = Some(node("founder"));
        model.session.me = Some(node("me"));
        model.people.friends.insert(node("friend"));
        model.rooms.set_member(&room, true);
        model.rooms.set_profile(&room, profile);
        let all = ["z", "me", "friend", "manager", "a", "founder"].map(node);
        assert_eq!(found(&model, &room, ""), None);
        model.rooms.set_members(&room, all.to_vec());
        let names: Vec<String> = found(&model, &room, "")
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(names, ["founder", "manager", "me", "friend", "z", "a"]);
        assert_eq!(found(&model, &room, "AN").unwrap(), [node("manager")]);
    }

    #[test]
    fn nobody_removes_equals_or_themselves() {
        assert_eq!(may(Role::Founder, Role::Manager, false), (true, true));
        assert_eq!(may(Role::Founder, Role::Founder, true), (false, false));
        assert_eq!(may(Role::Manager, Role::Member, false), (true, false));
        assert_eq!(may(Role::Manager, Role::Manager, false), (false, false));
        assert_eq!(may(Role::Member, Role::Member, false), (false, false));
    }
}
