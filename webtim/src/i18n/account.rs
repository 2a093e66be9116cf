//! Signing in, the own account, and settings.

use super::texts;

texts! {
    // The first page.
    welcome_title(): "Talk freely", "畅所欲言";
    welcome_text(): "Messages, groups and files on a server of your choice. Open source, without advertising and without trackers.",
        "消息、群组与文件，都在你自己选择的服务器上。开放源代码，没有广告，也没有追踪。";
    sign_in(): "Sign in", "登录";
    create_account(): "Create account", "注册账号";
    sign_in_or_register(): "Sign in or create an account", "登录或注册";
    account_name(): "Account name", "账号名";
    password(): "Password", "密码";
    nickname(): "Nickname", "昵称";
    nickname_hint(): "How others see you. You can change it at any time.", "别人看到的名字，随时可以修改。";
    account_name_hint(): "Others find you by it. It cannot be changed later.", "别人通过它找到你，以后不能更改。";
    password_hint(n: u64): ["At least {n} character.", "At least {n} characters. Longer is better than complicated."], "至少 {n} 个字符，长比复杂更安全。";
    remember_me(): "Stay signed in on this device", "在此设备上保持登录";
    show_password(): "Show password", "显示密码";
    hide_password(): "Hide password", "隐藏密码";
    starting(): "Starting…", "正在启动…";
    waiting_for_server(): "The server cannot be reached. Trying again…", "无法连接服务器，正在重试…";

    // What is wrong with a form.
    name_missing(): "Enter your account name.", "请输入账号名。";
    name_spaces(): "The name must not begin or end with a space.", "账号名首尾不能有空格。";
    name_long(): "This name is too long.", "账号名太长了。";
    name_control(): "The name has characters that cannot be seen.", "账号名中含有不可见的字符。";
    password_missing(): "Enter your password.", "请输入密码。";
    password_short(n: u64): ["Use at least {n} character.", "Use at least {n} characters."], "请至少输入 {n} 个字符。";
    password_long(): "This password is too long.", "密码太长了。";
    password_is_name(): "The password must not be the account name.", "密码不能与账号名相同。";
    nickname_missing(): "Enter a nickname.", "请输入昵称。";
    nickname_long(n: u64): ["Use at most {n} character.", "Use at most {n} characters."], "最多 {n} 个字符。";
    passwords_differ(): "The two passwords differ.", "两次输入的密码不一致。";
    password_same(): "The new password is the same as the present one.", "新密码与当前密码相同。";

    // What the server said.
    name_taken(): "This name is taken. Choose another one, or sign in if it is yours.", "该账号名已被使用。请换一个；如果是你的账号，请直接登录。";
    wrong_login(): "Wrong account name or password.", "账号名或密码错误。";
    too_many_attempts(time: &str): "Too many attempts. You can try again in {time}.", "尝试次数过多，{time}后可以再试。";
    not_reachable(): "The server cannot be reached. Check your connection and try again.", "无法连接服务器，请检查网络后重试。";
    registration_off(): "This server does not accept new accounts. Ask whoever runs it.", "该服务器未开放注册，请联系管理员。";
    not_acceptable(): "The server does not accept this name or password.", "服务器不接受这个账号名或密码。";

    // Why the last session ended.
    ended_suspended(): "Your account was suspended, or its sessions were ended by the administration.", "你的账号已被停用，或会话已被管理员结束。";
    ended_took_place(): "This account was signed in on too many devices, so this one was signed out.", "该账号登录的设备过多，此设备已退出登录。";
    ended_expired(): "Your session has ended: it was not used for long, was ended from elsewhere, or the password was changed.", "登录已结束：可能长时间未使用、已在其他地方退出，或密码已更改。";
    ended_other_account(): "Another account was signed in to in this browser.", "此浏览器已登录另一个账号。";

    // Settings.
    appearance(): "Appearance", "外观";
    theme(): "Theme", "主题";
    theme_system(): "System", "跟随系统";
    theme_light(): "Light", "浅色";
    theme_dark(): "Dark", "深色";
    language(): "Language", "语言";
    language_browser(name: &str): "As the browser ({name})", "跟随浏览器（{name}）";
    text_size(): "Text size", "文字大小";
    text_small(): "Small", "小";
    text_normal(): "Normal", "标准";
    text_large(): "Large", "大";
    text_huge(): "Very large", "特大";
    density(): "Messages", "消息排列";
    density_comfortable(): "Comfortable", "宽松";
    density_compact(): "Compact", "紧凑";
    enter_sends(): "Enter sends the message", "按 Enter 键发送";
    enter_sends_hint(): "Otherwise Enter begins a new line, and Ctrl+Enter sends.", "关闭后 Enter 换行，Ctrl+Enter 发送。";

    notifications(): "Notifications", "通知";
    notify_browser(): "Desktop notifications", "桌面通知";
    notify_browser_hint(): "When tim is in the background. The browser asks for permission.", "tim 在后台时提醒你，浏览器会请求授权。";
    notify_denied(): "The browser has blocked notifications for this page. Allow them in the page's settings, next to the address.",
        "浏览器已阻止本页面的通知，请在地址栏旁的网站设置中允许。";
    notify_unsupported(): "This browser has no notifications.", "此浏览器不支持通知。";
    notify_sound(): "Sound for new messages", "新消息提示音";
    notify_preview(): "Show the text of messages", "显示消息内容";
    notify_preview_hint(): "Otherwise a notification only says who wrote.", "关闭后通知只显示发送人。";

    account(): "Account", "账号";
    address(): "Address", "地址";
    address_hint(): "Identifies your account to the system. Others find you by your account name.", "系统用它识别你的账号，别人通过账号名找到你。";
    change_password(): "Change password", "修改密码";
    present_password(): "Present password", "当前密码";
    new_password(): "New password", "新密码";
    repeat_password(): "Repeat the new password", "再次输入新密码";
    password_changed(): "The password was changed. Other devices that were not connected are signed out.", "密码已修改，未在线的其他设备已退出登录。";
    password_wrong(): "The present password is wrong, or the new one is not acceptable.", "当前密码错误，或新密码不符合要求。";
    sessions(): "Other devices", "其他设备";
    sessions_text(): "Lost a device, or signed in on one that is not yours? End all other sessions.", "设备丢失，或曾在别人的设备上登录？可以结束其他所有会话。";
    end_other_sessions(): "Sign out everywhere else", "退出其他所有设备";
    end_other_sessions_question(): "All other browsers and devices have to sign in again. This one stays signed in.", "其他浏览器和设备都需要重新登录，此设备不受影响。";
    other_sessions_ended(n: u64): ["{n} other session was ended.", "{n} other sessions were ended."], "已结束 {n} 个其他会话。";
    sign_out(): "Sign out", "退出登录";
    sign_out_question(): "Sign out of this browser? Drafts stay here, messages stay on the server.", "要在此浏览器退出登录吗？草稿会留在本机，消息会保留在服务器上。";

    privacy(): "Privacy", "隐私";
    invisible(): "Invisible", "隐身";
    invisible_hint(): "You appear offline. Others still get your messages.", "你会显示为离线，消息仍可正常收发。";
    blocked_people(): "Blocked people", "已屏蔽的人";
    blocked_people_text(): "They can neither write to you nor ask for friendship.", "他们不能给你发消息，也不能申请加你为好友。";
    blocked_groups(): "Blocked groups", "已屏蔽的群组";
    blocked_groups_text(): "You cannot be added to them.", "不会再被拉入这些群组。";
    nobody_blocked(): "You have blocked nobody.", "你没有屏蔽任何人。";
    no_group_blocked(): "You have blocked no group.", "你没有屏蔽任何群组。";

    shortcuts(): "Keyboard shortcuts", "键盘快捷键";
    shortcut_send(): "Send the message", "发送消息";
    shortcut_line(): "New line", "换行";
    shortcut_search(): "Search conversations", "搜索会话";
    shortcut_next(): "Next conversation", "下一个会话";
    shortcut_previous(): "Previous conversation", "上一个会话";
    shortcut_back(): "Close or go back", "关闭或返回";
    shortcut_menu(): "Move through lists, tabs and menus", "在列表、标签页和菜单中移动";

    about(): "About", "关于";
    about_text(): "An open instant messenger. This page was served by the server that you are connected to and loads nothing from anywhere else.",
        "开放的即时通讯软件。本页面由你所连接的服务器提供，不会从其他地方加载任何内容。";
    version(version: &str): "Version {version}", "版本 {version}";
    license(): "Licence", "许可证";
    license_text(): "Free software under the MIT licence or the Apache License 2.0, as you choose.", "自由软件，可任选 MIT 许可证或 Apache 许可证 2.0。";
}
