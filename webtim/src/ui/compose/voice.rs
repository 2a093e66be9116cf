//! Speaking a message: a click begins and another one sends; or hold the button, release to send, slide away to discard.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::Interval;
use wasm_bindgen::JsCast;
use web_sys::PointerEvent;
use yew::prelude::*;

use super::recorder::{LONGEST, Recorder, Refusal, SHORTEST};
use crate::fields::Peaks;
use crate::i18n::{Lang, media, numbers};
use crate::service::{Prepared, Probe};
use crate::store::use_app;
use crate::ui::kit::{Glyph, Icon, IconButton};
use crate::ui::use_lang;

/// Pressing longer than this is holding, in milliseconds.
const HOLD: f64 = 400.0;

/// Sliding left so far discards, in pixels.
const AWAY: i32 = 90;

/// Bars of the level that are in sight.
const BARS: usize = 40;

/// Seconds that are counted down at the end.
const COUNTED: u64 = 15;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct VoiceButtonProps {
    pub onstart: Callback<()>,
}

thread_local! {
    /// Where the pointer went down on the button and when: the bar that replaces the button goes on from there.
    static PRESS: Cell<Option<(i32, f64)>> = const { Cell::new(None) };
}

#[component]
pub(super) fn VoiceButton(props: &VoiceButtonProps) -> Html {
    let lang = use_lang();
    let onpointerdown = {
        let onstart = props.onstart.clone();
        Callback::from(move |event: PointerEvent| {
            if event.button() == 0 {
                event.prevent_default();
                PRESS.set(Some((event.client_x(), js_sys::Date::now())));
                onstart.emit(());
            }
        })
    };
    // The keyboard clicks without pressing.
    let onclick = {
        let onstart = props.onstart.clone();
        Callback::from(move |event: MouseEvent| {
            if event.detail() == 0 {
                PRESS.set(None);
                onstart.emit(());
            }
        })
    };
    html! {
        <button type="button" class="icon-button composer-voice" aria-label={media::record_voice(lang)} title={media::record_voice(lang)} {onpointerdown} {onclick}
            data-test="composer-voice">
            <Icon glyph={Glyph::Microphone} />
        </button>
    }
}

/// What the bar shows.
#[derive(Clone, Debug, PartialEq)]
enum Stage {
    /// The browser asks for the microphone.
    Asking,
    /// It records.
    Recording,
    /// It does not.
    Refused(Refusal),
    /// It was too short.
    Short,
}

#[derive(Clone, PartialEq, Properties)]
pub(super) struct VoiceBarProps {
    /// The recording, or nothing when it was discarded.
    pub onend: Callback<Option<Prepared>>,
}

#[component]
pub(super) fn VoiceBar(props: &VoiceBarProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let stage = use_state(|| Stage::Asking);
    let elapsed = use_state(|| 0_u64);
    let levels = use_mut_ref(|| vec![0.0_f32; BARS]);
    let recorder: Rc<RefCell<Option<Recorder>>> = use_mut_ref(|| None);
    let holding = use_state(|| PRESS.get().is_some());
    let away = use_state(|| false);

    let end = {
        let (app, recorder, stage, onend) =
            (app.clone(), recorder.clone(), stage.clone(), props.onend.clone());
        Callback::from(move |send: bool| {
            let taken = recorder.borrow_mut().take();
            match taken {
                Some(recorder) if send && recorder.elapsed() < SHORTEST => {
                    drop(recorder);
                    stage.set(Stage::Short);
                }
                Some(recorder) if send => {
                    let onend = onend.clone();
                    app.spawn(async move { onend.emit(finish(recorder).await) });
                }
                _ => onend.emit(None),
            }
        })
    };
    use_effect_with((), {
        let (app, recorder, stage, levels) = (app, recorder.clone(), stage.clone(), levels.clone());
        let alive = Rc::new(Cell::new(true));
        move |()| {
            let is_alive = Rc::clone(&alive);
            app.spawn(async move {
                let measured = move |level: f32| {
                    let mut levels = levels.borrow_mut();
                    levels.remove(0);
                    levels.push(level);
                };
                let started = Recorder::start(measured).await;
                if !is_alive.get() {
                    return;
                }
                match started {
                    Ok(started) => {
                        recorder.replace(Some(started));
                        stage.set(Stage::Recording);
                    }
                    Err(refusal) => stage.set(Stage::Refused(refusal)),
                }
            });
            move || alive.set(false)
        }
    });
    // The clock, and the end of all recordings.
    use_effect_with(*stage == Stage::Recording, {
        let (recorder, elapsed, end) = (recorder.clone(), elapsed.clone(), end.clone());
        move |recording| {
            let interval = recording.then(|| {
                Interval::new(100, move || {
                    let now = recorder.borrow().as_ref().map(Recorder::elapsed);
                    elapsed.set(now.unwrap_or_default());
                    if now.is_some_and(|now| now >= LONGEST) {
                        end.emit(true);
                    }
                })
            });
            move || drop(interval)
        }
    });
    // The pointer that pressed the button.
    use_effect_with((*holding, (*stage).clone()), {
        let (holding, away, end) = (holding.clone(), away.clone(), end.clone());
        move |(held, stage)| {
            let listeners = held.then(|| follow(holding, away, end, *stage == Stage::Recording));
            move || drop(listeners)
        }
    });

    let discard = {
        let end = end.clone();
        Callback::from(move |_: MouseEvent| end.emit(false))
    };
    let send = Callback::from({
        let end = end.clone();
        move |_: MouseEvent| end.emit(true)
    });
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            event.stop_propagation();
            end.emit(false);
        }
    });
    let middle = match *stage {
        Stage::Asking => html! { <span class="voice-note">{ "…" }</span> },
        Stage::Refused(refusal) => {
            html! { <span class="voice-note voice-refused" role="alert" data-test="voice-refused">{ reason(refusal, lang) }</span> }
        }
        Stage::Short => {
            html! { <span class="voice-note" role="alert" data-test="voice-short">{ media::recording_too_short(lang) }</span> }
        }
        Stage::Recording => {
            let time = numbers::duration(*elapsed / 1000);
            let left = (LONGEST - (*elapsed).min(LONGEST)) / 1000;
            html! {
                <>
                    <span class="voice-dot" aria-hidden="true" />
                    <span class="voice-time" role="timer" aria-label={media::recording_time(lang, &time)} data-test="voice-time">{ time }</span>
                    { meter(&levels.borrow()) }
                    <span class="voice-hint truncate">
                        if left <= COUNTED { { media::recording_left(lang, left) } }
                        else if *away { { media::release_to_discard(lang) } }
                        else if *holding { { media::release_to_send(lang) } }
                    </span>
                </>
            }
        }
    };
    let recording = *stage == Stage::Recording;
    html! {
        <div class={classes!("voice-bar", away.then_some("voice-bar-away"))} {onkeydown} data-test="voice-bar">
            <IconButton glyph={if recording { Glyph::Trash } else { Glyph::Close }} label={media::discard_recording(lang)} onclick={discard} test="voice-discard" />
            { middle }
            if recording {
                <IconButton glyph={Glyph::Send} label={media::send_recording(lang)} primary={true} onclick={send} test="voice-send" />
            }
        </div>
    }
}

/// Follows the pointer until it is released.
fn follow(
    holding: UseStateHandle<bool>,
    away: UseStateHandle<bool>,
    end: Callback<bool>,
    recording: bool,
) -> Vec<EventListener> {
    let Some(window) = web_sys::window() else {
        return Vec::new();
    };
    let slid = |event: &web_sys::Event| {
        let x = event.dyn_ref::<PointerEvent>().map(|event| event.client_x());
        x.zip(PRESS.get()).is_some_and(|(x, (start, _))| start - x > AWAY)
    };
    let moved = {
        let away = away.clone();
        EventListener::new(&window, "pointermove", move |event| away.set(slid(event)))
    };
    let released = EventListener::new(&window, "pointerup", move |event| {
        let held = PRESS
            .get()
            .is_some_and(|(_, since)| js_sys::Date::now() - since > HOLD);
        let discarded = slid(event);
        holding.set(false);
        away.set(false);
        // A short press is a click: it goes on without the pointer. So does one that only answered the question for the
        // microphone.
        if discarded || (held && recording) {
            end.emit(!discarded);
        }
        PRESS.set(None);
    });
    vec![moved, released]
}

fn meter(levels: &[f32]) -> Html {
    let width = 4 * levels.len();
    html! {
        <svg class="voice-meter" viewBox={format!("0 0 {width} 32")} preserveAspectRatio="xMaxYMid slice" aria-hidden="true">
            { for levels.iter().enumerate().map(|(index, level)| {
                let height = 3.0 + level * 27.0;
                html! { <rect x={(index * 4).to_string()} y={format!("{:.1}", 16.0 - height / 2.0)} width="2.4" height={format!("{height:.1}")} rx="1.2" /> }
            }) }
        </svg>
    }
}

async fn finish(recorder: Recorder) -> Option<Prepared> {
    let recording = recorder.finish().await.ok()?;
    let kind = recording.content.type_();
    let ending = if kind.contains("mp4") {
        "m4a"
    } else if kind.contains("ogg") {
        "ogg"
    } else {
        "webm"
    };
    let mut prepared = Prepared::look(recording.content, &format!("voice.{ending}"))
        .await
        .ok()?;
    // What was measured is more reliable than what the recording says of itself.
    prepared.probe = Probe {
        dimensions: None,
        duration: Some(recording.duration),
    };
    prepared.voice = Some(Peaks::of_levels(&recording.levels, 64));
    Some(prepared)
}

fn reason(refusal: Refusal, lang: Lang) -> &'static str {
    match refusal {
        Refusal::Refused => media::microphone_refused(lang),
        Refusal::Missing => media::microphone_missing(lang),
        Refusal::Busy => media::microphone_busy(lang),
        Refusal::Insecure => media::microphone_insecure(lang),
        Refusal::Unsupported => media::recording_unsupported(lang),
    }
}
