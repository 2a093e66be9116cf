//! A row of a list of groups.

use tim_client::{RoomId, RoomKind};
use yew::prelude::*;

use crate::i18n::{common, groups};
use crate::model::Dialog;
use crate::store::{use_app, use_select};
use crate::ui::kit::{Avatar, Glyph, Icon, IconSize};
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub struct GroupRowProps {
    pub room: RoomId,
    /// Until the profile is there.
    #[prop_or_default]
    pub name: Option<AttrValue>,
    #[prop_or_default]
    pub picture: Option<AttrValue>,
    #[prop_or_default]
    pub kind: Option<RoomKind>,
    #[prop_or_default]
    pub line: Option<AttrValue>,
    /// Buttons at the end.
    #[prop_or_default]
    pub children: Html,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

/// A group. Its name opens the card.
#[component]
pub fn GroupRow(props: &GroupRowProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let known = {
        let room = props.room.clone();
        use_select(move |model| {
            let profile = model.rooms.profile(&room)?;
            let members = model.rooms.members(&room).map(|members| members.len());
            Some((
                model.rooms.name(&room),
                model.rooms.picture(&room),
                profile.kind,
                members,
            ))
        })
    };
    let (name, picture, kind, members) = match &*known {
        Some((name, picture, kind, members)) => (
            AttrValue::from(name.clone()),
            picture.clone().map(AttrValue::from),
            kind.or(props.kind),
            *members,
        ),
        None => {
            let name = props.name.clone().filter(|name| !name.trim().is_empty());
            let unnamed = || AttrValue::from(groups::unnamed(lang));
            (
                name.unwrap_or_else(unnamed),
                props.picture.clone(),
                props.kind,
                None,
            )
        }
    };
    let onclick = {
        let (app, room) = (app.clone(), props.room.clone());
        Callback::from(move |_: MouseEvent| {
            app.change(|model| model.navigation.show(Dialog::Group(room.clone())))
        })
    };
    let (glyph, kind_name) = kind_text(lang, kind);
    let line =
        props
            .line
            .clone()
            .unwrap_or_else(|| match members.and_then(|count| u64::try_from(count).ok()) {
                Some(count) => format!("{kind_name} · {}", common::members(lang, count)).into(),
                None => kind_name.into(),
            });
    html! {
        <div class="list-row" data-test={props.test.clone().unwrap_or(AttrValue::Static("group-row"))} data-node={props.room.to_string()} data-name={name.clone()}>
            <button type="button" class="list-main" {onclick} data-test="group-open">
                <Avatar id={props.room.to_string()} name={name.clone()} {picture} room=true />
                <span class="list-text">
                    <span class="list-title"><span class="truncate">{ name }</span></span>
                    <span class="list-line"><Icon {glyph} size={IconSize::Small} /><span class="truncate">{ line }</span></span>
                </span>
            </button>
            <div class="list-actions">{ props.children.clone() }</div>
        </div>
    }
}

/// Icon and name of a kind of group.
pub fn kind_text(lang: crate::i18n::Lang, kind: Option<RoomKind>) -> (Glyph, &'static str) {
    match kind {
        Some(RoomKind::Open) => (Glyph::Globe, groups::kind_open(lang)),
        _ => (Glyph::Lock, groups::kind_private(lang)),
    }
}
