//! The form of the first page.

use gloo_timers::callback::Interval;
use tim_client::ErrorCode;
use yew::prelude::*;

use super::{Purpose, notice, rules};
use crate::i18n::{Lang, account, common};
use crate::model::{Ended, Trouble};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, Checkbox, Glyph, Icon, PasswordField, TextField};
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct FormProps {
    pub(super) purpose: Purpose,
    pub(super) name: String,
    pub(super) onname: Callback<String>,
}

/// What was answered to the last attempt.
#[derive(Clone, Debug, PartialEq)]
enum Answer {
    None,
    Failed(Trouble),
    /// Not before so many seconds are over.
    Wait(u64),
}

#[component]
pub(super) fn Form(props: &FormProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let nickname = use_state(String::new);
    let password = use_state(String::new);
    let remember = use_state(|| true);
    let busy = use_state(|| false);
    let answer = use_state(|| Answer::None);
    // What is missing is said after the first attempt, not while people are still typing.
    let tried = use_state(|| false);
    let registers = props.purpose == Purpose::Register;

    let waits = matches!(*answer, Answer::Wait(_));
    use_effect_with(waits, {
        let answer = answer.clone();
        move |waits| {
            let left = std::cell::Cell::new(match *answer {
                Answer::Wait(seconds) => seconds,
                _ => 0,
            });
            let answer = answer.setter();
            let timer = waits.then(|| {
                Interval::new(1000, move || {
                    left.set(left.get().saturating_sub(1));
                    answer.set(if left.get() == 0 {
                        Answer::None
                    } else {
                        Answer::Wait(left.get())
                    });
                })
            });
            move || drop(timer)
        }
    });

    let name_problem = if registers {
        rules::new_name(lang, &props.name)
    } else {
        props
            .name
            .is_empty()
            .then(|| account::name_missing(lang).to_owned())
    };
    let password_problem = if registers {
        rules::new_password(lang, &props.name, &password)
    } else {
        password
            .is_empty()
            .then(|| account::password_missing(lang).to_owned())
    };
    let called = if nickname.trim().is_empty() {
        props.name.as_str()
    } else {
        nickname.trim()
    };
    let nickname_problem = (registers && !nickname.is_empty())
        .then(|| rules::nickname(lang, called))
        .flatten();
    let is_ready = name_problem.is_none() && password_problem.is_none() && nickname_problem.is_none();

    let onsubmit = {
        let (app, answer, busy, tried) = (app.clone(), answer.clone(), busy.clone(), tried.clone());
        let (name, nickname, password, remember) = (
            props.name.clone(),
            called.to_owned(),
            (*password).clone(),
            *remember,
        );
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            tried.set(true);
            if *busy || waits || !is_ready {
                return;
            }
            busy.set(true);
            answer.set(Answer::None);
            let service = app.service().clone();
            let (answer, busy) = (answer.setter(), busy.setter());
            let (name, nickname, password) = (name.clone(), nickname.clone(), password.clone());
            app.spawn(async move {
                let result = if registers {
                    service.sign_up(&name, &nickname, &password, remember).await
                } else {
                    service.sign_in(&name, &password, remember).await
                };
                match result {
                    // The shell draws something else now.
                    Ok(()) => {}
                    Err(Trouble::TooMany { wait: Some(seconds) }) if seconds > 0 => {
                        answer.set(Answer::Wait(seconds))
                    }
                    Err(trouble) => answer.set(Answer::Failed(trouble)),
                }
                busy.set(false);
            });
        })
    };
    let set = |state: &UseStateHandle<String>| {
        let state = state.setter();
        Callback::from(move |text: String| state.set(text))
    };
    let failure = match &*answer {
        Answer::None => Html::default(),
        Answer::Failed(trouble) => notice(Some(explain(lang, props.purpose, trouble)), "sign-in-error"),
        // A timer is not read out with every second.
        Answer::Wait(seconds) => html! {
            <p class="notice notice-error" role="timer" data-test="sign-in-error">
                <Icon glyph={Glyph::Clock} /><span>{ account::too_many_attempts(lang, &common::wait(lang, *seconds)) }</span>
            </p>
        },
    };
    let shown = |problem: Option<String>| problem.filter(|_| *tried).map(AttrValue::from);
    let onremember = {
        let remember = remember.setter();
        Callback::from(move |on: bool| remember.set(on))
    };
    html! {
        <form class="welcome-form" {onsubmit} novalidate=true data-test={if registers { "register-form" } else { "sign-in-form" }}>
            <Farewell />
            { failure }
            <TextField label={account::account_name(lang)} value={props.name.clone()} oninput={props.onname.clone()} error={shown(name_problem)}
                hint={registers.then(|| AttrValue::from(account::account_name_hint(lang)))} autocomplete="username" technical=true focus=true
                icon={Glyph::Person} required=true test="account-name" />
            if registers {
                <TextField label={account::nickname(lang)} value={(*nickname).clone()} oninput={set(&nickname)} error={shown(nickname_problem)}
                    hint={account::nickname_hint(lang)} placeholder={props.name.clone()} autocomplete="nickname" limit={rules::NICKNAME_MAX} test="nickname" />
            }
            <PasswordField label={account::password(lang)} value={(*password).clone()} oninput={set(&password)} error={shown(password_problem)}
                hint={registers.then(|| AttrValue::from(account::password_hint(lang, rules::PASSWORD_MIN)))} new={registers} test="password" />
            <Checkbox label={account::remember_me(lang)} on={*remember} onchange={onremember} test="remember" />
            <Button submit=true kind={ButtonKind::Primary} wide=true busy={*busy} disabled={waits} test="submit">
                { if registers { account::create_account(lang) } else { account::sign_in(lang) } }
            </Button>
        </form>
    }
}

/// Why the last session ended, if it was not by a sign-out here.
#[component]
fn Farewell() -> Html {
    let lang = use_lang();
    let ended = use_select(|model| model.session.ended);
    match *ended {
        Some(ended) => html! {
            <p class="notice notice-warning" role="status" data-test="session-ended"><Icon glyph={Glyph::Info} /><span>{ farewell(lang, ended) }</span></p>
        },
        None => Html::default(),
    }
}

fn farewell(lang: Lang, ended: Ended) -> &'static str {
    match ended {
        Ended::Suspended => account::ended_suspended(lang),
        Ended::TookPlace => account::ended_took_place(lang),
        Ended::Over => account::ended_expired(lang),
        Ended::OtherAccount => account::ended_other_account(lang),
    }
}

/// What an answer of the server means here.
fn explain(lang: Lang, purpose: Purpose, trouble: &Trouble) -> String {
    let text = match (purpose, trouble) {
        (_, Trouble::Offline | Trouble::TimedOut) => account::not_reachable(lang),
        (Purpose::Register, trouble) if trouble.is(ErrorCode::HasExist) => account::name_taken(lang),
        (Purpose::Register, trouble) if trouble.is(ErrorCode::Params) => account::not_acceptable(lang),
        (Purpose::Register, trouble) if trouble.is(ErrorCode::Interface) => account::registration_off(lang),
        (Purpose::SignIn, trouble) if trouble.is(ErrorCode::NoPass) || trouble.is(ErrorCode::PermDenied) => {
            account::wrong_login(lang)
        }
        (_, trouble) => return common::trouble(lang, trouble),
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_explained_for_what_was_tried() {
        let refused = |code: ErrorCode| Trouble::Refused {
            code: code.code(),
            text: String::new(),
        };
        let en = Lang::English;
        assert_eq!(
            explain(en, Purpose::SignIn, &refused(ErrorCode::NoPass)),
            "Wrong account name or password."
        );
        assert!(
            explain(en, Purpose::Register, &refused(ErrorCode::HasExist)).starts_with("This name is taken")
        );
        assert!(explain(en, Purpose::Register, &Trouble::Offline).contains("cannot be reached"));
        assert!(explain(en, Purpose::SignIn, &refused(ErrorCode::Overload)).contains("busy"));
    }
}
