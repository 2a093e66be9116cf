//! Somebody as lists and cards show them.

use std::rc::Rc;

use tim_client::Node;
use yew::prelude::*;

use crate::i18n::{Lang, common, people};
use crate::model::{Model, Mood, Relation};
use crate::store::{use_app, use_select};
use crate::ui::kit::Avatar;
use crate::ui::use_lang;

/// What is shown of somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub name: String,
    pub picture: Option<String>,
    /// `None`: nothing is known, because they are neither friends nor oneself.
    pub online: Option<bool>,
    pub mood: Option<Mood>,
    pub status: String,
    pub relation: Relation,
}

impl Person {
    pub fn of(model: &Model, node: &Node) -> Self {
        let relation = model.relation(node);
        let online = model.people.online(node);
        let (mood, status) = if relation == Relation::Myself {
            (model.session.mood, model.session.status.clone())
        } else {
            online.map_or((None, String::new()), |online| {
                (online.mood, online.status.clone())
            })
        };
        Self {
            name: model.people.name(node),
            picture: model.people.picture(node),
            online: (relation == Relation::Friend).then_some(online.is_some()),
            mood,
            status,
            relation,
        }
    }

    /// Mood and status, or whether they are there.
    pub fn line(&self, lang: Lang) -> String {
        let mood = self.mood.map(Mood::face);
        let status = self.status.trim();
        match (mood, status.is_empty()) {
            (Some(face), false) => format!("{face} {status}"),
            (None, false) => status.to_owned(),
            (Some(face), true) => format!(
                "{face} {}",
                self.mood.map_or("", |mood| people::mood_name(lang, mood))
            ),
            (None, true) => match self.online {
                Some(true) => common::online(lang).to_owned(),
                Some(false) => common::offline(lang).to_owned(),
                None => String::new(),
            },
        }
    }
}

/// Somebody, followed as they change.
#[hook]
pub fn use_person(node: &Node) -> Rc<Person> {
    let node = node.clone();
    use_select(move |model| Person::of(model, &node))
}

#[derive(Clone, PartialEq, Properties)]
pub struct PersonRowProps {
    pub node: Node,
    /// Instead of mood and presence.
    #[prop_or_default]
    pub line: Option<AttrValue>,
    /// Beside the name.
    #[prop_or_default]
    pub tag: Option<AttrValue>,
    /// Opens something else than the card.
    #[prop_or_default]
    pub onclick: Option<Callback<()>>,
    /// Buttons at the end.
    #[prop_or_default]
    pub children: Html,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

/// A row of a list of people. Its name opens the card.
#[component]
pub fn PersonRow(props: &PersonRowProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let person = use_person(&props.node);
    let onclick = {
        let (app, node, onclick) = (app.clone(), props.node.clone(), props.onclick.clone());
        Callback::from(move |_: MouseEvent| match &onclick {
            Some(onclick) => onclick.emit(()),
            None => app.change(|model| model.navigation.show(crate::model::Dialog::Person(node.clone()))),
        })
    };
    let line = props.line.clone().unwrap_or_else(|| person.line(lang).into());
    let offline = person.online == Some(false);
    html! {
        <div class={classes!("list-row", offline.then_some("list-row-dim"))} data-test={props.test.clone().unwrap_or(AttrValue::Static("person-row"))}
            data-node={props.node.to_string()} data-name={person.name.clone()}>
            <button type="button" class="list-main" {onclick} data-test="person-open">
                <Avatar id={props.node.to_string()} name={person.name.clone()} picture={person.picture.clone().map(AttrValue::from)} online={person.online} />
                <span class="list-text">
                    <span class="list-title">
                        <span class="truncate">{ &person.name }</span>
                        if let Some(tag) = &props.tag { <span class="tag">{ tag.clone() }</span> }
                    </span>
                    if !line.is_empty() { <span class="list-line truncate">{ line }</span> }
                </span>
            </button>
            <div class="list-actions">{ props.children.clone() }</div>
        </div>
    }
}
