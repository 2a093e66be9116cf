//! Signing in, friends, groups, profile cards, settings.

pub mod ask_friend;
pub mod card;
pub mod command;
pub mod discover;
pub mod edit_profile;
pub mod friends;
pub mod groups;
pub mod paged;
pub mod person;
pub mod picture;
pub mod requests;
pub mod screen;
pub mod screen_head;
pub mod settings;
pub mod sign_in;
pub mod status;

use yew::prelude::{Html, html};

pub use self::groups::GroupsScreen;
pub use self::person::{PersonRow, use_person};
pub use self::screen::PeopleScreen;
pub use self::settings::SettingsScreen;
pub use self::sign_in::{SignInScreen, StartScreen};
use crate::model::Dialog;

/// Draws a dialog of this area.
pub fn dialog(dialog: &Dialog) -> Html {
    match dialog {
        Dialog::Person(node) => {
            html! { <card::PersonCard key={format!("person {node}")} node={node.clone()} /> }
        }
        Dialog::AskFriend(node) => {
            html! { <ask_friend::AskFriend key={format!("ask {node}")} node={node.clone()} /> }
        }
        // Drawn by `ui::media`.
        Dialog::Picture { .. } => Html::default(),
        Dialog::EditProfile => html! { <edit_profile::EditProfile key="edit profile" /> },
        Dialog::Status => html! { <status::StatusDialog key="status" /> },
        Dialog::ChangePassword => html! { <settings::change_password::ChangePassword key="password" /> },
        Dialog::NewGroup => html! { <groups::new_group::NewGroup key="new group" /> },
        Dialog::Group(room) => {
            html! { <groups::card::GroupCard key={format!("group {room}")} room={room.clone()} /> }
        }
        Dialog::AskToJoin(room) => {
            html! { <groups::ask::AskToJoin key={format!("join {room}")} room={room.clone()} /> }
        }
        Dialog::Invite(room) => {
            html! { <groups::invite::Invite key={format!("invite {room}")} room={room.clone()} /> }
        }
        Dialog::EditGroup(room) => {
            html! { <groups::edit::EditGroup key={format!("edit {room}")} room={room.clone()} /> }
        }
        Dialog::RefuseJoin(room, node) => {
            html! { <groups::ask::RefuseJoin key={format!("refuse {room} {node}")} room={room.clone()} node={node.clone()} /> }
        }
    }
}
