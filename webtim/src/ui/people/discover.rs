//! Finding people: by their exact account name, and in the directory.

use std::rc::Rc;

use tim_client::Node;
use tim_client::web::Person;
use yew::prelude::*;

use super::command::use_command;
use super::paged::{Stage, use_pages};
use super::person::{PersonRow, use_person};
use crate::i18n::{Lang, common, order, people};
use crate::model::{ChatId, Dialog, Relation};
use crate::store::use_app;
use crate::ui::kit::{
    Button, ButtonKind, EmptyState, Glyph, Icon, SearchField, Skeleton, TextField, VirtualList,
};
use crate::ui::use_lang;

#[component]
pub fn Discover() -> Html {
    html! {
        <>
            <FindByName />
            <Directory />
        </>
    }
}

#[component]
fn FindByName() -> Html {
    let app = use_app();
    let lang = use_lang();
    let name = use_state(String::new);
    // The name that was looked for, and who it is.
    let found = use_state(|| None::<(String, Option<Node>)>);
    let command = use_command();
    let onsubmit = {
        let (app, name, found, command) = (app.clone(), name.clone(), found.clone(), command.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let looked_for = name.trim().to_owned();
            if looked_for.is_empty() {
                return;
            }
            found.set(None);
            let (service, found) = (app.service().clone(), found.setter());
            let asked = looked_for.clone();
            command.run(async move { service.find_person(&asked).await }, move |node| {
                found.set(Some((looked_for, node)));
            });
        })
    };
    let oninput = {
        let name = name.setter();
        Callback::from(move |text: String| name.set(text))
    };
    html! {
        <form class="screen-tools find-form" {onsubmit} role="search">
            <div class="grow">
                <TextField label={people::find_by_name(lang)} value={(*name).clone()} {oninput} technical=true icon={Glyph::Person}
                    hint={people::find_by_name_hint(lang)} error={command.error(lang).map(AttrValue::from)} test="find-name" />
            </div>
            <Button submit=true kind={ButtonKind::Primary} busy={command.is_busy()} disabled={name.trim().is_empty()} test="find">{ people::find(lang) }</Button>
            <div class="find-result" aria-live="polite">
                { match &*found {
                    Some((_, Some(node))) => html! { <PersonWithAction key={node.to_string()} node={node.clone()} test="found-person" /> },
                    Some((name, None)) => html! {
                        <p class="notice" data-test="not-found"><Icon glyph={Glyph::Info} /><span>{ people::not_found(lang, name) }</span></p>
                    },
                    None => Html::default(),
                } }
            </div>
        </form>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct PersonWithActionProps {
    node: Node,
    #[prop_or_default]
    test: Option<AttrValue>,
}

/// Somebody with the one thing that most people want of them.
#[component]
fn PersonWithAction(props: &PersonWithActionProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let person = use_person(&props.node);
    let ask = {
        let (app, node) = (app.clone(), props.node.clone());
        Callback::from(move |_: MouseEvent| {
            app.change(|model| model.navigation.show(Dialog::AskFriend(node.clone())))
        })
    };
    let message = {
        let (app, node) = (app.clone(), props.node.clone());
        Callback::from(move |_: MouseEvent| app.service().open_chat(ChatId::Peer(node.clone())))
    };
    let accept = {
        let (app, node) = (app.clone(), props.node.clone());
        Callback::from(move |_: MouseEvent| {
            let (service, node) = (app.service().clone(), node.clone());
            app.attempt(async move { service.add_friend(&node, "").await });
        })
    };
    let action = match person.relation {
        Relation::Myself => html! { <span class="tag tag-accent">{ people::you(lang) }</span> },
        Relation::Friend => {
            html! { <Button small=true icon={Glyph::Chats} onclick={message} test="message">{ people::message(lang) }</Button> }
        }
        Relation::Asks => {
            html! { <Button small=true kind={ButtonKind::Primary} onclick={accept} test="accept">{ people::accept(lang) }</Button> }
        }
        Relation::Asked => html! { <span class="tag">{ people::requested(lang) }</span> },
        Relation::Blocked => html! { <span class="tag">{ people::blocked(lang) }</span> },
        Relation::Stranger => {
            html! { <Button small=true icon={Glyph::AddPerson} onclick={ask} test="add-friend">{ people::add_friend(lang) }</Button> }
        }
    };
    html! { <PersonRow node={props.node.clone()} test={props.test.clone()}>{ action }</PersonRow> }
}

/// Entries whose name has the typed text in it.
fn filtered(entries: &[Person], typed: &str) -> Vec<Node> {
    let matching = |person: &&Person| {
        let name = person.nickname.as_deref().unwrap_or_else(|| person.node.as_str());
        order::matches(name, typed)
    };
    entries
        .iter()
        .filter(matching)
        .map(|person| person.node.clone())
        .collect()
}

#[component]
fn Directory() -> Html {
    let app = use_app();
    let lang = use_lang();
    let typed = use_state(String::new);
    let (pages, more) = {
        let app = app.clone();
        use_pages(move |after| {
            let service = app.service().clone();
            async move { service.directory(after).await }
        })
    };
    let entries = pages.entries.clone();
    let people = use_memo((entries, (*typed).clone()), |(entries, typed)| {
        filtered(entries, typed)
    });
    let row = {
        let app = app.clone();
        use_callback(
            (people.clone(), lang),
            move |number: usize, (people, _): &(Rc<Vec<Node>>, Lang)| {
                let Some(node) = people.get(number) else {
                    return Html::default();
                };
                app.service().want_profiles([node]);
                html! { <PersonWithAction key={node.to_string()} node={node.clone()} /> }
            },
        )
    };
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
    let body = match &pages.stage {
        Stage::Off => html! {
            <EmptyState glyph={Glyph::People} title={people::directory_off(lang)} text={people::directory_off_text(lang)} test="directory-off" />
        },
        Stage::Failed(trouble) if pages.entries.is_empty() => html! {
            <EmptyState glyph={Glyph::Disconnected} title={common::trouble(lang, trouble)}><Button onclick={retry}>{ common::retry(lang) }</Button></EmptyState>
        },
        Stage::Start | Stage::Fetching if pages.entries.is_empty() => html! { <Skeleton /> },
        _ if people.is_empty() && typed.is_empty() => {
            html! { <EmptyState glyph={Glyph::People} title={people::directory_empty(lang)} /> }
        }
        _ if people.is_empty() => {
            html! { <EmptyState glyph={Glyph::Search} title={common::no_results(lang)} /> }
        }
        _ => html! {
            <VirtualList class="screen-list" label={people::directory(lang)} count={people.len()} row_height={64} {row} onend={more} test="directory" />
        },
    };
    html! {
        <section class="screen-section">
            <div class="screen-tools screen-tools-inline">
                <h2 class="grow">{ people::directory(lang) }</h2>
                if pages.entries.len() > 8 || !typed.is_empty() {
                    <SearchField label={people::filter_directory(lang)} value={(*typed).clone()} {oninput} test="filter-directory" />
                }
            </div>
            { body }
        </section>
    }
}
