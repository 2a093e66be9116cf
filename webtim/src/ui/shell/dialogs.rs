//! Which component a dialog is drawn by.

use yew::prelude::*;

use crate::model::Dialog;
use crate::store::use_select;

#[component]
pub fn Dialogs() -> Html {
    let dialogs = use_select(|model| model.navigation.dialogs().to_vec());
    dialogs.iter().map(draw).collect()
}

fn draw(dialog: &Dialog) -> Html {
    match dialog {
        // The cards of people and groups are drawn by `ui::people`.
        Dialog::Person(_) | Dialog::Group(_) => Html::default(),
        _ => Html::default(),
    }
}
