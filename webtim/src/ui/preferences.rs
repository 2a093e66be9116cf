//! What people have chosen, applied to the page and kept in the browser's storage.

use wasm_bindgen::JsCast;
use yew::prelude::*;

use crate::i18n::Lang;
use crate::model::{Density, Preferences, TextSize, Theme, Word};
use crate::store::{Store, use_select};

const KEY: &str = "tim.preferences";

/// The language that everything is drawn in.
#[hook]
pub fn use_lang() -> Lang {
    *use_select(|model| model.preferences.lang())
}

/// Takes the choices out of the browser's storage. To be called before anything is drawn.
pub fn load(store: &Store) {
    let mut preferences = storage()
        .and_then(|storage| storage.get_item(KEY).ok().flatten())
        .map(|text| Preferences::from_json(&text))
        .unwrap_or_default();
    preferences.browser_language = browser_language();
    apply(&preferences);
    store.change(|model| model.preferences = preferences);
}

/// Applies and stores what is chosen from now on, and follows what another tab chose. Draws nothing.
#[component]
pub fn PreferencesKeeper() -> Html {
    let app = crate::store::use_app();
    let preferences = use_select(|model| model.preferences.clone());
    use_effect_with((*preferences).clone(), |preferences| {
        apply(preferences);
        let text = preferences.to_json();
        if let Some(storage) = storage()
            && storage.get_item(KEY).ok().flatten().as_ref() != Some(&text)
        {
            // Without storage the choice holds for this page only.
            drop(storage.set_item(KEY, &text));
        }
    });
    use_effect_with((), move |()| {
        let listener = web_sys::window().map(|window| {
            gloo_events::EventListener::new(&window, "storage", move |event| {
                let Some(event) = event.dyn_ref::<web_sys::StorageEvent>() else {
                    return;
                };
                if event.key().as_deref() == Some(KEY) {
                    let mut chosen = Preferences::from_json(&event.new_value().unwrap_or_default());
                    app.change(|model| {
                        chosen.browser_language = model.preferences.browser_language;
                        model.preferences = chosen;
                    });
                }
            })
        });
        move || drop(listener)
    });
    Html::default()
}

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}

fn browser_language() -> Lang {
    let languages: Vec<String> = web_sys::window()
        .map(|window| window.navigator().languages())
        .into_iter()
        .flat_map(|languages| languages.to_vec())
        .filter_map(|tag| tag.as_string())
        .collect();
    Lang::best(languages.iter().map(String::as_str))
}

/// Sets the attributes that the styles look at.
fn apply(preferences: &Preferences) {
    let Some(root) = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.document_element())
    else {
        return;
    };
    let theme = (preferences.theme != Theme::System).then(|| preferences.theme.word());
    let text = (preferences.text_size != TextSize::Normal).then(|| preferences.text_size.word());
    let density = (preferences.density != Density::Comfortable).then(|| preferences.density.word());
    for (name, value) in [
        ("lang", Some(preferences.lang().tag())),
        ("data-theme", theme),
        ("data-text", text),
        ("data-density", density),
    ] {
        // The names are well-formed.
        match value {
            Some(value) => drop(root.set_attribute(name, value)),
            None => drop(root.remove_attribute(name)),
        }
    }
}
