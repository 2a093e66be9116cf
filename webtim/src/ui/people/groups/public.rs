//! All groups of the server.

use std::rc::Rc;

use tim_client::RoomKind;
use tim_client::web::RoomEntry;
use yew::prelude::*;

use super::row::GroupRow;
use crate::i18n::{Lang, common, groups, order};
use crate::model::{ChatId, Dialog, Toast};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, EmptyState, Glyph, SearchField, Skeleton, VirtualList};
use crate::ui::people::command::use_command;
use crate::ui::people::paged::{Stage, use_pages};
use crate::ui::use_lang;

fn filtered(entries: &[RoomEntry], typed: &str) -> Vec<RoomEntry> {
    let matching = |entry: &&RoomEntry| {
        let name = entry.topic.as_deref().unwrap_or_else(|| entry.room.as_str());
        order::matches(name, typed)
    };
    entries.iter().filter(matching).cloned().collect()
}

#[component]
pub fn PublicGroups() -> Html {
    let app = use_app();
    let lang = use_lang();
    let typed = use_state(String::new);
    let (pages, more) = use_pages(move |after| {
        let service = app.service().clone();
        async move { service.public_groups(after).await }
    });
    let shown = use_memo((pages.entries.clone(), (*typed).clone()), |(entries, typed)| {
        filtered(entries, typed)
    });
    let row = use_callback(
        (shown.clone(), lang),
        move |number: usize, (shown, _): &(Rc<Vec<RoomEntry>>, Lang)| match shown.get(number) {
            Some(entry) => html! { <Entry key={entry.room.to_string()} entry={entry.clone()} /> },
            None => Html::default(),
        },
    );
    // While a filter is set the next page may have what is looked for.
    use_effect_with((pages.stage.clone(), typed.is_empty()), {
        let more = more.clone();
        move |(stage, unfiltered)| {
            if !unfiltered && *stage == Stage::More {
                more.emit(());
            }
        }
    });
    let oninput = {
        let typed = typed.setter();
        Callback::from(move |text: String| typed.set(text))
    };
    let retry = {
        let more = more.clone();
        Callback::from(move |_: MouseEvent| more.emit(()))
    };
    match &pages.stage {
        Stage::Off => {
            return html! {
                <EmptyState glyph={Glyph::Groups} title={groups::directory_off(lang)} text={groups::directory_off_text(lang)} test="rooms-off" />
            };
        }
        Stage::Failed(trouble) if pages.entries.is_empty() => {
            return html! {
                <EmptyState glyph={Glyph::Disconnected} title={common::trouble(lang, trouble)}><Button onclick={retry}>{ common::retry(lang) }</Button></EmptyState>
            };
        }
        Stage::Start | Stage::Fetching if pages.entries.is_empty() => return html! { <Skeleton /> },
        _ if pages.entries.is_empty() => {
            return html! { <EmptyState glyph={Glyph::Groups} title={groups::no_public_groups(lang)} text={groups::no_groups_text(lang)} /> };
        }
        _ => {}
    }
    html! {
        <>
            <div class="screen-tools"><SearchField label={groups::search_groups(lang)} value={(*typed).clone()} {oninput} test="search-all-groups" /></div>
            if shown.is_empty() {
                <EmptyState glyph={Glyph::Search} title={common::no_results(lang)} />
            } else {
                <VirtualList class="screen-list" label={groups::public_groups(lang)} count={shown.len()} row_height={64} {row} onend={more} test="all-groups" />
            }
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct EntryProps {
    entry: RoomEntry,
}

#[component]
fn Entry(props: &EntryProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let room = props.entry.room.clone();
    let (joined, asked) = *{
        let room = room.clone();
        use_select(move |model| (model.rooms.is_joined(&room), model.rooms.asked.contains(&room)))
    };
    let command = use_command();
    let onclick = {
        let (app, room, command, open) = (
            app.clone(),
            room.clone(),
            command.clone(),
            props.entry.kind == RoomKind::Open,
        );
        Callback::from(move |_: MouseEvent| {
            if !open {
                app.change(|model| model.navigation.show(Dialog::AskToJoin(room.clone())));
                return;
            }
            let (service, room) = (app.service().clone(), room.clone());
            command.run(async move { service.join_group(&room, "").await }, |()| {});
        })
    };
    use_effect_with(command.trouble().cloned(), {
        let app = app.clone();
        move |trouble| {
            if let Some(trouble) = trouble.clone() {
                app.change(|model| model.toasts.add(Toast::Failed(trouble)));
            }
        }
    });
    let open_chat = {
        let (app, room) = (app.clone(), room.clone());
        Callback::from(move |_: MouseEvent| app.service().open_chat(ChatId::Room(room.clone())))
    };
    let action = if joined {
        html! { <Button small=true icon={Glyph::Chats} onclick={open_chat} test="open-group">{ groups::open_chat(lang) }</Button> }
    } else if asked && props.entry.kind != RoomKind::Open {
        html! { <span class="tag" data-test="asked">{ groups::asked_tag(lang) }</span> }
    } else if props.entry.kind == RoomKind::Open {
        html! { <Button small=true kind={ButtonKind::Primary} busy={command.is_busy() || asked} {onclick} test="join">{ groups::join(lang) }</Button> }
    } else {
        html! { <Button small=true {onclick} test="ask-to-join">{ groups::ask_to_join(lang) }</Button> }
    };
    html! {
        <GroupRow {room} name={props.entry.topic.clone().map(AttrValue::from)} picture={props.entry.picture.clone().map(AttrValue::from)} kind={props.entry.kind} test="public-group">
            { action }
        </GroupRow>
    }
}
