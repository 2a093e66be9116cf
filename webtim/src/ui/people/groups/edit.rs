//! The profile of a group: name, announcement, picture.

use tim_client::RoomId;
use yew::prelude::*;

use super::new_group::{TOPIC_MAX, topic_problem};
use crate::i18n::{common, groups};
use crate::model::{Done, Toast};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, Dialog, TextField};
use crate::ui::people::command::use_command;
use crate::ui::people::picture::{ChosenPicture, PictureField};
use crate::ui::people::sign_in::notice;
use crate::ui::use_lang;

const ANNOUNCEMENT_MAX: u32 = 1000;

#[derive(Clone, PartialEq, Properties)]
pub struct EditGroupProps {
    pub room: RoomId,
}

#[component]
pub fn EditGroup(props: &EditGroupProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let present = {
        let room = props.room.clone();
        use_select(move |model| {
            let announcement = model.rooms.announcement(&room).unwrap_or_default().to_owned();
            (model.rooms.name(&room), model.rooms.picture(&room), announcement)
        })
    };
    let topic = use_state(|| present.0.clone());
    let announcement = use_state(|| present.2.clone());
    let picture = use_state(|| ChosenPicture::Unchanged);
    let command = use_command();
    let problem = topic_problem(lang, &topic);
    let close = {
        let app = app.clone();
        Callback::from(move |()| app.change(|model| model.navigation.close_dialog()))
    };
    let onsubmit = {
        let (app, room, command, is_ready) = (
            app.clone(),
            props.room.clone(),
            command.clone(),
            problem.is_none(),
        );
        let (topic, announcement, picture) = (topic.clone(), announcement.clone(), picture.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if !is_ready {
                return;
            }
            let (service, room, app) = (app.service().clone(), room.clone(), app.clone());
            let (topic, announcement, picture) = (
                topic.trim().to_owned(),
                announcement.trim().to_owned(),
                (*picture).clone(),
            );
            command.run(
                async move {
                    match &picture {
                        ChosenPicture::New { blob, .. } => service.set_group_picture(&room, blob).await?,
                        ChosenPicture::None => service.remove_group_picture(&room).await?,
                        ChosenPicture::Unchanged => {}
                    }
                    service.save_group(&room, &topic, &announcement).await
                },
                move |()| {
                    app.change(|model| {
                        model.navigation.close_dialog();
                        model.toasts.add(Toast::Done(Done::GroupSaved));
                    });
                },
            );
        })
    };
    let set = |state: &UseStateHandle<String>| {
        let state = state.setter();
        Callback::from(move |text: String| state.set(text))
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
        <Dialog title={groups::edit_group(lang)} onclose={close} hold=true test="edit-group-dialog">
            <form class="stack" {onsubmit} novalidate=true>
                { notice(command.error(lang), "group-error") }
                <PictureField id={props.room.to_string()} name={present.0.clone()} room=true present={present.1.clone().map(AttrValue::from)}
                    chosen={(*picture).clone()} onchange={onpicture} />
                <TextField label={groups::topic(lang)} value={(*topic).clone()} oninput={set(&topic)} error={problem.map(AttrValue::from)}
                    limit={TOPIC_MAX} required=true test="topic" />
                <TextField label={groups::announcement(lang)} hint={groups::announcement_hint(lang)} value={(*announcement).clone()}
                    oninput={set(&announcement)} lines=true limit={ANNOUNCEMENT_MAX} test="announcement" />
                <div class="form-foot">
                    <Button onclick={cancel}>{ common::cancel(lang) }</Button>
                    <Button submit=true kind={ButtonKind::Primary} busy={command.is_busy()} test="save-group">{ common::save(lang) }</Button>
                </div>
            </form>
        </Dialog>
    }
}
