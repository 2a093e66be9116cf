//! Files dragged over the page: an overlay says where they may be dropped. Works wherever they are dropped, as long as a
//! conversation is open.

use std::cell::Cell;
use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, File};
use yew::prelude::*;

use crate::i18n::media;
use crate::ui::kit::{Glyph, Icon, IconSize};
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct DropZoneProps {
    pub onfiles: Callback<Vec<File>>,
}

#[component]
pub(super) fn DropZone(props: &DropZoneProps) -> Html {
    let lang = use_lang();
    let over = use_state(|| false);
    use_effect_with(props.onfiles.clone(), {
        let over = over.clone();
        move |onfiles| {
            let listeners = listen(over, onfiles.clone());
            move || drop(listeners)
        }
    });
    html! {
        if *over {
            <div class="drop-overlay" role="status" data-test="drop-overlay">
                <div class="drop-card">
                    <Icon glyph={Glyph::Upload} size={IconSize::Large} />
                    <span>{ media::drop_here(lang) }</span>
                </div>
            </div>
        }
    }
}

fn listen(over: UseStateHandle<bool>, onfiles: Callback<Vec<File>>) -> Vec<EventListener> {
    let Some(window) = web_sys::window() else {
        return Vec::new();
    };
    // Entering a child comes before leaving its parent.
    let depth = Rc::new(Cell::new(0_i32));
    let on = |name: &'static str, react: Box<dyn Fn(&DragEvent)>| {
        let options = EventListenerOptions::enable_prevent_default();
        EventListener::new_with_options(&window, name, options, move |event| {
            if let Some(event) = event.dyn_ref::<DragEvent>().filter(|event| carries_files(event)) {
                event.prevent_default();
                react(event);
            }
        })
    };
    let enter = {
        let (depth, over) = (Rc::clone(&depth), over.clone());
        on(
            "dragenter",
            Box::new(move |_| {
                depth.set(depth.get() + 1);
                over.set(true);
            }),
        )
    };
    let leave = {
        let (depth, over) = (Rc::clone(&depth), over.clone());
        on(
            "dragleave",
            Box::new(move |_| {
                depth.set((depth.get() - 1).max(0));
                if depth.get() == 0 {
                    over.set(false);
                }
            }),
        )
    };
    let hover = on(
        "dragover",
        Box::new(|event| {
            if let Some(transfer) = event.data_transfer() {
                transfer.set_drop_effect("copy");
            }
        }),
    );
    let dropped = on(
        "drop",
        Box::new(move |event| {
            depth.set(0);
            over.set(false);
            let files = event.data_transfer().and_then(|transfer| transfer.files());
            let files = files.map(|files| list(&files)).unwrap_or_default();
            // What lies over the page, such as a dialog, is not a place to drop.
            let modal = web_sys::window()
                .and_then(|window| window.document())
                .and_then(|document| document.query_selector("dialog[open]").ok().flatten());
            if !files.is_empty() && modal.is_none() {
                onfiles.emit(files);
            }
        }),
    );
    vec![enter, leave, hover, dropped]
}

fn carries_files(event: &DragEvent) -> bool {
    let types = event.data_transfer().map(|transfer| transfer.types());
    types.is_some_and(|types| types.includes(&"Files".into(), 0))
}

/// The files of a list of the browser.
pub(super) fn list(files: &web_sys::FileList) -> Vec<File> {
    (0..files.length())
        .filter_map(|index| files.item(index))
        .collect()
}
