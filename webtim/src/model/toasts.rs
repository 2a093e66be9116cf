//! Brief notices. The component that draws one removes it when its time is over.

use super::{Done, News, Trouble};

/// Names a toast.
pub type ToastId = u64;

/// A brief notice. Its text is made where it is drawn, in the language of that moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Toast {
    /// Something did not work.
    Failed(Trouble),
    /// A text was copied.
    Copied,
    /// Something worked whose effect is not on the screen.
    Done(Done),
    /// Something happened with friends or groups.
    News(News),
}

/// The notices on the screen, the newest last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Toasts {
    next: ToastId,
    shown: Vec<(ToastId, Toast)>,
}

impl Toasts {
    const MOST: usize = 4;

    /// The notices on the screen, the newest last.
    #[must_use]
    pub fn shown(&self) -> &[(ToastId, Toast)] {
        &self.shown
    }

    /// Shows one more. The same twice in a row is shown once, and of too many the oldest goes.
    pub fn add(&mut self, toast: Toast) {
        self.shown.retain(|(_, shown)| *shown != toast);
        self.shown.push((self.next, toast));
        self.next += 1;
        if self.shown.len() > Self::MOST {
            self.shown.remove(0);
        }
    }

    /// Takes one away.
    pub fn remove(&mut self, id: ToastId) {
        self.shown.retain(|(shown, _)| *shown != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_notice_is_shown_once() {
        let mut toasts = Toasts::default();
        toasts.add(Toast::Copied);
        toasts.add(Toast::Failed(Trouble::TimedOut));
        toasts.add(Toast::Copied);
        let shown: Vec<_> = toasts.shown().iter().map(|(_, toast)| toast.clone()).collect();
        assert_eq!(shown, [Toast::Failed(Trouble::TimedOut), Toast::Copied]);
    }
}
