//! The open dialogs, the topmost last.

use yew::prelude::*;

use crate::model::Dialog;
use crate::store::{use_app, use_select};
use crate::ui::media::Viewer;
use crate::ui::people;

#[component]
pub fn Dialogs() -> Html {
    let app = use_app();
    let dialogs = use_select(|model| model.navigation.dialogs().to_vec());
    let close = use_callback((), move |(), ()| {
        app.change(|model| model.navigation.close_dialog())
    });
    dialogs.iter().map(|dialog| draw(dialog, &close)).collect()
}

fn draw(dialog: &Dialog, close: &Callback<()>) -> Html {
    match dialog {
        Dialog::Picture { chat, file } => {
            html! { <Viewer chat={chat.clone()} file={file.clone()} onclose={close.clone()} /> }
        }
        other => people::dialog(other),
    }
}
