//! Popovers and menus: in the top layer, beside what opened them. The browser closes them by Escape and by a click
//! elsewhere; their place is computed here.

use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::{DomRect, HtmlElement};
use yew::prelude::*;

use super::choice::step;
use super::{Glyph, Icon, IconButton, focus, use_id, visible};

/// Where a popover goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Anchor {
    /// Below the element, or above when there is more room.
    Element(NodeRef),
    /// At a point of the window, for context menus.
    Point(i32, i32),
}

#[derive(Clone, PartialEq, Properties)]
pub struct PopoverProps {
    pub anchor: Anchor,
    pub onclose: Callback<()>,
    #[prop_or_default]
    pub children: Html,
    #[prop_or_default]
    pub class: Classes,
    #[prop_or_default]
    pub role: Option<AttrValue>,
    #[prop_or_default]
    pub label: Option<AttrValue>,
    #[prop_or_default]
    pub onkeydown: Callback<KeyboardEvent>,
    #[prop_or_default]
    pub node: NodeRef,
    /// The first thing inside takes the focus, and it returns afterwards.
    #[prop_or(true)]
    pub take_focus: bool,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

/// Something that appears beside its anchor for as long as the component is drawn.
#[component]
pub fn Popover(props: &PopoverProps) -> Html {
    let node = props.node.clone();
    use_effect_with((), {
        let (anchor, onclose, take_focus) = (props.anchor.clone(), props.onclose.clone(), props.take_focus);
        let node = node.clone();
        move |()| {
            let popover = node.cast::<HtmlElement>();
            let listener = popover.as_ref().map(|popover| {
                // Fails only for an element that is not in the page.
                drop(popover.show_popover());
                place(popover, &anchor);
                if take_focus && let Some(first) = visible(popover, FIRST).first() {
                    focus(first);
                }
                EventListener::new(popover, "toggle", move |event| {
                    let state = js_sys::Reflect::get(event, &"newState".into()).ok();
                    if state.and_then(|state| state.as_string()).as_deref() == Some("closed") {
                        onclose.emit(());
                    }
                })
            });
            move || {
                drop(listener);
                let Some(popover) = popover else { return };
                let had_focus = popover
                    .owner_document()
                    .and_then(|document| document.active_element())
                    .is_some_and(|active| popover.contains(Some(&active)));
                // It may be hidden already.
                drop(popover.hide_popover());
                if had_focus
                    && let Anchor::Element(anchor) = &anchor
                    && let Some(anchor) = anchor.cast::<HtmlElement>()
                {
                    focus(&anchor);
                }
            }
        }
    });
    html! {
        <div ref={node} popover="auto" class={classes!("popover", props.class.clone())} role={props.role.clone()}
            aria-label={props.label.clone()} onkeydown={props.onkeydown.clone()} data-test={props.test.clone()}>
            { props.children.clone() }
        </div>
    }
}

/// What can take the focus when a popover appears.
const FIRST: &str = "button:not(:disabled), input, a[href], [tabindex]";
const ITEMS: &str = "[role^='menuitem']:not(:disabled)";

const GAP: f64 = 6.0;
const EDGE: f64 = 8.0;

fn place(popover: &HtmlElement, anchor: &Anchor) {
    let Some(window) = web_sys::window() else { return };
    let length =
        |value: Result<wasm_bindgen::JsValue, _>| value.ok().and_then(|value| value.as_f64()).unwrap_or(0.0);
    let (width, height) = (length(window.inner_width()), length(window.inner_height()));
    let own = popover.get_bounding_client_rect();
    let target = match anchor {
        Anchor::Element(node) => node
            .cast::<web_sys::Element>()
            .map(|element| Target::from(&element.get_bounding_client_rect())),
        Anchor::Point(x, y) => Some(Target::point(f64::from(*x), f64::from(*y))),
    };
    let Some(target) = target else { return };
    let (left, top) = beside(&target, (own.width(), own.height()), (width, height));
    for (name, value) in [("left", left), ("top", top)] {
        // A well-formed length is not refused.
        drop(popover.style().set_property(name, &format!("{value:.0}px")));
    }
}

struct Target {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Target {
    fn point(x: f64, y: f64) -> Self {
        Self {
            left: x,
            right: x,
            top: y - GAP,
            bottom: y - GAP,
        }
    }
}

impl From<&DomRect> for Target {
    fn from(rect: &DomRect) -> Self {
        Self {
            left: rect.left(),
            right: rect.right(),
            top: rect.top(),
            bottom: rect.bottom(),
        }
    }
}

/// Left and top of something of that size beside the target, inside a window of that size: below and starting with
/// the target, else above, else ending with it.
fn beside(
    target: &Target,
    (width, height): (f64, f64),
    (window_width, window_height): (f64, f64),
) -> (f64, f64) {
    let fits_right = target.left + width <= window_width - EDGE;
    let left = if fits_right {
        target.left
    } else {
        target.right - width
    };
    let fits_below = target.bottom + GAP + height <= window_height - EDGE;
    let room_above = target.top - EDGE;
    let room_below = window_height - target.bottom - EDGE;
    let top = if fits_below || room_below >= room_above {
        target.bottom + GAP
    } else {
        target.top - GAP - height
    };
    let inside = |start: f64, length: f64, most: f64| start.min(most - length - EDGE).max(EDGE);
    (
        inside(left, width, window_width),
        inside(top, height, window_height),
    )
}

/// One line of a menu.
#[derive(Clone, Debug, PartialEq)]
pub struct MenuItem {
    pub text: AttrValue,
    pub glyph: Option<Glyph>,
    pub danger: bool,
    /// For one that is on or off.
    pub checked: Option<bool>,
    pub disabled: bool,
    /// A line above it.
    pub apart: bool,
    pub action: Callback<()>,
    pub test: Option<AttrValue>,
}

impl MenuItem {
    pub fn new(text: impl Into<AttrValue>, glyph: Glyph, action: impl Fn() + 'static) -> Self {
        Self {
            text: text.into(),
            glyph: Some(glyph),
            danger: false,
            checked: None,
            disabled: false,
            apart: false,
            action: Callback::from(move |()| action()),
            test: None,
        }
    }

    #[must_use]
    pub fn danger(mut self) -> Self {
        self.danger = true;
        self
    }

    #[must_use]
    pub fn apart(mut self) -> Self {
        self.apart = true;
        self
    }

    #[must_use]
    pub fn checked(mut self, checked: bool) -> Self {
        self.checked = Some(checked);
        self
    }

    #[must_use]
    pub fn with_test(mut self, test: impl Into<AttrValue>) -> Self {
        self.test = Some(test.into());
        self
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct MenuProps {
    pub anchor: Anchor,
    pub label: AttrValue,
    pub items: Vec<MenuItem>,
    pub onclose: Callback<()>,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

/// A menu. Arrow keys go from item to item, letters to the next that starts with them.
#[component]
pub fn Menu(props: &MenuProps) -> Html {
    let node = use_node_ref();
    let onkeydown = {
        let (node, onclose) = (node.clone(), props.onclose.clone());
        Callback::from(move |event: KeyboardEvent| {
            let Some(menu) = node.cast::<HtmlElement>() else {
                return;
            };
            match event.key().as_str() {
                "Tab" => {
                    event.prevent_default();
                    onclose.emit(());
                }
                "Escape" => {
                    event.prevent_default();
                    event.stop_propagation();
                    onclose.emit(());
                }
                key => {
                    let items = visible(&menu, ITEMS);
                    let present = items.iter().position(|item| {
                        item.owner_document()
                            .and_then(|document| document.active_element())
                            .is_some_and(|active| active.is_same_node(Some(item)))
                    });
                    let texts: Vec<String> = items
                        .iter()
                        .map(|item| item.text_content().unwrap_or_default())
                        .collect();
                    let next = step(key, present.unwrap_or(0), items.len())
                        .or_else(|| starting_with(key, present, &texts));
                    if let Some(item) = next.and_then(|next| items.get(next)) {
                        event.prevent_default();
                        focus(item);
                    }
                    event.stop_propagation();
                }
            }
        })
    };
    let items = props.items.iter().enumerate().map(|(number, item)| {
        let onclick = {
            let (action, onclose) = (item.action.clone(), props.onclose.clone());
            Callback::from(move |_: MouseEvent| {
                onclose.emit(());
                action.emit(());
            })
        };
        let role = if item.checked.is_some() { "menuitemcheckbox" } else { "menuitem" };
        html! {
            <>
                if item.apart && number > 0 { <hr class="menu-line" /> }
                <button type="button" {role} class={classes!("menu-item", item.danger.then_some("menu-item-danger"))} {onclick}
                    tabindex="-1" disabled={item.disabled} aria-checked={item.checked.map(super::button::truth)} data-test={item.test.clone()}>
                    if let Some(glyph) = item.glyph { <Icon {glyph} /> }
                    <span>{ item.text.clone() }</span>
                </button>
            </>
        }
    });
    html! {
        <Popover anchor={props.anchor.clone()} onclose={props.onclose.clone()} class="menu" role="menu" label={props.label.clone()} {onkeydown}
            node={node.clone()} test={props.test.clone()}>
            { for items }
        </Popover>
    }
}

/// The next text after the present one that starts with a typed letter.
fn starting_with(key: &str, present: Option<usize>, texts: &[String]) -> Option<usize> {
    let mut characters = key.chars();
    let (Some(letter), None) = (characters.next(), characters.next()) else {
        return None;
    };
    let letter = letter.to_lowercase().to_string();
    let start = present.map_or(0, |present| present + 1);
    (0..texts.len())
        .map(|offset| (start + offset) % texts.len())
        .find(|&number| texts[number].trim_start().to_lowercase().starts_with(&letter))
}

#[derive(Clone, PartialEq, Properties)]
pub struct MenuButtonProps {
    pub label: AttrValue,
    pub items: Vec<MenuItem>,
    #[prop_or(Glyph::More)]
    pub glyph: Glyph,
    #[prop_or_default]
    pub small: bool,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

/// A button with a menu.
#[component]
pub fn MenuButton(props: &MenuButtonProps) -> Html {
    let open = use_state(|| false);
    let node = use_node_ref();
    let id = use_id();
    let onclick = {
        let open = open.clone();
        Callback::from(move |event: MouseEvent| {
            event.stop_propagation();
            open.set(!*open);
        })
    };
    let onclose = {
        let open = open.clone();
        Callback::from(move |()| open.set(false))
    };
    html! {
        <>
            <IconButton glyph={props.glyph} label={props.label.clone()} small={props.small} expanded={*open} {onclick} node={node.clone()}
                test={props.test.clone()} />
            if *open {
                <Menu key={id} anchor={Anchor::Element(node)} label={props.label.clone()} items={props.items.clone()} {onclose} />
            }
        </>
    }
}

/// Whether an event came out of a button, link or field, which have their own answer to it.
pub fn is_of_control(event: &Event) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|element| {
            element
                .closest("button, a, input, select, textarea")
                .ok()
                .flatten()
        })
        .is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: (f64, f64) = (400.0, 800.0);

    fn target(left: f64, top: f64) -> Target {
        Target {
            left,
            right: left + 40.0,
            top,
            bottom: top + 40.0,
        }
    }

    #[test]
    fn a_popover_stands_below_its_anchor_and_stays_in_the_window() {
        assert_eq!(
            beside(&target(20.0, 100.0), (200.0, 300.0), WINDOW),
            (20.0, 146.0)
        );
        // No room to the right: it ends with the anchor.
        assert_eq!(
            beside(&target(340.0, 100.0), (200.0, 300.0), WINDOW),
            (180.0, 146.0)
        );
        // No room below: above.
        assert_eq!(
            beside(&target(20.0, 700.0), (200.0, 300.0), WINDOW),
            (20.0, 394.0)
        );
        // Larger than the window: it starts at the edge.
        assert_eq!(beside(&target(20.0, 700.0), (600.0, 900.0), WINDOW), (8.0, 8.0));
        assert_eq!(
            beside(&Target::point(390.0, 10.0), (200.0, 100.0), WINDOW),
            (190.0, 10.0)
        );
    }

    #[test]
    fn a_letter_leads_to_the_next_item_that_starts_with_it() {
        let texts = ["Copy", "Recall", "Close", "回复"].map(str::to_owned);
        assert_eq!(starting_with("c", Some(0), &texts), Some(2));
        assert_eq!(starting_with("C", Some(2), &texts), Some(0));
        assert_eq!(starting_with("回", None, &texts), Some(3));
        assert_eq!(starting_with("x", None, &texts), None);
        assert_eq!(starting_with("Enter", None, &texts), None);
        assert_eq!(starting_with("c", None, &[]), None);
    }
}
