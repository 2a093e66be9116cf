//! A message to be read once. It is covered; uncovering starts a countdown that everybody can see, and then it is gone on all
//! devices of both sides. The countdown belongs to the message, not to this component: scrolling away does not stop it.

use gloo_timers::callback::Interval;
use yew::prelude::*;

use crate::i18n::media;
use crate::model::ChatId;
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, Glyph, Icon, IconSize};
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct BurnableProps {
    pub chat: ChatId,
    pub mid: i64,
    pub mine: bool,
    /// How long it stays.
    pub seconds: u32,
    pub children: Html,
}

#[component]
pub(super) fn Burnable(props: &BurnableProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let (chat, mid) = (props.chat.clone(), props.mid);
    let deadline = use_select(move |model| model.burning.deadline(&chat, mid));
    let left = use_seconds_left(*deadline);
    if props.mine {
        return html! {
            <div class="burn-own" data-test="burn-own">
                { props.children.clone() }
                <p class="burn-note"><Icon glyph={Glyph::Flame} size={IconSize::Small} /><span>{ media::burn_waiting(lang) }</span></p>
            </div>
        };
    }
    if deadline.is_none() {
        let uncover = {
            let (app, chat, seconds) = (app, props.chat.clone(), props.seconds);
            Callback::from(move |_: MouseEvent| app.service().uncover(&chat, mid, seconds))
        };
        return html! {
            <div class="burn-cover" data-test="burn-cover">
                <span class="burn-title"><Icon glyph={Glyph::Flame} /><span>{ media::burn_covered(lang) }</span></span>
                <p class="burn-text">{ media::burn_explanation(lang, u64::from(props.seconds)) }</p>
                <Button small={true} icon={Glyph::Eye} onclick={uncover} test="burn-uncover">{ media::burn_uncover(lang) }</Button>
            </div>
        };
    }
    let burn = {
        let (app, chat) = (app, props.chat.clone());
        Callback::from(move |_: MouseEvent| app.service().burn_now(&chat, mid))
    };
    if left == 0 {
        return html! { <p class="burn-note" role="status"><Icon glyph={Glyph::Flame} size={IconSize::Small} /><span>{ media::burning(lang) }</span></p> };
    }
    html! {
        <div class="burn-open" data-test="burn-open">
            { props.children.clone() }
            <p class="burn-note">
                <Countdown {left} total={props.seconds} />
                <Button small={true} kind={ButtonKind::DangerQuiet} onclick={burn} test="burn-now">{ media::burn_now(lang) }</Button>
            </p>
        </div>
    }
}

/// Seconds until then, counted down.
#[hook]
fn use_seconds_left(deadline: Option<i64>) -> u32 {
    let left = use_state_eq(|| 0);
    use_effect_with(deadline, {
        let left = left.clone();
        move |&deadline| {
            let interval =
                deadline.map(|deadline| Interval::new(250, move || left.set(seconds_left(deadline))));
            move || drop(interval)
        }
    });
    // The state only makes it be drawn again.
    drop(left);
    deadline.map_or(0, seconds_left)
}

#[derive(Clone, PartialEq, Properties)]
struct CountdownProps {
    left: u32,
    /// Seconds from the beginning.
    total: u32,
}

#[component]
fn Countdown(props: &CountdownProps) -> Html {
    let lang = use_lang();
    let share = if props.total == 0 {
        0.0
    } else {
        (f64::from(props.left) / f64::from(props.total)).min(1.0)
    };
    let around = 2.0 * std::f64::consts::PI * 8.0;
    html! {
        <span class="burn-countdown" role="timer" data-test="burn-countdown">
            <svg class="burn-ring" viewBox="0 0 20 20" aria-hidden="true">
                <circle class="burn-ring-all" cx="10" cy="10" r="8" />
                <circle class="burn-ring-left" cx="10" cy="10" r="8" stroke-dasharray={format!("{:.2} {around:.2}", share * around)} transform="rotate(-90 10 10)" />
            </svg>
            <span>{ media::burn_countdown(lang, u64::from(props.left)) }</span>
        </span>
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Between 0 and a few minutes.
fn seconds_left(deadline: i64) -> u32 {
    #[allow(clippy::cast_precision_loss)] // Milliseconds of this century.
    let left = (deadline as f64 - js_sys::Date::now()) / 1000.0;
    left.ceil().clamp(0.0, 100_000.0) as u32
}
