//! Which component a screen is drawn by.

use yew::prelude::*;

use crate::model::Screen;
use crate::store::use_select;
use crate::ui::conversations::ConversationsScreen;
use crate::ui::people::{GroupsScreen, PeopleScreen, SettingsScreen};

#[component]
pub fn Screens() -> Html {
    let screen = use_select(|model| model.navigation.screen());
    match *screen {
        Screen::Chats => html! { <ConversationsScreen /> },
        Screen::People => html! { <PeopleScreen /> },
        Screen::Groups => html! { <GroupsScreen /> },
        Screen::Settings => html! { <SettingsScreen /> },
    }
}
