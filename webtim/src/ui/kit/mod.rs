//! The controls that all screens are made of. Their look is in `styles/kit.css`, their colours and sizes in
//! `styles/tokens.css`.

mod avatar;
mod button;
mod choice;
mod dialog;
mod field;
mod icon;
mod menu;
mod toasts;
mod virtual_list;
mod waiting;

use std::cell::Cell;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::functional::{hook, use_memo};

pub use self::avatar::{Avatar, AvatarSize, initials, is_of_server};
pub use self::button::{Button, ButtonKind, IconButton};
pub use self::choice::{Checkbox, Choice, Choices, Select, Switch, Tab, Tabs};
pub use self::dialog::{Confirm, Dialog, DialogSize};
pub use self::field::{PasswordField, SearchField, TextField};
pub use self::icon::{Glyph, Icon, IconSize};
pub use self::menu::{Anchor, Menu, MenuButton, MenuItem, Popover, is_of_control};
pub use self::toasts::{ToastKind, ToastLine, ToastRegion};
pub use self::virtual_list::VirtualList;
pub use self::waiting::{Badge, EmptyState, Skeleton, Spinner};

/// An identifier for an element that others refer to, the same for the life of the component.
#[hook]
pub fn use_id() -> String {
    thread_local! {
        static NEXT: Cell<u64> = const { Cell::new(0) };
    }
    let id = use_memo((), |()| {
        let number = NEXT.get();
        NEXT.set(number + 1);
        format!("id{number}")
    });
    (*id).clone()
}

/// Gives the focus to an element.
pub fn focus(element: &HtmlElement) {
    // Fails for no element.
    drop(element.focus());
}

fn focus_element(element: Option<Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        focus(&element);
    }
}

/// What Tab stops at inside an element, in order.
fn tab_stops(inside: &Element) -> Vec<HtmlElement> {
    const SELECTOR: &str = "a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), \
        textarea:not(:disabled), [tabindex]";
    visible(inside, SELECTOR)
        .into_iter()
        .filter(|element| element.tab_index() >= 0)
        .collect()
}

/// The visible elements inside another one that a selector matches, in order.
fn visible(inside: &Element, selector: &str) -> Vec<HtmlElement> {
    let Ok(list) = inside.query_selector_all(selector) else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|number| list.item(number)?.dyn_into::<HtmlElement>().ok())
        .filter(|element| element.get_client_rects().length() > 0)
        .collect()
}
