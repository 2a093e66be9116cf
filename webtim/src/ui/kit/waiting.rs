//! What stands where something is missing: numbers that wait, spinners, skeletons, empty lists.

use yew::prelude::*;

use super::{Glyph, Icon, IconSize};
use crate::i18n::numbers;

#[derive(Clone, PartialEq, Properties)]
pub struct BadgeProps {
    pub count: u64,
    #[prop_or_default]
    pub quiet: bool,
    #[prop_or_default]
    pub label: Option<AttrValue>,
}

/// A number that waits. Nothing for zero.
#[component]
pub fn Badge(props: &BadgeProps) -> Html {
    if props.count == 0 {
        return Html::default();
    }
    html! {
        <span class={classes!("badge", props.quiet.then_some("badge-quiet"))} aria-label={props.label.clone()}
            role={props.label.is_some().then_some("img")}>{ numbers::badge(props.count) }</span>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct SpinnerProps {
    #[prop_or_default]
    pub large: bool,
    #[prop_or_default]
    pub label: Option<AttrValue>,
}

#[component]
pub fn Spinner(props: &SpinnerProps) -> Html {
    html! {
        <span class={classes!("spinner", props.large.then_some("spinner-large"))} role={props.label.is_some().then_some("status")}
            aria-label={props.label.clone()} />
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct SkeletonProps {
    #[prop_or(6)]
    pub rows: usize,
}

/// Rows in the place of a list that is being loaded.
#[component]
pub fn Skeleton(props: &SkeletonProps) -> Html {
    let row = |number: usize| {
        html! {
            <div key={number} class="skeleton-row">
                <div class="skeleton skeleton-circle" />
                <div class="stack-tight">
                    <div class="skeleton skeleton-text" />
                    <div class="skeleton skeleton-text skeleton-short" />
                </div>
            </div>
        }
    };
    html! { <div aria-hidden="true">{ for (0..props.rows).map(row) }</div> }
}

#[derive(Clone, PartialEq, Properties)]
pub struct EmptyStateProps {
    pub glyph: Glyph,
    pub title: AttrValue,
    #[prop_or_default]
    pub text: Option<AttrValue>,
    /// What to do about it.
    #[prop_or_default]
    pub children: Html,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

/// Says why there is nothing, and what to do.
#[component]
pub fn EmptyState(props: &EmptyStateProps) -> Html {
    html! {
        <div class="empty" data-test={props.test.clone()}>
            <span class="empty-icon"><Icon glyph={props.glyph} size={IconSize::Large} /></span>
            <p class="empty-title">{ props.title.clone() }</p>
            if let Some(text) = &props.text { <p class="empty-text">{ text.clone() }</p> }
            { props.children.clone() }
        </div>
    }
}
