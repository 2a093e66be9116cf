//! The field for text and the buttons around it.

use std::rc::Rc;

use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast;
use web_sys::{File, HtmlTextAreaElement};
use yew::prelude::*;

use super::attach::AttachButton;
use super::drop::{self, DropZone};
use super::emoji_picker::EmojiPicker;
use super::field::{cursor, grow, is_touch};
use super::mentions::{self, Candidate, MentionList};
use super::preview::{Decision, Preview};
use super::reply_bar::ReplyBar;
use super::splice::{Room, mention_before, room, sendable, spliced};
use super::tray::UploadTray;
use super::voice::{VoiceBar, VoiceButton};
use crate::i18n::media;
use crate::model::{ChatId, Content, Draft};
use crate::service::{Prepared, Together};
use crate::store::{App, use_app, use_select};
use crate::ui::kit::{Glyph, IconButton, focus, use_id};
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct WriterProps {
    pub chat: ChatId,
}

/// A pause in typing after which the draft is kept, in milliseconds.
const PAUSE: u32 = 800;

/// Files that were chosen and wait for a decision.
#[derive(Clone, Debug, Default, PartialEq)]
struct Chosen {
    files: Vec<Prepared>,
    refused: Vec<String>,
}

/// Names offered for what is being typed.
#[derive(Clone, Debug, Default, PartialEq)]
struct Offer {
    candidates: Vec<Candidate>,
    chosen: usize,
    /// Where the `@` stands.
    at: usize,
}

#[component]
pub(super) fn Writer(props: &WriterProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let chat = &props.chat;
    let id = use_id();
    let area = use_node_ref();
    let emoji_button = use_node_ref();
    let text = use_state(|| draft(&app, chat).text);
    let picking = use_state(|| false);
    let chosen = use_state(|| None::<Chosen>);
    let recording = use_state(|| false);
    let offer = use_state(Offer::default);
    let pause = use_mut_ref(|| None::<Timeout>);
    let look = {
        let chat = chat.clone();
        use_select(move |model| {
            let draft = model.drafts.get(&chat);
            let burn = draft.is_some_and(|draft| draft.burn);
            let replies = draft
                .and_then(|draft| draft.reply.as_ref())
                .map(|reply| reply.mid);
            let to_self = chat.peer().is_some_and(|peer| model.session.is_me(peer));
            (
                burn,
                replies,
                to_self,
                model.chat_name(&chat),
                model.preferences.enter_sends,
            )
        })
    };
    let (burn, replies, to_self, name, enter_sends) = &*look;
    let (burn, enter_sends) = (*burn, *enter_sends);
    let can_burn = chat.peer().is_some() && !to_self;

    // What was half written is there again, and the field has the focus where that opens no keyboard over the chat.
    use_effect_with((), {
        let (area, text) = (area.clone(), text.clone());
        move |()| {
            if let Some(area) = area.cast::<HtmlTextAreaElement>() {
                area.set_value(&text);
                grow(&area);
                if !is_touch() {
                    focus(&area);
                }
            }
        }
    });
    // Who answers a message wants to write next.
    use_effect_with((*replies, *recording), {
        let area = area.clone();
        move |(replies, _)| {
            if replies.is_some()
                && let Some(area) = area.cast::<HtmlTextAreaElement>()
            {
                focus(&area);
            }
        }
    });

    let set = use_set(&app, chat, &area, &text);
    let send = {
        let (app, chat, area, set, offer) = (
            app.clone(),
            chat.clone(),
            area.clone(),
            set.clone(),
            offer.clone(),
        );
        Rc::new(move || {
            let Some(field) = area.cast::<HtmlTextAreaElement>() else {
                return;
            };
            if let Some(text) = sendable(&field.value()) {
                app.service()
                    .send(&chat, content(&text, &draft(&app, &chat), can_burn));
                app.change(|model| model.drafts.sent(&chat));
                set.emit((String::new(), None));
                app.service().remember_drafts();
                offer.set(Offer::default());
            }
            focus(&field);
        })
    };
    let complete = {
        let (area, set, offer) = (area.clone(), set.clone(), offer.clone());
        Callback::from(move |index: usize| {
            let (Some(field), Some(candidate)) =
                (area.cast::<HtmlTextAreaElement>(), offer.candidates.get(index))
            else {
                return;
            };
            let (text, cursor) = spliced(
                &field.value(),
                offer.at,
                cursor(&field).1,
                &format!("@{} ", candidate.name),
            );
            set.emit((text, Some(cursor)));
            offer.set(Offer::default());
        })
    };
    let oninput = {
        let (app, chat, area, set, offer) = (
            app.clone(),
            chat.clone(),
            area.clone(),
            set.clone(),
            offer.clone(),
        );
        let pause = pause.clone();
        Callback::from(move |_: InputEvent| {
            let service = app.service().clone();
            // The one before is dropped and never comes.
            pause.replace(Some(Timeout::new(PAUSE, move || service.remember_drafts())));
            let Some(field) = area.cast::<HtmlTextAreaElement>() else {
                return;
            };
            let value = field.value();
            let typed = chat.room().and_then(|_| mention_before(&value, cursor(&field).1));
            if typed.is_some() {
                mentions::want_names(&app, &chat);
            }
            let fresh = typed.map_or_else(Offer::default, |(at, typed)| Offer {
                candidates: mentions::candidates(&app.model(), &chat, &typed),
                chosen: 0,
                at,
            });
            if *offer != fresh {
                offer.set(fresh);
            }
            // The field has it already: setting it again would disturb an input method.
            set.emit((value, None));
        })
    };
    let onkeydown = {
        let (send, offer, complete) = (Rc::clone(&send), offer.clone(), complete.clone());
        let (app, chat) = (app.clone(), chat.clone());
        Callback::from(move |event: KeyboardEvent| {
            // While an input method is composing, every key belongs to it; some browsers say so only by the number 229.
            if event.is_composing() || event.key_code() == 229 {
                return;
            }
            let offered = offer.candidates.len();
            match event.key().as_str() {
                "ArrowDown" | "ArrowUp" if offered > 0 => {
                    event.prevent_default();
                    let step = if event.key() == "ArrowDown" {
                        1
                    } else {
                        offered - 1
                    };
                    offer.set(Offer {
                        chosen: (offer.chosen + step) % offered,
                        ..(*offer).clone()
                    });
                }
                "Enter" | "Tab" if offered > 0 && !event.shift_key() => {
                    event.prevent_default();
                    complete.emit(offer.chosen);
                }
                "Escape" if offered > 0 => {
                    event.prevent_default();
                    event.stop_propagation();
                    offer.set(Offer::default());
                }
                "Escape" if draft(&app, &chat).reply.is_some() => {
                    event.prevent_default();
                    event.stop_propagation();
                    app.change(|model| model.drafts.reply(&chat, None));
                }
                "Enter" if sends(&event, enter_sends) => {
                    event.prevent_default();
                    send();
                }
                _ => {}
            }
        })
    };
    let onblur = {
        let app = app.clone();
        Callback::from(move |_: FocusEvent| {
            pause.take();
            app.service().remember_drafts();
        })
    };
    let insert = {
        let (area, set) = (area.clone(), set.clone());
        Callback::from(move |emoji: String| {
            if let Some(field) = area.cast::<HtmlTextAreaElement>() {
                let (start, end) = cursor(&field);
                let (text, cursor) = spliced(&field.value(), start, end, &emoji);
                set.emit((text, Some(cursor)));
            }
        })
    };
    let toggle_picker = {
        let picking = picking.clone();
        Callback::from(move |_: MouseEvent| picking.set(!*picking))
    };
    let close_picker = {
        let (picking, area) = (picking.clone(), area.clone());
        Callback::from(move |()| {
            picking.set(false);
            let area = area.clone();
            // After the picker has given the focus back to its button.
            Timeout::new(0, move || {
                if let Some(field) = area.cast::<HtmlTextAreaElement>().filter(|_| !is_touch()) {
                    focus(&field);
                }
            })
            .forget();
        })
    };
    let choose = use_choose(&app, &chosen);
    let onpaste = {
        let choose = choose.clone();
        Callback::from(move |event: Event| {
            let transfer = event
                .dyn_ref::<web_sys::ClipboardEvent>()
                .and_then(web_sys::ClipboardEvent::clipboard_data);
            let Some(transfer) = transfer else { return };
            let files = transfer
                .files()
                .map(|files| drop::list(&files))
                .unwrap_or_default();
            // Office programs put a picture of the text beside the text.
            let has_text = transfer.get_data("text/plain").is_ok_and(|text| !text.is_empty());
            if !files.is_empty() && !has_text {
                event.prevent_default();
                choose.emit(files);
            }
        })
    };
    let close_preview = {
        let (chosen, area) = (chosen.clone(), area.clone());
        Callback::from(move |()| {
            chosen.set(None);
            if let Some(field) = area.cast::<HtmlTextAreaElement>() {
                focus(&field);
            }
        })
    };
    let send_files = {
        let (app, chat, chosen, set) = (app.clone(), chat.clone(), chosen.clone(), set.clone());
        Callback::from(move |decision: Decision| {
            let Draft { reply, burn, .. } = draft(&app, &chat);
            let Decision {
                files,
                caption,
                as_files,
            } = decision;
            app.change(|model| model.drafts.sent(&chat));
            set.emit((String::new(), None));
            app.service().remember_drafts();
            chosen.set(None);
            let together = Together {
                caption,
                reply,
                burn: burn && can_burn,
                as_files,
            };
            let (service, chat) = (app.service().clone(), chat.clone());
            app.spawn(async move {
                let mut ready = Vec::with_capacity(files.len());
                for file in files {
                    ready.push(if as_files { file } else { file.for_chat().await });
                }
                service.send_files(&chat, ready, together);
            });
        })
    };
    let toggle_burn = {
        let (app, chat) = (app.clone(), chat.clone());
        Callback::from(move |_: MouseEvent| app.change(|model| model.drafts.burn(&chat, !burn)))
    };
    let start_recording = {
        let recording = recording.clone();
        Callback::from(move |()| recording.set(true))
    };
    let end_recording = {
        let (app, chat, recording) = (app.clone(), chat.clone(), recording.clone());
        Callback::from(move |spoken: Option<Prepared>| {
            recording.set(false);
            if let Some(spoken) = spoken {
                let Draft { reply, burn, .. } = draft(&app, &chat);
                app.change(|model| model.drafts.reply(&chat, None));
                let together = Together {
                    reply,
                    burn: burn && can_burn,
                    ..Together::default()
                };
                app.service().send_files(&chat, vec![spoken], together);
            }
        })
    };

    let room = room(&text);
    let is_blank = text.trim().is_empty();
    let label = if *to_self {
        media::write_note(lang).to_owned()
    } else {
        media::write_to(lang, name)
    };
    let placeholder = if *to_self {
        media::write_note(lang)
    } else {
        media::write_message(lang)
    };
    let hint = format!("{id}-hint");
    let has_offer = !offer.candidates.is_empty();
    let onsend = Callback::from(move |_: MouseEvent| send());
    html! {
        <div class="composer" data-test="composer">
            <UploadTray chat={chat.clone()} />
            <ReplyBar chat={chat.clone()} />
            if has_offer {
                <MentionList candidates={offer.candidates.clone()} chosen={offer.chosen} onpick={complete} />
            }
            if can_burn && burn {
                <p class="composer-burn" role="status">{ media::burn_on(lang) }</p>
            }
            <div class="composer-row">
                if *recording {
                    <VoiceBar onend={end_recording} />
                } else {
                    <AttachButton onfiles={choose.clone()} />
                    <div class={classes!("composer-box", burn.then_some("composer-box-burn"))}>
                        <textarea ref={area} class="composer-text" rows="1" dir="auto" aria-label={label} {placeholder} aria-describedby={hint.clone()}
                            aria-controls={has_offer.then_some(mentions::LIST)} aria-activedescendant={has_offer.then(|| mentions::option_id(offer.chosen))}
                            aria-autocomplete={chat.room().map(|_| "list")} enterkeyhint={if enter_sends { "send" } else { "enter" }}
                            {oninput} {onkeydown} {onpaste} {onblur} data-test="composer-text" />
                        <span id={hint} class="visually-hidden">{ media::formatting_hint(lang) }</span>
                        if can_burn {
                            <IconButton glyph={Glyph::Flame} label={media::burn_on_reading(lang)} pressed={burn} onclick={toggle_burn} test="composer-burn" />
                        }
                        <IconButton glyph={Glyph::Emoji} label={media::emoji(lang)} expanded={*picking} onclick={toggle_picker} node={emoji_button.clone()}
                            test="composer-emoji" />
                    </div>
                    if is_blank {
                        <VoiceButton onstart={start_recording} />
                    } else {
                        <IconButton glyph={Glyph::Send} label={media::send_message(lang)} primary={true} disabled={matches!(room, Room::Over(_))} onclick={onsend}
                            test="composer-send" />
                    }
                }
            </div>
            { counter(room, lang) }
            if *picking {
                <EmojiPicker anchor={emoji_button} onpick={insert} onclose={close_picker} />
            }
            if let Some(chosen) = &*chosen {
                <Preview files={chosen.files.clone()} refused={chosen.refused.clone()} text={(*text).clone()} onsend={send_files} onclose={close_preview} />
            }
            <DropZone onfiles={choose} />
        </div>
    }
}

fn counter(room: Room, lang: crate::i18n::Lang) -> Html {
    match room {
        Room::Plenty => Html::default(),
        Room::Left(left) => {
            html! { <p class="composer-count" data-test="composer-count">{ crate::i18n::common::characters_left(lang, left) }</p> }
        }
        Room::Over(over) => html! {
            <p class="composer-count composer-count-over" role="alert" data-test="composer-count">{ media::too_long(lang, over) }</p>
        },
    }
}

/// Gives field, state and draft another text, and the field another cursor unless it has the text already.
#[hook]
fn use_set(
    app: &App,
    chat: &ChatId,
    area: &NodeRef,
    text: &UseStateHandle<String>,
) -> Callback<(String, Option<usize>)> {
    let (app, chat, area, text) = (app.clone(), chat.clone(), area.clone(), text.clone());
    Callback::from(move |(value, cursor): (String, Option<usize>)| {
        if let Some(field) = area.cast::<HtmlTextAreaElement>() {
            if field.value() != value {
                field.set_value(&value);
            }
            if let Some(cursor) = cursor.and_then(|cursor| u32::try_from(cursor).ok()) {
                // Fails only for elements without text.
                drop(field.set_selection_range(cursor, cursor));
            }
            grow(&field);
        }
        app.change(|model| model.drafts.write(&chat, &value));
        text.set(value);
    })
}

/// Looks at files that were chosen, pasted or dropped, and asks what to do with them.
#[hook]
fn use_choose(app: &App, chosen: &UseStateHandle<Option<Chosen>>) -> Callback<Vec<File>> {
    let (app, chosen) = (app.clone(), chosen.clone());
    Callback::from(move |files: Vec<File>| {
        let chosen = chosen.clone();
        app.spawn(async move {
            let mut found = Chosen::default();
            for file in files {
                let name = file.name();
                // A folder has no bytes either.
                let prepared = if file.size() > 0.0 {
                    Prepared::look(file.into(), &name).await.ok()
                } else {
                    None
                };
                match prepared {
                    Some(prepared) => found.files.push(prepared),
                    None => found.refused.push(name),
                }
            }
            chosen.set(Some(found));
        });
    })
}

fn draft(app: &App, chat: &ChatId) -> Draft {
    app.model().drafts.get(chat).cloned().unwrap_or_default()
}

fn content(text: &str, draft: &Draft, can_burn: bool) -> Content {
    Content::text(text)
        .with_reply(draft.reply.as_ref())
        .with_burn(draft.burn && can_burn)
}

/// Whether this key sends: Enter, or with the other setting Ctrl+Enter, which always works.
fn sends(event: &KeyboardEvent, enter_sends: bool) -> bool {
    let commanded = event.ctrl_key() || event.meta_key();
    commanded || (enter_sends && !event.shift_key() && !event.alt_key())
}
