//! Fields to type into.

use web_sys::{HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::{Glyph, Icon, IconButton, IconSize, use_id};
use crate::i18n::{account, common};
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub struct TextFieldProps {
    pub label: AttrValue,
    pub value: AttrValue,
    /// The new text.
    pub oninput: Callback<String>,
    /// Says what is wrong; the field is marked then.
    #[prop_or_default]
    pub error: Option<AttrValue>,
    /// Stands below while there is no error.
    #[prop_or_default]
    pub hint: Option<AttrValue>,
    #[prop_or_default]
    pub placeholder: Option<AttrValue>,
    /// The label is only read out.
    #[prop_or_default]
    pub hide_label: bool,
    /// `text`, `search`, `password`…
    #[prop_or(AttrValue::Static("text"))]
    pub kind: AttrValue,
    /// What password managers and keyboards may fill in.
    #[prop_or(AttrValue::Static("off"))]
    pub autocomplete: AttrValue,
    #[prop_or_default]
    pub icon: Option<Glyph>,
    /// Most characters; below, the number left is shown when it becomes few.
    #[prop_or_default]
    pub limit: Option<u32>,
    #[prop_or_default]
    pub disabled: bool,
    #[prop_or_default]
    pub required: bool,
    /// Takes the focus when it appears.
    #[prop_or_default]
    pub focus: bool,
    /// Several lines.
    #[prop_or_default]
    pub lines: bool,
    /// For what is not language: names of accounts, passwords.
    #[prop_or_default]
    pub technical: bool,
    /// A button inside, at the end.
    #[prop_or_default]
    pub children: Html,
    #[prop_or_default]
    pub node: NodeRef,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

#[component]
pub fn TextField(props: &TextFieldProps) -> Html {
    let lang = use_lang();
    let id = use_id();
    let (error_id, hint_id) = (format!("{id}-error"), format!("{id}-hint"));
    let node = props.node.clone();
    use_effect_with(props.focus, {
        let node = node.clone();
        move |focus| {
            if *focus && let Some(element) = node.cast::<web_sys::HtmlElement>() {
                super::focus(&element);
            }
        }
    });
    let oninput = {
        let oninput = props.oninput.clone();
        Callback::from(move |event: InputEvent| {
            let text = event
                .target_dyn_into::<HtmlInputElement>()
                .map(|input| input.value())
                .or_else(|| {
                    event
                        .target_dyn_into::<HtmlTextAreaElement>()
                        .map(|area| area.value())
                });
            if let Some(text) = text {
                oninput.emit(text);
            }
        })
    };
    let described = if props.error.is_some() {
        Some(error_id.clone())
    } else {
        props.hint.is_some().then(|| hint_id.clone())
    };
    let invalid = props.error.is_some().then_some("true");
    let maxlength = props.limit.map(|limit| limit.to_string());
    let (spelling, capitals) = if props.technical {
        ("false", "none")
    } else {
        ("true", "sentences")
    };
    let input = if props.lines {
        html! {
            <textarea ref={node} id={id.clone()} class="input" value={props.value.clone()} {oninput} rows="3"
                placeholder={props.placeholder.clone()} disabled={props.disabled} required={props.required} {maxlength}
                aria-invalid={invalid} aria-describedby={described} data-test={props.test.clone()} />
        }
    } else {
        html! {
            <input ref={node} id={id.clone()} class="input" type={props.kind.clone()} value={props.value.clone()} {oninput}
                placeholder={props.placeholder.clone()} disabled={props.disabled} required={props.required} {maxlength}
                autocomplete={props.autocomplete.clone()} autocapitalize={capitals} spellcheck={spelling}
                aria-invalid={invalid} aria-describedby={described} data-test={props.test.clone()} />
        }
    };
    let left = props.limit.and_then(|limit| few_left(&props.value, limit));
    html! {
        <div class="field">
            <label for={id} class={if props.hide_label { "visually-hidden" } else { "field-label" }}>{ props.label.clone() }</label>
            <div class="field-box">
                if let Some(glyph) = props.icon { <Icon {glyph} /> }
                { input }
                { props.children.clone() }
            </div>
            if let Some(left) = left { <span class="field-count">{ common::characters_left(lang, left) }</span> }
            if let Some(error) = &props.error {
                <p id={error_id} class="field-error" role="alert" data-test={props.test.as_ref().map(|test| format!("{test}-error"))}>
                    <Icon glyph={Glyph::Warning} size={IconSize::Small} /><span>{ error.clone() }</span>
                </p>
            } else if let Some(hint) = &props.hint {
                <p id={hint_id} class="field-hint">{ hint.clone() }</p>
            }
        </div>
    }
}

/// How many characters are left, once that is worth saying. Counted like `maxlength` does, in UTF-16 units.
fn few_left(text: &str, limit: u32) -> Option<u64> {
    let used = u64::try_from(text.encode_utf16().count()).unwrap_or(u64::MAX);
    let left = u64::from(limit).saturating_sub(used);
    (left * 5 <= u64::from(limit)).then_some(left)
}

#[derive(Clone, PartialEq, Properties)]
pub struct PasswordFieldProps {
    pub label: AttrValue,
    pub value: AttrValue,
    pub oninput: Callback<String>,
    #[prop_or_default]
    pub error: Option<AttrValue>,
    #[prop_or_default]
    pub hint: Option<AttrValue>,
    /// A new one, not the present one: password managers suggest one then.
    #[prop_or_default]
    pub new: bool,
    #[prop_or_default]
    pub disabled: bool,
    #[prop_or_default]
    pub focus: bool,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

/// A field for a password, which can be made readable.
#[component]
pub fn PasswordField(props: &PasswordFieldProps) -> Html {
    let lang = use_lang();
    let shown = use_state(|| false);
    let toggle = {
        let shown = shown.clone();
        Callback::from(move |_: MouseEvent| shown.set(!*shown))
    };
    let label = if *shown {
        account::hide_password(lang)
    } else {
        account::show_password(lang)
    };
    html! {
        <TextField label={props.label.clone()} value={props.value.clone()} oninput={props.oninput.clone()} error={props.error.clone()}
            hint={props.hint.clone()} kind={if *shown { "text" } else { "password" }} technical=true disabled={props.disabled}
            autocomplete={if props.new { "new-password" } else { "current-password" }} focus={props.focus} test={props.test.clone()}>
            <IconButton glyph={if *shown { Glyph::EyeOff } else { Glyph::Eye }} {label} onclick={toggle} pressed={*shown}
                test={props.test.as_ref().map(|test| format!("{test}-show"))} />
        </TextField>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct SearchFieldProps {
    pub label: AttrValue,
    pub value: AttrValue,
    pub oninput: Callback<String>,
    #[prop_or_default]
    pub focus: bool,
    #[prop_or_default]
    pub node: NodeRef,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

/// A field to search with. Escape empties it before it reaches anything else.
#[component]
pub fn SearchField(props: &SearchFieldProps) -> Html {
    let lang = use_lang();
    let clear = {
        let oninput = props.oninput.clone();
        Callback::from(move |_: MouseEvent| oninput.emit(String::new()))
    };
    let onkeydown = {
        let (oninput, filled) = (props.oninput.clone(), !props.value.is_empty());
        Callback::from(move |event: KeyboardEvent| {
            if filled && event.key() == "Escape" && !event.is_composing() {
                event.prevent_default();
                event.stop_propagation();
                oninput.emit(String::new());
            }
        })
    };
    html! {
        <div role="search" {onkeydown}>
            <TextField label={props.label.clone()} hide_label=true placeholder={props.label.clone()} value={props.value.clone()}
                oninput={props.oninput.clone()} kind="search" technical=true icon={Glyph::Search} focus={props.focus} node={props.node.clone()} test={props.test.clone()}>
                if !props.value.is_empty() {
                    <IconButton glyph={Glyph::Close} label={common::clear_search(lang)} onclick={clear} />
                }
            </TextField>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::few_left;

    #[test]
    fn the_number_left_appears_near_the_limit() {
        assert_eq!(few_left("", 16), None);
        assert_eq!(few_left("thirteen char", 16), Some(3));
        assert_eq!(few_left("十六个字以内的昵称一二三四五六七", 16), Some(0));
    }
}
