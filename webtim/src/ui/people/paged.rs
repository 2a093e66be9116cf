//! A list that the server gives out in pages.

use std::future::Future;
use std::rc::Rc;

use tim_client::web::Page;
use yew::prelude::*;

use crate::model::Trouble;
use crate::store::use_app;

/// What has come so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Pages<T> {
    pub entries: Rc<Vec<T>>,
    /// Where the next page begins.
    next: Option<String>,
    pub stage: Stage,
}

/// How far the list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was asked for yet.
    Start,
    /// A page is on its way.
    Fetching,
    /// There is more.
    More,
    /// That is all.
    Complete,
    /// The server does not give this list out.
    Off,
    /// It did not work.
    Failed(Trouble),
}

impl<T: Clone> Pages<T> {
    fn new() -> Self {
        Self {
            entries: Rc::default(),
            next: None,
            stage: Stage::Start,
        }
    }

    fn fetching(&self) -> Self {
        Self {
            stage: Stage::Fetching,
            ..self.clone()
        }
    }

    /// A page came, or not.
    fn with(&self, answer: Result<Option<Page<T>>, Trouble>) -> Self {
        match answer {
            Ok(Some(page)) => {
                let mut entries = (*self.entries).clone();
                entries.extend(page.entries);
                Self {
                    entries: Rc::new(entries),
                    stage: if page.next.is_some() {
                        Stage::More
                    } else {
                        Stage::Complete
                    },
                    next: page.next,
                }
            }
            Ok(None) => Self {
                stage: Stage::Off,
                ..self.clone()
            },
            Err(trouble) => Self {
                stage: Stage::Failed(trouble),
                ..self.clone()
            },
        }
    }

    fn wants_more(&self) -> bool {
        matches!(self.stage, Stage::Start | Stage::More | Stage::Failed(_))
    }
}

/// The list so far, and what fetches the next page. The first one is fetched at once.
#[hook]
pub fn use_pages<T, F, R>(fetch: F) -> (Pages<T>, Callback<()>)
where
    T: Clone + PartialEq + 'static,
    F: Fn(Option<String>) -> R + 'static,
    R: Future<Output = Result<Option<Page<T>>, Trouble>> + 'static,
{
    let app = use_app();
    let pages = use_mut_ref(Pages::<T>::new);
    let update = use_force_update();
    let more = {
        let (pages, update, fetch) = (Rc::clone(&pages), update.clone(), Rc::new(fetch));
        Callback::from(move |()| {
            let present = pages.borrow().clone();
            if !present.wants_more() {
                return;
            }
            *pages.borrow_mut() = present.fetching();
            update.force_update();
            let (pages, update) = (Rc::clone(&pages), update.clone());
            let answer = fetch(present.next.clone());
            app.spawn(async move {
                let next = present.with(answer.await);
                *pages.borrow_mut() = next;
                update.force_update();
            });
        })
    };
    use_effect_with((), {
        let more = more.clone();
        move |()| more.emit(())
    });
    let present = pages.borrow().clone();
    (present, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_add_up_until_there_is_no_next_one() {
        let pages = Pages::<u8>::new();
        let page = |entries: Vec<u8>, next: Option<&str>| {
            Ok(Some(Page {
                entries,
                next: next.map(str::to_owned),
            }))
        };
        let first = pages.fetching().with(page(vec![1, 2], Some("b")));
        assert_eq!(
            (first.stage.clone(), first.next.as_deref()),
            (Stage::More, Some("b"))
        );
        let failed = first.with(Err(Trouble::Offline));
        assert!(failed.wants_more() && failed.entries.len() == 2);
        let second = failed.with(page(vec![3], None));
        assert_eq!(
            (second.entries.as_slice(), second.stage.clone()),
            ([1, 2, 3].as_slice(), Stage::Complete)
        );
        assert!(!second.wants_more() && !second.fetching().wants_more());
        assert_eq!(pages.with(Ok(None)).stage, Stage::Off);
    }
}
