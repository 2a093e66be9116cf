//! The table of calls. One row says everything about a call but what it does.

mod accounts;
mod contacts;
mod history;
mod messages;
mod people;
mod rooms;
mod server;
mod session;

use super::call::Call;

/// All calls, in the order of the document.
pub(super) fn all() -> Vec<Call> {
    let mut calls = session::calls();
    calls.extend(people::calls());
    calls.extend(accounts::calls());
    calls.extend(contacts::calls());
    calls.extend(rooms::calls());
    calls.extend(messages::calls());
    calls.extend(history::calls());
    calls.extend(server::calls());
    calls
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_call_has_its_own_name_and_place() {
        let calls = all();
        let names: HashSet<_> = calls.iter().map(|call| call.name).collect();
        let places: HashSet<_> = calls.iter().map(|call| (&call.method, call.path)).collect();
        assert_eq!((names.len(), places.len()), (calls.len(), calls.len()));
    }
}
