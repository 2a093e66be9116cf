//! The own profile: nickname, picture, a few words.

use tim_client::UserProfile;
use yew::prelude::*;

use super::command::use_command;
use super::picture::{ChosenPicture, PictureField};
use super::sign_in::{notice, rules};
use crate::i18n::{account, common, people};
use crate::model::{Done, Toast};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, Dialog, TextField};
use crate::ui::use_lang;

/// The text field of a profile in which people tell about themselves.
pub const ABOUT: &str = "tim.about";
const ABOUT_MAX: u32 = 300;
const AREA_MAX: u32 = 60;

#[component]
pub fn EditProfile() -> Html {
    let app = use_app();
    let lang = use_lang();
    let present = use_select(|model| {
        let me = model.session.me.clone()?;
        let profile = model
            .people
            .profile(&me)
            .map(|profile| (**profile).clone())
            .unwrap_or_default();
        Some((
            me.clone(),
            model.people.name(&me),
            model.people.picture(&me),
            profile,
        ))
    });
    let profile = present
        .as_ref()
        .as_ref()
        .map(|present| present.3.clone())
        .unwrap_or_default();
    let about_now = profile
        .extend
        .as_ref()
        .and_then(|fields| fields.get(ABOUT).cloned())
        .unwrap_or_default();
    let nickname = use_state(|| profile.nickname.clone().unwrap_or_default());
    let about = use_state(|| about_now);
    let area = use_state(|| profile.area.clone().unwrap_or_default());
    let picture = use_state(|| ChosenPicture::Unchanged);
    let command = use_command();
    let close = {
        let app = app.clone();
        Callback::from(move |()| app.change(|model| model.navigation.close_dialog()))
    };
    let problem = rules::nickname(lang, &nickname);
    let onsubmit = {
        let (app, command, is_ready, fields) = (
            app.clone(),
            command.clone(),
            problem.is_none(),
            profile.extend.clone(),
        );
        let (nickname, about, area, picture) =
            (nickname.clone(), about.clone(), area.clone(), picture.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if !is_ready {
                return;
            }
            let service = app.service().clone();
            let picture = (*picture).clone();
            let mut change = UserProfile::new()
                .with_nickname(nickname.trim())
                .with_area(area.trim());
            // The fields are replaced as a whole: those of other applications stay.
            let mut fields = fields.clone().unwrap_or_default();
            fields.insert(ABOUT.to_owned(), about.trim().to_owned());
            change.extend = Some(fields);
            let app = app.clone();
            command.run(
                async move {
                    match picture {
                        ChosenPicture::Unchanged => {}
                        ChosenPicture::None => change.picture = Some(String::new()),
                        ChosenPicture::New { blob, .. } => {
                            change.picture = Some(service.upload_picture(&blob).await?)
                        }
                    }
                    service.save_profile(change).await
                },
                move |()| {
                    app.change(|model| {
                        model.navigation.close_dialog();
                        model.toasts.add(Toast::Done(Done::ProfileSaved));
                    });
                },
            );
        })
    };
    let set = |state: &UseStateHandle<String>| {
        let state = state.setter();
        Callback::from(move |text: String| state.set(text))
    };
    let Some((me, name, address, _)) = (*present).clone() else {
        return Html::default();
    };
    let onpicture = {
        let picture = picture.setter();
        Callback::from(move |chosen: ChosenPicture| picture.set(chosen))
    };
    let cancel = {
        let close = close.clone();
        Callback::from(move |_: MouseEvent| close.emit(()))
    };
    html! {
        <Dialog title={people::edit_profile(lang)} onclose={close} hold=true test="edit-profile-dialog">
            <form class="stack" {onsubmit} novalidate=true>
                { notice(command.error(lang), "profile-error") }
                <PictureField id={me.to_string()} {name} present={address.map(AttrValue::from)} chosen={(*picture).clone()} onchange={onpicture} />
                <TextField label={account::nickname(lang)} value={(*nickname).clone()} oninput={set(&nickname)} hint={account::nickname_hint(lang)}
                    error={problem.map(AttrValue::from)} limit={rules::NICKNAME_MAX} autocomplete="nickname" test="nickname" />
                <TextField label={people::about_me(lang)} value={(*about).clone()} oninput={set(&about)} lines=true limit={ABOUT_MAX} test="about" />
                <TextField label={people::area(lang)} value={(*area).clone()} oninput={set(&area)} limit={AREA_MAX} test="area" />
                <div class="form-foot">
                    <Button onclick={cancel}>{ common::cancel(lang) }</Button>
                    <Button submit=true kind={ButtonKind::Primary} busy={command.is_busy()} test="save-profile">{ common::save(lang) }</Button>
                </div>
            </form>
        </Dialog>
    }
}
