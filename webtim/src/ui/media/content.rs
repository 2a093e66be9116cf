//! The inside of a bubble: file and text, covered if it is to be burned.

use std::rc::Rc;

use yew::prelude::*;

use super::audio::{AudioFile, VideoFile};
use super::burn::Burnable;
use super::file_card::FileCard;
use super::picture::Picture;
use super::text::RichText;
use super::voice::VoiceMessage;
use crate::fields::{File, Shown, reading_seconds};
use crate::model::{ChatId, Message};
use crate::store::{use_app, use_select};
use crate::text::Names;

#[derive(Clone, PartialEq, Properties)]
pub struct MessageContentProps {
    pub chat: ChatId,
    pub message: Rc<Message>,
    /// Who can be mentioned, see [`use_names`].
    #[prop_or_default]
    pub names: Rc<Names>,
}

/// What a message says and carries. Nothing for messages that were taken away.
#[component]
pub fn MessageContent(props: &MessageContentProps) -> Html {
    let message = &props.message;
    let Some(content) = message.content() else {
        return Html::default();
    };
    let file = content.file.as_ref();
    let text = file.map_or(Some(content.text.as_str()), |file| file.caption(&content.text));
    let inside = html! {
        <>
            if let Some(file) = file { { attachment(file, &props.chat, content.burn) } }
            if let Some(text) = text { <RichText text={text.to_owned()} names={Rc::clone(&props.names)} /> }
        </>
    };
    match (content.burn, message.mid) {
        (true, Some(mid)) => {
            let characters = text.map_or(0, |text| text.chars().count());
            let seconds = reading_seconds(characters, file.is_some(), file.and_then(|file| file.duration));
            html! {
                <Burnable chat={props.chat.clone()} {mid} mine={message.mine} {seconds}>{ inside }</Burnable>
            }
        }
        _ => inside,
    }
}

fn attachment(file: &Rc<File>, chat: &ChatId, burn: bool) -> Html {
    let key = file.id.clone();
    let file = Rc::clone(file);
    match file.shown() {
        Shown::Picture => html! { <Picture {key} {file} chat={chat.clone()} alone={burn} /> },
        Shown::Video => html! { <VideoFile {key} {file} /> },
        Shown::Audio => html! { <AudioFile {key} {file} /> },
        Shown::Voice => html! { <VoiceMessage {key} {file} /> },
        Shown::Card => html! { <FileCard {key} {file} /> },
    }
}

/// The names that can be mentioned in a conversation: those of the members of a room, none elsewhere.
#[hook]
pub fn use_names(chat: &ChatId) -> Rc<Names> {
    let app = use_app();
    let room = chat.room().cloned();
    let members = use_select({
        let room = room.clone();
        move |model| room.as_ref().and_then(|room| model.rooms.members(room).cloned())
    });
    // Names come after the members, one profile at a time.
    let known = use_select(move |model| {
        let members = room.as_ref().and_then(|room| model.rooms.members(room))?;
        Some(
            members
                .iter()
                .filter(|node| model.people.profile(node).is_some())
                .count(),
        )
    });
    use_memo((members, known), move |(members, _)| {
        let model = app.model();
        let Some(members) = &**members else {
            return Names::none();
        };
        let me = model.session.me.as_ref().map(|me| model.people.name(me));
        Names::new(members.iter().map(|node| model.people.name(node)), me)
    })
}
