//! Settings: a list of pages; beside the page on wide screens, before it on phones.

mod about;
mod account;
mod appearance;
pub mod change_password;
mod notifications;
mod privacy;
mod shortcuts;

use yew::prelude::*;

use super::person::PersonRow;
use super::screen_head::ScreenHead;
use crate::i18n::{Lang, account as texts, common};
use crate::store::use_select;
use crate::ui::kit::{Glyph, Icon, IconButton};
use crate::ui::use_lang;

/// A page of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Appearance,
    Notifications,
    Account,
    Privacy,
    Shortcuts,
    About,
}

impl Page {
    const ALL: [Self; 6] = [
        Self::Appearance,
        Self::Notifications,
        Self::Account,
        Self::Privacy,
        Self::Shortcuts,
        Self::About,
    ];

    fn title(self, lang: Lang) -> &'static str {
        match self {
            Self::Appearance => texts::appearance(lang),
            Self::Notifications => texts::notifications(lang),
            Self::Account => texts::account(lang),
            Self::Privacy => texts::privacy(lang),
            Self::Shortcuts => texts::shortcuts(lang),
            Self::About => texts::about(lang),
        }
    }

    fn glyph(self) -> Glyph {
        match self {
            Self::Appearance => Glyph::Palette,
            Self::Notifications => Glyph::Bell,
            Self::Account => Glyph::Person,
            Self::Privacy => Glyph::Shield,
            Self::Shortcuts => Glyph::Keyboard,
            Self::About => Glyph::Info,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Appearance => "appearance",
            Self::Notifications => "notifications",
            Self::Account => "account",
            Self::Privacy => "privacy",
            Self::Shortcuts => "shortcuts",
            Self::About => "about",
        }
    }

    fn draw(self) -> Html {
        match self {
            Self::Appearance => html! { <appearance::Appearance /> },
            Self::Notifications => html! { <notifications::Notifications /> },
            Self::Account => html! { <account::Account /> },
            Self::Privacy => html! { <privacy::Privacy /> },
            Self::Shortcuts => html! { <shortcuts::Shortcuts /> },
            Self::About => html! { <about::About /> },
        }
    }
}

/// The screen of settings.
#[component]
pub fn SettingsScreen() -> Html {
    let lang = use_lang();
    let me = use_select(|model| model.session.me.clone());
    // On phones nothing is chosen at first: the list is shown.
    let page = use_state(|| None::<Page>);
    let entries = Page::ALL.map(|entry| {
        let onclick = {
            let page = page.setter();
            Callback::from(move |_: MouseEvent| page.set(Some(entry)))
        };
        let current = page.unwrap_or(Page::Appearance) == entry;
        html! {
            <li key={entry.word()}>
                <button type="button" class="settings-entry" {onclick} aria-current={current.then_some("page")} data-test={format!("settings-{}", entry.word())}>
                    <Icon glyph={entry.glyph()} /><span class="grow">{ entry.title(lang) }</span><Icon glyph={Glyph::ChevronRight} size={crate::ui::kit::IconSize::Small} />
                </button>
            </li>
        }
    });
    let back = {
        let page = page.setter();
        Callback::from(move |_: MouseEvent| page.set(None))
    };
    let shown = page.unwrap_or(Page::Appearance);
    html! {
        <main class={classes!("screen", "settings", page.is_some().then_some("settings-opened"))} data-test="settings-screen">
            <div class="settings-list">
                <ScreenHead title={common::settings(lang)} />
                if let Some(me) = (*me).clone() { <PersonRow node={me} test="own-row" /> }
                <nav aria-label={common::settings(lang)}><ul>{ for entries }</ul></nav>
            </div>
            <section class="settings-page" aria-labelledby="settings-title" data-test={format!("page-{}", shown.word())}>
                <header class="screen-head">
                    <span class="settings-back"><IconButton glyph={Glyph::Back} label={common::back(lang)} onclick={back} test="settings-back" /></span>
                    <h2 id="settings-title">{ shown.title(lang) }</h2>
                </header>
                <div class="settings-body" key={shown.word()}>{ shown.draw() }</div>
            </section>
        </main>
    }
}
