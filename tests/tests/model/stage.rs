//! Plays a script on a real server: real accounts, real sockets, and after every step a comparison with the
//! model. It answers what was different instead of panicking, so that the script can be made shorter.

mod looks;
mod requests;
mod sights;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tim_tests::{Client, Encoding, Person, Received, Server};

use crate::model::{Mistake, Model, Sight, Verdict};
use crate::script::{Device, ROOMS, Script, Step};
use requests::Reply;

/// What was different, or what broke.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// So many steps are done at most before everybody reads.
const STEPS_UNREAD: usize = 8;

/// Plays a script with new accounts. What is missing is waited for as long as `patience`.
pub(crate) async fn play(
    server: &Arc<Server>,
    script: &Script,
    mistake: Mistake,
    patience: Duration,
) -> Outcome {
    let (server, script) = (Arc::clone(server), script.clone());
    // A task of its own: what the testkit panics about is a difference like any other.
    let task = tokio::spawn(async move {
        let mut stage = Stage::set_up(&server, &script, mistake, patience).await?;
        stage.run(&script).await
    });
    match task.await {
        Ok(outcome) => outcome,
        Err(error) => {
            let panic = error.into_panic();
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            Err(text.unwrap_or_else(|| "a panic".to_owned()))
        }
    }
}

struct Stage {
    server: Arc<Server>,
    people: Vec<Person>,
    /// Connections of the devices that are online.
    clients: Vec<Vec<Option<Client>>>,
    /// What devices have seen that was not compared yet.
    seen: Vec<Vec<Vec<Sight>>>,
    /// What devices have seen and was compared.
    known: Vec<Vec<Vec<Sight>>>,
    has_crashed: bool,
    rooms: Vec<Option<String>>,
    model: Model,
    json_first: bool,
    patience: Duration,
}

impl Stage {
    async fn set_up(
        server: &Arc<Server>,
        script: &Script,
        mistake: Mistake,
        patience: Duration,
    ) -> Outcome<Self> {
        let mut stage = Self {
            server: Arc::clone(server),
            people: Vec::new(),
            clients: Vec::new(),
            seen: script
                .devices
                .iter()
                .map(|&count| vec![Vec::new(); count])
                .collect(),
            known: script
                .devices
                .iter()
                .map(|&count| vec![Vec::new(); count])
                .collect(),
            has_crashed: false,
            rooms: vec![None; ROOMS],
            model: Model::new(script, mistake),
            json_first: script.json_first,
            patience,
        };
        for &count in &script.devices {
            stage.people.push(Person::register(server).await);
            stage.clients.push((0..count).map(|_| None).collect());
        }
        for device in stage.devices() {
            stage.log_on(device).await?;
        }
        Ok(stage)
    }

    async fn run(&mut self, script: &Script) -> Outcome {
        let mut unread = 0;
        for step in &script.steps {
            let at = |what: String| format!("at the step `{step:?}`: {what}");
            unread += 1;
            if Model::unsettles(step) || unread > STEPS_UNREAD {
                self.settle_all().await.map_err(at)?;
                unread = 0;
            }
            self.step(step).await.map_err(at)?;
        }
        let at = |what: String| format!("in the end: {what}");
        self.settle_all().await.map_err(at)?;
        for device in self.devices() {
            self.come_back(device).await.map_err(at)?;
        }
        self.look().await.map_err(at)
    }

    fn devices(&self) -> Vec<Device> {
        let of = |(user, clients): (usize, &Vec<Option<Client>>)| {
            (0..clients.len()).map(move |number| Device { user, number })
        };
        self.clients.iter().enumerate().flat_map(of).collect()
    }

    fn client(&mut self, device: Device) -> Outcome<&mut Client> {
        let client = self.clients[device.user][device.number].as_mut();
        client.ok_or_else(|| format!("{device:?} is offline"))
    }

    fn node(&self, user: usize) -> &str {
        &self.people[user].node
    }

    fn room(&self, room: usize) -> Outcome<&str> {
        self.rooms[room]
            .as_deref()
            .ok_or_else(|| format!("r{room} was not created"))
    }

    fn user_at(&self, node: &str) -> Outcome<usize> {
        let at = self.people.iter().position(|person| person.node == node);
        at.ok_or_else(|| format!("{node} is nobody here"))
    }

    fn room_at(&self, node: &str) -> Outcome<usize> {
        let at = self.rooms.iter().position(|room| room.as_deref() == Some(node));
        at.ok_or_else(|| format!("{node} is no room here"))
    }

    async fn step(&mut self, step: &Step) -> Outcome {
        match step {
            Step::LogOff(device) => {
                self.model.online[device.user][device.number] = false;
                if let Some(client) = self.clients[device.user][device.number].take() {
                    client.close().await;
                }
                return Ok(());
            }
            Step::LogOn(device) => return self.come_back(*device).await,
            Step::Restart => {
                let status = self.server.stop();
                if !status.success() {
                    return Err(format!("the server ended with {status}"));
                }
                return self.start_again().await;
            }
            Step::Crash => {
                self.server.kill();
                self.has_crashed = true;
                return self.start_again().await;
            }
            Step::Look => return self.look().await,
            _ => {}
        }
        let verdict = self.model.apply(step);
        let (by, replies) = match (step, &verdict) {
            (_, Verdict::Skip) => return Ok(()),
            (Step::Friend { by, deed, whom }, _) => {
                (*by, vec![self.do_friend(*by, *deed, *whom, &verdict).await?])
            }
            (Step::Room { by, deed, room }, _) => {
                (*by, vec![self.do_room(*by, deed, *room, &verdict).await?])
            }
            (Step::Say { by, to, first, count }, _) => {
                let mut replies = Vec::new();
                for number in *first..first + count {
                    replies.push(self.do_say(*by, *to, number, &verdict).await?);
                }
                (*by, replies)
            }
            (Step::Repeat { by, message }, _) => {
                let sent = self.model.sent(*message).ok_or("no such message")?;
                (*by, vec![self.do_say(*by, sent.to, *message, &verdict).await?])
            }
            (Step::Recall { by, message }, _) => (*by, vec![self.do_recall(*by, *message, &verdict).await?]),
            _ => return Ok(()),
        };
        let replies: Vec<Reply> = replies.into_iter().flatten().collect();
        let answers = self.answers(by, replies.len()).await?;
        self.compare(step, &replies, &answers)
    }

    /// The answers to a request, of which there must be so many, when the device has also seen what it has to.
    async fn answers(&mut self, by: Device, count: usize) -> Outcome<Vec<Received>> {
        let patient_until = Instant::now() + self.patience;
        let mut answers = Vec::new();
        loop {
            answers.extend(self.read(by).await?);
            let due = self.model.due[by.user][by.number].len();
            let has_all = answers.len() >= count && self.seen[by.user][by.number].len() >= due;
            if has_all || answers.len() > count || Instant::now() > patient_until {
                return Ok(answers);
            }
            self.wait(by).await?;
        }
    }

    async fn log_on(&mut self, device: Device) -> Outcome {
        let json = (usize::from(self.json_first) + device.user + device.number) % 2 == 1;
        let encoding = if json { Encoding::Json } else { Encoding::Compact };
        let resource = ["phone", "tablet"][device.number];
        let person = &self.people[device.user];
        let mut client = person.login_on(&self.server, encoding, resource).await;
        let batches = client.offline().await;
        self.clients[device.user][device.number] = Some(client);
        self.model.online[device.user][device.number] = true;
        for batch in batches {
            if batch.len() > 10 {
                return Err(format!("{device:?} got {} messages at once", batch.len()));
            }
            for message in batch {
                if message.is_offline != Some(true) {
                    return Err(format!("not marked as offline: {message:?}"));
                }
                let sight = self.sight(device, &message)?;
                self.seen[device.user][device.number].push(sight);
            }
        }
        if self.has_crashed {
            self.forget_repeats(device);
        }
        self.settle(device).await
    }

    async fn come_back(&mut self, device: Device) -> Outcome {
        if self.model.online[device.user][device.number] {
            return Ok(());
        }
        self.log_on(device).await
    }

    async fn start_again(&mut self) -> Outcome {
        self.server.run();
        for device in self.devices() {
            if self.clients[device.user][device.number].take().is_some() {
                self.log_on(device).await?;
            }
        }
        Ok(())
    }
}
