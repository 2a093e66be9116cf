//! Brief notices as texts.

use tim_client::{Node, RoomId};

use super::{Lang, account, common, groups, people};
use crate::model::{Done, Model, News, Toast};

/// The text of a notice, with the names that are known now.
#[must_use]
pub fn toast(lang: Lang, model: &Model, toast: &Toast) -> String {
    match toast {
        Toast::Failed(trouble) => common::trouble(lang, trouble),
        Toast::Copied => common::copied(lang).to_owned(),
        Toast::Done(done) => self::done(lang, model, done),
        Toast::News(news) => self::news(lang, model, news),
    }
}

/// What happened with friends or groups.
#[must_use]
pub fn news(lang: Lang, model: &Model, news: &News) -> String {
    let name = |node: &Node| model.people.name(node);
    let topic = |room: &RoomId| model.rooms.name(room);
    match news {
        News::FriendRequest(node) => people::news_request(lang, &name(node)),
        News::FriendsNow(node) => people::news_friends(lang, &name(node)),
        News::FriendRemoved(node) => people::news_removed(lang, &name(node)),
        News::BlockedBy(node) => people::news_blocked(lang, &name(node)),
        News::JoinRequest(room, node) => groups::news_join_request(lang, &name(node), &topic(room)),
        News::Joined(room) => groups::news_joined(lang, &topic(room)),
        News::JoinRefused(room, reason) if reason.trim().is_empty() => {
            groups::news_refused(lang, &topic(room))
        }
        News::JoinRefused(room, reason) => groups::news_refused_reason(lang, &topic(room), reason.trim()),
        News::Added(room, None) => groups::news_added(lang, &topic(room)),
        News::Added(room, Some(node)) => groups::news_added_by(lang, &name(node), &topic(room)),
        News::Removed(room) => groups::news_removed(lang, &topic(room)),
    }
}

fn done(lang: Lang, model: &Model, done: &Done) -> String {
    let name = |node: &Node| model.people.name(node);
    let topic = |room: &RoomId| model.rooms.name(room);
    match done {
        Done::RequestSent(node) => people::request_sent(lang, &name(node)),
        Done::Unblocked(node) => people::unblocked(lang, &name(node)),
        Done::ProfileSaved => people::profile_saved(lang).to_owned(),
        Done::PasswordChanged => account::password_changed(lang).to_owned(),
        Done::SessionsEnded(count) => account::other_sessions_ended(lang, *count),
        Done::GroupCreated(room) => groups::group_created(lang, &topic(room)),
        Done::AskedToJoin(room) => groups::asked(lang, &topic(room)),
        Done::Invited(count) => groups::invited(lang, *count),
        Done::Appointed(node) => groups::appointed(lang, &name(node)),
        Done::Dismissed(node) => groups::dismissed(lang, &name(node)),
        Done::Kicked(node) => groups::kicked(lang, &name(node)),
        Done::GroupSaved => groups::group_saved(lang).to_owned(),
        Done::Left(topic) => groups::left(lang, topic),
        Done::Dissolved(topic) => groups::dissolved(lang, topic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_its_reason_when_there_is_one() {
        let model = Model::default();
        let room = RoomId::new("choir").unwrap();
        let text = |reason: &str| {
            news(
                Lang::English,
                &model,
                &News::JoinRefused(room.clone(), reason.to_owned()),
            )
        };
        assert_eq!(text(" full "), "Your request to join “choir” was refused: full");
        assert_eq!(text(" "), "Your request to join “choir” was refused.");
    }
}
