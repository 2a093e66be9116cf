//! What people do, step by step: the steps, and scripts made of them by a seed. A step names people, devices,
//! rooms and messages by number, so that it keeps its meaning when a step before it is left out; one
//! that has lost its meaning does nothing.

use std::fmt;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Rooms of one script.
pub(crate) const ROOMS: usize = 4;

/// A user on one of its devices.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) user: usize,
    pub(crate) number: usize,
}

/// How a message is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// To a user.
    User(usize),
    /// To a user, as a fellow member of a room.
    Fellow { user: usize, room: usize },
    /// To a room.
    Room(usize),
}

/// What is done to a room.
#[derive(Clone, Debug)]
pub(crate) enum RoomDeed {
    Create { private: bool },
    Join,
    Leave,
    Block,
    Dissolve,
    Pull(usize),
    Reject(usize),
    Kick(usize),
    BlockMember(usize),
    Appoint(Vec<usize>),
}

/// What one user does to another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FriendDeed {
    Add,
    Remove,
    Block,
}

/// One step.
#[derive(Clone)]
pub(crate) enum Step {
    Friend {
        by: Device,
        deed: FriendDeed,
        whom: usize,
    },
    Room {
        by: Device,
        deed: RoomDeed,
        room: usize,
    },
    /// Messages `first..first + count`, sent without waiting.
    Say {
        by: Device,
        to: Address,
        first: usize,
        count: usize,
    },
    /// The same message with the same `id` again.
    Repeat {
        by: Device,
        message: usize,
    },
    Recall {
        by: Device,
        message: usize,
    },
    LogOff(Device),
    LogOn(Device),
    Restart,
    /// The server is killed and started again.
    Crash,
    /// All lists and histories are read.
    Look,
}

/// People, their devices and what they do.
#[derive(Clone)]
pub(crate) struct Script {
    /// Devices of each user.
    pub(crate) devices: Vec<usize>,
    /// Whether the first device of the first user speaks JSON; neighbours differ.
    pub(crate) json_first: bool,
    pub(crate) steps: Vec<Step>,
}

impl Script {
    /// The script of a seed.
    pub(crate) fn generate(seed: u64, length: usize) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let users = random.random_range(4..=6);
        let devices: Vec<usize> = (0..users).map(|_| random.random_range(1..=2)).collect();
        let json_first = random.random();
        let mut writer = Writer {
            devices: &devices,
            random,
            authors: Vec::new(),
            founders: [None; ROOMS],
        };
        // Without some friends and rooms most steps would be refused.
        let mut steps: Vec<Step> = writer.opening();
        while steps.len() < length {
            steps.extend(writer.steps());
        }
        Self {
            devices,
            json_first,
            steps,
        }
    }
}

struct Writer<'a> {
    devices: &'a [usize],
    random: StdRng,
    /// Who sends each message.
    authors: Vec<usize>,
    /// Who founds each room, unless its request does not arrive.
    founders: [Option<usize>; ROOMS],
}

impl Writer<'_> {
    fn user(&mut self) -> usize {
        self.random.random_range(0..self.devices.len())
    }

    fn other_than(&mut self, user: usize) -> usize {
        (user + self.random.random_range(1..self.devices.len())) % self.devices.len()
    }

    fn room(&mut self) -> usize {
        self.random.random_range(0..ROOMS)
    }

    fn device(&mut self) -> Device {
        let user = self.user();
        self.device_of(user)
    }

    fn device_of(&mut self, user: usize) -> Device {
        let number = self.random.random_range(0..self.devices[user]);
        Device { user, number }
    }

    fn opening(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        for _ in 0..3 {
            let a = self.user();
            let b = self.other_than(a);
            for (user, whom) in [(a, b), (b, a)] {
                let by = self.device_of(user);
                let deed = FriendDeed::Add;
                steps.push(Step::Friend { by, deed, whom });
            }
        }
        for room in 0..ROOMS - 1 {
            let by = self.device();
            self.founders[room] = Some(by.user);
            let private = self.random.random();
            let deed = RoomDeed::Create { private };
            steps.push(Step::Room { by, deed, room });
            // The last one stays empty, so that it can be dissolved.
            for _ in room..2 {
                let whom = self.other_than(by.user);
                let deed = RoomDeed::Pull(whom);
                steps.push(Step::Room { by, deed, room });
            }
        }
        steps
    }

    /// Mostly one step.
    fn steps(&mut self) -> Vec<Step> {
        let room = self.room();
        match self.founders[room] {
            Some(founder) if self.random.random_ratio(1, 60) => self.ending(room, founder),
            _ => vec![self.step()],
        }
    }

    /// A founder removes everybody from a room and dissolves it.
    fn ending(&mut self, room: usize, founder: usize) -> Vec<Step> {
        let by = self.device_of(founder);
        let others = (0..self.devices.len()).filter(|&user| user != founder);
        let deeds = others.map(RoomDeed::Kick).chain([RoomDeed::Dissolve]);
        deeds.map(|deed| Step::Room { by, deed, room }).collect()
    }

    fn step(&mut self) -> Step {
        let by = self.device();
        match self.random.random_range(0..100) {
            0..14 => {
                let deed = match self.random.random_range(0..10) {
                    0..6 => FriendDeed::Add,
                    6..8 => FriendDeed::Remove,
                    _ => FriendDeed::Block,
                };
                let whom = self.other_than(by.user);
                Step::Friend { by, deed, whom }
            }
            14..46 => {
                let room = self.room();
                let by = match self.founders[room] {
                    Some(founder) if self.random.random_ratio(2, 5) => self.device_of(founder),
                    _ => by,
                };
                let deed = self.room_deed(by.user);
                if matches!(deed, RoomDeed::Create { .. }) {
                    self.founders[room].get_or_insert(by.user);
                }
                Step::Room { by, deed, room }
            }
            46..70 => {
                let to = match self.random.random_range(0..10) {
                    0..4 => Address::User(self.other_than(by.user)),
                    4..6 => Address::Fellow {
                        user: self.other_than(by.user),
                        room: self.room(),
                    },
                    _ => Address::Room(self.room()),
                };
                let count = match self.random.random_range(0..8) {
                    0 => self.random.random_range(2..=14),
                    _ => 1,
                };
                let first = self.authors.len();
                self.authors.extend(vec![by.user; count]);
                Step::Say { by, to, first, count }
            }
            70..83 => {
                let message = self.message();
                let by = match self.authors.get(message) {
                    Some(&author) if self.random.random_ratio(3, 4) => self.device_of(author),
                    _ => by,
                };
                match self.random.random_range(0..3) {
                    0 => Step::Repeat { by, message },
                    _ => Step::Recall { by, message },
                }
            }
            83..91 => Step::LogOff(by),
            91..98 => Step::LogOn(by),
            98 => Step::Look,
            _ if self.random.random_ratio(1, 4) => Step::Restart,
            _ if self.random.random_ratio(1, 3) => Step::Crash,
            _ => Step::Look,
        }
    }

    fn room_deed(&mut self, user: usize) -> RoomDeed {
        // Now and then somebody means itself, which is to be refused.
        let whom = match self.random.random_range(0..20) {
            0 => user,
            _ => self.other_than(user),
        };
        match self.random.random_range(0..40) {
            0..3 => RoomDeed::Create {
                private: self.random.random(),
            },
            3..11 => RoomDeed::Join,
            11..19 => RoomDeed::Pull(whom),
            19..22 => RoomDeed::Reject(whom),
            22..26 => RoomDeed::Kick(whom),
            26..29 => RoomDeed::Leave,
            29..31 => RoomDeed::Block,
            31..34 => RoomDeed::BlockMember(whom),
            34..36 => RoomDeed::Dissolve,
            _ => {
                let count = self.random.random_range(0..3);
                RoomDeed::Appoint((0..count).map(|_| self.user()).collect())
            }
        }
    }

    /// One of the latest messages, so that most are still there.
    fn message(&mut self) -> usize {
        let count = self.authors.len();
        let latest = count.saturating_sub(6);
        self.random.random_range(latest..count.max(1))
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            0 => write!(f, "u{}", self.user),
            number => write!(f, "u{} (device {number})", self.user),
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Friend { by, deed, whom } => match deed {
                FriendDeed::Add => write!(f, "{by:?} asks u{whom} to be friends"),
                FriendDeed::Remove => write!(f, "{by:?} removes friend u{whom}"),
                FriendDeed::Block => write!(f, "{by:?} blocks u{whom}"),
            },
            Self::Room { by, deed, room } => match deed {
                RoomDeed::Create { private: true } => write!(f, "{by:?} creates r{room}, private"),
                RoomDeed::Create { private: false } => write!(f, "{by:?} creates r{room}, open"),
                RoomDeed::Join => write!(f, "{by:?} joins r{room}"),
                RoomDeed::Leave => write!(f, "{by:?} leaves r{room}"),
                RoomDeed::Block => write!(f, "{by:?} blocks r{room}"),
                RoomDeed::Dissolve => write!(f, "{by:?} dissolves r{room}"),
                RoomDeed::Pull(whom) => write!(f, "{by:?} pulls u{whom} into r{room}"),
                RoomDeed::Reject(whom) => write!(f, "{by:?} rejects u{whom} in r{room}"),
                RoomDeed::Kick(whom) => write!(f, "{by:?} kicks u{whom} from r{room}"),
                RoomDeed::BlockMember(whom) => write!(f, "{by:?} blocks u{whom} in r{room}"),
                RoomDeed::Appoint(whom) => write!(f, "{by:?} appoints {whom:?} managers of r{room}"),
            },
            Self::Say { by, to, first, count } => {
                match to {
                    Address::User(user) => write!(f, "{by:?} writes to u{user}")?,
                    Address::Fellow { user, room } => write!(f, "{by:?} writes to u{user} within r{room}")?,
                    Address::Room(room) => write!(f, "{by:?} speaks in r{room}")?,
                }
                match count {
                    1 => write!(f, ": m{first}"),
                    _ => write!(f, ": m{first} to m{}", first + count - 1),
                }
            }
            Self::Repeat { by, message } => write!(f, "{by:?} repeats m{message}"),
            Self::Recall { by, message } => write!(f, "{by:?} recalls m{message}"),
            Self::LogOff(device) => write!(f, "{device:?} logs off"),
            Self::LogOn(device) => write!(f, "{device:?} logs on"),
            Self::Restart => write!(f, "the server restarts"),
            Self::Crash => write!(f, "the server is killed and starts again"),
            Self::Look => write!(f, "everybody looks at lists and histories"),
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "devices of each user: {:?}, the first speaks {}",
            self.devices,
            if self.json_first { "JSON" } else { "compact" }
        )?;
        for step in &self.steps {
            writeln!(f, "    {step:?}")?;
        }
        Ok(())
    }
}
