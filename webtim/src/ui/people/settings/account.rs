//! The own account: password, other sessions, signing out.

use yew::prelude::*;

use crate::i18n::{account, people};
use crate::model::{Dialog, Done, Toast};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, Confirm, Glyph};
use crate::ui::people::card::CopyButton;
use crate::ui::people::command::use_command;
use crate::ui::use_lang;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    EndOthers,
    SignOut,
}

#[component]
pub(super) fn Account() -> Html {
    let app = use_app();
    let lang = use_lang();
    let me = use_select(|model| {
        let me = model.session.me.clone()?;
        let name = model.people.profile(&me).and_then(|profile| profile.name.clone());
        Some((me.to_string(), name.or_else(|| model.session.login_name.clone())))
    });
    let question = use_state(|| None::<Question>);
    let command = use_command();
    let show = |dialog: Dialog| {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| app.change(|model| model.navigation.show(dialog.clone())))
    };
    let ask = |asked: Question| {
        let question = question.setter();
        Callback::from(move |_: MouseEvent| question.set(Some(asked)))
    };
    let onclose = {
        let question = question.setter();
        Callback::from(move |()| question.set(None))
    };
    let end_others = {
        let (app, command, onclose) = (app.clone(), command.clone(), onclose.clone());
        Callback::from(move |()| {
            let (service, app, onclose) = (app.service().clone(), app.clone(), onclose.clone());
            command.run(async move { service.sign_out_others().await }, move |count| {
                app.change(|model| model.toasts.add(Toast::Done(Done::SessionsEnded(count))));
                onclose.emit(());
            });
        })
    };
    let sign_out = {
        let app = app.clone();
        Callback::from(move |()| {
            let service = app.service().clone();
            app.spawn(async move { service.sign_out().await });
        })
    };
    let Some((address, name)) = (*me).clone() else {
        return Html::default();
    };
    html! {
        <div class="stack settings-sections">
            <dl class="facts">
                if let Some(name) = name { <div><dt>{ account::account_name(lang) }</dt><dd data-test="own-account-name">{ name }</dd></div> }
                <div>
                    <dt>{ account::address(lang) }</dt>
                    <dd class="row"><code class="truncate" data-test="own-address">{ &address }</code><CopyButton text={address.clone()} label={people::copy_address(lang)} /></dd>
                    <dd class="field-hint">{ account::address_hint(lang) }</dd>
                </div>
            </dl>
            <div class="row-wrap">
                <Button icon={Glyph::Edit} onclick={show(Dialog::EditProfile)} test="edit-profile">{ people::edit_profile(lang) }</Button>
                <Button icon={Glyph::Mood} onclick={show(Dialog::Status)} test="set-status">{ people::set_status(lang) }</Button>
                <Button icon={Glyph::Lock} onclick={show(Dialog::ChangePassword)} test="change-password">{ account::change_password(lang) }</Button>
            </div>
            <section class="stack-tight">
                <h3>{ account::sessions(lang) }</h3>
                <p class="muted">{ account::sessions_text(lang) }</p>
                <div><Button onclick={ask(Question::EndOthers)} test="end-others">{ account::end_other_sessions(lang) }</Button></div>
            </section>
            <section class="stack-tight">
                <div><Button kind={ButtonKind::DangerQuiet} icon={Glyph::Logout} onclick={ask(Question::SignOut)} test="sign-out">{ account::sign_out(lang) }</Button></div>
            </section>
            { match *question {
                Some(Question::EndOthers) => html! {
                    <Confirm title={account::end_other_sessions(lang)} text={account::end_other_sessions_question(lang)} action={account::end_other_sessions(lang)}
                        busy={command.is_busy()} error={command.error(lang).map(AttrValue::from)} onconfirm={end_others} {onclose} />
                },
                Some(Question::SignOut) => html! {
                    <Confirm title={account::sign_out(lang)} text={account::sign_out_question(lang)} action={account::sign_out(lang)} onconfirm={sign_out} {onclose} />
                },
                None => Html::default(),
            } }
        </div>
    }
}
