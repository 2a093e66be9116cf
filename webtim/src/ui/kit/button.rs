//! Buttons.

use yew::prelude::*;

use super::{Badge, Glyph, Icon, IconSize, Spinner};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonKind {
    /// One among several.
    #[default]
    Normal,
    /// What most people came for; at most one in sight.
    Primary,
    /// Destroys something.
    Danger,
    /// Without a ground.
    Quiet,
    /// Leads to something that destroys.
    DangerQuiet,
}

impl ButtonKind {
    fn class(self) -> Option<&'static str> {
        match self {
            Self::Normal => None,
            Self::Primary => Some("button-primary"),
            Self::Danger => Some("button-danger"),
            Self::Quiet => Some("button-quiet"),
            Self::DangerQuiet => Some("button-danger-quiet"),
        }
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct ButtonProps {
    pub children: Html,
    #[prop_or_default]
    pub kind: ButtonKind,
    #[prop_or_default]
    pub icon: Option<Glyph>,
    #[prop_or_default]
    pub small: bool,
    #[prop_or_default]
    pub wide: bool,
    #[prop_or_default]
    pub disabled: bool,
    /// Something is under way: it turns and cannot be pressed, but keeps its size and the focus.
    #[prop_or_default]
    pub busy: bool,
    /// Sends the form around it.
    #[prop_or_default]
    pub submit: bool,
    #[prop_or_default]
    pub onclick: Callback<MouseEvent>,
    #[prop_or_default]
    pub test: Option<AttrValue>,
    #[prop_or_default]
    pub label: Option<AttrValue>,
}

#[component]
pub fn Button(props: &ButtonProps) -> Html {
    let onclick = {
        let (busy, submit, onclick) = (props.busy, props.submit, props.onclick.clone());
        Callback::from(move |event: MouseEvent| {
            if busy {
                event.prevent_default();
            } else if !submit {
                onclick.emit(event);
            }
        })
    };
    let class = classes!(
        "button",
        props.kind.class(),
        props.small.then_some("button-small"),
        props.wide.then_some("button-wide"),
        props.busy.then_some("button-busy"),
    );
    html! {
        <button type={if props.submit { "submit" } else { "button" }} {class} disabled={props.disabled} {onclick}
            aria-busy={props.busy.then_some("true")} aria-disabled={props.busy.then_some("true")}
            aria-label={props.label.clone()} data-test={props.test.clone()}>
            if props.busy { <Spinner /> }
            if let Some(glyph) = props.icon { <Icon {glyph} size={if props.small { IconSize::Small } else { IconSize::Normal }} /> }
            <span class="button-label">{ props.children.clone() }</span>
        </button>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct IconButtonProps {
    pub glyph: Glyph,
    /// What it does: read out, and shown when the pointer rests on it.
    pub label: AttrValue,
    #[prop_or_default]
    pub small: bool,
    #[prop_or_default]
    pub primary: bool,
    #[prop_or_default]
    pub disabled: bool,
    /// For one that stays pressed.
    #[prop_or_default]
    pub pressed: Option<bool>,
    /// For one that opens something.
    #[prop_or_default]
    pub expanded: Option<bool>,
    /// A number at its corner.
    #[prop_or_default]
    pub count: u64,
    #[prop_or_default]
    pub onclick: Callback<MouseEvent>,
    #[prop_or_default]
    pub test: Option<AttrValue>,
    #[prop_or_default]
    pub node: NodeRef,
}

#[component]
pub fn IconButton(props: &IconButtonProps) -> Html {
    let class = classes!(
        "icon-button",
        props.small.then_some("icon-button-small"),
        props.primary.then_some("icon-button-primary"),
    );
    html! {
        <button ref={props.node.clone()} type="button" {class} disabled={props.disabled} onclick={props.onclick.clone()}
            aria-label={props.label.clone()} title={props.label.clone()} aria-pressed={props.pressed.map(truth)}
            aria-expanded={props.expanded.map(truth)} data-test={props.test.clone()}>
            <Icon glyph={props.glyph} />
            <Badge count={props.count} />
        </button>
    }
}

/// The value of an ARIA state.
pub(crate) fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}
