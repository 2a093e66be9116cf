//! Looks: theme, language, size of texts, density.

use yew::prelude::*;

use crate::i18n::{Lang, account};
use crate::model::{Density, Preferences, TextSize, Theme, Word};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Choice, Choices, Select, Switch};
use crate::ui::people::sign_in::theme_text;
use crate::ui::use_lang;

#[component]
pub(super) fn Appearance() -> Html {
    let app = use_app();
    let lang = use_lang();
    let chosen = use_select(|model| model.preferences.clone());
    let set = |change: fn(&mut Preferences, &str)| {
        let app = app.clone();
        move |word: &str| app.change(|model| change(&mut model.preferences, word))
    };
    let pick = |change: fn(&mut Preferences, &str)| {
        let set = set(change);
        Callback::from(move |word: AttrValue| set(&word))
    };
    let themes = Theme::ALL.iter().map(|theme| {
        let (text, glyph) = theme_text(lang, *theme);
        Choice::new(theme.word(), text).with_glyph(glyph)
    });
    let sizes = TextSize::ALL.iter().map(|size| {
        let text = match size {
            TextSize::Small => account::text_small(lang),
            TextSize::Normal => account::text_normal(lang),
            TextSize::Large => account::text_large(lang),
            TextSize::Huge => account::text_huge(lang),
        };
        Choice::new(size.word(), text)
    });
    let densities = Density::ALL.iter().map(|density| {
        let text = match density {
            Density::Comfortable => account::density_comfortable(lang),
            Density::Compact => account::density_compact(lang),
        };
        Choice::new(density.word(), text)
    });
    let browser = chosen.browser_language.own_name();
    let mut languages = vec![(
        AttrValue::from("browser"),
        AttrValue::from(account::language_browser(lang, browser)),
    )];
    languages.extend(Lang::ALL.map(|choice| (choice.tag().into(), choice.own_name().into())));
    let onlanguage = {
        let app = app.clone();
        Callback::from(move |tag: String| {
            app.change(|model| model.preferences.language = Lang::from_tag(&tag))
        })
    };
    let onenter = {
        let app = app.clone();
        Callback::from(move |on: bool| app.change(|model| model.preferences.enter_sends = on))
    };
    html! {
        <div class="stack">
            <Choices label={account::theme(lang)} choices={themes.collect::<Vec<_>>()} value={chosen.theme.word()} test="theme"
                onchange={pick(|preferences, word| preferences.theme = Theme::from_word(word).unwrap_or_default())} />
            <Select label={account::language(lang)} options={languages} value={chosen.language.map_or("browser", Lang::tag)} onchange={onlanguage} test="language" />
            <Choices label={account::text_size(lang)} choices={sizes.collect::<Vec<_>>()} value={chosen.text_size.word()} test="text-size"
                onchange={pick(|preferences, word| preferences.text_size = TextSize::from_word(word).unwrap_or_default())} />
            <Choices label={account::density(lang)} choices={densities.collect::<Vec<_>>()} value={chosen.density.word()} test="density"
                onchange={pick(|preferences, word| preferences.density = Density::from_word(word).unwrap_or_default())} />
            <Switch label={account::enter_sends(lang)} hint={account::enter_sends_hint(lang)} on={chosen.enter_sends} onchange={onenter} test="enter-sends" />
        </div>
    }
}
