//! Another password.

use tim_client::ErrorCode;
use yew::prelude::*;

use crate::i18n::{Lang, account, common};
use crate::model::{Done, Toast, Trouble};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, Dialog, PasswordField};
use crate::ui::people::command::use_command;
use crate::ui::people::sign_in::{notice, rules};
use crate::ui::use_lang;

/// What is wrong with the three fields: the present password, the new one, and the new one once more.
fn problems(lang: Lang, name: &str, old: &str, new: &str, again: &str) -> [Option<String>; 3] {
    let new_problem = rules::new_password(lang, name, new)
        .or_else(|| (new == old).then(|| account::password_same(lang).to_owned()));
    [
        old.is_empty().then(|| account::password_missing(lang).to_owned()),
        new_problem,
        (new != again).then(|| account::passwords_differ(lang).to_owned()),
    ]
}

#[component]
pub fn ChangePassword() -> Html {
    let app = use_app();
    let lang = use_lang();
    let name = use_select(|model| model.session.login_name.clone().unwrap_or_default());
    let (old, new, again) = (
        use_state(String::new),
        use_state(String::new),
        use_state(String::new),
    );
    let tried = use_state(|| false);
    let command = use_command();
    let wrong = problems(lang, &name, &old, &new, &again);
    let close = {
        let app = app.clone();
        Callback::from(move |()| app.change(|model| model.navigation.close_dialog()))
    };
    let onsubmit = {
        let (app, old, new, tried, command) = (
            app.clone(),
            old.clone(),
            new.clone(),
            tried.clone(),
            command.clone(),
        );
        let is_ready = wrong.iter().all(Option::is_none);
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            tried.set(true);
            if !is_ready {
                return;
            }
            let (service, old, new, app) =
                (app.service().clone(), (*old).clone(), (*new).clone(), app.clone());
            command.run(
                async move { service.change_password(&old, &new).await },
                move |()| {
                    app.change(|model| {
                        model.navigation.close_dialog();
                        model.toasts.add(Toast::Done(Done::PasswordChanged));
                    });
                },
            );
        })
    };
    let set = |state: &UseStateHandle<String>| {
        let state = state.setter();
        Callback::from(move |text: String| state.set(text))
    };
    let cancel = {
        let close = close.clone();
        Callback::from(move |_: MouseEvent| close.emit(()))
    };
    let refused = |trouble: &Trouble| {
        [
            ErrorCode::ModifyAuth,
            ErrorCode::NoPass,
            ErrorCode::PermDenied,
            ErrorCode::Params,
        ]
        .iter()
        .any(|code| trouble.is(*code))
    };
    let error = match command.trouble() {
        Some(trouble) if refused(trouble) => Some(account::password_wrong(lang).to_owned()),
        Some(trouble) => Some(common::trouble(lang, trouble)),
        None => None,
    };
    let [old_problem, new_problem, again_problem] =
        wrong.map(|problem| problem.filter(|_| *tried).map(AttrValue::from));
    html! {
        <Dialog title={account::change_password(lang)} onclose={close} hold=true test="password-dialog">
            <form class="stack" {onsubmit} novalidate=true>
                { notice(error, "password-error") }
                <PasswordField label={account::present_password(lang)} value={(*old).clone()} oninput={set(&old)} error={old_problem} focus=true test="old-password" />
                <PasswordField label={account::new_password(lang)} value={(*new).clone()} oninput={set(&new)} error={new_problem} new=true
                    hint={account::password_hint(lang, rules::PASSWORD_MIN)} test="new-password" />
                <PasswordField label={account::repeat_password(lang)} value={(*again).clone()} oninput={set(&again)} error={again_problem} new=true test="repeat-password" />
                <div class="form-foot">
                    <Button onclick={cancel}>{ common::cancel(lang) }</Button>
                    <Button submit=true kind={ButtonKind::Primary} busy={command.is_busy()} test="save-password">{ account::change_password(lang) }</Button>
                </div>
            </form>
        </Dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_password_is_another_one_and_typed_twice() {
        let en = Lang::English;
        assert_eq!(
            problems(en, "anna", "old secret", "new secret", "new secret"),
            [None, None, None]
        );
        assert!(problems(en, "anna", "new secret", "new secret", "new secret")[1].is_some());
        assert!(problems(en, "anna", "old secret", "new secret", "new secrets")[2].is_some());
        assert!(
            problems(en, "anna", "", "short", "short")
                .iter()
                .take(2)
                .all(Option::is_some)
        );
    }
}
