//! Cutting a picture to a square: moved by pointer, finger or arrow keys, enlarged by a slider or the wheel.

use std::rc::Rc;

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, CanvasRenderingContext2d, HtmlCanvasElement, HtmlInputElement, ImageBitmap};
use yew::prelude::*;

use super::crop::{Crop, SIDE, ZOOM_MAX};
use super::{ChosenPicture, Preview};
use crate::i18n::{common, people};
use crate::store::use_app;
use crate::ui::kit::{Button, ButtonKind, Dialog, Glyph, Icon, Spinner};
use crate::ui::use_lang;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct EditorProps {
    pub(super) blob: Blob,
    /// The cut picture, or nothing.
    pub(super) ondone: Callback<Option<ChosenPicture>>,
}

#[derive(Clone, PartialEq)]
enum Stage {
    Reading,
    Unreadable,
    Cutting(Rc<ImageBitmap>),
}

#[component]
pub(super) fn Editor(props: &EditorProps) -> Html {
    let app = use_app();
    let lang = use_lang();
    let stage = use_state(|| Stage::Reading);
    let crop = use_state(|| Crop::new(1, 1));
    let canvas = use_node_ref();
    let drag = use_state(|| None::<(i32, i32)>);

    use_effect_with((), {
        let (stage, crop, blob, app) = (stage.setter(), crop.setter(), props.blob.clone(), app.clone());
        move |()| {
            app.spawn(async move {
                match read(&blob).await {
                    Some(bitmap) => {
                        crop.set(Crop::new(bitmap.width(), bitmap.height()));
                        stage.set(Stage::Cutting(Rc::new(bitmap)));
                    }
                    None => stage.set(Stage::Unreadable),
                }
            });
        }
    });
    use_effect_with((*crop, (*stage).clone()), {
        let canvas = canvas.clone();
        move |(crop, stage)| {
            if let (Stage::Cutting(bitmap), Some(canvas)) = (stage, canvas.cast::<HtmlCanvasElement>()) {
                draw(&canvas, bitmap, *crop, SIDE);
            }
        }
    });

    let change = |step: f64, key: &str| match key {
        "ArrowLeft" => Some((-step, 0.0)),
        "ArrowRight" => Some((step, 0.0)),
        "ArrowUp" => Some((0.0, -step)),
        "ArrowDown" => Some((0.0, step)),
        _ => None,
    };
    let onkeydown = {
        let crop = crop.clone();
        Callback::from(move |event: KeyboardEvent| {
            let step = if event.shift_key() { 0.1 } else { 0.02 };
            if let Some((right, down)) = change(step, &event.key()) {
                event.prevent_default();
                crop.set(crop.moved(right, down));
            }
        })
    };
    let onpointerdown = {
        let drag = drag.setter();
        Callback::from(move |event: PointerEvent| {
            if let Some(canvas) = event.target_dyn_into::<web_sys::Element>() {
                // Without it a drag ends at the edge.
                drop(canvas.set_pointer_capture(event.pointer_id()));
            }
            drag.set(Some((event.client_x(), event.client_y())));
        })
    };
    let onpointermove = {
        let (drag, crop) = (drag.clone(), crop.clone());
        Callback::from(move |event: PointerEvent| {
            let (Some((x, y)), Some(canvas)) = (*drag, event.target_dyn_into::<web_sys::Element>()) else {
                return;
            };
            let side = f64::from(canvas.client_width()).max(1.0);
            let part = |from: i32, to: i32| f64::from(from - to) / side;
            crop.set(crop.moved(part(x, event.client_x()), part(y, event.client_y())));
            drag.set(Some((event.client_x(), event.client_y())));
        })
    };
    let onpointerup = {
        let drag = drag.setter();
        Callback::from(move |_: PointerEvent| drag.set(None))
    };
    let onwheel = {
        let crop = crop.clone();
        Callback::from(move |event: WheelEvent| {
            event.prevent_default();
            let factor = if event.delta_y() < 0.0 { 1.08 } else { 1.0 / 1.08 };
            crop.set(crop.zoomed(crop.zoom() * factor));
        })
    };
    let onzoom = {
        let crop = crop.clone();
        Callback::from(move |event: InputEvent| {
            let zoom = event
                .target_dyn_into::<HtmlInputElement>()
                .and_then(|input| input.value().parse().ok());
            if let Some(zoom) = zoom {
                crop.set(crop.zoomed(zoom));
            }
        })
    };
    let onuse = {
        let (stage, crop, ondone, app) = (stage.clone(), *crop, props.ondone.clone(), app.clone());
        Callback::from(move |_: MouseEvent| {
            let Stage::Cutting(bitmap) = &*stage else { return };
            let (bitmap, ondone, stage) = (Rc::clone(bitmap), ondone.clone(), stage.setter());
            app.spawn(async move {
                match cut(&bitmap, crop).await {
                    Some(chosen) => ondone.emit(Some(chosen)),
                    None => stage.set(Stage::Unreadable),
                }
            });
        })
    };
    let onclose = {
        let ondone = props.ondone.clone();
        Callback::from(move |()| ondone.emit(None))
    };
    let cancel = {
        let ondone = props.ondone.clone();
        Callback::from(move |_: MouseEvent| ondone.emit(None))
    };
    let ready = matches!(*stage, Stage::Cutting(_));
    let foot = html! {
        <>
            <Button onclick={cancel}>{ common::cancel(lang) }</Button>
            <Button kind={ButtonKind::Primary} disabled={!ready} onclick={onuse} test="use-picture">{ people::use_picture(lang) }</Button>
        </>
    };
    let body = match &*stage {
        Stage::Reading => {
            html! { <div class="crop-wait"><Spinner large=true label={common::loading(lang)} /></div> }
        }
        Stage::Unreadable => html! {
            <p class="notice notice-error" role="alert" data-test="picture-unreadable"><Icon glyph={Glyph::Warning} /><span>{ people::picture_unreadable(lang) }</span></p>
        },
        Stage::Cutting(_) => html! {
            <div class="stack">
                <canvas ref={canvas} class="crop" width={SIDE.to_string()} height={SIDE.to_string()} tabindex="0" role="img" aria-label={people::crop_hint(lang)}
                    {onkeydown} {onpointerdown} {onpointermove} onpointerup={onpointerup.clone()} onpointercancel={onpointerup} {onwheel} data-test="crop" />
                <label class="crop-zoom">
                    <Icon glyph={Glyph::ZoomIn} />
                    <span class="visually-hidden">{ people::crop_zoom(lang) }</span>
                    <input type="range" min="1" max={ZOOM_MAX.to_string()} step="0.02" value={crop.zoom().to_string()} oninput={onzoom} data-test="crop-zoom" />
                </label>
                <p class="field-hint">{ people::crop_hint(lang) }</p>
            </div>
        },
    };
    html! {
        <Dialog title={people::crop_title(lang)} {onclose} hold=true {foot} test="crop-dialog">{ body }</Dialog>
    }
}

async fn read(blob: &Blob) -> Option<ImageBitmap> {
    let promise = web_sys::window()?.create_image_bitmap_with_blob(blob).ok()?;
    let bitmap: ImageBitmap = JsFuture::from(promise).await.ok()?.dyn_into().ok()?;
    (bitmap.width() > 0 && bitmap.height() > 0).then_some(bitmap)
}

fn draw(canvas: &HtmlCanvasElement, bitmap: &ImageBitmap, crop: Crop, side: u32) {
    let Some(context) = canvas
        .get_context("2d")
        .ok()
        .flatten()
        .and_then(|context| context.dyn_into::<CanvasRenderingContext2d>().ok())
    else {
        return;
    };
    let square = crop.square();
    let side = f64::from(side);
    context.set_image_smoothing_enabled(true);
    // What is transparent would become black in a JPEG.
    context.set_fill_style_str("#ffffff");
    context.fill_rect(0.0, 0.0, side, side);
    // Fails only for a picture that was closed.
    drop(
        context.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
            bitmap,
            square.left,
            square.top,
            square.side,
            square.side,
            0.0,
            0.0,
            side,
            side,
        ),
    );
}

/// The chosen square as a JPEG of at most 512 by 512 pixels.
async fn cut(bitmap: &ImageBitmap, crop: Crop) -> Option<ChosenPicture> {
    let canvas: HtmlCanvasElement = web_sys::window()?
        .document()?
        .create_element("canvas")
        .ok()?
        .dyn_into()
        .ok()?;
    let side = crop.result_side();
    canvas.set_width(side);
    canvas.set_height(side);
    draw(&canvas, bitmap, crop, side);
    let blob = to_jpeg(&canvas).await?;
    let preview = Rc::new(Preview::of(&blob)?);
    Some(ChosenPicture::New { blob, preview })
}

async fn to_jpeg(canvas: &HtmlCanvasElement) -> Option<Blob> {
    let canvas = canvas.clone();
    let promise = js_sys::Promise::new(&mut move |resolve, reject| {
        let told = Closure::once_into_js(move |blob: JsValue| {
            // A promise that is settled already does not mind.
            drop(resolve.call1(&JsValue::UNDEFINED, &blob));
        });
        let asked = canvas.to_blob_with_type_and_encoder_options(
            told.unchecked_ref(),
            "image/jpeg",
            &JsValue::from_f64(0.88),
        );
        if asked.is_err() {
            drop(reject.call0(&JsValue::UNDEFINED));
        }
    });
    JsFuture::from(promise).await.ok()?.dyn_into().ok()
}
