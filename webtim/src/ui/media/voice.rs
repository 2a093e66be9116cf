//! A voice message: its waveform, which is also the slider for the position, and the speed.

use std::cell::RefCell;
use std::rc::Rc;

use web_sys::{HtmlAudioElement, HtmlMediaElement, PointerEvent};
use yew::prelude::*;

use super::file_card::FileCard;
use crate::fields::File;
use crate::i18n::{common, media, numbers};
use crate::service::{Media, MediaFailure, milliseconds};
use crate::store::use_app;
use crate::ui::kit::{Glyph, Icon, Spinner};
use crate::ui::use_lang;

/// Bars of the waveform.
const BARS: usize = 44;

/// Seconds that an arrow key goes on or back.
const STEP: f64 = 3.0;

const SPEEDS: [f64; 3] = [1.0, 1.5, 2.0];

thread_local! {
    static PLAYING: RefCell<Option<HtmlMediaElement>> = const { RefCell::new(None) };
}

/// Says that this element plays now: what played before pauses.
pub(super) fn play_alone(element: &HtmlMediaElement) {
    let before = PLAYING.replace(Some(element.clone()));
    if let Some(before) = before.filter(|before| !before.is_same_node(Some(element))) {
        // Fails only for an element that is gone.
        drop(before.pause());
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Stage {
    /// Not asked for yet.
    Idle,
    /// Being fetched.
    Loading,
    /// Here, and playing or not.
    Ready(bool),
    /// It cannot be had.
    Failed(MediaFailure),
}

#[derive(Clone, PartialEq, Properties)]
pub(super) struct VoiceMessageProps {
    pub file: Rc<File>,
}

#[component]
pub(super) fn VoiceMessage(props: &VoiceMessageProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let audio = use_node_ref();
    let stage = use_state(|| Stage::Idle);
    // Seconds.
    let position = use_state(|| 0.0_f64);
    let speed = use_state(|| 0_usize);
    // Keeps the content for as long as this may play it.
    let held = use_mut_ref(|| None::<Media>);
    let file = &props.file;
    #[allow(clippy::cast_precision_loss)] // At most a day.
    let length = file.duration.unwrap_or_default() as f64 / 1000.0;

    use_effect_with((), {
        let audio = audio.clone();
        move |()| {
            let element = audio.cast::<HtmlAudioElement>();
            move || {
                if let Some(element) = element {
                    drop(element.pause());
                }
            }
        }
    });

    let toggle = {
        let (app, audio, stage, position, speed, held, file) = (
            app,
            audio.clone(),
            stage.clone(),
            position.clone(),
            speed.clone(),
            held.clone(),
            Rc::clone(file),
        );
        Callback::from(move |()| {
            let Some(element) = audio.cast::<HtmlAudioElement>() else {
                return;
            };
            match *stage {
                Stage::Loading => {}
                Stage::Ready(true) => drop(element.pause()),
                Stage::Ready(false) => start(&element, SPEEDS[*speed]),
                Stage::Idle | Stage::Failed(_) => {
                    stage.set(Stage::Loading);
                    let (service, stage, held, file) = (
                        app.service().clone(),
                        stage.clone(),
                        held.clone(),
                        Rc::clone(&file),
                    );
                    let (from, speed) = (*position, SPEEDS[*speed]);
                    app.spawn(async move {
                        match service.media(&file).await {
                            Ok(media) => {
                                element.set_src(media.as_str());
                                held.replace(Some(media));
                                if from > 0.0 {
                                    element.set_current_time(from);
                                }
                                stage.set(Stage::Ready(false));
                                start(&element, speed);
                            }
                            Err(failure) => stage.set(Stage::Failed(failure)),
                        }
                    });
                }
            }
        })
    };
    let seek = {
        let (audio, position, stage) = (audio.clone(), position.clone(), stage.clone());
        Callback::from(move |seconds: f64| {
            let seconds = seconds.clamp(0.0, length);
            position.set(seconds);
            if matches!(*stage, Stage::Ready(_))
                && let Some(element) = audio.cast::<HtmlAudioElement>()
            {
                element.set_current_time(seconds);
            }
        })
    };
    let on_time = {
        let (audio, position) = (audio.clone(), position.clone());
        Callback::from(move |_: Event| {
            if let Some(element) = audio.cast::<HtmlAudioElement>() {
                position.set(element.current_time());
            }
        })
    };
    let playing = |playing: bool| {
        let (stage, audio) = (stage.clone(), audio.clone());
        Callback::from(move |_: Event| {
            if playing && let Some(element) = audio.cast::<HtmlAudioElement>() {
                play_alone(&element);
            }
            stage.set(Stage::Ready(playing));
        })
    };
    let onended = {
        let (stage, position) = (stage.clone(), position.clone());
        Callback::from(move |_: Event| {
            position.set(0.0);
            stage.set(Stage::Ready(false));
        })
    };
    let faster = {
        let (audio, speed) = (audio.clone(), speed.clone());
        Callback::from(move |_: MouseEvent| {
            let next = (*speed + 1) % SPEEDS.len();
            if let Some(element) = audio.cast::<HtmlAudioElement>() {
                element.set_playback_rate(SPEEDS[next]);
            }
            speed.set(next);
        })
    };
    let onclick = toggle.reform(|_: MouseEvent| ());
    let is_playing = *stage == Stage::Ready(true);
    let time = if *position > 0.0 { *position } else { length };
    let speed_text = format!("{}×", SPEEDS[*speed]);
    html! {
        <div class="voice" role="group" aria-label={media::voice_message(lang)} data-test="voice" data-playing={if is_playing { "true" } else { "false" }}>
            <audio ref={audio.clone()} preload="none" ontimeupdate={on_time} onplay={playing(true)} onpause={playing(false)} {onended} />
            <button type="button" class="voice-play" aria-label={if is_playing { media::pause(lang) } else { media::play(lang) }} {onclick} data-test="voice-play">
                if *stage == Stage::Loading { <Spinner /> } else { <Icon glyph={if is_playing { Glyph::Pause } else { Glyph::Play }} /> }
            </button>
            <Wave file={Rc::clone(file)} position={*position} {length} onseek={seek} ontoggle={toggle} />
            <span class="voice-length">{ numbers::duration(milliseconds(time).unwrap_or_default() / 1000) }</span>
            <button type="button" class="voice-speed" aria-label={media::speed(lang, &speed_text)} onclick={faster} data-test="voice-speed">{ speed_text.clone() }</button>
            if let Stage::Failed(failure) = &*stage {
                <p class="voice-failed" role="alert">
                    { match failure {
                        MediaFailure::Damaged => media::damaged(lang).to_owned(),
                        MediaFailure::Trouble(crate::model::Trouble::Refused { .. }) => media::file_gone(lang).to_owned(),
                        MediaFailure::Trouble(trouble) => common::trouble(lang, trouble),
                    } }
                </p>
                if *failure == MediaFailure::Damaged { <FileCard file={Rc::clone(file)} /> }
            }
        </div>
    }
}

fn start(element: &HtmlAudioElement, speed: f64) {
    element.set_playback_rate(speed);
    // What the browser refuses stays silent and can be pressed again.
    if let Ok(promise) = element.play() {
        wasm_bindgen_futures::spawn_local(async move {
            drop(wasm_bindgen_futures::JsFuture::from(promise).await)
        });
    }
}

#[derive(Clone, PartialEq, Properties)]
struct WaveProps {
    file: Rc<File>,
    position: f64,
    length: f64,
    onseek: Callback<f64>,
    ontoggle: Callback<()>,
}

/// The waveform. A click, a drag and the arrow keys change the position.
#[component]
fn Wave(props: &WaveProps) -> Html {
    let lang = use_lang();
    let node = use_node_ref();
    let bars = use_memo(Rc::clone(&props.file), |file| file.peaks.bars(BARS));
    let (position, length) = (props.position, props.length);
    let point = {
        let (node, onseek) = (node.clone(), props.onseek.clone());
        move |event: &PointerEvent| {
            if let Some(wave) = node.cast::<web_sys::Element>() {
                let place = wave.get_bounding_client_rect();
                let share = (f64::from(event.client_x()) - place.left()) / place.width().max(1.0);
                onseek.emit(share.clamp(0.0, 1.0) * length);
            }
        }
    };
    let onpointerdown = {
        let (point, node) = (point.clone(), node.clone());
        Callback::from(move |event: PointerEvent| {
            if let Some(wave) = node.cast::<web_sys::Element>() {
                // Without it the drag ends at the edge.
                drop(wave.set_pointer_capture(event.pointer_id()));
            }
            point(&event);
        })
    };
    let onpointermove = Callback::from(move |event: PointerEvent| {
        if event.buttons() & 1 == 1 {
            point(&event);
        }
    });
    let onkeydown = {
        let (onseek, ontoggle) = (props.onseek.clone(), props.ontoggle.clone());
        Callback::from(move |event: KeyboardEvent| {
            let to = match event.key().as_str() {
                "ArrowRight" | "ArrowUp" => position + STEP,
                "ArrowLeft" | "ArrowDown" => position - STEP,
                "Home" => 0.0,
                "End" => length,
                " " | "Enter" => {
                    event.prevent_default();
                    ontoggle.emit(());
                    return;
                }
                _ => return,
            };
            event.prevent_default();
            onseek.emit(to);
        })
    };
    let clock = |seconds: f64| numbers::duration(milliseconds(seconds).unwrap_or_default() / 1000);
    let share = if length > 0.0 { position / length } else { 0.0 };
    let width = 4 * BARS;
    html! {
        <div ref={node} class="voice-wave" role="slider" tabindex="0" aria-label={media::position(lang)} aria-valuemin="0" aria-valuemax={format!("{length:.0}")}
            aria-valuenow={format!("{position:.0}")} aria-valuetext={media::position_of(lang, &clock(position), &clock(length))}
            {onpointerdown} {onpointermove} {onkeydown} data-test="voice-position">
            <svg viewBox={format!("0 0 {width} 32")} preserveAspectRatio="none" aria-hidden="true">
                { for bars.iter().enumerate().map(|(index, level)| bar(index, *level, share)) }
            </svg>
        </div>
    }
}

#[allow(clippy::cast_precision_loss)] // A few dozen bars.
fn bar(index: usize, level: f32, share: f64) -> Html {
    let height = 3.0 + level * 27.0;
    let played = (index as f64 + 0.5) / (BARS as f64) <= share;
    html! {
        <rect class={if played { "played" } else { "" }} x={(index * 4).to_string()} y={format!("{:.1}", 16.0 - height / 2.0)} width="2.6" height={format!("{height:.1}")} rx="1.3" />
    }
}
