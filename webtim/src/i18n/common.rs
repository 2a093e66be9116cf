//! Words that every area needs, and why something did not work.

use super::{Lang, numbers, texts};
use crate::model::Trouble;

texts! {
    product(): "tim", "tim";

    // Buttons.
    ok(): "OK", "好";
    cancel(): "Cancel", "取消";
    close(): "Close", "关闭";
    back(): "Back", "返回";
    save(): "Save", "保存";
    send(): "Send", "发送";
    search(): "Search", "搜索";
    clear_search(): "Clear search", "清除搜索";
    retry(): "Try again", "重试";
    more(): "More", "更多";
    copy(): "Copy", "复制";
    copied(): "Copied", "已复制";
    remove(): "Remove", "移除";
    edit(): "Edit", "编辑";
    change(): "Change", "更改";
    done(): "Done", "完成";
    dismiss(): "Dismiss", "关闭提示";

    // States.
    loading(): "Loading…", "加载中…";
    no_results(): "Nothing found", "没有找到结果";
    online(): "Online", "在线";
    offline(): "Offline", "离线";

    // Places.
    chats(): "Chats", "聊天";
    people(): "People", "联系人";
    groups(): "Groups", "群组";
    settings(): "Settings", "设置";

    // Days.
    today(): "Today", "今天";
    yesterday(): "Yesterday", "昨天";

    // Counts.
    members(n: u64): ["{n} member", "{n} members"], "{n} 位成员";
    unread(n: u64): ["{n} unread message", "{n} unread messages"], "{n} 条未读消息";
    seconds(n: u64): ["{n} second", "{n} seconds"], "{n} 秒";
    minutes(n: u64): ["{n} minute", "{n} minutes"], "{n} 分钟";
    characters_left(n: u64): ["{n} character left", "{n} characters left"], "还可以输入 {n} 个字";

    // Why something did not work: what happened, and what to do.
    trouble_offline(): "There is no connection right now. Try again when you are back online.",
        "现在没有连接，请恢复联网后再试。";
    trouble_timed_out(): "The server did not answer in time. Check whether it worked before you try again.",
        "服务器没有及时回应。重试之前请先看看操作是否已经生效。";
    trouble_too_large(): "That is too large to be sent.", "内容过大，无法发送。";
    trouble_too_large_limit(size: &str): "That is too large. The limit is {size}.", "内容过大，上限为 {size}。";
    trouble_too_many(): "That was a bit too much at once. Wait a moment and try again.", "操作太频繁，请稍等片刻再试。";
    trouble_too_many_wait(time: &str): "Too many attempts. Try again in {time}.", "尝试次数过多，请在 {time}后再试。";
    trouble_signed_out(): "You are signed out. Sign in again to continue.", "你已退出登录，请重新登录。";
    trouble_not_allowed(): "You are not allowed to do that.", "你没有权限进行此操作。";
    trouble_exists(): "That exists already.", "已经存在。";
    trouble_no_such_user(): "There is no such account.", "没有这个账号。";
    trouble_wrong_login(): "Wrong name or password.", "用户名或密码错误。";
    trouble_blocked(): "You are blocked there.", "对方已将你屏蔽。";
    trouble_friends_already(): "You are friends already.", "你们已经是好友了。";
    trouble_room_gone(): "This group was dissolved.", "该群组已解散。";
    trouble_gone(): "That is not there, or no longer.", "内容不存在，或已被删除。";
    trouble_busy(): "The server is busy. Try again in a moment.", "服务器繁忙，请稍后再试。";
    trouble_password(): "The password was not accepted.", "密码未被接受。";
    trouble_too_many_logins(): "This account is signed in on too many devices, or there were too many attempts.",
        "该账号登录的设备过多，或尝试次数过多。";
    trouble_refused(text: &str, code: i32): "The server refused: {text} ({code})", "服务器拒绝了请求：{text}（{code}）";
    trouble_other(text: &str): "That did not work: {text}", "操作失败：{text}";
}

/// How long to wait, in the largest unit that fits.
#[must_use]
pub fn wait(lang: Lang, secs: u64) -> String {
    if secs < 120 {
        seconds(lang, secs)
    } else {
        minutes(lang, secs.div_ceil(60))
    }
}

/// Why something did not work, for people.
#[must_use]
pub fn trouble(lang: Lang, trouble: &Trouble) -> String {
    match trouble {
        Trouble::Refused { code, text } => refusal(lang, *code, text),
        Trouble::Offline => trouble_offline(lang).to_owned(),
        Trouble::TimedOut => trouble_timed_out(lang).to_owned(),
        Trouble::TooLarge { limit: None } => trouble_too_large(lang).to_owned(),
        Trouble::TooLarge { limit: Some(limit) } => {
            trouble_too_large_limit(lang, &numbers::size(lang, *limit))
        }
        Trouble::TooMany { wait: None } => trouble_too_many(lang).to_owned(),
        Trouble::TooMany { wait: Some(secs) } => trouble_too_many_wait(lang, &wait(lang, *secs)),
        Trouble::SignedOut => trouble_signed_out(lang).to_owned(),
        Trouble::Cancelled => String::new(),
        Trouble::Other(text) => trouble_other(lang, text),
    }
}

fn refusal(lang: Lang, code: i32, text: &str) -> String {
    use tim_client::ErrorCode as Code;
    let known = match Code::from_code(code) {
        Some(Code::HasExist) => trouble_exists(lang),
        Some(Code::NoPass) => trouble_wrong_login(lang),
        Some(Code::ExpireOp | Code::Params | Code::NoExist) => trouble_gone(lang),
        Some(Code::PermDenied) => trouble_not_allowed(lang),
        Some(Code::Account) => trouble_no_such_user(lang),
        Some(Code::Cancel) => trouble_room_gone(lang),
        Some(Code::Block) => trouble_blocked(lang),
        Some(Code::OverEntry) => trouble_too_many_logins(lang),
        Some(Code::ModifyAuth) => trouble_password(lang),
        Some(Code::Repeat) => trouble_friends_already(lang),
        Some(Code::Overload | Code::OverHz | Code::Database) => trouble_busy(lang),
        _ => return trouble_refused(lang, text, code),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_it_means_and_an_unknown_one_keeps_its_number() {
        let refused = |code| Trouble::Refused {
            code,
            text: "odd".to_owned(),
        };
        assert_eq!(trouble(Lang::English, &refused(4117)), "You are friends already.");
        assert_eq!(
            trouble(Lang::Chinese, &refused(4999)),
            "服务器拒绝了请求：odd（4999）"
        );
        assert_eq!(
            trouble(Lang::English, &Trouble::TooMany { wait: Some(90) }),
            "Too many attempts. Try again in 90 seconds."
        );
        assert_eq!(
            trouble(Lang::Chinese, &Trouble::TooMany { wait: Some(121) }),
            "尝试次数过多，请在 3 分钟后再试。"
        );
        assert_eq!(
            trouble(
                Lang::English,
                &Trouble::TooLarge {
                    limit: Some(1_048_576)
                }
            ),
            "That is too large. The limit is 1.0 MB."
        );
    }
}
