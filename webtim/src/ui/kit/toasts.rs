//! Brief notices at the edge of the page, read out when they appear.

use gloo_timers::callback::Timeout;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::{Glyph, Icon, IconButton};
use crate::i18n::common;
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub struct ToastRegionProps {
    /// Changes with what is shown.
    pub newest: Option<u64>,
    #[prop_or_default]
    pub children: Html,
}

/// Where the notices are. It stays in the page, because screen readers only notice what is added to it, and lies
/// above dialogs, because each new notice puts it into the top layer again.
#[component]
pub fn ToastRegion(props: &ToastRegionProps) -> Html {
    let node = use_node_ref();
    use_effect_with(props.newest, {
        let node = node.clone();
        move |newest| {
            if let Some(region) = node.cast::<HtmlElement>() {
                // Whether it is shown already does not matter.
                drop(region.hide_popover());
                if newest.is_some() {
                    drop(region.show_popover());
                }
            }
        }
    });
    html! {
        <div ref={node} popover="manual" class="toasts" role="status" aria-live="polite" data-test="toasts">{ props.children.clone() }</div>
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToastKind {
    #[default]
    Info,
    Success,
    Error,
}

#[derive(Clone, PartialEq, Properties)]
pub struct ToastLineProps {
    pub text: AttrValue,
    #[prop_or_default]
    pub kind: ToastKind,
    pub onclose: Callback<()>,
    /// A button: its text and what it does.
    #[prop_or_default]
    pub action: Option<(AttrValue, Callback<()>)>,
}

/// One notice. It goes by itself, later when there is more to read, and not while the pointer or the focus is on it.
#[component]
pub fn ToastLine(props: &ToastLineProps) -> Html {
    let lang = use_lang();
    let held = use_state(|| false);
    use_effect_with(*held, {
        let (onclose, text) = (props.onclose.clone(), props.text.clone());
        move |held| {
            let timer = (!held).then(|| Timeout::new(reading_time(&text), move || onclose.emit(())));
            move || drop(timer)
        }
    });
    let hold = |value: bool| {
        let held = held.clone();
        move || held.set(value)
    };
    let (enter, leave, focusin, focusout) = (hold(true), hold(false), hold(true), hold(false));
    let close = {
        let onclose = props.onclose.clone();
        Callback::from(move |_: MouseEvent| onclose.emit(()))
    };
    let (class, glyph) = match props.kind {
        ToastKind::Info => ("toast-info", Glyph::Info),
        ToastKind::Success => ("toast-success", Glyph::Check),
        ToastKind::Error => ("toast-error", Glyph::Warning),
    };
    html! {
        <div class={classes!("toast", class)} data-test={class} onmouseenter={move |_: MouseEvent| enter()} onmouseleave={move |_: MouseEvent| leave()}
            onfocusin={move |_: FocusEvent| focusin()} onfocusout={move |_: FocusEvent| focusout()}>
            <Icon {glyph} />
            <span class="toast-text">{ props.text.clone() }</span>
            if let Some((text, action)) = props.action.clone() {
                <button type="button" class="button button-quiet button-small" data-test="toast-action" onclick={move |_: MouseEvent| action.emit(())}>{ text }</button>
            }
            <IconButton glyph={Glyph::Close} label={common::dismiss(lang)} onclick={close} small=true />
        </div>
    }
}

/// Milliseconds: about twice what reading takes.
fn reading_time(text: &str) -> u32 {
    let characters: u32 = text.chars().map(|c| if c.is_ascii() { 1 } else { 3 }).sum();
    (4000 + characters.saturating_mul(60)).min(12_000)
}

#[cfg(test)]
mod tests {
    use super::reading_time;

    #[test]
    fn long_notices_stay_longer_but_not_for_ever() {
        assert!(reading_time("Copied") < reading_time("You are not allowed to do that."));
        assert!(reading_time("你没有权限进行此操作。") > reading_time("Copied"));
        assert_eq!(reading_time(&"x".repeat(10_000)), 12_000);
    }
}
