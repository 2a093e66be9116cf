//! The connection, storage and other tabs: turns what the server tells into changes of the model, and what people
//! want into requests. It draws nothing.

use crate::store::Store;

/// Talks to the server on behalf of the components. Clones are the same service.
#[derive(Clone)]
pub struct Service {
    store: Store,
}

impl Service {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// The store whose model this service changes.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }
}
