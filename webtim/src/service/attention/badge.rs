//! How many messages are unread, in the title of the page and on its icon.

use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, Document, HtmlCanvasElement, HtmlLinkElement};

use super::super::files::describe;
use crate::model::Trouble;

const SIDE: u32 = 64;

/// The title of the page.
fn title(product: &str, unread: u64) -> String {
    match unread {
        0 => product.to_owned(),
        1..=99 => format!("({unread}) {product}"),
        _ => format!("(99+) {product}"),
    }
}

/// Shows the number in title and icon.
pub(super) fn show(product: &str, unread: u64) {
    if let Some(document) = web_sys::window().and_then(|window| window.document()) {
        document.set_title(&title(product, unread));
        // Without an icon the title still tells.
        drop(icon(&document, unread));
    }
}

fn icon(document: &Document, unread: u64) -> Result<(), Trouble> {
    let canvas: HtmlCanvasElement = document
        .create_element("canvas")
        .map_err(describe)?
        .unchecked_into();
    canvas.set_width(SIDE);
    canvas.set_height(SIDE);
    let context = canvas.get_context("2d").map_err(describe)?;
    let context: CanvasRenderingContext2d = context
        .ok_or_else(|| Trouble::Other("no canvas".to_owned()))?
        .unchecked_into();
    draw(&context, unread).map_err(describe)?;
    let address = canvas.to_data_url().map_err(describe)?;
    let link = match document.query_selector("link[rel~=icon]").map_err(describe)? {
        Some(link) => link,
        None => {
            let link = document.create_element("link").map_err(describe)?;
            link.set_attribute("rel", "icon").map_err(describe)?;
            document
                .head()
                .ok_or_else(|| Trouble::Other("no head".to_owned()))?
                .append_child(&link)
                .map_err(describe)?;
            link
        }
    };
    let link: HtmlLinkElement = link.unchecked_into();
    link.set_type("image/png");
    link.set_href(&address);
    Ok(())
}

/// A speech bubble on the colour of the product, and over it the number.
fn draw(context: &CanvasRenderingContext2d, unread: u64) -> Result<(), wasm_bindgen::JsValue> {
    context.set_fill_style_str("#0b7268");
    rounded(context, 2.0, 2.0, 60.0, 60.0, 16.0)?;
    context.set_fill_style_str("#ffffff");
    rounded(context, 14.0, 17.0, 36.0, 25.0, 9.0)?;
    context.begin_path();
    context.move_to(21.0, 38.0);
    context.line_to(21.0, 51.0);
    context.line_to(34.0, 40.0);
    context.fill();
    if unread == 0 {
        return Ok(());
    }
    context.set_fill_style_str("#d3302f");
    context.begin_path();
    context.arc(44.0, 20.0, 20.0, 0.0, std::f64::consts::TAU)?;
    context.fill();
    context.set_fill_style_str("#ffffff");
    context.set_font("bold 28px system-ui, sans-serif");
    context.set_text_align("center");
    context.set_text_baseline("middle");
    let text = if unread > 9 {
        "9+".to_owned()
    } else {
        unread.to_string()
    };
    context.fill_text(&text, 44.0, 22.0)
}

fn rounded(
    context: &CanvasRenderingContext2d,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    radius: f64,
) -> Result<(), wasm_bindgen::JsValue> {
    context.begin_path();
    context.move_to(x + radius, y);
    context.arc_to(x + width, y, x + width, y + height, radius)?;
    context.arc_to(x + width, y + height, x, y + height, radius)?;
    context.arc_to(x, y + height, x, y, radius)?;
    context.arc_to(x, y, x + width, y, radius)?;
    context.close_path();
    context.fill();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_counts() {
        assert_eq!(
            [title("tim", 0), title("tim", 3), title("tim", 1000)],
            ["tim", "(3) tim", "(99+) tim"]
        );
    }
}
