//! The order in which people expect names: by sound in Chinese, without regard to case and accents.

use std::cmp::Ordering;

use super::Lang;

/// Compares two names. Names of the same sound are told apart by their characters.
#[must_use]
pub fn compare(lang: Lang, left: &str, right: &str) -> Ordering {
    by_sound(lang, left, right).then_with(|| left.cmp(right))
}

#[cfg(target_arch = "wasm32")]
fn by_sound(lang: Lang, left: &str, right: &str) -> Ordering {
    use std::cell::RefCell;
    use std::collections::HashMap;

    use js_sys::{Array, Function, Intl, Object, Reflect};
    use wasm_bindgen::JsValue;

    thread_local! {
        static COMPARE: RefCell<HashMap<Lang, Function>> = RefCell::default();
    }
    let compare = COMPARE.with_borrow_mut(|known| {
        known
            .entry(lang)
            .or_insert_with(|| {
                let options = Object::new();
                // Setting a property of a fresh object cannot fail.
                drop(Reflect::set(&options, &"sensitivity".into(), &"base".into()));
                drop(Reflect::set(&options, &"numeric".into(), &JsValue::TRUE));
                Intl::Collator::new(&Array::of1(&lang.tag().into()), &options).compare()
            })
            .clone()
    });
    let order = compare
        .call2(&JsValue::UNDEFINED, &left.into(), &right.into())
        .ok()
        .and_then(|order| order.as_f64())
        .unwrap_or(0.0);
    order.partial_cmp(&0.0).unwrap_or(Ordering::Equal)
}

#[cfg(not(target_arch = "wasm32"))]
fn by_sound(_lang: Lang, left: &str, right: &str) -> Ordering {
    left.to_lowercase().cmp(&right.to_lowercase())
}

/// Whether a text contains what was typed to search, without regard to case.
#[must_use]
pub fn matches(text: &str, typed: &str) -> bool {
    let typed = typed.trim();
    typed.is_empty() || text.to_lowercase().contains(&typed.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_but_decides_in_the_end() {
        let mut names = ["bob", "Anna", "anna", "Zoë"];
        names.sort_by(|left, right| compare(Lang::English, left, right));
        assert_eq!(names, ["Anna", "anna", "bob", "Zoë"]);
        assert!(matches("Anna Müller", " müll "));
        assert!(matches("张小明", "小"));
        assert!(!matches("Anna", "bob"));
    }
}
