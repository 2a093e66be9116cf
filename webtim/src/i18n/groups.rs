//! Groups: lists, members, requests to join, rights.

use super::texts;

texts! {
    my_groups(): "My groups", "我的群组";
    public_groups(): "All groups", "所有群组";
    join_requests(): "Requests", "入群申请";
    search_groups(): "Search groups", "搜索群组";
    no_groups(): "You are in no group yet", "你还没有加入群组";
    no_groups_text(): "Join one that exists, or create your own.", "加入已有的群组，或自己创建一个。";
    no_public_groups(): "There are no groups yet", "还没有任何群组";
    directory_off(): "The list of groups is switched off on this server", "该服务器未开放群组列表";
    directory_off_text(): "Others can still add you to theirs.", "别人仍然可以邀请你加入他们的群组。";
    unnamed(): "Unnamed group", "未命名群组";

    // Creating.
    new_group(): "New group", "新建群组";
    create_group(): "Create group", "创建群组";
    topic(): "Name of the group", "群名称";
    topic_missing(): "Enter a name.", "请输入群名称。";
    topic_long(): "This name is too long.", "群名称太长了。";
    kind(): "Who may join", "加入方式";
    kind_open(): "Open", "公开";
    kind_open_hint(): "Everybody can join.", "任何人都可以加入。";
    kind_private(): "Private", "私密";
    kind_private_hint(): "You approve who joins.", "加入需要批准。";
    kind_final(): "This cannot be changed later.", "创建后不能更改。";
    group_created(topic: &str): "The group “{topic}” was created.", "群组“{topic}”已创建。";
    created_on(date: &str): "Created on {date}", "创建于 {date}";

    // Joining.
    join(): "Join", "加入";
    ask_to_join(): "Ask to join", "申请加入";
    ask_to_join_text(topic: &str): "“{topic}” is private: its founder and managers decide who joins.", "“{topic}”是私密群组，由群主和管理员审批。";
    request_default(name: &str): "Hello, I am {name} and would like to join.", "你好，我是{name}，想加入群组。";
    joined(topic: &str): "You are in “{topic}” now.", "你已加入“{topic}”。";
    asked(topic: &str): "Your request to join “{topic}” was sent.", "已申请加入“{topic}”。";
    asked_tag(): "Asked", "已申请";
    no_join_requests(): "No open requests", "没有待处理的申请";
    no_join_requests_text(): "Requests to join the groups that you manage are listed here.", "你管理的群组收到的申请会显示在这里。";
    wants_to_join(topic: &str): "would like to join “{topic}”", "申请加入“{topic}”";
    approve(): "Approve", "批准";
    refuse(): "Refuse", "拒绝";
    refuse_title(): "Refuse the request", "拒绝申请";
    refuse_reason(): "Reason (optional)", "理由（可选）";
    refuse_hint(): "The person sees it.", "对方会看到。";

    // Members.
    members_title(): "Members", "成员";
    search_members(): "Search members", "搜索成员";
    no_member_found(text: &str): "No member matches “{text}”.", "没有与“{text}”匹配的成员。";
    founder(): "Founder", "群主";
    manager(): "Manager", "管理员";
    member_actions(name: &str): "Actions for {name}", "对{name}的操作";
    invite(): "Add friends", "邀请好友";
    invite_title(): "Add friends to the group", "邀请好友入群";
    invite_none(): "All your friends are in this group already.", "你的好友都已在群里。";
    invite_selected(n: u64): ["Add {n} friend", "Add {n} friends"], "邀请 {n} 位好友";
    invited(n: u64): ["{n} friend was added.", "{n} friends were added."], "已邀请 {n} 位好友。";
    appoint(): "Make manager", "设为管理员";
    dismiss(): "Dismiss as manager", "撤销管理员";
    appointed(name: &str): "{name} is a manager now.", "{name}已成为管理员。";
    dismissed(name: &str): "{name} is no longer a manager.", "已撤销{name}的管理员身份。";
    kick(): "Remove from group", "移出群组";
    kick_question(name: &str): "Remove {name} from the group? They can join or ask again.", "要将{name}移出群组吗？对方之后可以再次加入或申请。";
    kicked(name: &str): "{name} was removed.", "已移出{name}。";
    block_member(): "Remove and block", "移出并屏蔽";
    block_member_question(name: &str): "Remove {name} and block them? They cannot join again until unblocked.", "要移出并屏蔽{name}吗？取消屏蔽前对方不能再加入。";
    blocked_members(): "Blocked", "已屏蔽";
    no_blocked_members(): "Nobody is blocked in this group.", "该群组没有屏蔽任何人。";
    unblock(): "Unblock", "取消屏蔽";

    // The group itself.
    group(): "Group", "群组";
    edit_group(): "Edit group", "编辑群组";
    announcement(): "Announcement", "群公告";
    announcement_hint(): "All members see it in the details of the group.", "所有成员都能在群组资料中看到。";
    group_saved(): "The group was saved.", "群组资料已保存。";
    leave(): "Leave group", "退出群组";
    leave_question(topic: &str): "Leave “{topic}”? You no longer get its messages.", "要退出“{topic}”吗？之后将不再收到群消息。";
    leave_private_question(topic: &str): "Leave “{topic}”? You have to ask again if you want to come back.", "要退出“{topic}”吗？想再回来需要重新申请。";
    left(topic: &str): "You have left “{topic}”.", "你已退出“{topic}”。";
    founder_cannot_leave(): "You founded this group, so you cannot leave it", "你是群主，不能退出群组";
    founder_cannot_leave_text(): "You can dissolve it once nobody else is in it.", "所有其他成员离开后，你可以解散群组。";
    dissolve(): "Dissolve group", "解散群组";
    dissolve_question(topic: &str): "Dissolve “{topic}” for good? Its messages are gone for everybody.", "要永久解散“{topic}”吗？群里的消息将对所有人消失。";
    dissolve_members(n: u64): ["{n} other member is still in the group and is removed first.", "{n} other members are still in the group and are removed first."],
        "群里还有其他 {n} 位成员，会先被移出。";
    dissolve_confirm(topic: &str): "Type the name of the group to confirm: {topic}", "请输入群名称以确认：{topic}";
    removing(done: &str, all: &str): "Removing members: {done} of {all}", "正在移出成员：{done}/{all}";
    dissolved(topic: &str): "“{topic}” was dissolved.", "“{topic}”已解散。";
    block_group(): "Leave and block", "退出并屏蔽";
    block_group_question(topic: &str): "Leave “{topic}” and block it? You cannot be added to it any more.", "要退出并屏蔽“{topic}”吗？之后不会再被拉入该群。";
    open_chat(): "Open chat", "打开聊天";

    // News.
    news_join_request(name: &str, topic: &str): "{name} would like to join “{topic}”.", "{name}申请加入“{topic}”。";
    news_joined(topic: &str): "You are in “{topic}” now.", "你已加入“{topic}”。";
    news_refused(topic: &str): "Your request to join “{topic}” was refused.", "你加入“{topic}”的申请被拒绝了。";
    news_refused_reason(topic: &str, reason: &str): "Your request to join “{topic}” was refused: {reason}", "你加入“{topic}”的申请被拒绝：{reason}";
    news_added(topic: &str): "You were added to “{topic}”.", "你被邀请加入“{topic}”。";
    news_added_by(name: &str, topic: &str): "{name} added you to “{topic}”.", "{name}邀请你加入了“{topic}”。";
    news_removed(topic: &str): "You were removed from “{topic}”.", "你已被移出“{topic}”。";
}
