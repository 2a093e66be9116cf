//! The list of conversations, beside or before the open chat.

mod row;

use std::rc::Rc;

use yew::prelude::*;

use self::row::ConversationRow;
use crate::i18n::{chat as texts, common};
use crate::model::{ChatId, Filter, Screen};
use crate::store::{use_app, use_select};
use crate::ui::chat::ChatView;
use crate::ui::kit::{Button, ButtonKind, EmptyState, Glyph, SearchField, VirtualList};
use crate::ui::use_lang;

/// Height of a row, see [`VirtualList`].
const ROW: u32 = 72;

/// List and chat: side by side, or stacked on a phone.
#[component]
pub fn ConversationsScreen() -> Html {
    let lang = use_lang();
    let chat = use_select(|model| model.navigation.chat().cloned());
    html! {
        <main class={classes!("panes", chat.is_some().then_some("panes-detail"))}>
            <ConversationList />
            <div class="pane-detail">
                if let Some(chat) = &*chat {
                    <ChatView key={chat.to_string()} chat={chat.clone()} />
                } else {
                    <EmptyState glyph={Glyph::Chats} title={texts::choose_chat(lang)} text={texts::choose_chat_text(lang)} test="no-chat" />
                }
            </div>
        </main>
    }
}

#[component]
fn ConversationList() -> Html {
    let lang = use_lang();
    let app = use_app();
    let words = use_state(String::new);
    let filter = use_state_eq(Filter::default);
    let chats = use_select({
        let (words, filter) = ((*words).clone(), *filter);
        move |model| model.listed(filter, &words)
    });
    let filters = [
        (Filter::All, "all", texts::filter_all(lang)),
        (Filter::Unread, "unread", texts::filter_unread(lang)),
        (Filter::People, "people", texts::filter_people(lang)),
        (Filter::Groups, "groups", texts::filter_groups(lang)),
    ]
    .map(|(choice, word, text)| {
        let onclick = {
            let filter = filter.setter();
            Callback::from(move |_: MouseEvent| filter.set(choice))
        };
        html! {
            <button type="button" class="chip" aria-pressed={(*filter == choice).to_string()} {onclick}
                data-test={format!("filter-{word}")}>{ text }</button>
        }
    });
    let oninput = {
        let words = words.setter();
        Callback::from(move |text: String| words.set(text))
    };
    let row = {
        let chats = Rc::clone(&chats);
        use_callback(chats, |number: usize, chats: &Rc<Vec<ChatId>>| {
            match chats.get(number) {
                Some(chat) => html! { <ConversationRow key={chat.to_string()} chat={chat.clone()} /> },
                None => Html::default(),
            }
        })
    };
    let go_to_people = {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| app.change(|model| model.navigation.go(Screen::People)))
    };
    let show_all = {
        let (words, filter) = (words.setter(), filter.setter());
        Callback::from(move |_: MouseEvent| {
            words.set(String::new());
            filter.set(Filter::All);
        })
    };
    let empty = match (*filter, words.trim().is_empty()) {
        (Filter::Unread, true) => html! { <EmptyState glyph={Glyph::Check} title={texts::all_read(lang)} /> },
        _ => html! {
            <EmptyState glyph={Glyph::Search} title={texts::no_chat_found(lang)} text={texts::no_chat_found_text(lang)}>
                <Button kind={ButtonKind::Quiet} onclick={show_all}>{ texts::filter_all(lang) }</Button>
            </EmptyState>
        },
    };
    // The notes are always there; with nothing else in the list a way to others is offered below.
    let is_lonely = chats.len() <= 1 && *filter == Filter::All && words.is_empty();
    html! {
        <section class="pane-list" aria-label={texts::chats(lang)} onkeydown={Callback::from(move_focus)}>
            <header class="pane-head">
                <h1 class="pane-title">{ common::chats(lang) }</h1>
                <SearchField label={texts::search_chats(lang)} value={(*words).clone()} {oninput} test="conversation-filter" />
                <div class="chips" role="group" aria-label={texts::filter(lang)}>{ for filters }</div>
            </header>
            if chats.is_empty() {
                { empty }
            } else {
                <VirtualList count={chats.len()} row_height={ROW} {row} label={texts::chats(lang)} class="pane-rows" test="conversation-list" />
            }
            if is_lonely {
                <div class="pane-hint">
                    <Button icon={Glyph::AddPerson} onclick={go_to_people} test="find-people">{ texts::find_people(lang) }</Button>
                </div>
            }
        </section>
    }
}

/// Arrow keys go from row to row.
fn move_focus(event: KeyboardEvent) {
    use wasm_bindgen::JsCast;
    let down = match event.key().as_str() {
        "ArrowDown" => true,
        "ArrowUp" => false,
        _ => return,
    };
    let Some(target) = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
    else {
        return;
    };
    let Some(present) = target.closest(".conversation").ok().flatten() else {
        return;
    };
    let item = present.parent_element();
    let next = item.and_then(|item| {
        if down {
            item.next_element_sibling()
        } else {
            item.previous_element_sibling()
        }
    });
    let row = next.and_then(|next| next.query_selector(".conversation").ok().flatten());
    if let Some(row) = row.and_then(|row| row.dyn_into::<web_sys::HtmlElement>().ok()) {
        event.prevent_default();
        crate::ui::kit::focus(&row);
    }
}
