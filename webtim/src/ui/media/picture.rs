//! A picture in a bubble. Its place has the right shape before it is there, so nothing moves.

use std::rc::Rc;

use yew::prelude::*;

use super::file_card::FileCard;
use crate::fields::{Box2, File, fit};
use crate::i18n::media;
use crate::model::{ChatId, Dialog};
use crate::store::use_app;
use crate::ui::use_lang;

/// The most room a picture takes in a chat.
const ROOM: Box2 = Box2 {
    width: 380,
    height: 340,
};

/// The least width and height.
const LEAST: u32 = 64;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct PictureProps {
    pub file: Rc<File>,
    pub chat: ChatId,
    /// It is not shown together with the other pictures of the chat.
    #[prop_or_default]
    pub alone: bool,
}

#[component]
pub(super) fn Picture(props: &PictureProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let failed = use_state(|| false);
    let loaded = use_state(|| false);
    let file = &props.file;
    let (width, height) = file.dimensions.unwrap_or((ROOM.width, ROOM.height));
    let size = fit(Box2 { width, height }, ROOM, LEAST);
    let open = {
        let (app, chat, file) = (app, props.chat.clone(), file.id.clone());
        Callback::from(move |_: MouseEvent| {
            let dialog = Dialog::Picture {
                chat: chat.clone(),
                file: file.clone(),
            };
            app.change(|model| model.navigation.show(dialog));
        })
    };
    let onerror = {
        let failed = failed.clone();
        Callback::from(move |_: Event| failed.set(true))
    };
    let onload = {
        let loaded = loaded.clone();
        Callback::from(move |_: Event| loaded.set(true))
    };
    if *failed {
        return html! {
            <div class="picture-failed" data-test="picture-failed">
                <span class="muted">{ media::picture_failed(lang) }</span>
                <FileCard file={Rc::clone(file)} />
            </div>
        };
    }
    let image = html! {
        <img src={file.address()} alt={media::picture_named(lang, &file.name)} width={size.width.to_string()} height={size.height.to_string()} loading="lazy"
            decoding="async" draggable="false" {onload} {onerror} />
    };
    let class = classes!("picture", (!*loaded).then_some("picture-waiting"));
    html! {
        if props.alone {
            <span {class} data-test="picture">{ image }</span>
        } else {
            <button type="button" {class} aria-label={media::open_picture(lang, &file.name)} onclick={open} data-test="picture" data-loaded={if *loaded { "true" } else { "false" }}>
                { image }
            </button>
        }
    }
}
