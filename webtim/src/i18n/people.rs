//! People: friends, requests, profiles, moods.

use super::{Lang, texts};
use crate::model::Mood;

texts! {
    // The screen.
    friends(): "Friends", "好友";
    requests(): "Requests", "好友申请";
    discover(): "Find people", "找人";
    search_friends(): "Search friends", "搜索好友";
    no_friends(): "No friends yet", "还没有好友";
    no_friends_text(): "Find people by their account name, or look through the directory.", "通过账号名查找，或浏览通讯录。";
    no_friend_found(text: &str): "No friend matches “{text}”.", "没有与“{text}”匹配的好友。";

    // Finding.
    find_by_name(): "Account name", "账号名";
    find_by_name_hint(): "The exact name, as they sign in with it.", "请输入完整的账号名，即对方登录时使用的名字。";
    find(): "Find", "查找";
    not_found(name: &str): "There is no account with the name “{name}”. Check the spelling.", "没有名为“{name}”的账号，请检查拼写。";
    directory(): "Directory", "通讯录";
    directory_off(): "The directory is switched off on this server", "该服务器未开放通讯录";
    directory_off_text(): "You can still find people by their exact account name.", "你仍然可以通过完整的账号名查找。";
    directory_empty(): "Nobody else is here yet", "这里还没有其他人";
    filter_directory(): "Filter by name", "按名字筛选";

    // Relations.
    you(): "You", "我";
    is_friend(): "Friend", "好友";
    requested(): "Requested", "已申请";
    blocked(): "Blocked", "已屏蔽";
    add_friend(): "Add friend", "加为好友";
    request_text(): "Message", "附言";
    request_text_hint(): "They see it with your request.", "对方会在申请中看到。";
    request_default(name: &str): "Hello, I am {name}.", "你好，我是{name}。";
    send_request(): "Send request", "发送申请";
    request_sent(name: &str): "Your request was sent to {name}.", "已向{name}发送好友申请。";
    asks_for_friendship(): "asks for friendship", "申请加你为好友";
    accept(): "Accept", "接受";
    decline(): "Decline", "拒绝";
    withdraw(): "Withdraw", "撤回申请";
    incoming(): "Received", "收到的申请";
    outgoing(): "Sent", "发出的申请";
    no_requests(): "No open requests", "没有待处理的申请";
    no_requests_text(): "Requests that you get or send are listed here.", "你收到和发出的申请会显示在这里。";
    waiting_for_answer(): "Waiting for an answer", "等待对方回应";
    remove_friend(): "Remove friend", "删除好友";
    remove_friend_question(name: &str): "Remove {name} from your friends? You can no longer write to each other. The messages stay.",
        "要删除好友{name}吗？删除后双方不能互发消息，聊天记录会保留。";
    block(): "Block", "屏蔽";
    block_question(name: &str): "Block {name}? You are no longer friends then, and they can neither write to you nor send requests.",
        "要屏蔽{name}吗？你们将不再是好友，对方不能给你发消息，也不能再申请。";
    unblock(): "Unblock", "取消屏蔽";
    unblocked(name: &str): "{name} is no longer blocked.", "已取消屏蔽{name}。";
    message(): "Message", "发消息";

    // News.
    news_request(name: &str): "{name} asks for your friendship.", "{name}申请加你为好友。";
    news_friends(name: &str): "You and {name} are friends now.", "你和{name}已成为好友。";
    news_removed(name: &str): "{name} is no longer your friend.", "{name}已不再是你的好友。";
    news_blocked(name: &str): "{name} has blocked you.", "{name}屏蔽了你。";
    view(): "View", "查看";

    // Cards and the own profile.
    profile(): "Profile", "个人资料";
    edit_profile(): "Edit profile", "编辑资料";
    profile_saved(): "Your profile was saved.", "个人资料已保存。";
    account_name(): "Account name", "账号名";
    address(): "Address", "地址";
    copy_address(): "Copy address", "复制地址";
    about_me(): "About me", "个人简介";
    area(): "Place", "地区";
    member_since(date: &str): "Here since {date}", "{date}加入";
    picture(): "Picture", "头像";
    choose_picture(): "Choose picture", "选择图片";
    change_picture(): "Change picture", "更换图片";
    remove_picture(): "Remove picture", "移除图片";
    crop_title(): "Choose the part to show", "选择显示的部分";
    crop_zoom(): "Zoom", "缩放";
    crop_hint(): "Drag the picture, or use the arrow keys.", "拖动图片，或使用方向键移动。";
    use_picture(): "Use picture", "使用图片";
    picture_unreadable(): "This file is not a picture that the browser can read. Choose a JPEG, PNG, GIF or WebP.", "浏览器无法读取这个文件，请选择 JPEG、PNG、GIF 或 WebP 图片。";
    status_text(): "Status", "状态签名";
    status_placeholder(): "What are you up to?", "在忙些什么？";
    mood(): "Mood", "心情";
    no_mood(): "No mood", "不设置心情";
    set_status(): "Set status", "设置状态";
    shared_groups(): "Groups in common", "共同的群组";

    mood_happy(): "Happy", "开心";
    mood_dazed(): "Dazed", "发呆";
    mood_angry(): "Angry", "生气";
    mood_sad(): "Sad", "难过";
    mood_nervous(): "Nervous", "紧张";
    mood_ill(): "Ill", "生病";
    mood_sleepy(): "Sleepy", "困了";
    mood_sport(): "Doing sport", "运动";
    mood_secret(): "It’s a secret", "保密";
}

/// What a mood is called.
#[must_use]
pub fn mood_name(lang: Lang, mood: Mood) -> &'static str {
    match mood {
        Mood::Happy => mood_happy(lang),
        Mood::Dazed => mood_dazed(lang),
        Mood::Angry => mood_angry(lang),
        Mood::Sad => mood_sad(lang),
        Mood::Nervous => mood_nervous(lang),
        Mood::Ill => mood_ill(lang),
        Mood::Sleepy => mood_sleepy(lang),
        Mood::Sport => mood_sport(lang),
        Mood::Secret => mood_secret(lang),
    }
}
