//! What is on the screen. On wide screens list and content stand side by side, on phones they are stacked.

use tim_client::{Node, RoomId};

use super::ChatId;

/// A place that the navigation leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Screen {
    /// Conversation list and chat.
    #[default]
    Chats,
    /// Friends and requests.
    People,
    /// Groups, own and public.
    Groups,
    /// Settings.
    Settings,
}

/// Something that lies over the screen until it is dealt with.
#[derive(Clone, Debug, PartialEq)]
pub enum Dialog {
    /// The card of a person, possibly the own one.
    Person(Node),
    /// The card of a group with its members.
    Group(RoomId),
    /// The viewer with a picture of a conversation.
    Picture {
        /// The conversation.
        chat: ChatId,
        /// The file of the picture.
        file: String,
    },
    /// Asking somebody for friendship.
    AskFriend(Node),
    /// The own profile.
    EditProfile,
    /// The own status, mood and visibility.
    Status,
    /// Creating a group.
    NewGroup,
    /// Asking to be let into a private group.
    AskToJoin(RoomId),
    /// Choosing friends to add to a group.
    Invite(RoomId),
    /// The profile of a group.
    EditGroup(RoomId),
    /// Refusing somebody's request to join.
    RefuseJoin(RoomId, Node),
    /// Another password.
    ChangePassword,
}

/// What is on the screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Navigation {
    screen: Screen,
    chat: Option<ChatId>,
    dialogs: Vec<Dialog>,
}

impl Navigation {
    /// The present screen.
    #[must_use]
    pub fn screen(&self) -> Screen {
        self.screen
    }

    /// The open chat. It stays open behind other screens.
    #[must_use]
    pub fn chat(&self) -> Option<&ChatId> {
        self.chat.as_ref()
    }

    /// The open dialogs, the topmost last.
    #[must_use]
    pub fn dialogs(&self) -> &[Dialog] {
        &self.dialogs
    }

    /// Goes to a screen.
    pub fn go(&mut self, screen: Screen) {
        self.screen = screen;
        self.dialogs.clear();
    }

    /// Opens a chat, wherever one is.
    pub fn open(&mut self, chat: ChatId) {
        self.screen = Screen::Chats;
        self.chat = Some(chat);
        self.dialogs.clear();
    }

    /// Back from the chat to the list.
    pub fn close_chat(&mut self) {
        self.chat = None;
    }

    /// Opens a dialog over everything else.
    pub fn show(&mut self, dialog: Dialog) {
        if self.dialogs.last() != Some(&dialog) {
            self.dialogs.push(dialog);
        }
    }

    /// Closes the topmost dialog.
    pub fn close_dialog(&mut self) {
        self.dialogs.pop();
    }

    /// One step back: closes the topmost dialog, else leaves the screen for the chats, else the chat for the list.
    pub fn back(&mut self) {
        if self.dialogs.pop().is_some() {
            return;
        }
        if self.screen == Screen::Chats {
            self.chat = None;
        } else {
            self.screen = Screen::Chats;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_undoes_one_step_at_a_time() {
        let mut navigation = Navigation::default();
        navigation.open(ChatId::System);
        navigation.go(Screen::Settings);
        navigation.show(Dialog::Person(Node::new("a").unwrap()));
        navigation.back();
        assert_eq!(
            (navigation.dialogs().len(), navigation.screen()),
            (0, Screen::Settings)
        );
        navigation.back();
        assert_eq!(
            (navigation.screen(), navigation.chat()),
            (Screen::Chats, Some(&ChatId::System))
        );
        navigation.back();
        assert_eq!(navigation.chat(), None);
    }

    #[test]
    fn opening_a_chat_leaves_screens_and_dialogs() {
        let mut navigation = Navigation::default();
        navigation.go(Screen::People);
        navigation.show(Dialog::Person(Node::new("a").unwrap()));
        navigation.open(ChatId::System);
        assert_eq!(
            (navigation.screen(), navigation.dialogs().len()),
            (Screen::Chats, 0)
        );
    }
}
