//! What somebody is to the one who is signed in.

use tim_client::Node;

use super::{Model, Wish};

/// What somebody is to the one who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// It is oneself.
    Myself,
    /// Both have agreed.
    Friend,
    /// They ask for friendship.
    Asks,
    /// They were asked for friendship and have not answered.
    Asked,
    /// One has blocked them.
    Blocked,
    /// Nothing.
    Stranger,
}

impl Model {
    /// What somebody is to the one who is signed in.
    #[must_use]
    pub fn relation(&self, node: &Node) -> Relation {
        let asks = |from: &str, wish: &Wish| from == node.as_str() && *wish == Wish::Friend;
        if self.session.is_me(node) {
            Relation::Myself
        } else if self.people.blocked.contains(node) {
            Relation::Blocked
        } else if self.people.is_friend(node) {
            Relation::Friend
        } else if self
            .inbox
            .petitions()
            .iter()
            .any(|petition| asks(&petition.from, &petition.wish))
        {
            Relation::Asks
        } else if self.people.asked.contains(node) {
            Relation::Asked
        } else {
            Relation::Stranger
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Petition;

    #[test]
    fn the_strongest_relation_counts() {
        let mut model = Model::default();
        let node = Node::new("anna").unwrap();
        assert_eq!(model.relation(&node), Relation::Stranger);
        model.people.asked.insert(node.clone());
        assert_eq!(model.relation(&node), Relation::Asked);
        model.inbox.add(Petition {
            from: "anna".to_owned(),
            wish: Wish::Friend,
            text: String::new(),
            time: 1,
        });
        assert_eq!(model.relation(&node), Relation::Asks);
        model.people.friends.insert(node.clone());
        assert_eq!(model.relation(&node), Relation::Friend);
        model.people.blocked.insert(node.clone());
        assert_eq!(model.relation(&node), Relation::Blocked);
        model.session.me = Some(node.clone());
        assert_eq!(model.relation(&node), Relation::Myself);
    }
}
