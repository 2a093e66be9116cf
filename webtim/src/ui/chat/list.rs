//! The messages of a conversation: a scrolled list of which only the rows in sight, and some beyond, are drawn. What one
//! looks at stays in its place when older messages come in above or pictures get their size; the end stays in sight for
//! those who look at the end.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlElement, ResizeObserver};
use yew::prelude::*;

use super::items::{Item, items};
use super::layout::{Hold, Layout};
use super::row::Row;
use crate::i18n::{chat as texts, common, numbers};
use crate::model::{ChatId, Past, RowId};
use crate::store::{use_app, use_select};
use crate::ui::kit::{Button, ButtonKind, Glyph, Icon, Spinner};
use crate::ui::media::use_names;
use crate::ui::use_lang;

/// A guess at the height of a message, in pixels.
const ESTIMATE: f64 = 64.0;
/// Older messages are fetched when fewer pixels than this are left above.
const AHEAD: f64 = 1200.0;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct MessageListProps {
    pub chat: ChatId,
    /// What the list is called for screen readers.
    pub label: AttrValue,
}

/// Where the list is. It survives drawing and causes none.
struct Place {
    layout: Layout,
    hold: Hold,
    /// Height and width of the part in sight.
    height: f64,
    width: f64,
    drawn: Range<usize>,
    rows: Rc<Vec<Item>>,
    /// A quoted message to be gone to once it is there.
    wanted: Option<i64>,
    marked: Option<RowId>,
    /// The mark of new messages has been gone to.
    started: bool,
}

#[component]
pub(super) fn MessageList(props: &MessageListProps) -> Html {
    let lang = use_lang();
    let app = use_app();
    let update = use_force_update();
    let scroller = use_node_ref();
    let inside = use_node_ref();
    let (above, below) = (use_node_ref(), use_node_ref());
    let names = use_names(&props.chat);

    let state = use_select({
        let chat = props.chat.clone();
        move |model| {
            model
                .chats
                .get(&chat)
                .map(|chat| (chat.revision(), chat.past().clone(), chat.is_current()))
        }
    });
    let (revision, past, is_current) = (*state).clone().unwrap_or((0, Past::Complete, true));
    // Midnight makes today yesterday.
    let today = crate::i18n::dates::day_of(crate::service::now());
    let rows = use_memo((props.chat.clone(), revision, today), {
        let app = app.clone();
        move |(chat, _, _)| app.model().chats.get(chat).map(items).unwrap_or_default()
    });

    let place = use_mut_ref(|| Place {
        layout: Layout::new(ESTIMATE),
        hold: Hold::Bottom,
        height: 800.0,
        width: 0.0,
        drawn: 0..0,
        rows: Rc::default(),
        wanted: None,
        marked: None,
        started: false,
    });
    let drawn = {
        let mut place = place.borrow_mut();
        if !Rc::ptr_eq(&place.rows, &rows) {
            place.take(&rows, is_current);
        }
        let scrolled = place.layout.scroll(place.hold, place.height);
        place.drawn = place.layout.drawn(scrolled, place.height);
        place.drawn.clone()
    };

    // Puts everything where it belongs once the rows are in the page, and again when one of them changes its size.
    let settle = {
        let (scroller, inside, above, below) =
            (scroller.clone(), inside.clone(), above.clone(), below.clone());
        let (place, update) = (Rc::clone(&place), update.clone());
        Rc::new(move || {
            let (Some(scroller), Some(inside)) =
                (scroller.cast::<HtmlElement>(), inside.cast::<HtmlElement>())
            else {
                return;
            };
            let Ok(mut place) = place.try_borrow_mut() else {
                return;
            };
            let (height, width) = (
                f64::from(scroller.client_height()),
                f64::from(scroller.client_width()),
            );
            if (place.width - width).abs() > 1.0 {
                place.layout.forget();
                place.width = width;
            }
            place.height = height;
            place.layout.measured(measure(&inside));
            let layout = &place.layout;
            pad(&above, layout.start(place.drawn.start));
            pad(&below, layout.total() - layout.start(place.drawn.end));
            let target = layout.scroll(place.hold, height);
            // What stands above the rows (the beginning, or what is being fetched) is not part of the layout.
            let target = target + lead(&inside);
            if (f64::from(scroller.scroll_top()) - target).abs() > 1.0 {
                #[allow(clippy::cast_possible_truncation)] // Pixels of a list.
                scroller.set_scroll_top(target.round() as i32);
            }
            if layout.drawn(layout.scroll(place.hold, height), height) != place.drawn {
                drop(place);
                update.force_update();
            }
        })
    };
    use_effect({
        let settle = Rc::clone(&settle);
        move || settle()
    });
    use_effect_with(props.chat.clone(), {
        let (scroller, inside) = (scroller.clone(), inside.clone());
        move |_| {
            let again = Closure::<dyn Fn()>::new(move || settle());
            let observer = ResizeObserver::new(again.as_ref().unchecked_ref()).ok();
            if let Some(observer) = &observer {
                for element in [scroller.cast::<web_sys::Element>(), inside.cast()]
                    .into_iter()
                    .flatten()
                {
                    observer.observe(&element);
                }
            }
            move || {
                if let Some(observer) = observer {
                    observer.disconnect();
                }
                drop(again);
            }
        }
    });

    let read = use_reader(&props.chat, &place);
    use_effect_with((revision, is_current), {
        let read = read.clone();
        move |_| read()
    });

    let older = {
        let (app, chat) = (app.clone(), props.chat.clone());
        Rc::new(move || app.service().load_older(&chat))
    };
    // A quoted message that is not there yet, and a list that does not fill its place, need more of the past.
    use_effect_with((revision, past.clone()), {
        let (place, older, update) = (Rc::clone(&place), Rc::clone(&older), update.clone());
        move |(_, past): &(u64, Past)| {
            let mut place = place.borrow_mut();
            if let Some(mid) = place.wanted
                && place.go_to(mid)
            {
                drop(place);
                update.force_update();
                return;
            }
            let is_short = place.layout.total() < place.height && !place.rows.is_empty();
            match past {
                Past::More if is_short || place.wanted.is_some() => {
                    drop(place);
                    older();
                }
                // It is nowhere.
                Past::Complete => place.wanted = None,
                _ => {}
            }
        }
    });

    let onscroll = {
        let (scroller, inside, place, update) = (
            scroller.clone(),
            inside.clone(),
            Rc::clone(&place),
            update.clone(),
        );
        let (older, read, past) = (Rc::clone(&older), read.clone(), past.clone());
        Callback::from(move |_: Event| {
            let (Some(scroller), Some(inside)) =
                (scroller.cast::<HtmlElement>(), inside.cast::<HtmlElement>())
            else {
                return;
            };
            let mut place = place.borrow_mut();
            let height = f64::from(scroller.client_height());
            let scrolled = (f64::from(scroller.scroll_top()) - lead(&inside)).max(0.0);
            let was_at_end = place.hold == Hold::Bottom;
            place.height = height;
            place.hold = place.layout.hold(scrolled, height);
            let is_stale = place.layout.drawn(scrolled, height) != place.drawn
                || was_at_end != (place.hold == Hold::Bottom);
            drop(place);
            if scrolled < AHEAD && past == Past::More {
                older();
            }
            read();
            if is_stale {
                update.force_update();
            }
        })
    };
    let tonewest = {
        let (place, update) = (Rc::clone(&place), update.clone());
        Callback::from(move |_: MouseEvent| {
            place.borrow_mut().hold = Hold::Bottom;
            update.force_update();
        })
    };
    let onquote = {
        let (place, update, older) = (Rc::clone(&place), update, Rc::clone(&older));
        Callback::from(move |mid: i64| {
            let mut place = place.borrow_mut();
            place.wanted = Some(mid);
            if place.go_to(mid) {
                drop(place);
                update.force_update();
            } else {
                drop(place);
                older();
            }
        })
    };

    let place = place.borrow();
    let is_at_end = place.hold == Hold::Bottom;
    let unseen = use_select({
        let chat = props.chat.clone();
        move |model| model.chats.get(&chat).map_or(0, crate::model::Chat::unread)
    });
    let drawn_rows = rows.get(drawn).unwrap_or_default().iter().map(|item| {
        html! {
            <Row key={item.row} chat={props.chat.clone()} item={item.clone()} names={Rc::clone(&names)}
                marked={place.marked == Some(item.row)} onquote={onquote.clone()} />
        }
    });
    let head = match &past {
        Past::Fetching | Past::More if !rows.is_empty() => html! {
            <div class="list-lead"><Spinner label={texts::loading_older(lang)} /></div>
        },
        Past::Failed(trouble) => {
            let onclick = Callback::from(move |_: MouseEvent| older());
            html! {
                <div class="list-lead" role="alert">
                    <span>{ texts::older_failed(lang, &common::trouble(lang, trouble)) }</span>
                    <Button small={true} kind={ButtonKind::Quiet} {onclick}>{ common::retry(lang) }</Button>
                </div>
            }
        }
        Past::Complete if !rows.is_empty() => {
            html! { <div class="list-lead">{ texts::beginning(lang) }</div> }
        }
        _ => Html::default(),
    };
    html! {
        <div class="messages-box">
            <div ref={scroller} class="messages" role="log" aria-live="off" aria-label={props.label.clone()} tabindex="0" {onscroll}
                data-test="messages">
                <div ref={inside} class="messages-inside">
                    { head }
                    if rows.is_empty() { <Empty chat={props.chat.clone()} {past} /> }
                    <div key="above" ref={above} class="virtual-pad" role="presentation" />
                    { for drawn_rows }
                    <div key="below" ref={below} class="virtual-pad" role="presentation" />
                </div>
            </div>
            if !is_at_end {
                <button type="button" class="to-newest" onclick={tonewest} data-test="jump-newest"
                    aria-label={if *unseen > 0 { texts::to_newest_count(lang, *unseen) } else { texts::to_newest(lang).to_owned() }}>
                    <Icon glyph={Glyph::ToBottom} />
                    if *unseen > 0 { <span class="badge">{ numbers::badge(*unseen) }</span> }
                </button>
            }
        </div>
    }
}

impl Place {
    fn take(&mut self, rows: &Rc<Vec<Item>>, is_current: bool) {
        let newest_before = self.rows.last().map(|item| item.row);
        self.layout.set_rows(rows.iter().map(|item| item.row));
        self.rows = Rc::clone(rows);
        let is_own_new = rows.last().is_some_and(|last| {
            last.message.mine && last.message.mid.is_none() && Some(last.row) > newest_before
        });
        if is_own_new {
            // Who writes wants to see it.
            self.hold = Hold::Bottom;
        }
        if !self.started && is_current {
            self.started = true;
            if let Some(first) = rows.iter().find(|item| item.new) {
                self.hold = Hold::Row(first.row, 48.0);
            }
        }
    }

    /// Goes to the message with that number. `false`: it is not there.
    fn go_to(&mut self, mid: i64) -> bool {
        let Some(item) = self.rows.iter().find(|item| item.message.mid == Some(mid)) else {
            return false;
        };
        self.hold = Hold::Row(item.row, self.height / 3.0);
        self.marked = Some(item.row);
        self.wanted = None;
        true
    }

    /// The largest number in sight.
    fn newest_in_sight(&self) -> Option<i64> {
        let scrolled = self.layout.scroll(self.hold, self.height);
        let (last, _) = self.layout.at(scrolled + self.height - 1.0)?;
        self.rows
            .get(..=last)?
            .iter()
            .rev()
            .find_map(|item| item.message.mid)
    }
}

/// Says what was read, whenever it is called while the page has the attention of the person, and when it gets it.
#[hook]
fn use_reader(chat: &ChatId, place: &Rc<RefCell<Place>>) -> Rc<dyn Fn()> {
    let app = use_app();
    let read: Rc<dyn Fn()> = {
        let (chat, place) = (chat.clone(), Rc::clone(place));
        Rc::new(move || {
            if !is_attended() {
                return;
            }
            let newest = place.try_borrow().ok().and_then(|place| place.newest_in_sight());
            if let Some(mid) = newest {
                app.service().mark_read(&chat, mid);
            }
        })
    };
    use_effect_with(chat.clone(), {
        let read = Rc::clone(&read);
        move |_| {
            let window = web_sys::window();
            let document = window.as_ref().and_then(web_sys::Window::document);
            let on_focus = {
                let read = Rc::clone(&read);
                window.map(|window| EventListener::new(&window, "focus", move |_| read()))
            };
            let on_show =
                document.map(|document| EventListener::new(&document, "visibilitychange", move |_| read()));
            move || drop((on_focus, on_show))
        }
    });
    read
}

/// Whether somebody looks at the page.
fn is_attended() -> bool {
    web_sys::window()
        .and_then(|window| window.document())
        .is_some_and(|document| !document.hidden() && document.has_focus().unwrap_or(false))
}

/// Heights of the rows that are in the page.
fn measure(inside: &HtmlElement) -> Vec<(RowId, f64)> {
    let mut heights = Vec::new();
    let children = inside.children();
    for number in 0..children.length() {
        if let Some(child) = children.item(number)
            && let Some(row) = child.get_attribute("data-row").and_then(|row| row.parse().ok())
        {
            heights.push((row, child.get_bounding_client_rect().height()));
        }
    }
    heights
}

/// Pixels above the first row: what is said about older messages.
fn lead(inside: &HtmlElement) -> f64 {
    inside
        .query_selector(":scope > .list-lead")
        .ok()
        .flatten()
        .map_or(0.0, |lead| lead.get_bounding_client_rect().height())
}

fn pad(node: &NodeRef, height: f64) {
    if let Some(element) = node.cast::<HtmlElement>() {
        // A well-formed length is not refused.
        drop(
            element
                .style()
                .set_property("height", &format!("{:.1}px", height.max(0.0))),
        );
    }
}

#[derive(Clone, PartialEq, Properties)]
struct EmptyProps {
    chat: ChatId,
    past: Past,
}

/// A conversation without messages.
#[component]
fn Empty(props: &EmptyProps) -> Html {
    let lang = use_lang();
    let chat = props.chat.clone();
    let (name, is_me) = (*use_select(move |model| {
        (
            model.chat_name(&chat),
            chat.peer().is_some_and(|peer| model.session.is_me(peer)),
        )
    }))
    .clone();
    if props.past != Past::Complete {
        return html! { <div class="chat-empty"><Spinner large={true} label={common::loading(lang)} /></div> };
    }
    let text = match &props.chat {
        ChatId::Room(_) => texts::empty_group(lang).to_owned(),
        ChatId::System => texts::nothing_yet(lang).to_owned(),
        ChatId::Peer(_) if is_me => texts::empty_notes(lang).to_owned(),
        ChatId::Peer(_) => texts::empty_chat(lang, &name),
    };
    html! { <p class="chat-empty muted" data-test="chat-empty">{ text }</p> }
}
