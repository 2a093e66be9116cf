//! What friends are told about oneself: status, mood, and whether one is there.

use yew::prelude::*;

use crate::i18n::{account, common, people};
use crate::model::{Availability, Mood};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, Dialog, Switch, TextField};
use crate::ui::use_lang;

/// Most characters of a status.
const STATUS_MAX: u32 = 80;

#[component]
pub fn StatusDialog() -> Html {
    let app = use_app();
    let lang = use_lang();
    let present = use_select(|model| {
        (
            model.session.availability,
            model.session.status.clone(),
            model.session.mood,
        )
    });
    let status = use_state(|| present.1.clone());
    let mood = use_state(|| present.2);
    let invisible = use_state(|| present.0 == Availability::Invisible);
    let close = {
        let app = app.clone();
        Callback::from(move |()| app.change(|model| model.navigation.close_dialog()))
    };
    let onsubmit = {
        let (app, status, mood, invisible, before) = (
            app.clone(),
            status.clone(),
            mood.clone(),
            invisible.clone(),
            present.0,
        );
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let availability = match (*invisible, before) {
                (true, _) => Availability::Invisible,
                (false, Availability::Invisible) => Availability::Available,
                (false, other) => other,
            };
            app.service().set_presence(availability, &status, *mood);
            app.change(|model| model.navigation.close_dialog());
        })
    };
    let oninput = {
        let status = status.setter();
        Callback::from(move |text: String| status.set(text))
    };
    let oninvisible = {
        let invisible = invisible.setter();
        Callback::from(move |on: bool| invisible.set(on))
    };
    let cancel = {
        let close = close.clone();
        Callback::from(move |_: MouseEvent| close.emit(()))
    };
    html! {
        <Dialog title={people::set_status(lang)} onclose={close} test="status-dialog">
            <form class="stack" {onsubmit}>
                <TextField label={people::status_text(lang)} placeholder={people::status_placeholder(lang)} value={(*status).clone()} {oninput}
                    limit={STATUS_MAX} focus=true test="status-text" />
                <MoodChoice mood={*mood} onchange={{
                    let mood = mood.setter();
                    Callback::from(move |chosen: Option<Mood>| mood.set(chosen))
                }} />
                <Switch label={account::invisible(lang)} hint={account::invisible_hint(lang)} on={*invisible} onchange={oninvisible} test="invisible" />
                <div class="form-foot">
                    <Button onclick={cancel}>{ common::cancel(lang) }</Button>
                    <Button submit=true kind={ButtonKind::Primary} test="save-status">{ common::save(lang) }</Button>
                </div>
            </form>
        </Dialog>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct MoodChoiceProps {
    mood: Option<Mood>,
    onchange: Callback<Option<Mood>>,
}

#[component]
fn MoodChoice(props: &MoodChoiceProps) -> Html {
    let lang = use_lang();
    let name = crate::ui::kit::use_id();
    let choices = std::iter::once(None).chain(Mood::ALL.map(Some)).map(|mood| {
        let onchange = {
            let onchange = props.onchange.clone();
            Callback::from(move |_: Event| onchange.emit(mood))
        };
        let (word, face, text) = match mood {
            Some(mood) => (mood.word(), mood.face(), people::mood_name(lang, mood)),
            None => ("none", "–", people::no_mood(lang)),
        };
        html! {
            <label key={word} class="mood">
                <input type="radio" name={name.clone()} value={word} checked={props.mood == mood} {onchange} data-test={format!("mood-{word}")} />
                <span class="mood-face" aria-hidden="true">{ face }</span>
                <span class="mood-name">{ text }</span>
            </label>
        }
    });
    html! {
        <div class="field" role="radiogroup" aria-label={people::mood(lang)}>
            <span class="field-label" aria-hidden="true">{ people::mood(lang) }</span>
            <div class="moods">{ for choices }</div>
        </div>
    }
}
