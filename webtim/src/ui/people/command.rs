//! A command that a component started: whether it is under way, and why it did not work.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;

use yew::prelude::*;

use crate::i18n::{Lang, common};
use crate::model::Trouble;
use crate::store::{App, use_app};

#[derive(Clone, Debug, Default, PartialEq)]
struct State {
    busy: bool,
    trouble: Option<Trouble>,
}

/// Runs commands one at a time.
#[derive(Clone)]
pub struct Command {
    app: App,
    state: UseStateHandle<State>,
    /// Known at once, where the state is known only after drawing again: two quick clicks start one command.
    running: Rc<Cell<bool>>,
}

impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state
    }
}

impl Command {
    /// Whether one is under way.
    pub fn is_busy(&self) -> bool {
        self.state.busy
    }

    /// Why the last one did not work.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.state.trouble.as_ref()
    }

    /// The same as a text.
    pub fn error(&self, lang: Lang) -> Option<String> {
        self.trouble()
            .map(|trouble| common::trouble(lang, trouble))
            .filter(|text| !text.is_empty())
    }

    /// Runs a command unless one is under way, and `then` with what it gave.
    pub fn run<T: 'static>(
        &self,
        command: impl Future<Output = Result<T, Trouble>> + 'static,
        then: impl FnOnce(T) + 'static,
    ) {
        if self.running.replace(true) {
            return;
        }
        let (state, running) = (self.state.setter(), Rc::clone(&self.running));
        state.set(State {
            busy: true,
            trouble: None,
        });
        self.app.spawn(async move {
            let result = command.await;
            running.set(false);
            match result {
                Ok(value) => {
                    state.set(State::default());
                    then(value);
                }
                Err(trouble) => state.set(State {
                    busy: false,
                    trouble: Some(trouble),
                }),
            }
        });
    }
}

/// Runs commands of a component one at a time.
#[hook]
pub fn use_command() -> Command {
    let app = use_app();
    let state = use_state_eq(State::default);
    let running = use_memo((), |()| Cell::new(false));
    Command { app, state, running }
}
