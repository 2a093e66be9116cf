//! One device of one person: what it is told to do.

use std::sync::Arc;

use tim_tests::{Encoding, Person, Server};

use crate::ledger::Ledger;

/// A device.
pub(crate) struct Device {
    /// Where it connects.
    pub(crate) server: Arc<Server>,
    /// Where it writes down what it sent and saw.
    pub(crate) ledger: Arc<Ledger>,
    /// Whose it is.
    pub(crate) me: Person,
    /// Whom it writes to.
    pub(crate) peer: String,
    /// Its name.
    pub(crate) resource: &'static str,
    /// Messages on their way at a time; 0: it only reads.
    pub(crate) window: usize,
    /// How it speaks.
    pub(crate) encoding: Encoding,
    /// What failures call it.
    pub(crate) label: String,
}
