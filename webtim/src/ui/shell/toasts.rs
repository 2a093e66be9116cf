//! The brief notices of the model, drawn.

use yew::prelude::*;

use crate::i18n::news;
use crate::model::{ChatId, Dialog, Model, News, Screen, Toast, ToastId};
use crate::store::{use_app, use_select};
use crate::ui::kit::{ToastKind, ToastLine, ToastRegion};
use crate::ui::use_lang;

#[component]
pub fn Toasts() -> Html {
    let app = use_app();
    let lang = use_lang();
    let shown = use_select(move |model| {
        let line = |(id, toast): &(ToastId, Toast)| (*id, toast.clone(), news::toast(lang, model, toast));
        model.toasts.shown().iter().map(line).collect::<Vec<_>>()
    });
    let newest = shown.last().map(|(id, _, _)| *id);
    let lines = shown
        .iter()
        // Someone who cancelled need not be told.
        .filter(|(_, _, text)| !text.is_empty())
        .map(|(id, toast, text)| {
            let onclose = {
                let (app, id) = (app.clone(), *id);
                Callback::from(move |()| app.change(|model| model.toasts.remove(id)))
            };
            let kind = match toast {
                Toast::Failed(_) => ToastKind::Error,
                Toast::Copied | Toast::Done(_) => ToastKind::Success,
                Toast::News(_) => ToastKind::Info,
            };
            let action = destination(toast).map(|go| {
                let (app, onclose) = (app.clone(), onclose.clone());
                let show = Callback::from(move |()| {
                    onclose.emit(());
                    app.change(go.clone());
                });
                (AttrValue::from(crate::i18n::people::view(lang)), show)
            });
            html! { <ToastLine key={*id} text={text.clone()} {kind} {onclose} {action} /> }
        });
    html! { <ToastRegion {newest}>{ for lines }</ToastRegion> }
}

/// Where a notice leads to.
fn destination(toast: &Toast) -> Option<impl Fn(&mut Model) + Clone + use<>> {
    #[derive(Clone)]
    enum Place {
        Chat(ChatId),
        Screen(Screen),
        Card(Dialog),
    }
    let place = match toast {
        Toast::News(news) => match news {
            News::FriendRequest(_) => Place::Screen(Screen::People),
            News::FriendsNow(node) => Place::Chat(ChatId::Peer(node.clone())),
            News::JoinRequest(..) => Place::Screen(Screen::Groups),
            News::Joined(room) | News::Added(room, _) => Place::Chat(ChatId::Room(room.clone())),
            News::FriendRemoved(node) | News::BlockedBy(node) => Place::Card(Dialog::Person(node.clone())),
            News::JoinRefused(..) | News::Removed(_) => return None,
        },
        Toast::Failed(_) | Toast::Copied | Toast::Done(_) => return None,
    };
    Some(move |model: &mut Model| match place.clone() {
        Place::Chat(chat) => model.navigation.open(chat),
        Place::Screen(screen) => model.navigation.go(screen),
        Place::Card(dialog) => model.navigation.show(dialog),
    })
}
