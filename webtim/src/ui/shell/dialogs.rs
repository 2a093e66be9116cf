//! The open dialogs, the topmost last.

use yew::prelude::*;

use crate::store::use_select;
use crate::ui::people;

#[component]
pub fn Dialogs() -> Html {
    let dialogs = use_select(|model| model.navigation.dialogs().to_vec());
    dialogs.iter().map(people::dialog).collect()
}
