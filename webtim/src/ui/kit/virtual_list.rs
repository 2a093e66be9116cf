//! A list of rows of one height, of which only those in sight are drawn.

use std::ops::Range;

use gloo_events::EventListener;
use web_sys::HtmlElement;
use yew::prelude::*;

/// Rows drawn beyond each edge.
const MARGIN: usize = 8;

#[derive(Clone, PartialEq, Properties)]
pub struct VirtualListProps {
    pub count: usize,
    /// Height of a row at the normal text size, in sixteenths of the root font size (CSS pixels by default).
    pub row_height: u32,
    /// Draws a row. It has to be another callback when the rows are others.
    pub row: Callback<usize, Html>,
    /// What the list is of, for screen readers.
    pub label: AttrValue,
    /// Called when the last rows come in sight, for lists that are fetched in pages.
    #[prop_or_default]
    pub onend: Callback<()>,
    #[prop_or_default]
    pub class: Classes,
    #[prop_or_default]
    pub test: Option<AttrValue>,
}

/// What is in sight of how much, in rows and pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sight {
    first: usize,
    rows: usize,
    row: f64,
}

impl Sight {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Pixels of a screen, and never negative.
    fn new(scrolled: f64, height: f64, row: f64) -> Self {
        if row <= 0.0 {
            return Self::default();
        }
        Self {
            first: (scrolled.max(0.0) / row) as usize,
            rows: (height.max(0.0) / row).ceil() as usize + 1,
            row,
        }
    }

    /// The rows to draw of so many. Starts at even numbers, so that zebra stripes and keys do not jump.
    fn drawn(self, count: usize) -> Range<usize> {
        let end = (self.first + self.rows + MARGIN).min(count);
        let start = self.first.saturating_sub(MARGIN).min(count) & !1;
        start..end.max(start)
    }
}

#[component]
pub fn VirtualList(props: &VirtualListProps) -> Html {
    let node = use_node_ref();
    let (above, below) = (use_node_ref(), use_node_ref());
    let sight = use_state_eq(|| Sight {
        first: 0,
        rows: 24,
        row: 0.0,
    });
    let height = props.row_height;

    let look = {
        let (node, sight) = (node.clone(), sight.setter());
        move || {
            if let Some(list) = node.cast::<HtmlElement>() {
                let row = f64::from(height) / 16.0 * root_font_size();
                sight.set(Sight::new(
                    f64::from(list.scroll_top()),
                    f64::from(list.client_height()),
                    row,
                ));
            }
        }
    };
    use_effect_with(height, {
        let look = look.clone();
        move |_| {
            look();
            let resized =
                web_sys::window().map(|window| EventListener::new(&window, "resize", move |_| look()));
            move || drop(resized)
        }
    });
    let onscroll = Callback::from(move |_: Event| look());

    let drawn = sight.drawn(props.count);
    use_effect_with((drawn.clone(), props.count, sight.row.to_bits()), {
        let (above, below, row) = (above.clone(), below.clone(), sight.row);
        move |(drawn, count, _): &(Range<usize>, usize, u64)| {
            #[allow(clippy::cast_precision_loss)] // Rows of a list.
            for (pad, rows) in [(above, drawn.start), (below, count - drawn.end)] {
                if let Some(pad) = pad.cast::<HtmlElement>() {
                    // A well-formed length is not refused.
                    drop(
                        pad.style()
                            .set_property("height", &format!("{}px", rows as f64 * row)),
                    );
                }
            }
        }
    });
    use_effect_with((drawn.end, props.count), {
        let onend = props.onend.clone();
        move |&(end, count): &(usize, usize)| {
            if end == count {
                onend.emit(());
            }
        }
    });

    let count = props.count.to_string();
    let rows = drawn.map(|number| {
        html! {
            <div key={number} role="listitem" aria-setsize={count.clone()} aria-posinset={(number + 1).to_string()}>
                { props.row.emit(number) }
            </div>
        }
    });
    html! {
        <div ref={node} class={classes!("virtual", props.class.clone())} role="list" aria-label={props.label.clone()} tabindex="0" {onscroll}
            data-test={props.test.clone()}>
            <div key="above" ref={above} class="virtual-pad" role="presentation" />
            { for rows }
            <div key="below" ref={below} class="virtual-pad" role="presentation" />
        </div>
    }
}

/// Pixels of one rem: the setting for the text size and the browser's own change it.
fn root_font_size() -> f64 {
    web_sys::window()
        .and_then(|window| {
            let root = window.document()?.document_element()?;
            let style = window.get_computed_style(&root).ok()??;
            style.get_property_value("font-size").ok()
        })
        .and_then(|size| size.trim_end_matches("px").parse().ok())
        .unwrap_or(16.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_in_sight_and_a_margin_are_drawn() {
        let top = Sight::new(0.0, 600.0, 56.0);
        assert_eq!(top.drawn(10_000), 0..20);
        let middle = Sight::new(56.0 * 5000.0, 600.0, 56.0);
        assert_eq!(middle.drawn(10_000), 4992..5020);
        let end = Sight::new(56.0 * 9990.0, 600.0, 56.0);
        assert_eq!(end.drawn(10_000), 9982..10_000);
    }

    #[test]
    fn a_list_that_became_shorter_draws_no_row_that_is_gone() {
        let below_its_end = Sight::new(56.0 * 5000.0, 600.0, 56.0);
        assert_eq!(below_its_end.drawn(3), 2..3);
        assert!(below_its_end.drawn(0).is_empty());
        assert_eq!(Sight::new(-20.0, 0.0, 0.0).drawn(2), 0..2);
    }
}
