//! Choosing: among a few, on or off, and tabs.

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::button::truth;
use super::{Badge, Glyph, Icon, IconSize, use_id};

#[derive(Clone, PartialEq, Properties)]
pub struct SelectProps {
    pub label: AttrValue,
    #[prop_or_default]
    pub hide_label: bool,
    /// Value and text of each choice.
    pub options: Vec<(AttrValue, AttrValue)>,
    pub value: AttrValue,
    pub onchange: Callback<String>,
    /// Without a frame.
    #[prop_or_default]
    pub quiet: bool,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

#[component]
pub fn Select(props: &SelectProps) -> Html {
    let id = use_id();
    let onchange = {
        let onchange = props.onchange.clone();
        Callback::from(move |event: Event| {
            if let Some(select) = event.target_dyn_into::<HtmlSelectElement>() {
                onchange.emit(select.value());
            }
        })
    };
    html! {
        <div class="field">
            <label for={id.clone()} class={if props.hide_label { "visually-hidden" } else { "field-label" }}>{ props.label.clone() }</label>
            <span class={classes!("select-box", props.quiet.then_some("select-quiet"))}>
                <select {id} class="select" {onchange} data-test={props.test.clone()}>
                    { for props.options.iter().map(|(value, text)| html! {
                        <option key={value.to_string()} value={value.clone()} selected={*value == props.value}>{ text.clone() }</option>
                    }) }
                </select>
                <Icon glyph={Glyph::ChevronDown} size={IconSize::Small} />
            </span>
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct SwitchProps {
    pub label: AttrValue,
    #[prop_or_default]
    pub hint: Option<AttrValue>,
    pub on: bool,
    pub onchange: Callback<bool>,
    #[prop_or_default]
    pub disabled: bool,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

/// Something that is on or off, and changes at once.
#[component]
pub fn Switch(props: &SwitchProps) -> Html {
    let onclick = {
        let (on, onchange) = (props.on, props.onchange.clone());
        Callback::from(move |_: MouseEvent| onchange.emit(!on))
    };
    html! {
        <button type="button" class="switch-row" role="switch" aria-checked={truth(props.on)} disabled={props.disabled} {onclick}
            data-test={props.test.clone()}>
            <span class="switch-text">
                <span>{ props.label.clone() }</span>
                if let Some(hint) = &props.hint { <span class="switch-hint">{ hint.clone() }</span> }
            </span>
            <span class="switch-track" />
        </button>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct CheckboxProps {
    pub label: AttrValue,
    pub on: bool,
    pub onchange: Callback<bool>,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

/// Part of a form, which counts when that is sent.
#[component]
pub fn Checkbox(props: &CheckboxProps) -> Html {
    let onchange = {
        let onchange = props.onchange.clone();
        Callback::from(move |event: Event| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                onchange.emit(input.checked());
            }
        })
    };
    html! {
        <label class="check">
            <input type="checkbox" checked={props.on} {onchange} data-test={props.test.clone()} />
            <span>{ props.label.clone() }</span>
        </label>
    }
}

/// One of a few choices that stand side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub value: AttrValue,
    pub title: AttrValue,
    pub hint: Option<AttrValue>,
    pub glyph: Option<Glyph>,
}

impl Choice {
    pub fn new(value: impl Into<AttrValue>, title: impl Into<AttrValue>) -> Self {
        Self {
            value: value.into(),
            title: title.into(),
            hint: None,
            glyph: None,
        }
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<AttrValue>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn with_glyph(mut self, glyph: Glyph) -> Self {
        self.glyph = Some(glyph);
        self
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct ChoicesProps {
    pub label: AttrValue,
    pub choices: Vec<Choice>,
    pub value: AttrValue,
    pub onchange: Callback<AttrValue>,
    /// Each choice carries this and its value.
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

/// A few choices side by side, of which one is chosen.
#[component]
pub fn Choices(props: &ChoicesProps) -> Html {
    let name = use_id();
    let choices = props.choices.iter().map(|choice| {
        let onchange = {
            let (value, onchange) = (choice.value.clone(), props.onchange.clone());
            Callback::from(move |_: Event| onchange.emit(value.clone()))
        };
        html! {
            <label key={choice.value.to_string()} class="choice">
                <input type="radio" name={name.clone()} value={choice.value.clone()} checked={choice.value == props.value} {onchange}
                    data-test={props.test.as_ref().map(|test| format!("{test}-{}", choice.value))} />
                if let Some(glyph) = choice.glyph { <Icon {glyph} /> }
                <span class="choice-text">
                    <span class="choice-title">{ choice.title.clone() }</span>
                    if let Some(hint) = &choice.hint { <span class="choice-hint">{ hint.clone() }</span> }
                </span>
            </label>
        }
    });
    html! {
        <div class="field" role="radiogroup" aria-label={props.label.clone()} data-test={props.test.clone()}>
            <span class="field-label" aria-hidden="true">{ props.label.clone() }</span>
            <div class="choices">{ for choices }</div>
        </div>
    }
}

/// One of several tabs.
#[derive(Clone, Debug, PartialEq)]
pub struct Tab {
    pub id: AttrValue,
    pub title: AttrValue,
    /// How much waits there.
    pub count: u64,
}

#[derive(Clone, PartialEq, Properties)]
pub struct TabsProps {
    pub label: AttrValue,
    pub tabs: Vec<Tab>,
    pub selected: AttrValue,
    pub onselect: Callback<AttrValue>,
    /// The content of the selected tab.
    #[prop_or_default]
    pub children: Html,
}

/// Tabs with the content of the selected one below. Arrow keys, Home and End go from one to the next.
#[component]
pub fn Tabs(props: &TabsProps) -> Html {
    let base = use_id();
    let list = use_node_ref();
    let onkeydown = {
        let (list, onselect) = (list.clone(), props.onselect.clone());
        let ids: Vec<AttrValue> = props.tabs.iter().map(|tab| tab.id.clone()).collect();
        let present = ids.iter().position(|id| *id == props.selected).unwrap_or(0);
        Callback::from(move |event: KeyboardEvent| {
            let Some(next) = step(&event.key(), present, ids.len()) else {
                return;
            };
            event.prevent_default();
            onselect.emit(ids[next].clone());
            if let Some(list) = list.cast::<web_sys::Element>() {
                let tab = list.children().item(u32::try_from(next).unwrap_or(0));
                super::focus_element(tab);
            }
        })
    };
    let tabs = props.tabs.iter().map(|tab| {
        let selected = tab.id == props.selected;
        let onclick = {
            let (id, onselect) = (tab.id.clone(), props.onselect.clone());
            Callback::from(move |_: MouseEvent| onselect.emit(id.clone()))
        };
        html! {
            <button key={tab.id.to_string()} type="button" role="tab" class="tab" id={format!("{base}-{}", tab.id)}
                aria-selected={truth(selected)} aria-controls={selected.then(|| format!("{base}-panel"))}
                tabindex={if selected { "0" } else { "-1" }} {onclick} data-test={format!("tab-{}", tab.id)}>
                { tab.title.clone() }
                <Badge count={tab.count} />
            </button>
        }
    });
    html! {
        <>
            <div ref={list} class="tabs" role="tablist" aria-label={props.label.clone()} {onkeydown}>{ for tabs }</div>
            <div class="tab-panel" role="tabpanel" id={format!("{base}-panel")} aria-labelledby={format!("{base}-{}", props.selected)}>
                { props.children.clone() }
            </div>
        </>
    }
}

/// Where an arrow key leads in a row of so many, which is a ring.
pub(crate) fn step(key: &str, present: usize, count: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    match key {
        "ArrowRight" | "ArrowDown" => Some(if present >= last { 0 } else { present + 1 }),
        "ArrowLeft" | "ArrowUp" => Some(if present == 0 { last } else { present - 1 }),
        "Home" => Some(0),
        "End" => Some(last),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn arrow_keys_go_round() {
        assert_eq!(step("ArrowRight", 0, 3), Some(1));
        assert_eq!(step("ArrowDown", 2, 3), Some(0));
        assert_eq!(step("ArrowLeft", 0, 3), Some(2));
        assert_eq!(step("End", 0, 3), Some(2));
        assert_eq!(step("Home", 2, 3), Some(0));
        assert_eq!(step("Enter", 0, 3), None);
        assert_eq!(step("ArrowDown", 0, 0), None);
    }
}
