//! The list of conversations, beside or before the open chat.

use yew::prelude::*;

use crate::store::use_select;
use crate::ui::chat::ChatView;

/// List and chat: side by side, or stacked on a phone.
#[component]
pub fn ConversationsScreen() -> Html {
    let chat = use_select(|model| model.navigation.chat().cloned());
    html! {
        <main class={classes!("panes", chat.is_some().then_some("panes-detail"))}>
            if let Some(chat) = &*chat {
                <ChatView key={chat.to_string()} chat={chat.clone()} />
            }
        </main>
    }
}
