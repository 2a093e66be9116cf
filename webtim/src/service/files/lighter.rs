//! Pictures as they go into a chat: not larger than screens are, and without what cameras write into them, such as the place
//! where they were taken. Who wants to send the original sends it as a file.

use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, CanvasRenderingContext2d, HtmlCanvasElement, HtmlImageElement};

use super::describe;
use super::probe::LocalAddress;
use super::uploads::Prepared;
use crate::fields::{Box2, Shown, fit};
use crate::model::Trouble;

/// Longest side of a picture in a chat, in pixels.
const LONGEST: u32 = 2560;

const QUALITY: f64 = 0.9;

/// How a picture of that type and size is written anew. `None`: it is good as it is.
fn plan(media_type: &str, width: u32, height: u32) -> Option<(&'static str, Box2)> {
    let most = Box2 {
        width: LONGEST,
        height: LONGEST,
    };
    let size = fit(Box2 { width, height }, most, 1);
    let too_large = width > LONGEST || height > LONGEST;
    match media_type {
        // Photographs carry the place and the camera.
        "image/jpeg" => Some(("image/jpeg", size)),
        "image/png" | "image/webp" if too_large => Some(("image/webp", size)),
        // Others may be moving pictures.
        _ => None,
    }
}

impl Prepared {
    /// The picture as it goes into a chat. Anything else stays as it is, and so does a picture that would not become lighter by
    /// it or that the browser cannot write.
    pub async fn for_chat(self) -> Self {
        match lighter(&self).await {
            Ok(Some(lighter)) => lighter,
            Ok(None) | Err(_) => self,
        }
    }
}

async fn lighter(original: &Prepared) -> Result<Option<Prepared>, Trouble> {
    let Some((width, height)) = original
        .probe
        .dimensions
        .filter(|_| original.shown() == Shown::Picture)
    else {
        return Ok(None);
    };
    let Some((media_type, size)) = plan(&original.media_type, width, height) else {
        return Ok(None);
    };
    let image = HtmlImageElement::new().map_err(describe)?;
    image.set_src(original.address.as_str());
    JsFuture::from(image.decode()).await.map_err(describe)?;
    let content = draw(&image, size, media_type).await?;
    // A browser that cannot write the type writes PNG.
    if content.type_() != media_type
        || (media_type != "image/jpeg" && content.size() >= original.content.size())
    {
        return Ok(None);
    }
    let stem = original
        .name
        .rsplit_once('.')
        .map_or(original.name.as_str(), |(stem, _)| stem);
    let name = if media_type == "image/webp" {
        format!("{stem}.webp")
    } else {
        original.name.clone()
    };
    let mut lighter = Prepared {
        address: Rc::new(LocalAddress::new(&content)?),
        ..original.clone()
    };
    lighter.size = super::uploads::size(&content);
    lighter.content = content;
    lighter.media_type = media_type.to_owned();
    lighter.name = name;
    lighter.probe.dimensions = Some((size.width, size.height));
    Ok(Some(lighter))
}

async fn draw(image: &HtmlImageElement, size: Box2, media_type: &str) -> Result<Blob, Trouble> {
    let document = web_sys::window().and_then(|window| window.document());
    let document = document.ok_or_else(|| Trouble::Other("no page".to_owned()))?;
    let canvas: HtmlCanvasElement = document
        .create_element("canvas")
        .map_err(describe)?
        .unchecked_into();
    canvas.set_width(size.width);
    canvas.set_height(size.height);
    let context = canvas.get_context("2d").map_err(describe)?;
    let context: CanvasRenderingContext2d = context
        .ok_or_else(|| Trouble::Other("no canvas".to_owned()))?
        .unchecked_into();
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    context
        .draw_image_with_html_image_element_and_dw_and_dh(image, 0.0, 0.0, width, height)
        .map_err(describe)?;
    let written = Promise::new(&mut |resolve: Function, reject: Function| {
        if let Err(error) =
            canvas.to_blob_with_type_and_encoder_options(&resolve, media_type, &QUALITY.into())
        {
            // The other side of the promise hears it.
            drop(reject.call1(&JsValue::UNDEFINED, &error));
        }
    });
    JsFuture::from(written)
        .await
        .map_err(describe)?
        .dyn_into()
        .map_err(describe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photographs_are_written_anew_and_moving_pictures_are_not() {
        let size = |width, height| Box2 { width, height };
        assert_eq!(plan("image/jpeg", 800, 600), Some(("image/jpeg", size(800, 600))));
        assert_eq!(
            plan("image/jpeg", 6000, 4000),
            Some(("image/jpeg", size(2560, 1706)))
        );
        assert_eq!(plan("image/png", 800, 600), None);
        assert_eq!(
            plan("image/png", 1000, 8000),
            Some(("image/webp", size(320, 2560)))
        );
        assert_eq!(plan("image/gif", 4000, 4000), None);
    }
}
