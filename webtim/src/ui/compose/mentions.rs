//! Names offered while one is typed behind an `@`.

use tim_client::Node;
use yew::prelude::*;

use crate::i18n::media;
use crate::model::{ChatId, Model};
use crate::store::App;
use crate::ui::kit::Avatar;
use crate::ui::use_lang;

/// Most names offered at once.
const MOST: usize = 6;

/// Most members whose names are asked for at once.
const MOST_ASKED: usize = 500;

/// A member that can be addressed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) node: Node,
    pub(super) name: String,
}

/// Members whose name has a word that starts like that, in the order of their names.
pub(super) fn candidates(model: &Model, chat: &ChatId, typed: &str) -> Vec<Candidate> {
    let members = chat.room().and_then(|room| model.rooms.members(room));
    let typed = typed.to_lowercase();
    let mut found: Vec<Candidate> = members
        .into_iter()
        .flat_map(|members| members.iter())
        .filter(|node| !model.session.is_me(node))
        .map(|node| Candidate {
            node: node.clone(),
            name: model.people.name(node),
        })
        .filter(|candidate| fits(&candidate.name, &typed))
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found.dedup_by(|a, b| a.name == b.name);
    found.truncate(MOST);
    found
}

/// Asks for the names of members that are not known yet, of very large rooms for some of them.
pub(super) fn want_names(app: &App, chat: &ChatId) {
    let members = chat
        .room()
        .and_then(|room| app.model().rooms.members(room).cloned());
    if let Some(members) = members {
        app.service().want_profiles(members.iter().take(MOST_ASKED));
    }
}

/// Whether something is left to be completed.
fn fits(name: &str, typed: &str) -> bool {
    let name = name.to_lowercase();
    let is_chinese = typed.chars().next().is_some_and(crate::text::is_cjk);
    let begins = name.starts_with(typed) || name.split_whitespace().any(|word| word.starts_with(typed));
    name != typed && (begins || (is_chinese && name.contains(typed)))
}

#[derive(Clone, PartialEq, Properties)]
pub(super) struct MentionListProps {
    pub candidates: Vec<Candidate>,
    pub chosen: usize,
    pub onpick: Callback<usize>,
}

/// Identifies the list for the field that controls it.
pub(super) const LIST: &str = "mention-list";

/// Identifies a line of the list.
pub(super) fn option_id(index: usize) -> String {
    format!("mention-{index}")
}

#[component]
pub(super) fn MentionList(props: &MentionListProps) -> Html {
    let lang = use_lang();
    let lines = props.candidates.iter().enumerate().map(|(index, candidate)| {
        // The field must not lose the focus.
        let onmousedown = props.onpick.reform(move |event: MouseEvent| {
            event.prevent_default();
            index
        });
        let selected = if index == props.chosen { "true" } else { "false" };
        html! {
            <li key={candidate.node.to_string()} id={option_id(index)} role="option" aria-selected={selected} class="mention-option" {onmousedown}
                data-test="mention-option">
                <Avatar id={candidate.node.to_string()} name={candidate.name.clone()} size={crate::ui::kit::AvatarSize::Small} />
                <span class="truncate">{ candidate.name.clone() }</span>
            </li>
        }
    });
    html! {
        <ul id={LIST} class="mention-list" role="listbox" aria-label={media::members_to_mention(lang)} data-test="mentions">{ for lines }</ul>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_by_the_beginning_of_a_word() {
        assert!(fits("Ann Lee", "an") && fits("Ann Lee", "le") && fits("李小明", "小") && fits("Ann", ""));
        assert!(!fits("Ann Lee", "nn") && !fits("Ann", "ann") && !fits("Ann", "x"));
    }
}
