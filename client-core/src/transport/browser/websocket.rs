//! The WebSocket of a session: one binary message per packet. Browsers give no way to slow the other side down, so what
//! has not been read is bounded by ending the connection, and what has not been sent by watching `bufferedAmount`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{self, Future};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use js_sys::{Array, ArrayBuffer, Function, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use super::Connector;
use crate::runtime::script::{self, Sleep};
use crate::transport::Ended;

/// Bytes that may wait inside the browser to be sent.
const MAX_UNSENT: u32 = 256 << 10;
/// Pause before looking again whether the browser has sent something.
const UNSENT_PAUSE: Duration = Duration::from_millis(10);
/// Bytes that may wait to be read.
const MAX_UNREAD: usize = 64 << 20;
/// Browsers do not tell why.
const NOT_OPENED: &str = "no connection (is the server running?)";
/// Longest time to say goodbye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// An open connection, or one that is being opened. Dropping it closes it.
pub(crate) struct Connection {
    socket: WebSocket,
    arrivals: Rc<RefCell<Arrivals>>,
    /// While too much waits to be sent.
    pause: Option<Sleep>,
    handlers: Handlers,
}

/// What the events of the socket have brought.
#[derive(Default)]
struct Arrivals {
    is_open: bool,
    packets: VecDeque<Bytes>,
    bytes: usize,
    ended: Option<Ended>,
    waker: Option<Waker>,
}

struct Handlers {
    _open: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
    error: Closure<dyn FnMut()>,
}

impl Connector {
    /// Opens the connection of a session. The text of the error is for people.
    pub(crate) async fn open(self) -> Result<Connection, String> {
        let url = self.address.to_string();
        let opening = async {
            let mut connection = Connection::start(self.web_socket.as_ref(), &url)?;
            future::poll_fn(|cx| connection.poll_open(cx)).await?;
            Ok(connection)
        };
        match select(Box::pin(opening), Sleep::new(self.timeout)).await {
            Either::Left((opened, _)) => opened,
            Either::Right(_) => Err("no connection in time".to_owned()),
        }
        .map_err(|error| format!("{url}: {error}"))
    }
}

impl Connection {
    fn start(constructor: Option<&Function>, url: &str) -> Result<Self, String> {
        let constructor = match constructor {
            Some(constructor) => constructor.clone(),
            None => Reflect::get(&js_sys::global(), &"WebSocket".into())
                .ok()
                .and_then(|global| global.dyn_into::<Function>().ok())
                .ok_or("there is no WebSocket here; choose one in the settings of the client")?,
        };
        let socket: WebSocket = Reflect::construct(&constructor, &Array::of1(&url.into()))
            .map_err(|error| script::describe(&error))?
            .unchecked_into();
        socket.set_binary_type(BinaryType::Arraybuffer);
        let arrivals = Rc::new(RefCell::new(Arrivals::default()));
        let handlers = Handlers::attach(&socket, &arrivals);
        Ok(Self {
            socket,
            arrivals,
            pause: None,
            handlers,
        })
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        let mut arrivals = self.arrivals.borrow_mut();
        if let Some(ended) = &arrivals.ended {
            return Poll::Ready(Err(ended.reason.clone()));
        }
        if arrivals.is_open {
            return Poll::Ready(Ok(()));
        }
        arrivals.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Writes packets as far as the connection takes them. `Ready`: everything is on its way.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        mut next: impl FnMut() -> Option<Bytes>,
    ) -> Poll<Result<(), Ended>> {
        loop {
            while self.socket.buffered_amount() > MAX_UNSENT {
                if self.arrivals.borrow().ended.is_some() {
                    return Poll::Ready(Err(Ended::broken("closed")));
                }
                let pause = self.pause.get_or_insert_with(|| Sleep::new(UNSENT_PAUSE));
                if Pin::new(pause).poll(cx).is_pending() {
                    return Poll::Pending;
                }
                self.pause = None;
            }
            let Some(packet) = next() else {
                return Poll::Ready(Ok(()));
            };
            self.send(&packet)?;
        }
    }

    fn send(&self, packet: &[u8]) -> Result<(), Ended> {
        // A copy: browsers refuse views of memory that can grow or be shared.
        let packet = Uint8Array::from(packet);
        self.socket
            .send_with_array_buffer(&packet.buffer())
            .map_err(|error| Ended::broken(script::describe(&error)))
    }

    /// The next packet. Text messages are not packets of a server and are ignored.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Ended>> {
        let mut arrivals = self.arrivals.borrow_mut();
        if let Some(packet) = arrivals.packets.pop_front() {
            arrivals.bytes -= packet.len();
            return Poll::Ready(Ok(packet));
        }
        if let Some(ended) = &arrivals.ended {
            return Poll::Ready(Err(ended.clone()));
        }
        arrivals.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Writes what is left, says goodbye and waits for the answer, all within two seconds.
    pub(crate) async fn close(self, rest: VecDeque<Bytes>) {
        let is_open = self.arrivals.borrow().ended.is_none();
        if !is_open || rest.iter().any(|packet| self.send(packet).is_err()) {
            return;
        }
        // It fails for forbidden codes only.
        if self.socket.close_with_code(1000).is_err() {
            return;
        }
        let ended = future::poll_fn(|cx| {
            let mut arrivals = self.arrivals.borrow_mut();
            arrivals.packets.clear();
            arrivals.bytes = 0;
            if arrivals.ended.is_some() {
                return Poll::Ready(());
            }
            arrivals.waker = Some(cx.waker().clone());
            Poll::Pending
        });
        select(ended, Sleep::new(CLOSE_TIMEOUT)).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // An error may still come, of a socket that was being opened, and Node's `ws` ends the program when nobody
        // listens. The prototype of all functions is one that does nothing.
        let nothing = Object::get_prototype_of(self.handlers.error.as_ref());
        self.socket.set_onerror(Some(nothing.unchecked_ref()));
        // Without effect on a socket that is closed.
        if let Err(_forbidden_code) = self.socket.close() {}
    }
}

impl Handlers {
    fn attach(socket: &WebSocket, arrivals: &Rc<RefCell<Arrivals>>) -> Self {
        let open = Closure::<dyn FnMut()>::new({
            let arrivals = Rc::clone(arrivals);
            move || Arrivals::change(&arrivals, |arrivals| arrivals.is_open = true)
        });
        let message = Closure::<dyn FnMut(MessageEvent)>::new({
            let arrivals = Rc::clone(arrivals);
            move |event: MessageEvent| {
                if let Ok(buffer) = event.data().dyn_into::<ArrayBuffer>() {
                    let packet = Uint8Array::new(&buffer).to_vec().into();
                    Arrivals::change(&arrivals, |arrivals| arrivals.add(packet));
                }
            }
        });
        let close = Closure::<dyn FnMut(CloseEvent)>::new({
            let arrivals = Rc::clone(arrivals);
            move |event: CloseEvent| {
                Arrivals::change(&arrivals, |arrivals| {
                    // 1006 stands for everything about which browsers tell nothing.
                    let ended = match (event.code(), arrivals.is_open) {
                        (1006, true) => Ended::broken("the connection broke"),
                        (1006, false) => Ended::broken(NOT_OPENED),
                        (code, _) => Ended::by_server(code, &event.reason()),
                    };
                    arrivals.ended.get_or_insert(ended);
                });
            }
        });
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        // Node does not always report the end of what could not be opened. Of an open connection it says nothing that
        // the end does not say, but it must be there: without it Node's `ws` ends the program.
        let error = Closure::<dyn FnMut()>::new({
            let arrivals = Rc::clone(arrivals);
            move || {
                Arrivals::change(&arrivals, |arrivals| {
                    if !arrivals.is_open {
                        arrivals.ended.get_or_insert(Ended::broken(NOT_OPENED));
                    }
                });
            }
        });
        socket.set_onerror(Some(error.as_ref().unchecked_ref()));
        Self {
            _open: open,
            _message: message,
            _close: close,
            error,
        }
    }
}

impl Arrivals {
    /// Changes them and wakes the reader.
    fn change(arrivals: &RefCell<Self>, change: impl FnOnce(&mut Self)) {
        let mut arrivals = arrivals.borrow_mut();
        change(&mut arrivals);
        let waker = arrivals.waker.take();
        drop(arrivals);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn add(&mut self, packet: Bytes) {
        if self.ended.is_some() {
            return;
        }
        if self.bytes + packet.len() > MAX_UNREAD {
            // The server keeps what was not acknowledged.
            self.ended = Some(Ended::broken("more arrives than can be read"));
            return;
        }
        self.bytes += packet.len();
        self.packets.push_back(packet);
    }
}
