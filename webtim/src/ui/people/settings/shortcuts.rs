//! What the keyboard does.

use yew::prelude::*;

use crate::i18n::account;
use crate::store::use_select;
use crate::ui::use_lang;

#[component]
pub(super) fn Shortcuts() -> Html {
    let lang = use_lang();
    let enter_sends = *use_select(|model| model.preferences.enter_sends);
    let (send, line): (&[&str], &[&str]) = if enter_sends {
        (&["Enter"], &["Shift", "Enter"])
    } else {
        (&["Ctrl", "Enter"], &["Enter"])
    };
    let rows: [(&[&str], &str); 7] = [
        (send, account::shortcut_send(lang)),
        (line, account::shortcut_line(lang)),
        (&["Ctrl", "K"], account::shortcut_search(lang)),
        (&["Alt", "↓"], account::shortcut_next(lang)),
        (&["Alt", "↑"], account::shortcut_previous(lang)),
        (&["Esc"], account::shortcut_back(lang)),
        (&["← ↑ → ↓"], account::shortcut_menu(lang)),
    ];
    html! {
        <table class="shortcuts">
            <tbody>
                { for rows.iter().map(|(keys, text)| html! {
                    <tr key={*text}>
                        <th scope="row">{ *text }</th>
                        <td>{ for keys.iter().enumerate().map(|(number, key)| html! { <>{ if number > 0 { " + " } else { "" } }<kbd>{ *key }</kbd></> }) }</td>
                    </tr>
                }) }
            </tbody>
        </table>
    }
}
