//! What this is. A local page: nothing is loaded from anywhere.

use yew::prelude::*;

use crate::i18n::{account, common};
use crate::ui::people::sign_in::Mark;
use crate::ui::use_lang;

#[component]
pub(super) fn About() -> Html {
    let lang = use_lang();
    html! {
        <div class="stack about">
            <div class="row">
                <Mark />
                <div>
                    <p class="card-name">{ common::product(lang) }</p>
                    <p class="muted" data-test="version">{ account::version(lang, env!("CARGO_PKG_VERSION")) }</p>
                </div>
            </div>
            <p>{ account::about_text(lang) }</p>
            <section class="stack-tight">
                <h3>{ account::license(lang) }</h3>
                <p>{ account::license_text(lang) }</p>
            </section>
        </div>
    }
}
