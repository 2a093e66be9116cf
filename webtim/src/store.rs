//! The model of this tab, and who wants to know when it changes. Everything runs on the one thread of the page.

use std::cell::{Cell, Ref, RefCell};
use std::future::Future;
use std::rc::Rc;

use yew::functional::{hook, use_context, use_effect_with, use_force_update, use_mut_ref};

use crate::model::{Model, Toast, Trouble};
use crate::service::Service;

type Subscriber = Rc<dyn Fn()>;

/// Holds the model. Clones are the same store.
#[derive(Clone, Default)]
pub struct Store {
    inner: Rc<Inner>,
}

#[derive(Default)]
struct Inner {
    model: RefCell<Model>,
    subscribers: RefCell<Vec<(u64, Subscriber)>>,
    next: Cell<u64>,
    /// A round of telling everybody is already on its way.
    scheduled: Cell<bool>,
}

/// Ends a subscription when it is dropped.
#[must_use = "the subscription ends when this is dropped"]
pub struct Subscription {
    store: Store,
    number: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.store
            .inner
            .subscribers
            .borrow_mut()
            .retain(|(number, _)| *number != self.number);
    }
}

impl Store {
    /// The model, to look at. Must not be held across an await or a change.
    #[must_use]
    pub fn model(&self) -> Ref<'_, Model> {
        self.inner.model.borrow()
    }

    /// Changes the model. Those who selected something that is different now are drawn again at the end of the
    /// present turn of the event loop.
    pub fn change<R>(&self, change: impl FnOnce(&mut Model) -> R) -> R {
        let result = change(&mut self.inner.model.borrow_mut());
        self.schedule();
        result
    }

    /// Calls `told` after every round of changes.
    pub fn subscribe(&self, told: impl Fn() + 'static) -> Subscription {
        let number = self.inner.next.replace(self.inner.next.get() + 1);
        self.inner.subscribers.borrow_mut().push((number, Rc::new(told)));
        Subscription {
            store: self.clone(),
            number,
        }
    }

    /// Tells everybody now. For tests and for what cannot wait for the end of the turn.
    pub fn tell(&self) {
        self.inner.scheduled.set(false);
        let subscribers: Vec<_> = self
            .inner
            .subscribers
            .borrow()
            .iter()
            .map(|(_, told)| Rc::clone(told))
            .collect();
        for told in subscribers {
            told();
        }
    }

    #[cfg(target_arch = "wasm32")]
    fn schedule(&self) {
        if !self.inner.scheduled.replace(true) {
            let store = self.clone();
            wasm_bindgen_futures::spawn_local(async move { store.tell() });
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn schedule(&self) {
        self.inner.scheduled.set(true);
    }
}

/// What components have in hand: the store, and the service that talks to the server. Clones are the same.
#[derive(Clone)]
pub struct App {
    store: Store,
    service: Service,
}

impl PartialEq for App {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.store.inner, &other.store.inner)
    }
}

impl App {
    /// The application of this tab.
    #[must_use]
    pub fn new() -> Self {
        let store = Store::default();
        let service = Service::new(store.clone());
        Self { store, service }
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What talks to the server.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The model, to look at in event handlers; [`use_select`] is for what is drawn.
    #[must_use]
    pub fn model(&self) -> Ref<'_, Model> {
        self.store.model()
    }

    /// Changes the model, see [`Store::change`].
    pub fn change<R>(&self, change: impl FnOnce(&mut Model) -> R) -> R {
        self.store.change(change)
    }

    /// Runs a future in the background. It ends with the page, not with the component.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        wasm_bindgen_futures::spawn_local(future);
    }

    /// Runs a command in the background and shows its failure as a toast.
    pub fn attempt<T>(&self, command: impl Future<Output = Result<T, Trouble>> + 'static) {
        let app = self.clone();
        self.spawn(async move {
            if let Err(trouble) = command.await {
                app.change(|model| model.toasts.add(Toast::Failed(trouble)));
            }
        });
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

/// The application, in any component below the root.
#[hook]
#[allow(clippy::expect_used)] // A component outside the root is a mistake of the program, found on its first start.
pub fn use_app() -> App {
    use_context::<App>().expect("components are drawn below the root")
}

type Selector<T> = Box<dyn Fn(&Model) -> T>;

struct Selected<T> {
    value: Option<Rc<T>>,
    select: Option<Selector<T>>,
}

/// What `select` takes out of the model; the component is drawn again when that becomes another value.
///
/// It is evaluated often and, shortly before a component disappears, for things that are already gone: it has to be
/// cheap and to take an absence calmly.
#[hook]
pub fn use_select<T, F>(select: F) -> Rc<T>
where
    T: PartialEq + 'static,
    F: Fn(&Model) -> T + 'static,
{
    let app = use_app();
    let update = use_force_update();
    let selected = use_mut_ref(|| Selected::<T> {
        value: None,
        select: None,
    });

    let fresh = select(&app.model());
    let value = {
        let mut selected = selected.borrow_mut();
        selected.select = Some(Box::new(select));
        match &selected.value {
            Some(value) if **value == fresh => Rc::clone(value),
            _ => {
                let value = Rc::new(fresh);
                selected.value = Some(Rc::clone(&value));
                value
            }
        }
    };

    use_effect_with((), move |()| {
        let store = app.store().clone();
        let check = move || {
            let differs = {
                let selected = selected.borrow();
                let fresh = selected.select.as_ref().map(|select| select(&store.model()));
                fresh.as_ref() != selected.value.as_deref()
            };
            if differs {
                update.force_update();
            }
        };
        // Between drawing and this effect something may have changed.
        check();
        let subscription = app.store().subscribe(check);
        move || drop(subscription)
    });
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_tells_every_subscriber_once_until_it_leaves() {
        let store = Store::default();
        let told = Rc::new(Cell::new(0));
        let subscription = store.subscribe({
            let told = Rc::clone(&told);
            move || told.set(told.get() + 1)
        });
        store.change(|model| model.navigation.back());
        store.change(|model| model.navigation.back());
        store.tell();
        assert_eq!(told.get(), 1);
        drop(subscription);
        store.tell();
        assert_eq!(told.get(), 1);
    }

    #[test]
    fn a_subscriber_may_leave_and_change_the_model_while_it_is_told() {
        let store = Store::default();
        let own: Rc<RefCell<Option<Subscription>>> = Rc::default();
        let subscription = store.subscribe({
            let (store, own) = (store.clone(), Rc::clone(&own));
            move || {
                store.change(|model| model.navigation.back());
                own.borrow_mut().take();
            }
        });
        *own.borrow_mut() = Some(subscription);
        store.tell();
        assert!(own.borrow().is_none());
    }
}
