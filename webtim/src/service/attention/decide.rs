//! When a message may call for attention, and how loudly.

/// What arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Arrival {
    /// The own account sent it.
    pub own: bool,
    /// Its conversation is not to disturb.
    pub muted: bool,
    /// The reader is addressed by name.
    pub mentions_me: bool,
    /// The reader has turned it off everywhere: do not disturb.
    pub quiet: bool,
}

/// Where the person looks, in all tabs of the account together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Situation {
    /// Some tab is in sight.
    pub in_sight: bool,
    /// Some tab in sight shows the conversation.
    pub reading: bool,
    /// Milliseconds since the last sound.
    pub since_sound: Option<i64>,
}

/// What to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Call {
    /// Play the tone.
    pub sound: bool,
    /// Show a notice outside the page.
    pub popup: bool,
}

/// Time in which one tone speaks for all messages, in milliseconds.
const ONE_TONE: i64 = 2500;

/// How to call for attention.
pub(super) fn decide(arrival: Arrival, situation: Situation) -> Call {
    let silent = arrival.own || arrival.quiet || situation.reading || (arrival.muted && !arrival.mentions_me);
    if silent {
        return Call::default();
    }
    Call {
        sound: situation.since_sound.is_none_or(|time| time >= ONE_TONE),
        popup: !situation.in_sight,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: Call = Call {
        sound: true,
        popup: true,
    };

    #[test]
    fn a_message_calls_unless_it_is_being_read() {
        let hidden = Situation::default();
        assert_eq!(decide(Arrival::default(), hidden), LOUD);
        let elsewhere = Situation {
            in_sight: true,
            ..hidden
        };
        assert_eq!(
            decide(Arrival::default(), elsewhere),
            Call {
                sound: true,
                popup: false
            }
        );
        let reading = Situation {
            reading: true,
            ..elsewhere
        };
        assert_eq!(decide(Arrival::default(), reading), Call::default());
    }

    #[test]
    fn what_is_muted_or_own_stays_silent_unless_one_is_addressed() {
        let hidden = Situation::default();
        let muted = Arrival {
            muted: true,
            ..Arrival::default()
        };
        assert_eq!(decide(muted, hidden), Call::default());
        assert_eq!(
            decide(
                Arrival {
                    mentions_me: true,
                    ..muted
                },
                hidden
            ),
            LOUD
        );
        assert_eq!(
            decide(
                Arrival {
                    own: true,
                    ..Arrival::default()
                },
                hidden
            ),
            Call::default()
        );
        assert_eq!(
            decide(
                Arrival {
                    quiet: true,
                    mentions_me: true,
                    ..muted
                },
                hidden
            ),
            Call::default()
        );
    }

    #[test]
    fn many_messages_at_once_make_one_sound() {
        let at = |time| {
            decide(
                Arrival::default(),
                Situation {
                    since_sound: Some(time),
                    ..Situation::default()
                },
            )
            .sound
        };
        assert!(!at(0) && !at(2499) && at(2500));
    }
}
