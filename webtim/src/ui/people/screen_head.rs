//! The head of a screen: its title, and what can be done on the whole of it.

use yew::prelude::*;

#[derive(Clone, PartialEq, Properties)]
pub struct ScreenHeadProps {
    pub title: AttrValue,
    /// Before the title, for example a way back.
    #[prop_or_default]
    pub lead: Html,
    /// Buttons at the end.
    #[prop_or_default]
    pub children: Html,
}

#[component]
pub fn ScreenHead(props: &ScreenHeadProps) -> Html {
    html! {
        <header class="screen-head">
            { props.lead.clone() }
            <h1>{ props.title.clone() }</h1>
            { props.children.clone() }
        </header>
    }
}
