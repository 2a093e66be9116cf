//! Accounts: registering them, logging in on devices, becoming friends.

use tim_protocol::packet;
use tim_protocol::packet::PacketType;
use tim_protocol::wire::{TimAck, TimAuth, TimReq};
use tim_protocol::{Encoding, ErrorCode};

use crate::server::Server;
use crate::{Client, Received, http, secrets};

/// Numbers of the operations of packet type 41, and of the lists they answer with.
pub mod operation {
    /// List of friends.
    pub const ROSTER: i32 = 1;
    /// Ask for friendship, or accept.
    pub const ADD: i32 = 4;
    /// Not a request: the answer that says "you are friends now".
    pub const FRIENDS: i64 = 5;
    /// End a friendship, decline a request, lift a block.
    pub const REMOVE: i32 = 6;
    /// Block.
    pub const BLOCK: i32 = 7;
    /// List of blocked accounts.
    pub const BLOCK_LIST: i32 = 18;
    /// Change the password.
    pub const PASSWORD: i32 = 21;
}

/// An account.
#[derive(Clone, Debug)]
pub struct Person {
    /// Login name.
    pub name: String,
    /// Password.
    pub password: String,
    /// Tenant.
    pub domain: Option<String>,
    /// Public address.
    pub node: String,
}

/// Sends a registration or token request to `/tim2`.
///
/// # Panics
/// When the answer is not one packet of type 12.
pub async fn ask(server: &Server, kind: PacketType, auth: &TimAuth, encoding: Encoding) -> TimAck {
    let body = packet::client_packet(kind, encoding, auth);
    let response = http::post(server.address(), "/tim2", &body).await;
    assert_eq!(response.status, 200, "{response:?}");
    Received::parse(&response.body.into(), encoding).ack()
}

impl Person {
    /// Registers an account with a name of its own.
    pub async fn register(server: &Server) -> Self {
        Self::register_in(server, None).await
    }

    /// Registers an account in a domain.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn register_in(server: &Server, domain: Option<&str>) -> Self {
        let number = secrets::unique();
        let mut person = Self {
            name: format!("{}{number}", secrets::NAME),
            password: format!("{}{number}", secrets::PASSWORD),
            domain: domain.map(str::to_owned),
            node: String::new(),
        };
        let answer = ask(
            server,
            PacketType::Register,
            &person.credentials(),
            Encoding::Compact,
        )
        .await;
        assert!(answer.ok, "{answer:?}");
        person.node = answer.n.expect("the new node");
        person
    }

    /// Name, password and domain.
    pub fn credentials(&self) -> TimAuth {
        TimAuth {
            name: Some(self.name.clone()),
            pwd: Some(self.password.clone()),
            domain: self.domain.clone(),
            ..TimAuth::default()
        }
    }

    /// The same with the name of a device.
    pub fn on_device(&self, resource: &str) -> TimAuth {
        TimAuth {
            resource: Some(resource.to_owned()),
            ..self.credentials()
        }
    }

    /// Logs in on the device `phone`.
    pub async fn login(&self, server: &Server, encoding: Encoding) -> Client {
        self.login_on(server, encoding, "phone").await
    }

    /// Logs in on a device. The backlog is not asked for.
    pub async fn login_on(&self, server: &Server, encoding: Encoding, resource: &str) -> Client {
        let mut client = Client::connect(server.address(), encoding).await;
        client.log_in(&self.on_device(resource)).await;
        client
    }

    /// Logs in on a device that acknowledges nothing by itself.
    pub async fn login_mute(&self, server: &Server, encoding: Encoding, resource: &str) -> Client {
        let mut client = Client::connect(server.address(), encoding).await;
        client.acknowledges = false;
        client.log_in(&self.on_device(resource)).await;
        client
    }
}

impl Client {
    /// Sends a login and takes its answer.
    pub async fn authenticate(&mut self, auth: &TimAuth) -> Received {
        self.send(PacketType::Auth, auth).await;
        self.expect(PacketType::Ack).await
    }

    /// Logs in.
    ///
    /// # Panics
    /// When the login is refused.
    pub async fn log_in(&mut self, auth: &TimAuth) -> TimAck {
        let answer = self.authenticate(auth).await.success(PacketType::Auth);
        self.node = answer.n.clone().expect("the own node");
        answer
    }

    /// Sends a request of type 41.
    pub async fn request(&mut self, rtype: i32, node: Option<&str>, text: Option<&str>) {
        let request = TimReq {
            rtype: Some(rtype),
            node: node.map(str::to_owned),
            req_str: text.map(str::to_owned),
            ..TimReq::default()
        };
        self.send(PacketType::Business, &request).await;
    }

    /// Asks for friendship or accepts. What the server answers is for the test to take.
    pub async fn add(&mut self, node: &str) {
        self.request(
            operation::ADD,
            Some(node),
            Some(&secrets::text("let us be friends")),
        )
        .await;
    }

    /// Does an operation on `node` that must succeed.
    pub async fn manage(&mut self, rtype: i32, node: &str) {
        self.request(rtype, Some(node), None).await;
        let answer = self.take(PacketType::Ack).await.success(PacketType::Business);
        assert_eq!(
            (answer.t, answer.n.as_deref()),
            (Some(i64::from(rtype)), Some(node))
        );
    }

    /// Does a request of type 41 that must be refused.
    pub async fn refused(&mut self, rtype: i32, node: Option<&str>, text: Option<&str>, code: ErrorCode) {
        self.request(rtype, node, text).await;
        self.take(PacketType::Ack)
            .await
            .refusal(PacketType::Business, code);
    }

    /// A list: friends or blocked accounts. An empty one is no packet, which the silence before the answer
    /// to a ping shows.
    pub async fn list(&mut self, rtype: i32) -> Vec<String> {
        self.request(rtype, None, None).await;
        let answer: Vec<Received> = self.drain().await;
        match &answer[..] {
            [] => Vec::new(),
            [one] => {
                let nodes = one.nodes();
                assert_eq!(nodes.ntype, if rtype == operation::ROSTER { 1 } else { 8 });
                let list = nodes.nodelist.expect("a list");
                assert!(!list.is_empty(), "an empty list is not sent");
                list
            }
            more => panic!("one list was expected: {more:?}"),
        }
    }
}

/// Makes friends of two sessions that have nothing waiting.
pub async fn befriend(a: &mut Client, b: &mut Client) {
    let (a_node, b_node) = (a.node.clone(), b.node.clone());
    a.add(&b_node).await;
    assert_eq!(b.expect(PacketType::Message).await.message().bn_type, Some(4));
    b.add(&a_node).await;
    let answer = b.expect(PacketType::Ack).await.success(PacketType::Business);
    assert_eq!(answer.t, Some(operation::FRIENDS));
    assert_eq!(a.expect(PacketType::Message).await.message().bn_type, Some(5));
}

/// Two new friends, both logged in on the device `phone`.
pub async fn friends(server: &Server, encoding: Encoding) -> (Pair, Client, Client) {
    let pair = Pair {
        a: Person::register(server).await,
        b: Person::register(server).await,
    };
    let mut a = pair.a.login(server, encoding).await;
    let mut b = pair.b.login(server, encoding).await;
    befriend(&mut a, &mut b).await;
    (pair, a, b)
}

/// Two accounts.
#[derive(Clone, Debug)]
pub struct Pair {
    /// One.
    pub a: Person,
    /// The other.
    pub b: Person,
}
