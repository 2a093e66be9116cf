//! The list of friends.

use tim_client::Node;
use yew::prelude::*;

use super::person::PersonRow;
use crate::i18n::{Lang, common, order, people};
use crate::model::{ChatId, Model};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, EmptyState, Glyph, IconButton, SearchField, VirtualList};
use crate::ui::use_lang;

/// Friends whose name has the typed text in it: those who are there first, then by name.
fn found(model: &Model, lang: Lang, typed: &str) -> Vec<Node> {
    let mut friends: Vec<(bool, String, &Node)> = model
        .people
        .friends
        .iter()
        .map(|node| (model.people.online(node).is_none(), model.people.name(node), node))
        .filter(|(_, name, _)| order::matches(name, typed))
        .collect();
    friends.sort_by(|left, right| {
        left.0
            .cmp(&right.0)
            .then_with(|| order::compare(lang, &left.1, &right.1))
    });
    friends.into_iter().map(|(_, _, node)| node.clone()).collect()
}

#[derive(Clone, PartialEq, Properties)]
pub struct FriendsProps {
    /// Leads to the ways to find people.
    pub ondiscover: Callback<()>,
}

#[component]
pub fn Friends(props: &FriendsProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let typed = use_state(String::new);
    let all = use_select(|model| model.people.friends.len());
    let friends = {
        let typed = (*typed).clone();
        use_select(move |model| found(model, lang, &typed))
    };
    let row = {
        let (friends, app) = (friends.clone(), app.clone());
        let message = people::message(lang);
        use_callback(
            (friends, lang),
            move |number: usize, (friends, _): &(std::rc::Rc<Vec<Node>>, Lang)| {
                let Some(node) = friends.get(number) else {
                    return Html::default();
                };
                let onclick = {
                    let (app, node) = (app.clone(), node.clone());
                    Callback::from(move |_: MouseEvent| app.service().open_chat(ChatId::Peer(node.clone())))
                };
                html! {
                    <PersonRow key={node.to_string()} node={node.clone()}>
                        <IconButton glyph={Glyph::Chats} label={message} {onclick} test="person-message" />
                    </PersonRow>
                }
            },
        )
    };
    if *all == 0 {
        let ondiscover = props.ondiscover.clone();
        return html! {
            <EmptyState glyph={Glyph::People} title={people::no_friends(lang)} text={people::no_friends_text(lang)} test="no-friends">
                <Button kind={ButtonKind::Primary} icon={Glyph::AddPerson} onclick={move |_: MouseEvent| ondiscover.emit(())} test="discover">
                    { people::discover(lang) }
                </Button>
            </EmptyState>
        };
    }
    let oninput = {
        let typed = typed.setter();
        Callback::from(move |text: String| typed.set(text))
    };
    html! {
        <>
            <div class="screen-tools"><SearchField label={people::search_friends(lang)} value={(*typed).clone()} {oninput} test="search-friends" /></div>
            if friends.is_empty() {
                <EmptyState glyph={Glyph::Search} title={common::no_results(lang)} text={people::no_friend_found(lang, typed.trim())} />
            } else {
                <VirtualList class="screen-list" label={people::friends(lang)} count={friends.len()} row_height={64} {row} test="friends" />
            }
        </>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tim_client::UserProfile;

    #[test]
    fn those_who_are_there_come_first_then_names_in_order() {
        let mut model = Model::default();
        for name in ["carol", "anna", "bob"] {
            let node = Node::new(name).unwrap();
            model.people.friends.insert(node.clone());
            model
                .people
                .set_profiles([(node, UserProfile::new().with_nickname(name))]);
        }
        let names = |model: &Model, typed: &str| -> Vec<String> {
            found(model, Lang::English, typed)
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        assert_eq!(names(&model, ""), ["anna", "bob", "carol"]);
        assert_eq!(names(&model, "O"), ["bob", "carol"]);
    }
}
