//! Texts of the frame, the list of conversations and the chat.

use super::texts;

texts! {
    // The frame.
    navigation(): "Navigation", "导航";
    reconnecting(): "No connection. Trying again…", "连接已断开，正在重试…";
    reconnecting_in(time: &str): "No connection. Trying again in {time}.", "连接已断开，{time}后重试。";
    connect_now(): "Try now", "立即重试";
    opening(): "Opening your chats…", "正在打开你的聊天…";

    // The list.
    chats(): "Chats", "聊天";
    search_chats(): "Search chats", "搜索聊天";
    filter(): "Which chats", "聊天筛选";
    filter_all(): "All", "全部";
    filter_unread(): "Unread", "未读";
    filter_people(): "People", "联系人";
    filter_groups(): "Groups", "群组";
    draft(text: &str): "Draft: {text}", "草稿：{text}";
    you_wrote(text: &str): "You: {text}", "我：{text}";
    they_wrote(name: &str, text: &str): "{name}: {text}", "{name}：{text}";
    pinned(): "Pinned", "已置顶";
    notes(): "Notes to yourself", "我的备忘";
    administration(): "Announcements of this server", "系统通知";
    nothing_yet(): "No messages yet", "还没有消息";
    no_chat_found(): "No chat matches", "没有匹配的聊天";
    no_chat_found_text(): "Try another word, or look at all chats.", "换个关键词，或查看全部聊天。";
    all_read(): "You have read everything", "没有未读消息";
    find_people(): "Find people", "找人聊天";

    // The chat.
    choose_chat(): "Choose a chat", "选择一个聊天";
    choose_chat_text(): "Pick one from the list, or find somebody to write to.", "从列表中选择，或找个人开始聊天。";
    back_to_list(): "Back to the chats", "返回聊天列表";
    details(): "Details", "详情";
    chat_menu(): "More about this chat", "更多操作";
    pin(): "Pin", "置顶";
    unpin(): "Unpin", "取消置顶";
    mute(): "Mute", "免打扰";
    unmute(): "Unmute", "取消免打扰";
    away(): "Away", "离开";
    busy(): "Do not disturb", "请勿打扰";
    messages_with(name: &str): "Messages with {name}", "与{name}的消息";
    new_messages(): "New messages", "新消息";
    to_newest(): "To the newest message", "跳到最新消息";
    to_newest_count(n: u64): ["{n} new message, jump to it", "{n} new messages, jump to the newest"], "{n} 条新消息，点击查看";
    beginning(): "This is the beginning.", "没有更早的消息了。";
    loading_older(): "Fetching older messages…", "正在加载更早的消息…";
    older_failed(why: &str): "Older messages could not be fetched. {why}", "无法加载更早的消息。{why}";
    empty_chat(name: &str): "Say hello to {name}.", "和{name}打个招呼吧。";
    empty_notes(): "What you write here, only you can read, on all your devices.", "这里的内容只有你自己能看到，并在你的所有设备间同步。";
    empty_group(): "Nobody has written here yet. Be the first.", "还没有人发言，来说第一句吧。";

    // A message.
    yourself(): "You", "我";
    message_of(name: &str, time: &str): "{name}, {time}", "{name}，{time}";
    message_actions(): "Actions for this message", "消息操作";
    reply(): "Reply", "回复";
    copy_text(): "Copy text", "复制文字";
    recall(): "Take back", "撤回";
    recall_question(): "Take this message back? It disappears for everybody.", "要撤回这条消息吗？所有人都将看不到它。";
    burn(): "Burn for both", "双方焚毁";
    burn_question(): "Burn this message? It disappears for both of you, on all devices.", "要焚毁这条消息吗？双方的所有设备上都会删除。";
    recalled_own(): "You took a message back.", "你撤回了一条消息。";
    recalled(name: &str): "{name} took a message back.", "{name}撤回了一条消息。";
    burned(): "This message was burned.", "消息已焚毁。";
    sending(): "Sending", "发送中";
    sent(): "Sent", "已发送";
    delivered(): "Delivered", "已送达";
    not_sent(): "Not sent", "未发送";
    discard(): "Discard", "放弃";
    quoted(name: &str): "Answer to {name}", "回复{name}";
    go_to_quoted(): "Go to the message that is answered", "跳到被回复的消息";

    // What happened.
    friends_now(): "You are friends now.", "你们已成为好友。";
    joined(names: &str): "{names} joined.", "{names}加入了群组。";
    gone(names: &str): "{names} left.", "{names}离开了群组。";
    and_more(names: &str, more: u64): "{names} and {more} more", "{names}等另外 {more} 人";
    between(): ", ", "、";
    topic(topic: &str): "The group is called “{topic}” now.", "群名称已改为“{topic}”。";
}
