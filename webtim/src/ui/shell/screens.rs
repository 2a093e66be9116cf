//! Which component a screen is drawn by.

use yew::prelude::*;

use crate::model::Screen;
use crate::store::use_select;
use crate::ui::conversations::ConversationsScreen;

#[component]
pub fn Screens() -> Html {
    let screen = use_select(|model| model.navigation.screen());
    match *screen {
        Screen::Chats => html! { <ConversationsScreen /> },
        // The screens of people, groups and settings are drawn by `ui::people`.
        Screen::People | Screen::Groups | Screen::Settings => Html::default(),
    }
}
