//! What the browser does with a text field.

use web_sys::HtmlTextAreaElement;

/// Start and end of what is selected.
pub(super) fn cursor(field: &HtmlTextAreaElement) -> (usize, usize) {
    let place = |place: Option<u32>| {
        place
            .and_then(|place| usize::try_from(place).ok())
            .unwrap_or(usize::MAX)
    };
    (
        place(field.selection_start().ok().flatten()),
        place(field.selection_end().ok().flatten()),
    )
}

/// Makes the field as high as its text. The style sheet sets a limit.
pub(super) fn grow(field: &HtmlTextAreaElement) {
    let style = field.style();
    // Well-formed lengths are not refused.
    drop(style.set_property("height", "auto"));
    drop(style.set_property("height", &format!("{}px", field.scroll_height())));
}

/// Whether fingers are the only way in: then a focused field covers the page with a keyboard.
pub(super) fn is_touch() -> bool {
    let query = web_sys::window().and_then(|window| {
        window
            .match_media("(hover: none) and (pointer: coarse)")
            .ok()
            .flatten()
    });
    query.is_some_and(|query| query.matches())
}
