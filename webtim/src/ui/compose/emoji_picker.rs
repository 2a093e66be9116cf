//! Choosing an emoji: by group, by word, from those used lately. Arrow keys walk over the grid.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::recent::Habits;
use crate::emoji::{self, Emoji, GroupKind, Tone, toned};
use crate::i18n::{Lang, media};
use crate::ui::kit::{Anchor, Popover, SearchField};
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct EmojiPickerProps {
    /// What opened it.
    pub anchor: NodeRef,
    pub onpick: Callback<String>,
    pub onclose: Callback<()>,
}

#[component]
pub(super) fn EmojiPicker(props: &EmojiPickerProps) -> Html {
    let lang = use_lang();
    let habits = use_state(Habits::load);
    let query = use_state(String::new);
    let named = use_state(|| None::<Emoji>);
    let body = use_node_ref();
    // The list of those used lately stays as it is while the picker is open: nothing moves under the pointer.
    let recent = use_memo((), |()| Habits::load().recent().to_vec());

    let pick = {
        let (habits, onpick) = (habits.clone(), props.onpick.clone());
        Callback::from(move |text: String| {
            habits.set(habits.with_used(&text));
            onpick.emit(text);
        })
    };
    let choose_tone = {
        let habits = habits.clone();
        Callback::from(move |tone: Tone| habits.set(habits.with_tone(tone)))
    };
    let search = {
        let query = query.clone();
        Callback::from(move |text: String| query.set(text))
    };
    let onkeydown = {
        let (body, onclose) = (body.clone(), props.onclose.clone());
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                event.prevent_default();
                event.stop_propagation();
                onclose.emit(());
            } else if let Some(body) = body.cast::<Element>() {
                walk(&body, &event);
            }
        })
    };
    let onover = {
        let named = named.clone();
        Callback::from(move |emoji: Option<Emoji>| {
            if *named != emoji {
                named.set(emoji);
            }
        })
    };

    let tone = habits.tone();
    let found = use_memo((*query).clone(), |query| emoji::search(query));
    let grid = |name: &str, title: &'static str, list: Vec<Emoji>| {
        let cells = list
            .into_iter()
            .map(|emoji| cell(emoji, tone, lang, &pick, &onover));
        html! {
            <section class="emoji-group" data-group={name.to_owned()} aria-label={title}>
                <h3 class="emoji-title">{ title }</h3>
                <div class="emoji-grid">{ for cells }</div>
            </section>
        }
    };
    let sections: Html = if query.trim().is_empty() {
        let used: Vec<Emoji> = recent.iter().filter_map(|text| emoji::find(text)).collect();
        let first = (!used.is_empty()).then(|| grid("recent", media::emoji_recent(lang), used));
        let groups = emoji::groups()
            .iter()
            .map(|group| grid(group.kind.name(), title(group.kind, lang), group.emoji.clone()));
        first.into_iter().chain(groups).collect()
    } else if found.is_empty() {
        html! { <p class="emoji-none" role="status">{ media::no_emoji(lang) }</p> }
    } else {
        grid("found", media::emoji(lang), (*found).clone())
    };
    html! {
        <Popover anchor={Anchor::Element(props.anchor.clone())} onclose={props.onclose.clone()} class="emoji-picker" role="dialog"
            label={media::emoji(lang)} {onkeydown} test="emoji-picker">
            <div class="emoji-head">
                <SearchField label={media::search_emoji(lang)} value={(*query).clone()} oninput={search} focus={true} test="emoji-search" />
            </div>
            <div ref={body.clone()} class="emoji-body" tabindex="-1">{ sections }</div>
            <nav class="emoji-tabs" aria-label={media::emoji(lang)}>
                { for GroupKind::ALL.into_iter().map(|kind| tab(kind, lang, &body, &query)) }
            </nav>
            <footer class="emoji-foot">
                <span class="emoji-name" aria-hidden="true">
                    if let Some(emoji) = &*named {
                        <span class="emoji-large">{ toned(emoji.text, tone) }</span>
                        <span class="truncate">{ words(*emoji, lang) }</span>
                    }
                </span>
                <Tones present={tone} onchoose={choose_tone} />
            </footer>
        </Popover>
    }
}

fn words(emoji: Emoji, lang: Lang) -> &'static str {
    match lang {
        Lang::English => emoji.english,
        Lang::Chinese => emoji.chinese,
    }
}

fn cell(
    emoji: Emoji,
    tone: Tone,
    lang: Lang,
    pick: &Callback<String>,
    over: &Callback<Option<Emoji>>,
) -> Html {
    let text = toned(emoji.text, tone);
    let onclick = {
        let (pick, text) = (pick.clone(), text.clone());
        Callback::from(move |_: MouseEvent| pick.emit(text.clone()))
    };
    let name = |named| {
        let over = over.clone();
        move || over.emit(named)
    };
    let (show, focus) = (name(Some(emoji)), name(Some(emoji)));
    html! {
        <button type="button" class="emoji-cell" tabindex="-1" aria-label={words(emoji, lang)} {onclick}
            onpointerenter={Callback::from(move |_: PointerEvent| show())} onfocus={Callback::from(move |_: FocusEvent| focus())}
            data-emoji={text.clone()}>
            { text }
        </button>
    }
}

/// Leads to a group.
fn tab(kind: GroupKind, lang: Lang, body: &NodeRef, query: &UseStateHandle<String>) -> Html {
    let onclick = {
        let (body, query) = (body.clone(), query.clone());
        Callback::from(move |_: MouseEvent| {
            query.set(String::new());
            let body = body.clone();
            // After the groups are back.
            gloo_timers::callback::Timeout::new(0, move || {
                let selector = format!("[data-group='{}']", kind.name());
                let body = body.cast::<HtmlElement>();
                let section = body
                    .as_ref()
                    .and_then(|body| body.query_selector(&selector).ok().flatten());
                if let (Some(body), Some(section)) = (
                    body,
                    section.and_then(|section| section.dyn_into::<HtmlElement>().ok()),
                ) {
                    body.set_scroll_top(section.offset_top() - body.offset_top());
                }
            })
            .forget();
        })
    };
    html! {
        <button type="button" class="emoji-tab" title={title(kind, lang)} aria-label={title(kind, lang)} {onclick}>{ sign(kind) }</button>
    }
}

fn title(kind: GroupKind, lang: Lang) -> &'static str {
    match kind {
        GroupKind::Smileys => media::emoji_smileys(lang),
        GroupKind::People => media::emoji_people(lang),
        GroupKind::Nature => media::emoji_nature(lang),
        GroupKind::Food => media::emoji_food(lang),
        GroupKind::Activities => media::emoji_activities(lang),
        GroupKind::Travel => media::emoji_travel(lang),
        GroupKind::Objects => media::emoji_objects(lang),
        GroupKind::Symbols => media::emoji_symbols(lang),
        GroupKind::Flags => media::emoji_flags(lang),
    }
}

fn sign(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::Smileys => "😀",
        GroupKind::People => "👋",
        GroupKind::Nature => "🐻",
        GroupKind::Food => "🍔",
        GroupKind::Activities => "⚽",
        GroupKind::Travel => "🚗",
        GroupKind::Objects => "💡",
        GroupKind::Symbols => "❤️",
        GroupKind::Flags => "🏁",
    }
}

#[derive(Clone, PartialEq, Properties)]
struct TonesProps {
    present: Tone,
    onchoose: Callback<Tone>,
}

/// The choice of the skin tone: one hand, which opens into six.
#[component]
fn Tones(props: &TonesProps) -> Html {
    let lang = use_lang();
    let open = use_state(|| false);
    let sample = |tone| toned("✋", tone);
    let toggle = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let one = |tone: Tone| {
        let (open, onchoose) = (open.clone(), props.onchoose.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            open.set(false);
            onchoose.emit(tone);
        });
        let chosen = if tone == props.present { "true" } else { "false" };
        html! { <button type="button" class="emoji-tone" aria-pressed={chosen} aria-label={tone_name(tone, lang)} {onclick}>{ sample(tone) }</button> }
    };
    html! {
        if *open {
            <span class="emoji-tones" role="group" aria-label={media::skin_tone(lang)}>{ for Tone::ALL.into_iter().map(one) }</span>
        } else {
            <button type="button" class="emoji-tone" title={media::skin_tone(lang)} aria-label={media::skin_tone(lang)} aria-expanded="false"
                onclick={toggle}>{ sample(props.present) }</button>
        }
    }
}

fn tone_name(tone: Tone, lang: Lang) -> &'static str {
    match tone {
        Tone::Default => media::tone_default(lang),
        Tone::Light => media::tone_light(lang),
        Tone::MediumLight => media::tone_medium_light(lang),
        Tone::Medium => media::tone_medium(lang),
        Tone::MediumDark => media::tone_medium_dark(lang),
        Tone::Dark => media::tone_dark(lang),
    }
}

/// Moves the focus over the grid. From the search field, Down leads into it and Enter takes the first.
fn walk(body: &Element, event: &KeyboardEvent) {
    if event.is_composing() {
        return;
    }
    let cells = cells(body);
    let active = body
        .owner_document()
        .and_then(|document| document.active_element());
    let at = active
        .as_ref()
        .and_then(|active| cells.iter().position(|cell| cell.is_same_node(Some(active))));
    let searching = active.is_some_and(|active| active.tag_name() == "INPUT");
    let next = match (event.key().as_str(), at) {
        ("ArrowDown", None) => cells.first(),
        ("Enter", None) if searching => {
            event.prevent_default();
            if let Some(first) = cells.first() {
                first.click();
            }
            return;
        }
        ("ArrowRight", Some(at)) => cells.get(at + 1),
        ("ArrowLeft", Some(at)) => at.checked_sub(1).and_then(|at| cells.get(at)),
        ("ArrowDown", Some(at)) => below(&cells, at),
        ("ArrowUp", Some(at)) => above(&cells, at),
        ("Home", Some(_)) => cells.first(),
        ("End", Some(_)) => cells.last(),
        _ => return,
    };
    event.prevent_default();
    if let Some(next) = next {
        crate::ui::kit::focus(next);
    }
}

fn cells(body: &Element) -> Vec<HtmlElement> {
    let Ok(list) = body.query_selector_all(".emoji-cell") else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|index| list.item(index)?.dyn_into().ok())
        .collect()
}

/// The first cell of a later row at the same place, or the last of that row.
fn below(cells: &[HtmlElement], at: usize) -> Option<&HtmlElement> {
    let (left, top) = (cells[at].offset_left(), cells[at].offset_top());
    let row = cells[at..]
        .iter()
        .map(HtmlElement::offset_top)
        .find(|&row| row > top)?;
    let mut in_row = cells[at..].iter().filter(|cell| cell.offset_top() == row);
    in_row.rfind(|cell| cell.offset_left() <= left)
}

fn above(cells: &[HtmlElement], at: usize) -> Option<&HtmlElement> {
    let (left, top) = (cells[at].offset_left(), cells[at].offset_top());
    let row = cells[..at]
        .iter()
        .rev()
        .map(HtmlElement::offset_top)
        .find(|&row| row < top)?;
    let mut in_row = cells[..at].iter().filter(|cell| cell.offset_top() == row);
    in_row.rfind(|cell| cell.offset_left() <= left)
}
