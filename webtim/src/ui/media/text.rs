//! The text of a message, drawn from its pieces. It is never given to the page as markup.

use std::rc::Rc;

use yew::prelude::*;

use crate::i18n::{Lang, media};
use crate::text::{Block, Enlarged, Inline, Link, Names, Rich, Style, enlarged};
use crate::ui::kit::{Glyph, IconButton};
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub struct RichTextProps {
    pub text: AttrValue,
    /// Who can be mentioned.
    #[prop_or_default]
    pub names: Rc<Names>,
}

/// The text of a message: links, emphasis, code; a few emoji alone are large.
#[component]
pub fn RichText(props: &RichTextProps) -> Html {
    let lang = use_lang();
    let large = enlarged(&props.text);
    let rich = use_memo((props.text.clone(), Rc::clone(&props.names)), |(text, names)| {
        Rich::parse(text, names)
    });
    let class = match large {
        Some(Enlarged::One) => "rich rich-emoji-one",
        Some(Enlarged::Few) => "rich rich-emoji-few",
        Some(Enlarged::Several) => "rich rich-emoji-several",
        None => "rich",
    };
    html! {
        <div {class} dir="auto" data-test="message-text">
            { for rich.blocks.iter().map(|block| draw_block(block, lang)) }
        </div>
    }
}

fn draw_block(block: &Block, lang: Lang) -> Html {
    match block {
        Block::Text(pieces) => {
            html! { <p class="rich-text">{ for pieces.iter().map(|piece| draw(piece, lang)) }</p> }
        }
        Block::Code { language, text, .. } => {
            let copied = text.clone();
            let onclick = Callback::from(move |_: MouseEvent| copy(&copied));
            html! {
                <div class="rich-code">
                    <div class="rich-code-head">
                        <span>{ language.clone() }</span>
                        <IconButton glyph={Glyph::Copy} small={true} label={media::copy_code(lang)} {onclick} />
                    </div>
                    <pre dir="ltr" tabindex="0"><code>{ text.clone() }</code></pre>
                </div>
            }
        }
    }
}

fn draw(piece: &Inline, lang: Lang) -> Html {
    match piece {
        Inline::Text(text) => html! { <>{ text.clone() }</> },
        Inline::Link(link) => draw_link(link, lang),
        Inline::Mention { text, me } => html! {
            <span class={classes!("mention", me.then_some("mention-me"))}>{ text.clone() }</span>
        },
        Inline::Code { text, .. } => html! { <code dir="ltr">{ text.clone() }</code> },
        Inline::Styled { style, pieces, .. } => {
            let inner: Html = pieces.iter().map(|piece| draw(piece, lang)).collect();
            match style {
                Style::Bold => html! { <strong>{ inner }</strong> },
                Style::Italic => html! { <em>{ inner }</em> },
                Style::Struck => html! { <s>{ inner }</s> },
            }
        }
    }
}

fn draw_link(link: &Link, lang: Lang) -> Html {
    html! {
        <>
            <a class="rich-link" dir="ltr" href={link.address().to_owned()} target="_blank" rel="noopener noreferrer nofollow">
                { link.text().to_owned() }
            </a>
            if let Some(host) = link.network_host() {
                <span class="rich-link-host" dir="ltr" title={media::link_leads_to(lang, host)}>{ format!("({host})") }</span>
            }
        </>
    }
}

fn copy(text: &str) {
    if let Some(window) = web_sys::window() {
        // The browser shows by itself when it refuses.
        drop(window.navigator().clipboard().write_text(text));
    }
}
