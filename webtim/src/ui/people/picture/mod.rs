//! Choosing a picture for a person or a group: the file is read, cut to a square and made small in the browser.

pub mod crop;
mod editor;

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Blob, HtmlInputElement};
use yew::prelude::*;

use self::editor::Editor;
use crate::i18n::people;
use crate::ui::kit::{Avatar, AvatarSize, Button, Glyph};
use crate::ui::use_lang;

/// What is to become of a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ChosenPicture {
    #[default]
    Unchanged,
    /// There is to be none.
    None,
    /// Another one, with an address to show it in this page.
    New { blob: Blob, preview: Rc<Preview> },
}

/// The address of a picture that is only in this page. The browser forgets the picture with the last of its addresses.
#[derive(Debug)]
pub struct Preview(String);

impl Preview {
    pub(super) fn of(blob: &Blob) -> Option<Self> {
        web_sys::Url::create_object_url_with_blob(blob).ok().map(Self)
    }

    pub fn address(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Preview {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        // An address that is gone already does not matter.
        drop(web_sys::Url::revoke_object_url(&self.0));
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct PictureFieldProps {
    /// Whose: the node.
    pub id: AttrValue,
    pub name: AttrValue,
    #[prop_or_default]
    pub room: bool,
    /// The picture there is.
    #[prop_or_default]
    pub present: Option<AttrValue>,
    pub chosen: ChosenPicture,
    pub onchange: Callback<ChosenPicture>,
}

#[component]
pub fn PictureField(props: &PictureFieldProps) -> Html {
    let lang = use_lang();
    let input = use_node_ref();
    let file = use_state(|| None::<Blob>);
    let pick = {
        let input = input.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(input) = input.cast::<HtmlInputElement>() {
                input.click();
            }
        })
    };
    let onfile = {
        let file = file.setter();
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else {
                return;
            };
            let first = input.files().and_then(|files| files.get(0));
            // The same file can be chosen again.
            input.set_value("");
            if let Some(first) = first {
                file.set(Some(first.unchecked_into()));
            }
        })
    };
    let clear = {
        let (onchange, had) = (props.onchange.clone(), props.present.is_some());
        Callback::from(move |_: MouseEvent| {
            onchange.emit(if had {
                ChosenPicture::None
            } else {
                ChosenPicture::Unchanged
            })
        })
    };
    let is_there = match &props.chosen {
        ChosenPicture::Unchanged => props.present.is_some(),
        ChosenPicture::None => false,
        ChosenPicture::New { .. } => true,
    };
    let shown = match &props.chosen {
        ChosenPicture::New { preview, .. } => html! {
            <span class={classes!("avatar", "avatar-huge", props.room.then_some("avatar-room"))}><img src={preview.address().to_owned()} alt="" data-test="picture-preview" /></span>
        },
        other => {
            let picture = (*other == ChosenPicture::Unchanged)
                .then(|| props.present.clone())
                .flatten();
            html! { <Avatar id={props.id.clone()} name={props.name.clone()} {picture} size={AvatarSize::Huge} room={props.room} /> }
        }
    };
    let ondone = {
        let (file, onchange) = (file.setter(), props.onchange.clone());
        Callback::from(move |chosen: Option<ChosenPicture>| {
            file.set(None);
            if let Some(chosen) = chosen {
                onchange.emit(chosen);
            }
        })
    };
    html! {
        <div class="picture-field">
            { shown }
            <div class="row-wrap">
                <Button small=true icon={Glyph::Camera} onclick={pick} test="choose-picture">
                    { if is_there { people::change_picture(lang) } else { people::choose_picture(lang) } }
                </Button>
                if is_there {
                    <Button small=true onclick={clear} test="remove-picture">{ people::remove_picture(lang) }</Button>
                }
            </div>
            <input ref={input} class="visually-hidden" type="file" tabindex="-1" accept="image/png,image/jpeg,image/gif,image/webp"
                aria-label={people::picture(lang)} onchange={onfile} data-test="picture-file" />
            if let Some(blob) = (*file).clone() {
                <Editor {blob} {ondone} />
            }
        </div>
    }
}
