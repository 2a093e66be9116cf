//! Dialogs: modal, in the top layer of the page, full-screen on phones. The element `dialog` makes everything else
//! inert; Tab goes round inside, Escape closes, and the focus returns to where it was.

use wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, HtmlElement};
use yew::prelude::*;

use super::{Button, ButtonKind, Glyph, IconButton, focus, tab_stops, use_id};
use crate::i18n::common;
use crate::ui::use_lang;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DialogSize {
    /// Stays a box on phones too: for a question.
    Small,
    #[default]
    Normal,
    Wide,
}

#[derive(Clone, PartialEq, Properties)]
pub struct DialogProps {
    pub title: AttrValue,
    /// Escape, the cross, or a click beside it.
    pub onclose: Callback<()>,
    #[prop_or_default]
    pub children: Html,
    /// Buttons at the bottom.
    #[prop_or_default]
    pub foot: Option<Html>,
    #[prop_or_default]
    pub size: DialogSize,
    /// The content comes up to the edge and scrolls by itself.
    #[prop_or_default]
    pub flush: bool,
    /// Something typed would be lost: a click beside it does not close.
    #[prop_or_default]
    pub hold: bool,
    /// Before the title, for example a way back.
    #[prop_or_default]
    pub lead: Html,
    /// `alertdialog` for questions.
    #[prop_or(AttrValue::Static("dialog"))]
    pub role: AttrValue,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

#[component]
pub fn Dialog(props: &DialogProps) -> Html {
    let lang = use_lang();
    let id = use_id();
    let title_id = format!("{id}-title");
    let node = use_node_ref();
    let heading = use_node_ref();

    use_effect_with((), {
        let (node, heading) = (node.clone(), heading.clone());
        move |()| {
            let before = active_element();
            let dialog = node.cast::<HtmlDialogElement>();
            if let Some(dialog) = &dialog {
                // Fails only for an element that is not in the page.
                drop(dialog.show_modal());
                let inside = active_element().is_some_and(|active| {
                    dialog.contains(Some(&active)) && !active.is_same_node(Some(dialog)) && is_field(&active)
                });
                // The browser takes the first button, which is the cross. A field asked for the focus or nothing did.
                if !inside && let Some(heading) = heading.cast::<HtmlElement>() {
                    focus(&heading);
                }
            }
            move || {
                if let Some(dialog) = dialog {
                    dialog.close();
                }
                if let Some(before) = before {
                    focus(&before);
                }
            }
        }
    });

    let close = {
        let onclose = props.onclose.clone();
        Callback::from(move |_: MouseEvent| onclose.emit(()))
    };
    let oncancel = {
        let onclose = props.onclose.clone();
        Callback::from(move |event: Event| {
            // The component decides when it goes.
            event.prevent_default();
            event.stop_propagation();
            onclose.emit(());
        })
    };
    let onkeydown = {
        let (node, onclose) = (node.clone(), props.onclose.clone());
        Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
            "Tab" => keep_inside(&node, &event),
            "Escape" if !event.is_composing() => {
                event.prevent_default();
                event.stop_propagation();
                onclose.emit(());
            }
            // What lies below has its own shortcuts.
            _ => event.stop_propagation(),
        })
    };
    let onmousedown = {
        let (node, onclose, hold) = (node.clone(), props.onclose.clone(), props.hold);
        Callback::from(move |event: MouseEvent| {
            if !hold && is_beside(&node, &event) {
                event.prevent_default();
                onclose.emit(());
            }
        })
    };
    let class = classes!(
        "dialog",
        match props.size {
            DialogSize::Small => Some("dialog-small"),
            DialogSize::Normal => None,
            DialogSize::Wide => Some("dialog-wide"),
        }
    );
    html! {
        <dialog ref={node} {class} role={props.role.clone()} aria-modal="true" aria-labelledby={title_id.clone()}
            {oncancel} {onkeydown} {onmousedown} data-test={props.test.clone()}>
            <header class="dialog-head">
                { props.lead.clone() }
                <h2 id={title_id} ref={heading} tabindex="-1">{ props.title.clone() }</h2>
                <IconButton glyph={Glyph::Close} label={common::close(lang)} onclick={close} test="dialog-close" />
            </header>
            <div class={classes!("dialog-body", props.flush.then_some("dialog-body-flush"))}>{ props.children.clone() }</div>
            if let Some(foot) = &props.foot {
                <footer class="dialog-foot">{ foot.clone() }</footer>
            }
        </dialog>
    }
}

fn active_element() -> Option<HtmlElement> {
    web_sys::window()?.document()?.active_element()?.dyn_into().ok()
}

fn is_field(element: &HtmlElement) -> bool {
    matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
}

/// The browser would let Tab leave for its own bars.
fn keep_inside(node: &NodeRef, event: &KeyboardEvent) {
    let Some(dialog) = node.cast::<web_sys::Element>() else {
        return;
    };
    let stops = tab_stops(&dialog);
    let (Some(first), Some(last)) = (stops.first(), stops.last()) else {
        event.prevent_default();
        return;
    };
    let active = active_element();
    let is_at = |stop: &HtmlElement| {
        active
            .as_ref()
            .is_some_and(|active| active.is_same_node(Some(stop)))
    };
    let is_stop = stops.iter().any(is_at);
    if event.shift_key() && (is_at(first) || !is_stop) {
        event.prevent_default();
        focus(last);
    } else if !event.shift_key() && is_at(last) {
        event.prevent_default();
        focus(first);
    }
}

/// The backdrop belongs to the dialog element, so a press on it hits the element outside of its box.
fn is_beside(node: &NodeRef, event: &MouseEvent) -> bool {
    let (Some(dialog), Some(target)) = (
        node.cast::<web_sys::Element>(),
        event.target_dyn_into::<web_sys::Element>(),
    ) else {
        return false;
    };
    let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
    let rect = dialog.get_bounding_client_rect();
    target.is_same_node(Some(&dialog))
        && (x < rect.left() || x > rect.right() || y < rect.top() || y > rect.bottom())
}

#[derive(Clone, PartialEq, Properties)]
pub struct ConfirmProps {
    pub title: AttrValue,
    pub text: AttrValue,
    /// What the button that does it says.
    pub action: AttrValue,
    /// It cannot be undone.
    #[prop_or_default]
    pub danger: bool,
    #[prop_or_default]
    pub busy: bool,
    /// Why it did not work.
    #[prop_or_default]
    pub error: Option<AttrValue>,
    pub onconfirm: Callback<()>,
    pub onclose: Callback<()>,
    #[prop_or_default]
    pub children: Html,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

/// A question before something is done.
#[component]
pub fn Confirm(props: &ConfirmProps) -> Html {
    let lang = use_lang();
    let cancel = {
        let onclose = props.onclose.clone();
        Callback::from(move |_: MouseEvent| onclose.emit(()))
    };
    let confirm = {
        let onconfirm = props.onconfirm.clone();
        Callback::from(move |_: MouseEvent| onconfirm.emit(()))
    };
    let kind = if props.danger {
        ButtonKind::Danger
    } else {
        ButtonKind::Primary
    };
    let foot = html! {
        <>
            <Button onclick={cancel} test="confirm-cancel">{ common::cancel(lang) }</Button>
            <Button {kind} busy={props.busy} onclick={confirm} test="confirm-ok">{ props.action.clone() }</Button>
        </>
    };
    html! {
        <Dialog title={props.title.clone()} size={DialogSize::Small} role="alertdialog" onclose={props.onclose.clone()} {foot}
            test={props.test.clone().unwrap_or(AttrValue::Static("confirm"))}>
            <div class="stack">
                <p>{ props.text.clone() }</p>
                { props.children.clone() }
                if let Some(error) = &props.error { <p class="notice notice-error" role="alert">{ error.clone() }</p> }
            </div>
        </Dialog>
    }
}
