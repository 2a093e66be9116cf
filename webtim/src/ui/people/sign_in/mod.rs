//! The first page: signing in and registering.

mod form;
pub mod rules;

use yew::prelude::*;

use self::form::Form;
use crate::i18n::{Lang, account, common};
use crate::model::{Connection, Theme, Word};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Glyph, Icon, MenuButton, MenuItem, Tab, Tabs};
use crate::ui::use_lang;

/// What a form does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    SignIn,
    Register,
}

/// The page of those who are not signed in.
#[component]
pub fn SignInScreen() -> Html {
    let lang = use_lang();
    let purpose = use_state(|| Purpose::SignIn);
    // Goes along when people find out that they were in the wrong form.
    let name = use_state(String::new);
    let onselect = {
        let purpose = purpose.clone();
        Callback::from(move |id: AttrValue| {
            purpose.set(if id == "register" {
                Purpose::Register
            } else {
                Purpose::SignIn
            });
        })
    };
    let onname = {
        let name = name.clone();
        Callback::from(move |text: String| name.set(text))
    };
    let tabs = [
        ("sign-in", account::sign_in(lang)),
        ("register", account::create_account(lang)),
    ]
    .map(|(id, title)| Tab {
        id: id.into(),
        title: title.into(),
        count: 0,
    });
    let selected = if *purpose == Purpose::SignIn {
        "sign-in"
    } else {
        "register"
    };
    html! {
        <div class="welcome" data-test="welcome">
            <header class="welcome-bar"><Looks /></header>
            <main class="welcome-main">
            <section class="welcome-brand">
                <Mark />
                <h1>{ account::welcome_title(lang) }</h1>
                <p>{ account::welcome_text(lang) }</p>
            </section>
            <section class="welcome-card">
                <Tabs label={account::sign_in_or_register(lang)} tabs={tabs.to_vec()} {selected} {onselect}>
                    <Form key={selected} purpose={*purpose} name={(*name).clone()} {onname} />
                </Tabs>
            </section>
            </main>
        </div>
    }
}

/// The mark of the product: two people's speech meeting in one line.
#[component]
pub fn Mark() -> Html {
    html! {
        <svg class="mark" viewBox="0 0 64 64" role="img" aria-label={common::product(Lang::English)} focusable="false">
            <rect class="mark-ground" x="2" y="2" width="60" height="60" rx="18" />
            <path class="mark-line" d="M17 24c0-3.300 2.700-6 6-6h18c3.300 0 6 2.700 6 6v9c0 3.300-2.700 6-6 6H31l-8 7.500V39c-3.300 0-6-2.700-6-6z" />
            <path class="mark-line" d="M25 28.500c2.300-3 4.700-3 7 0s4.700 3 7 0" />
        </svg>
    }
}

/// Language and theme.
#[component]
fn Looks() -> Html {
    let app = use_app();
    let lang = use_lang();
    let theme = use_select(|model| model.preferences.theme);
    let languages: Vec<MenuItem> = Lang::ALL
        .into_iter()
        .map(|choice| {
            let app = app.clone();
            let action = move || app.change(|model| model.preferences.language = Some(choice));
            MenuItem::new(choice.own_name(), Glyph::Globe, action)
                .checked(choice == lang)
                .with_test(format!("language-{}", choice.tag()))
        })
        .collect();
    let themes: Vec<MenuItem> = Theme::ALL
        .iter()
        .map(|choice| {
            let (app, choice) = (app.clone(), *choice);
            let (text, glyph) = theme_text(lang, choice);
            let action = move || app.change(|model| model.preferences.theme = choice);
            MenuItem::new(text, glyph, action)
                .checked(choice == *theme)
                .with_test(format!("theme-{}", choice.word()))
        })
        .collect();
    html! {
        <>
            <MenuButton glyph={Glyph::Globe} label={format!("{} · Language · 语言", account::language(lang))} items={languages} test="language-menu" />
            <MenuButton glyph={theme_text(lang, *theme).1} label={account::theme(lang)} items={themes} test="theme-menu" />
        </>
    }
}

/// Name and icon of a theme.
pub fn theme_text(lang: Lang, theme: Theme) -> (&'static str, Glyph) {
    match theme {
        Theme::System => (account::theme_system(lang), Glyph::Screen),
        Theme::Light => (account::theme_light(lang), Glyph::Sun),
        Theme::Dark => (account::theme_dark(lang), Glyph::Moon),
    }
}

/// While it is looked up whether somebody is signed in.
#[component]
pub fn StartScreen() -> Html {
    let lang = use_lang();
    let waits = use_select(|model| matches!(model.session.connection, Connection::Waiting { .. }));
    html! {
        <div class="welcome-start" role="status" data-test="starting">
            <div class="stack welcome-wait">
                <Mark />
                if *waits {
                    <p data-test="not-reachable">{ account::waiting_for_server(lang) }</p>
                } else {
                    <span class="visually-hidden">{ account::starting(lang) }</span>
                }
            </div>
        </div>
    }
}

/// A notice in a form, when there is something to say.
pub(crate) fn notice(text: Option<String>, test: &'static str) -> Html {
    match text {
        Some(text) => html! {
            <p class="notice notice-error" role="alert" data-test={test}><Icon glyph={Glyph::Warning} /><span>{ text }</span></p>
        },
        None => Html::default(),
    }
}
