//! Groups: the own ones, all of the server, requests to join, and the dialogs of a group.

pub mod ask;
pub mod card;
pub mod edit;
pub mod invite;
pub mod member;
pub mod new_group;
pub mod public;
pub mod questions;
pub mod requests;
pub mod row;

use tim_client::RoomId;
use yew::prelude::*;

use self::public::PublicGroups;
use self::requests::{JoinRequests, is_to_decide};
use self::row::GroupRow;
use super::screen_head::ScreenHead;
use crate::i18n::{Lang, common, groups, order};
use crate::model::{ChatId, Dialog, Model};
use crate::store::{use_app, use_select};
use crate::ui::kit::{
    Button, ButtonKind, EmptyState, Glyph, IconButton, SearchField, Tab, Tabs, VirtualList,
};
use crate::ui::use_lang;

/// The screen of groups.
#[component]
pub fn GroupsScreen() -> Html {
    let app = use_app();
    let lang = use_lang();
    let waiting = use_select(|model| {
        let waiting = model
            .inbox
            .petitions()
            .iter()
            .filter(|petition| is_to_decide(petition));
        u64::try_from(waiting.count()).unwrap_or(u64::MAX)
    });
    let selected = use_state(|| AttrValue::from(if *waiting > 0 { "requests" } else { "mine" }));
    let onselect = {
        let selected = selected.setter();
        Callback::from(move |id: AttrValue| selected.set(id))
    };
    let create = {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| app.change(|model| model.navigation.show(Dialog::NewGroup)))
    };
    let onall = {
        let selected = selected.setter();
        Callback::from(move |()| selected.set(AttrValue::from("all")))
    };
    let tabs = [
        ("mine", groups::my_groups(lang), 0),
        ("all", groups::public_groups(lang), 0),
        ("requests", groups::join_requests(lang), *waiting),
    ]
    .map(|(id, title, count)| Tab {
        id: id.into(),
        title: title.into(),
        count,
    });
    html! {
        <main class="screen" data-test="groups-screen">
            <ScreenHead title={common::groups(lang)}>
                <Button small=true icon={Glyph::Add} kind={ButtonKind::Primary} onclick={create} test="new-group">{ groups::new_group(lang) }</Button>
            </ScreenHead>
            <Tabs label={common::groups(lang)} tabs={tabs.to_vec()} selected={(*selected).clone()} {onselect}>
                { match selected.as_str() {
                    "all" => html! { <PublicGroups /> },
                    "requests" => html! { <JoinRequests /> },
                    _ => html! { <OwnGroups {onall} /> },
                } }
            </Tabs>
        </main>
    }
}

/// The own groups whose name has the typed text in it, by name.
fn found(model: &Model, lang: Lang, typed: &str) -> Vec<RoomId> {
    let mut rooms: Vec<(String, &RoomId)> = model
        .rooms
        .joined()
        .map(|room| (model.rooms.name(room), room))
        .filter(|(name, _)| order::matches(name, typed))
        .collect();
    rooms.sort_by(|left, right| order::compare(lang, &left.0, &right.0));
    rooms.into_iter().map(|(_, room)| room.clone()).collect()
}

#[derive(Clone, PartialEq, Properties)]
struct OwnGroupsProps {
    /// Leads to all groups.
    onall: Callback<()>,
}

#[component]
fn OwnGroups(props: &OwnGroupsProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let typed = use_state(String::new);
    let all = use_select(|model| model.rooms.joined().count());
    let rooms = {
        let typed = (*typed).clone();
        use_select(move |model| found(model, lang, &typed))
    };
    let row = {
        let app = app.clone();
        use_callback(
            (rooms.clone(), lang),
            move |number: usize, (rooms, lang): &(std::rc::Rc<Vec<RoomId>>, Lang)| {
                let Some(room) = rooms.get(number) else {
                    return Html::default();
                };
                let onclick = {
                    let (app, room) = (app.clone(), room.clone());
                    Callback::from(move |_: MouseEvent| app.service().open_chat(ChatId::Room(room.clone())))
                };
                html! {
                    <GroupRow key={room.to_string()} room={room.clone()}>
                        <IconButton glyph={Glyph::Chats} label={groups::open_chat(*lang)} {onclick} test="group-chat" />
                    </GroupRow>
                }
            },
        )
    };
    if *all == 0 {
        let onall = props.onall.clone();
        return html! {
            <EmptyState glyph={Glyph::Groups} title={groups::no_groups(lang)} text={groups::no_groups_text(lang)} test="no-groups">
                <Button onclick={move |_: MouseEvent| onall.emit(())}>{ groups::public_groups(lang) }</Button>
            </EmptyState>
        };
    }
    let oninput = {
        let typed = typed.setter();
        Callback::from(move |text: String| typed.set(text))
    };
    html! {
        <>
            <div class="screen-tools"><SearchField label={groups::search_groups(lang)} value={(*typed).clone()} {oninput} test="search-groups" /></div>
            if rooms.is_empty() {
                <EmptyState glyph={Glyph::Search} title={common::no_results(lang)} />
            } else {
                <VirtualList class="screen-list" label={groups::my_groups(lang)} count={rooms.len()} row_height={64} {row} test="groups" />
            }
        </>
    }
}
