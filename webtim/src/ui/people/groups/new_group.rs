//! Creating a group.

use tim_client::RoomKind;
use yew::prelude::*;

use crate::i18n::{Lang, common, groups};
use crate::model::{ChatId, Done, Toast};
use crate::store::use_app;
use crate::ui::kit::{Button, ButtonKind, Choice, Choices, Dialog, Glyph, TextField};
use crate::ui::people::command::use_command;
use crate::ui::people::picture::{ChosenPicture, PictureField};
use crate::ui::people::sign_in::notice;
use crate::ui::use_lang;

/// Most characters of the name of a group.
pub const TOPIC_MAX: u32 = 60;

/// What is wrong with the name of a group.
pub fn topic_problem(lang: Lang, topic: &str) -> Option<String> {
    let text = if topic.trim().is_empty() {
        groups::topic_missing(lang)
    } else if topic.chars().count() > TOPIC_MAX as usize {
        groups::topic_long(lang)
    } else {
        return None;
    };
    Some(text.to_owned())
}

#[component]
pub fn NewGroup() -> Html {
    let app = use_app();
    let lang = use_lang();
    let topic = use_state(String::new);
    let kind = use_state(|| AttrValue::from("open"));
    let picture = use_state(|| ChosenPicture::Unchanged);
    let tried = use_state(|| false);
    let command = use_command();
    let close = {
        let app = app.clone();
        Callback::from(move |()| app.change(|model| model.navigation.close_dialog()))
    };
    let problem = topic_problem(lang, &topic);
    let onsubmit = {
        let (app, topic, kind, picture, tried, command) = (
            app.clone(),
            topic.clone(),
            kind.clone(),
            picture.clone(),
            tried.clone(),
            command.clone(),
        );
        let is_ready = problem.is_none();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            tried.set(true);
            if !is_ready {
                return;
            }
            let (service, topic, picture) =
                (app.service().clone(), topic.trim().to_owned(), (*picture).clone());
            let kind = if *kind == "open" {
                RoomKind::Open
            } else {
                RoomKind::Private
            };
            let app = app.clone();
            command.run(
                async move {
                    let room = service.create_group(kind, &topic).await?;
                    // The group is there: a picture that fails is no reason to create it once more.
                    let pictured = match &picture {
                        ChosenPicture::New { blob, .. } => service.set_group_picture(&room, blob).await,
                        _ => Ok(()),
                    };
                    Ok((room, pictured))
                },
                move |(room, pictured)| {
                    app.change(|model| {
                        model.navigation.close_dialog();
                        model.toasts.add(Toast::Done(Done::GroupCreated(room.clone())));
                        if let Err(trouble) = pictured {
                            model.toasts.add(Toast::Failed(trouble));
                        }
                    });
                    app.service().open_chat(ChatId::Room(room));
                },
            );
        })
    };
    let oninput = {
        let topic = topic.setter();
        Callback::from(move |text: String| topic.set(text))
    };
    let onkind = {
        let kind = kind.setter();
        Callback::from(move |chosen: AttrValue| kind.set(chosen))
    };
    let onpicture = {
        let picture = picture.setter();
        Callback::from(move |chosen: ChosenPicture| picture.set(chosen))
    };
    let cancel = {
        let close = close.clone();
        Callback::from(move |_: MouseEvent| close.emit(()))
    };
    let choices = vec![
        Choice::new("open", groups::kind_open(lang))
            .with_hint(groups::kind_open_hint(lang))
            .with_glyph(Glyph::Globe),
        Choice::new("private", groups::kind_private(lang))
            .with_hint(groups::kind_private_hint(lang))
            .with_glyph(Glyph::Lock),
    ];
    html! {
        <Dialog title={groups::new_group(lang)} onclose={close} hold=true test="new-group-dialog">
            <form class="stack" {onsubmit} novalidate=true>
                { notice(command.error(lang), "group-error") }
                <TextField label={groups::topic(lang)} value={(*topic).clone()} {oninput} error={problem.filter(|_| *tried).map(AttrValue::from)}
                    limit={TOPIC_MAX} focus=true required=true test="topic" />
                <Choices label={groups::kind(lang)} {choices} value={(*kind).clone()} onchange={onkind} test="kind" />
                <p class="field-hint">{ groups::kind_final(lang) }</p>
                <PictureField id="new" name={(*topic).clone()} room=true chosen={(*picture).clone()} onchange={onpicture} />
                <div class="form-foot">
                    <Button onclick={cancel}>{ common::cancel(lang) }</Button>
                    <Button submit=true kind={ButtonKind::Primary} busy={command.is_busy()} test="create">{ groups::create_group(lang) }</Button>
                </div>
            </form>
        </Dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_needs_a_name_of_bearable_length() {
        assert!(topic_problem(Lang::English, "  ").is_some());
        assert_eq!(topic_problem(Lang::English, &"群".repeat(60)), None);
        assert!(topic_problem(Lang::English, &"群".repeat(61)).is_some());
    }
}
