//! The button that chooses files.

use web_sys::{File, HtmlInputElement};
use yew::prelude::*;

use super::drop;
use crate::i18n::media;
use crate::ui::kit::{Glyph, IconButton};
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct AttachButtonProps {
    pub onfiles: Callback<Vec<File>>,
}

#[component]
pub(super) fn AttachButton(props: &AttachButtonProps) -> Html {
    let lang = use_lang();
    let input = use_node_ref();
    let open = {
        let input = input.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(input) = input.cast::<HtmlInputElement>() {
                input.click();
            }
        })
    };
    let onchange = {
        let (input, onfiles) = (input.clone(), props.onfiles.clone());
        Callback::from(move |_: Event| {
            let Some(input) = input.cast::<HtmlInputElement>() else {
                return;
            };
            let files = input.files().map(|files| drop::list(&files)).unwrap_or_default();
            // The same file can be chosen again.
            input.set_value("");
            if !files.is_empty() {
                onfiles.emit(files);
            }
        })
    };
    html! {
        <>
            <IconButton glyph={Glyph::Attach} label={media::attach(lang)} onclick={open} test="composer-attach" />
            <input ref={input} type="file" multiple={true} hidden={true} aria-hidden="true" tabindex="-1" {onchange} data-test="composer-file" />
        </>
    }
}
