//! Pictures of people and groups, or their initials on a colour of their own.

use yew::prelude::*;

use crate::i18n::common;
use crate::ui::use_lang;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AvatarSize {
    Small,
    #[default]
    Normal,
    Large,
    Huge,
}

#[derive(Clone, PartialEq, Properties)]
pub struct AvatarProps {
    /// What decides the colour: the node.
    pub id: AttrValue,
    /// What the initials come from.
    pub name: AttrValue,
    #[prop_or_default]
    pub picture: Option<AttrValue>,
    #[prop_or_default]
    pub size: AvatarSize,
    /// A group has corners.
    #[prop_or_default]
    pub room: bool,
    /// Shows whether they are there. `None`: unknown or of no interest.
    #[prop_or_default]
    pub online: Option<bool>,
}

/// A picture, or initials. Decoration: the name stands beside it.
#[component]
pub fn Avatar(props: &AvatarProps) -> Html {
    let lang = use_lang();
    // The address that could not be loaded.
    let broken = use_state(|| None::<AttrValue>);
    let picture = props
        .picture
        .clone()
        .filter(|picture| is_of_server(picture) && broken.as_ref() != Some(picture));
    let onerror = {
        let (broken, picture) = (broken.clone(), picture.clone());
        Callback::from(move |_: Event| broken.set(picture.clone()))
    };
    let size = match props.size {
        AvatarSize::Small => Some("avatar-small"),
        AvatarSize::Normal => None,
        AvatarSize::Large => Some("avatar-large"),
        AvatarSize::Huge => Some("avatar-huge"),
    };
    let colour = format!("avatar-{}", colour(&props.id));
    html! {
        <span class={classes!("avatar", size, props.room.then_some("avatar-room"), colour)}>
            if let Some(src) = picture {
                <img {src} alt="" draggable="false" decoding="async" {onerror} />
            } else {
                <span aria-hidden="true">{ initials(&props.name) }</span>
            }
            if let Some(online) = props.online {
                <span class={classes!("presence-dot", if online { "presence-dot-online" } else { "presence-dot-offline" })}
                    role="img" aria-label={if online { common::online(lang) } else { common::offline(lang) }}
                    data-test={if online { "presence-online" } else { "presence-offline" }} />
            }
        </span>
    }
}

/// Only pictures that this server keeps are shown: others would tell strangers who looks at them.
#[must_use]
pub fn is_of_server(address: &str) -> bool {
    address.strip_prefix("/client/v1/pictures/").is_some_and(|id| {
        !id.is_empty()
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}

/// One of twelve colours, the same everywhere for the same node (FNV-1a).
fn colour(id: &str) -> u32 {
    let hash = id.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    // The low bits of this hash are its weakest.
    (hash ^ (hash >> 16)) % 12
}

/// One or two letters: of a Chinese, Japanese or Korean name its last character, which tells people of one family
/// apart; of other names the first letters of the first and the last word.
#[must_use]
pub fn initials(name: &str) -> String {
    let mut words = name
        .split(|c: char| c.is_whitespace() || matches!(c, '-' | '_' | '.' | '@'))
        .filter_map(|word| {
            word.chars()
                .find(|c| c.is_alphanumeric())
                .map(|first| (word, first))
        });
    let Some((word, first)) = words.next() else {
        return name
            .chars()
            .find(|c| !c.is_whitespace() && !c.is_control())
            .map_or_else(|| "?".to_owned(), String::from);
    };
    if is_ideograph(first) {
        let written: Vec<char> = word.chars().take_while(|c| is_ideograph(*c)).collect();
        let of_a_person = written.len() <= 4;
        return if of_a_person {
            written.last()
        } else {
            written.first()
        }
        .map_or_else(String::new, |c| c.to_string());
    }
    let last = words.next_back().map(|(_, first)| first);
    first
        .to_uppercase()
        .chain(last.into_iter().flat_map(char::to_uppercase))
        .collect()
}

fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_of_many_names() {
        let names = [
            "Ada Lovelace",
            "bob",
            "张小明",
            "李雷",
            "阅读与写作爱好者",
            "jean-luc picard",
            "😀",
            "  ",
            "élodie",
            "_x_",
        ];
        assert_eq!(
            names.map(initials),
            ["AL", "B", "明", "雷", "阅", "JP", "😀", "?", "É", "X"]
        );
    }

    #[test]
    fn colours_are_stable_and_spread() {
        let colours: std::collections::BTreeSet<u32> =
            (0..200).map(|n| colour(&format!("node{n}"))).collect();
        assert_eq!(colours.len(), 12);
        assert_eq!(colour("node1"), colour("node1"));
    }

    #[test]
    fn pictures_from_elsewhere_are_not_shown() {
        assert!(is_of_server("/client/v1/pictures/3fA_9-z"));
        for address in [
            "https://example.org/a.png",
            "//example.org/x",
            "/client/v1/pictures/",
            "/client/v1/pictures/../files/1",
            "data:image/png;base64,AA",
            "javascript:1",
        ] {
            assert!(!is_of_server(address), "{address}");
        }
    }
}
