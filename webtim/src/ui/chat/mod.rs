//! The open chat: head, messages, composer.

use yew::prelude::*;

use crate::model::ChatId;

#[derive(Clone, PartialEq, Properties)]
pub struct ChatViewProps {
    pub chat: ChatId,
}

/// One conversation.
#[component]
pub fn ChatView(props: &ChatViewProps) -> Html {
    html! { <section class="chat" data-test="chat" data-chat={props.chat.to_string()} /> }
}
