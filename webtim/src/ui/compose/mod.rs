//! What one writes with: text, emoji, attachments, voice, the reply bar, and what is on its way to the server.

mod attach;
mod drop;
mod emoji_picker;
mod field;
mod mentions;
mod preview;
mod recent;
mod recorder;
mod reply_bar;
mod splice;
mod tray;
mod voice;
mod writer;

use yew::prelude::*;

use self::writer::Writer;
use crate::i18n::media;
use crate::model::{ChatId, Model};
use crate::store::use_select;
use crate::ui::kit::{Glyph, Icon};
use crate::ui::use_lang;

pub(crate) use self::tray::use_bar;

#[derive(Clone, PartialEq, Properties)]
pub struct ComposerProps {
    pub chat: ChatId,
}

/// The place to write in, at the bottom of a conversation. Has to be drawn anew (by its key) for every conversation.
#[component]
pub fn Composer(props: &ComposerProps) -> Html {
    let lang = use_lang();
    let chat = props.chat.clone();
    let obstacle = use_select(move |model| obstacle(model, &chat));
    match *obstacle {
        None => html! { <Writer chat={props.chat.clone()} /> },
        Some(obstacle) => {
            let text = match obstacle {
                Obstacle::System => media::system_only(lang),
                Obstacle::Blocked => media::blocked_by_me(lang),
                Obstacle::Outside => media::not_a_member(lang),
            };
            html! {
                <div class="composer composer-closed" role="status" data-test="composer-closed">
                    <Icon glyph={Glyph::Lock} />
                    <span>{ text }</span>
                </div>
            }
        }
    }
}

/// Why one cannot write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    /// Messages of the administration cannot be answered.
    System,
    /// One has blocked the other side.
    Blocked,
    /// One is not a member of the room.
    Outside,
}

fn obstacle(model: &Model, chat: &ChatId) -> Option<Obstacle> {
    match chat {
        ChatId::System => Some(Obstacle::System),
        ChatId::Peer(peer) => model.people.blocked.contains(peer).then_some(Obstacle::Blocked),
        ChatId::Room(room) => {
            let known = model.rooms.get(room).is_some();
            (known && !model.rooms.is_joined(room)).then_some(Obstacle::Outside)
        }
    }
}

#[cfg(test)]
mod tests {
    use tim_client::{Node, RoomId};

    use super::*;

    #[test]
    fn one_writes_only_where_it_would_arrive() {
        let mut model = Model::default();
        let peer = Node::new("abc").unwrap();
        let chat = ChatId::Peer(peer.clone());
        assert_eq!(obstacle(&model, &ChatId::System), Some(Obstacle::System));
        assert_eq!(obstacle(&model, &chat), None);
        model.people.blocked.insert(peer);
        assert_eq!(obstacle(&model, &chat), Some(Obstacle::Blocked));

        let room = RoomId::new("room").unwrap();
        model.rooms.set_joined(std::slice::from_ref(&room));
        assert_eq!(obstacle(&model, &ChatId::Room(room.clone())), None);
        model.rooms.set_joined(&[]);
        assert_eq!(obstacle(&model, &ChatId::Room(room)), Some(Obstacle::Outside));
    }
}
