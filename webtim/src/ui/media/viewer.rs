//! The viewer: one picture over everything else, with its neighbours in the conversation. Arrow keys and swipes go on, wheel,
//! keys and a double click zoom, dragging moves what is zoomed, Escape closes.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, HtmlElement, PointerEvent, WheelEvent};
use yew::prelude::*;

use super::download::{DownloadButton, DownloadState};
use crate::fields::{File, Shown};
use crate::i18n::{common, media};
use crate::model::{ChatId, Model};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Glyph, IconButton, focus};
use crate::ui::use_lang;

const LARGEST: f64 = 8.0;

/// Swiping so far goes to the next picture, in pixels.
const SWIPE: f64 = 60.0;

#[derive(Clone, PartialEq, Properties)]
pub struct ViewerProps {
    pub chat: ChatId,
    /// The picture that is seen first.
    pub file: AttrValue,
    pub onclose: Callback<()>,
}

/// Where the picture is: its scale, and how far it was moved.
#[derive(Clone, Copy, Debug, PartialEq)]
struct View {
    scale: f64,
    x: f64,
    y: f64,
}

impl Default for View {
    fn default() -> Self {
        Self {
            scale: 1.0,
            x: 0.0,
            y: 0.0,
        }
    }
}

impl View {
    /// Zooms by a factor; the point, counted from the middle, stays where it is.
    fn zoomed(self, factor: f64, x: f64, y: f64) -> Self {
        let scale = (self.scale * factor).clamp(1.0, LARGEST);
        if scale <= 1.0 {
            return Self::default();
        }
        let ratio = scale / self.scale;
        Self {
            scale,
            x: x - (x - self.x) * ratio,
            y: y - (y - self.y) * ratio,
        }
    }

    /// Keeps the middle of the window inside the picture.
    fn within(self, width: f64, height: f64) -> Self {
        let most = |side: f64| side * self.scale / 2.0;
        Self {
            x: self.x.clamp(-most(width), most(width)),
            y: self.y.clamp(-most(height), most(height)),
            ..self
        }
    }
}

/// The pictures of a conversation, as far as it is loaded. Those to be burned are not among them.
fn pictures(model: &Model, chat: &ChatId) -> Vec<Rc<File>> {
    let messages = model.chats.get(chat).into_iter().flat_map(|chat| chat.messages());
    messages
        .filter_map(|message| message.content())
        .filter(|content| !content.burn)
        .filter_map(|content| content.file.clone())
        .filter(|file| file.shown() == Shown::Picture)
        .collect()
}

#[component]
pub fn Viewer(props: &ViewerProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let dialog = use_node_ref();
    let image = use_node_ref();
    let stage = use_node_ref();
    let view = use_mut_ref(View::default);
    let drag = use_mut_ref(|| None::<(f64, f64, View)>);
    let present = use_state(|| props.file.to_string());
    let revision = {
        let chat = props.chat.clone();
        use_select(move |model| model.chats.get(&chat).map(crate::model::Chat::revision))
    };
    let list = {
        let (app, chat) = (app, props.chat.clone());
        use_memo(revision, move |_| pictures(&app.model(), &chat))
    };
    let at = list.iter().position(|file| file.id == *present);
    let onclose = props.onclose.clone();

    use_effect_with((), {
        let dialog = dialog.clone();
        move |()| {
            let before = web_sys::window()
                .and_then(|window| window.document())
                .and_then(|document| document.active_element())
                .and_then(|element| element.dyn_into::<HtmlElement>().ok());
            let dialog = dialog.cast::<HtmlDialogElement>();
            if let Some(dialog) = &dialog {
                // Fails only for an element that is not in the page.
                drop(dialog.show_modal());
                focus(dialog);
            }
            move || {
                if let Some(dialog) = dialog {
                    dialog.close();
                }
                if let Some(before) = before {
                    focus(&before);
                }
            }
        }
    });
    // It was recalled while it was looked at.
    use_effect_with(at.is_none(), {
        let onclose = onclose.clone();
        move |gone| {
            if *gone {
                onclose.emit(());
            }
        }
    });

    let apply = {
        let (view, image) = (view.clone(), image.clone());
        Rc::new(move |next: View| {
            if let Some(image) = image.cast::<HtmlElement>() {
                let next = next.within(f64::from(image.offset_width()), f64::from(image.offset_height()));
                *view.borrow_mut() = next;
                let transform = format!(
                    "translate({:.1}px, {:.1}px) scale({:.3})",
                    next.x, next.y, next.scale
                );
                // Well-formed values are not refused.
                drop(image.style().set_property("transform", &transform));
                drop(
                    image
                        .class_list()
                        .toggle_with_force("viewer-zoomed", next.scale > 1.0),
                );
            }
        })
    };
    let zoom = {
        let (apply, view) = (Rc::clone(&apply), view.clone());
        Rc::new(move |factor: f64, x: f64, y: f64| {
            let next = view.borrow().zoomed(factor, x, y);
            apply(next);
        })
    };
    let go = {
        let (list, present, apply) = (Rc::clone(&list), present.clone(), Rc::clone(&apply));
        Rc::new(move |step: isize| {
            let next = at
                .and_then(|at| at.checked_add_signed(step))
                .and_then(|at| list.get(at));
            if let Some(next) = next {
                apply(View::default());
                present.set(next.id.clone());
            }
        })
    };
    let button = |action: Rc<dyn Fn()>| Callback::from(move |_: MouseEvent| action());
    let zoom_in = button(Rc::new({
        let zoom = Rc::clone(&zoom);
        move || zoom(1.5, 0.0, 0.0)
    }));
    let zoom_out = button(Rc::new({
        let zoom = Rc::clone(&zoom);
        move || zoom(1.0 / 1.5, 0.0, 0.0)
    }));
    let next = button(Rc::new({
        let go = Rc::clone(&go);
        move || go(1)
    }));
    let previous = button(Rc::new({
        let go = Rc::clone(&go);
        move || go(-1)
    }));
    let close = button(Rc::new({
        let onclose = onclose.clone();
        move || onclose.emit(())
    }));

    let onkeydown = {
        let (go, zoom, apply, onclose) = (
            Rc::clone(&go),
            Rc::clone(&zoom),
            Rc::clone(&apply),
            onclose.clone(),
        );
        Callback::from(move |event: KeyboardEvent| {
            match event.key().as_str() {
                "ArrowRight" | "PageDown" => go(1),
                "ArrowLeft" | "PageUp" => go(-1),
                "+" | "=" => zoom(1.5, 0.0, 0.0),
                "-" => zoom(1.0 / 1.5, 0.0, 0.0),
                "0" => apply(View::default()),
                "Escape" => onclose.emit(()),
                _ => return event.stop_propagation(),
            }
            event.prevent_default();
            event.stop_propagation();
        })
    };
    let oncancel = Callback::from({
        let onclose = onclose.clone();
        move |event: Event| {
            event.prevent_default();
            onclose.emit(());
        }
    });
    let onwheel = {
        let (zoom, stage) = (Rc::clone(&zoom), stage.clone());
        Callback::from(move |event: WheelEvent| {
            event.prevent_default();
            let (x, y) = from_middle(&stage, &event);
            zoom(if event.delta_y() < 0.0 { 1.2 } else { 1.0 / 1.2 }, x, y);
        })
    };
    let ondblclick = {
        let (zoom, apply, view, stage) = (zoom, Rc::clone(&apply), view.clone(), stage.clone());
        Callback::from(move |event: MouseEvent| {
            let (x, y) = from_middle(&stage, &event);
            let scale = view.borrow().scale;
            if scale > 1.0 {
                apply(View::default())
            } else {
                zoom(2.5, x, y)
            }
        })
    };
    let onpointerdown = {
        let (drag, view, stage) = (drag.clone(), view.clone(), stage.clone());
        Callback::from(move |event: PointerEvent| {
            if event.button() == 0 {
                if let Some(stage) = stage.cast::<web_sys::Element>() {
                    // Without it the drag ends at the edge.
                    drop(stage.set_pointer_capture(event.pointer_id()));
                }
                *drag.borrow_mut() = Some((
                    f64::from(event.client_x()),
                    f64::from(event.client_y()),
                    *view.borrow(),
                ));
            }
        })
    };
    let onpointermove = {
        let (drag, apply) = (drag.clone(), Rc::clone(&apply));
        Callback::from(move |event: PointerEvent| {
            let start = *drag.borrow();
            if let Some((x, y, view)) = start.filter(|(_, _, view)| view.scale > 1.0) {
                let (dx, dy) = (f64::from(event.client_x()) - x, f64::from(event.client_y()) - y);
                apply(View {
                    x: view.x + dx,
                    y: view.y + dy,
                    ..view
                });
            }
        })
    };
    let onpointerup = {
        let (drag, onclose, stage) = (drag.clone(), onclose, stage.clone());
        Callback::from(move |event: PointerEvent| {
            let Some((x, y, view)) = drag.borrow_mut().take() else {
                return;
            };
            let (dx, dy) = (f64::from(event.client_x()) - x, f64::from(event.client_y()) - y);
            if view.scale > 1.0 {
                return;
            }
            if dx.abs() > SWIPE && dx.abs() > dy.abs() {
                go(if dx < 0.0 { 1 } else { -1 });
            } else if dx.abs() < 5.0 && dy.abs() < 5.0 && is_beside(&stage, &event) {
                onclose.emit(());
            }
        })
    };
    let onpointercancel = Callback::from(move |_: PointerEvent| *drag.borrow_mut() = None);

    let Some((at, file)) = at.and_then(|at| Some((at, list.get(at)?))) else {
        return html! { <dialog ref={dialog} class="viewer" aria-label={media::viewer(lang)} /> };
    };
    let place = if list.len() > 1 {
        media::viewer_place(lang, at + 1, list.len())
    } else {
        String::new()
    };
    html! {
        <dialog ref={dialog} class="viewer" tabindex="-1" aria-modal="true" aria-label={media::viewer(lang)} {onkeydown} {oncancel} data-test="viewer">
            <header class="viewer-head">
                <div class="viewer-title">
                    <span class="truncate">{ file.name.clone() }</span>
                    <span class="viewer-facts">
                        <DownloadState key={file.id.clone()} file={Rc::clone(file)} otherwise={place} />
                    </span>
                </div>
                <IconButton glyph={Glyph::ZoomOut} label={media::zoom_out(lang)} onclick={zoom_out} test="viewer-zoom-out" />
                <IconButton glyph={Glyph::ZoomIn} label={media::zoom_in(lang)} onclick={zoom_in} test="viewer-zoom-in" />
                <DownloadButton key={file.id.clone()} file={Rc::clone(file)} />
                <IconButton glyph={Glyph::Close} label={common::close(lang)} onclick={close} test="viewer-close" />
            </header>
            <div ref={stage} class="viewer-stage" {onwheel} {ondblclick} {onpointerdown} {onpointermove} {onpointerup} {onpointercancel}>
                <img ref={image} class="viewer-image" src={file.address()} alt={media::picture_named(lang, &file.name)} draggable="false" data-test="viewer-image" />
            </div>
            if at > 0 {
                <div class="viewer-side viewer-previous"><IconButton glyph={Glyph::ChevronLeft} label={media::previous_picture(lang)} onclick={previous} test="viewer-previous" /></div>
            }
            if at + 1 < list.len() {
                <div class="viewer-side viewer-next"><IconButton glyph={Glyph::ChevronRight} label={media::next_picture(lang)} onclick={next} test="viewer-next" /></div>
            }
        </dialog>
    }
}

/// Where the pointer is, counted from the middle of the stage.
fn from_middle(stage: &NodeRef, event: &MouseEvent) -> (f64, f64) {
    let Some(stage) = stage.cast::<web_sys::Element>() else {
        return (0.0, 0.0);
    };
    let place = stage.get_bounding_client_rect();
    let x = f64::from(event.client_x()) - place.left() - place.width() / 2.0;
    let y = f64::from(event.client_y()) - place.top() - place.height() / 2.0;
    (x, y)
}

/// Whether the pointer is on the stage, but not on the picture.
fn is_beside(stage: &NodeRef, event: &PointerEvent) -> bool {
    let image = stage
        .cast::<web_sys::Element>()
        .and_then(|stage| stage.query_selector("img").ok().flatten());
    let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
    image.is_some_and(|image| {
        let place = image.get_bounding_client_rect();
        x < place.left() || x > place.right() || y < place.top() || y > place.bottom()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_the_point_under_the_pointer() {
        let view = View::default().zoomed(2.0, 100.0, 0.0);
        assert_eq!(
            view,
            View {
                scale: 2.0,
                x: -100.0,
                y: 0.0
            }
        );
        assert_eq!(view.zoomed(0.1, 0.0, 0.0), View::default());
        assert_eq!(View::default().zoomed(100.0, 0.0, 0.0).scale, LARGEST);
    }

    #[test]
    fn a_picture_cannot_be_lost_at_the_edge() {
        let view = View {
            scale: 2.0,
            x: 5000.0,
            y: -5000.0,
        }
        .within(400.0, 300.0);
        assert_eq!((view.x, view.y), (400.0, -300.0));
    }
}
