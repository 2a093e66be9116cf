//! Asking somebody for friendship.

use tim_client::Node;
use yew::prelude::*;

use super::command::use_command;
use super::person::{PersonRow, use_person};
use crate::i18n::{common, people};
use crate::model::{Done, Toast};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, Dialog, Glyph, Icon, TextField};
use crate::ui::use_lang;

/// Most characters of a request: the server takes 1 KiB.
pub const REQUEST_MAX: u32 = 300;

#[derive(Clone, PartialEq, Properties)]
pub struct AskFriendProps {
    pub node: Node,
}

#[component]
pub fn AskFriend(props: &AskFriendProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let person = use_person(&props.node);
    let own_name = use_select(|model| {
        model
            .session
            .me
            .as_ref()
            .map(|me| model.people.name(me))
            .unwrap_or_default()
    });
    let text = use_state(|| people::request_default(lang, &own_name));
    let command = use_command();
    let close = {
        let app = app.clone();
        Callback::from(move |()| app.change(|model| model.navigation.close_dialog()))
    };
    let onsubmit = {
        let (app, node, text, command) = (app.clone(), props.node.clone(), text.clone(), command.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (service, node, text) = (app.service().clone(), node.clone(), text.trim().to_owned());
            let (app, told) = (app.clone(), node.clone());
            command.run(
                async move { service.add_friend(&node, &text).await },
                move |friends| {
                    app.change(|model| {
                        model.navigation.close_dialog();
                        if !friends {
                            model.toasts.add(Toast::Done(Done::RequestSent(told)));
                        }
                    });
                },
            );
        })
    };
    let oninput = {
        let text = text.setter();
        Callback::from(move |typed: String| text.set(typed))
    };
    let cancel = {
        let close = close.clone();
        Callback::from(move |_: MouseEvent| close.emit(()))
    };
    html! {
        <Dialog title={people::add_friend(lang)} onclose={close} test="ask-friend">
            <form class="stack" {onsubmit}>
                <PersonRow node={props.node.clone()} onclick={Callback::noop()} line={person.line(lang)} />
                <TextField label={people::request_text(lang)} hint={people::request_text_hint(lang)} value={(*text).clone()} {oninput} lines=true
                    limit={REQUEST_MAX} focus=true test="request-text" />
                if let Some(error) = command.error(lang) {
                    <p class="notice notice-error" role="alert"><Icon glyph={Glyph::Warning} /><span>{ error }</span></p>
                }
                <div class="form-foot">
                    <Button onclick={cancel}>{ common::cancel(lang) }</Button>
                    <Button submit=true kind={ButtonKind::Primary} busy={command.is_busy()} test="send-request">{ people::send_request(lang) }</Button>
                </div>
            </form>
        </Dialog>
    }
}
