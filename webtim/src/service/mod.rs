//! The connection, storage and other tabs: turns what the server tells into changes of the model, and what people
//! want into requests. It draws nothing.

mod account;
mod attention;
mod burning;
mod device;
mod events;
mod files;
mod groups;
mod messages;
mod people;
mod presence;
mod profiles;
mod session;
mod startup;
mod storage;
mod tabs;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tim_client::Client;
use tim_client::web::WebApi;

pub use self::files::{LocalAddress, MediaFailure, Prepared, Probe, Together};
pub(crate) use self::files::{Media, milliseconds};
pub use self::messages::RECALL_WINDOW;
pub use self::presence::MembersChange;

use crate::model::{Arrived, ChatId, Trouble};
use crate::store::Store;

/// Talks to the server on behalf of the components. Clones are the same service.
#[derive(Clone)]
pub struct Service {
    store: Store,
    inner: Rc<Inner>,
}

type Listener = Rc<dyn Fn(&ChatId, &Arrived)>;

/// What is under way. Everything that is drawn is in the model instead.
struct Inner {
    api: WebApi,
    client: RefCell<Option<Client>>,
    device: device::Device,
    profiles: RefCell<profiles::Wanted>,
    sync: RefCell<tabs::Unsent>,
    delivered: Cell<u64>,
    storing: Cell<bool>,
    /// Lists and histories of this session are there, or being fetched.
    started: Cell<bool>,
    arrivals: RefCell<Vec<Listener>>,
    attention: attention::Attention,
    files: files::Files,
}

impl Service {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            inner: Rc::new(Inner {
                api: WebApi::of_page(),
                client: RefCell::default(),
                device: device::Device::default(),
                profiles: RefCell::default(),
                sync: RefCell::default(),
                delivered: Cell::default(),
                storing: Cell::default(),
                started: Cell::default(),
                arrivals: RefCell::default(),
                attention: attention::Attention::default(),
                files: files::Files::default(),
            }),
        }
    }

    /// The store whose model this service changes.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The connection of the present session.
    ///
    /// # Errors
    /// [`Trouble::SignedOut`].
    pub fn client(&self) -> Result<Client, Trouble> {
        self.inner.client.borrow().clone().ok_or(Trouble::SignedOut)
    }

    /// The HTTP API of the server that served the page.
    #[must_use]
    pub fn api(&self) -> &WebApi {
        &self.inner.api
    }

    /// Calls `told` for every new message of others, from now on until the page ends: live ones and those that waited.
    pub fn on_arrival(&self, told: impl Fn(&ChatId, &Arrived) + 'static) {
        self.inner.arrivals.borrow_mut().push(Rc::new(told));
    }

    pub(crate) fn attention(&self) -> &attention::Attention {
        &self.inner.attention
    }

    pub(crate) fn files(&self) -> &files::Files {
        &self.inner.files
    }

    fn arrived(&self, chat: &ChatId, arrived: &Arrived) {
        let listeners = self.inner.arrivals.borrow().clone();
        for told in listeners {
            told(chat, arrived);
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        wasm_bindgen_futures::spawn_local(task);
    }
}

/// Milliseconds since the Unix epoch.
#[must_use]
#[allow(clippy::cast_possible_truncation)] // Whole milliseconds, small enough for two hundred thousand years.
pub fn now() -> i64 {
    js_sys::Date::now() as i64
}
