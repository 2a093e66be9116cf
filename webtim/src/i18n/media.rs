//! Texts of the composer, of files, pictures, voice messages and notifications.

use super::texts;

texts! {
    // Writing.
    write_message(): "Write a message", "输入消息";
    write_to(name: &str): "Message to {name}", "发消息给 {name}";
    write_note(): "Note to yourself", "写给自己的备忘";
    send_message(): "Send message", "发送消息";
    formatting_hint(): "Shift+Enter begins a new line. **bold**, *italic*, ~~struck~~ and `code` are understood.",
        "按 Shift+Enter 换行。支持 **粗体**、*斜体*、~~删除线~~ 和 `代码`。";
    too_long(n: u64): ["{n} character too many", "{n} characters too many"], "超出 {n} 个字";
    replying_to(name: &str): "Reply to {name}", "回复 {name}";
    replying_to_yourself(): "Reply to yourself", "回复自己";
    cancel_reply(): "Do not reply", "取消回复";
    members_to_mention(): "Members to mention", "可以提到的成员";

    // Why one cannot write.
    blocked_by_me(): "You blocked this person. Unblock them to write again.", "你已屏蔽对方，解除屏蔽后才能发送消息。";
    not_a_member(): "You are not a member of this group.", "你不是该群组的成员。";
    system_only(): "Nobody can write here.", "这里不能发送消息。";

    // Emoji.
    emoji(): "Emoji", "表情";
    search_emoji(): "Search emoji", "搜索表情";
    no_emoji(): "No emoji for that", "没有相应的表情";
    emoji_recent(): "Recently used", "最近使用";
    emoji_smileys(): "Smileys", "笑脸";
    emoji_people(): "People", "人物";
    emoji_nature(): "Animals and nature", "动物与自然";
    emoji_food(): "Food and drink", "食物与饮料";
    emoji_activities(): "Activities", "活动";
    emoji_travel(): "Travel", "旅行";
    emoji_objects(): "Objects", "物品";
    emoji_symbols(): "Symbols", "符号";
    emoji_flags(): "Flags", "旗帜";
    skin_tone(): "Skin tone", "肤色";
    tone_default(): "Default skin tone", "默认肤色";
    tone_light(): "Light skin tone", "浅肤色";
    tone_medium_light(): "Medium-light skin tone", "中浅肤色";
    tone_medium(): "Medium skin tone", "中等肤色";
    tone_medium_dark(): "Medium-dark skin tone", "中深肤色";
    tone_dark(): "Dark skin tone", "深肤色";

    // Attaching.
    attach(): "Attach files", "添加附件";
    drop_here(): "Drop files here to send them", "把文件拖到这里发送";
    send_files(n: u64): ["Send {n} file", "Send {n} files"], "发送 {n} 个文件";
    send_pictures(n: u64): ["Send {n} picture", "Send {n} pictures"], "发送 {n} 张图片";
    caption(): "Caption", "说明";
    caption_hint(): "Add a caption (optional)", "添加说明（可选）";
    send_as_file(): "Send pictures as files", "以文件形式发送图片";
    without_file(name: &str): "Do not send {name}", "不发送 {name}";
    file_empty(name: &str): "{name} is empty or a folder and cannot be sent.", "{name} 是空文件或文件夹，无法发送。";

    // Uploads.
    uploads(): "Files being sent", "正在发送的文件";
    upload_waiting(): "Waiting", "等待中";
    upload_running(done: &str, size: &str): "{done} of {size}", "已发送 {done}，共 {size}";
    upload_checking(): "Checking", "校验中";
    upload_failed(): "Not sent", "未发送";
    upload_damaged(): "The file was damaged on its way.", "文件在传输中损坏。";
    cancel_upload(name: &str): "Do not send {name}", "取消发送 {name}";
    retry_upload(name: &str): "Send {name} again", "重新发送 {name}";

    // Files.
    file_kind_archive(): "Archive", "压缩文件";
    file_kind_audio(): "Sound", "音频";
    file_kind_code(): "Code", "代码";
    file_kind_document(): "Document", "文档";
    file_kind_picture(): "Picture", "图片";
    file_kind_pdf(): "PDF document", "PDF 文档";
    file_kind_program(): "Program", "程序";
    file_kind_sheet(): "Table", "表格";
    file_kind_slides(): "Presentation", "演示文稿";
    file_kind_video(): "Video", "视频";
    file_kind_other(): "File", "文件";
    file_from(name: &str): "File {name}", "文件 {name}";
    download(name: &str): "Download {name}", "下载 {name}";
    download_again(name: &str): "Download {name} again", "再次下载 {name}";
    cancel_download(name: &str): "Stop downloading {name}", "停止下载 {name}";
    downloading(percent: u8): "Downloading, {percent} %", "下载中，{percent} %";
    saved(): "Saved and checked", "已保存并校验";
    damaged(): "Damaged: this is not what was sent. It was not saved.", "文件已损坏，与发送的内容不一致，未保存。";
    file_gone(): "This file is no longer there.", "该文件已不存在。";
    program_warning(): "This is a program. Open it only if you trust the sender.", "这是程序，请在信任发送者的情况下打开。";
    unchecked_hint(): "Too large to be checked by this browser: it is saved as it comes.", "文件过大，此浏览器无法校验，将直接保存。";

    // Pictures.
    picture(): "Picture", "图片";
    picture_named(name: &str): "Picture {name}", "图片 {name}";
    open_picture(name: &str): "Open picture {name}", "查看图片 {name}";
    picture_failed(): "The picture could not be loaded.", "图片加载失败。";
    video(): "Video", "视频";
    sound(): "Sound", "音频";
    voice_message(): "Voice message", "语音消息";
    viewer(): "Picture viewer", "图片查看器";
    viewer_place(at: usize, of: usize): "{at} of {of}", "第 {at} 张，共 {of} 张";
    next_picture(): "Next picture", "下一张";
    previous_picture(): "Previous picture", "上一张";
    zoom_in(): "Zoom in", "放大";
    zoom_out(): "Zoom out", "缩小";

    // Voice.
    record_voice(): "Record a voice message", "录制语音消息";
    recording_time(time: &str): "Recording, {time}", "正在录音，{time}";
    recording_left(n: u64): ["{n} second left", "{n} seconds left"], "还剩 {n} 秒";
    discard_recording(): "Discard recording", "放弃录音";
    send_recording(): "Send voice message", "发送语音消息";
    release_to_send(): "Release to send, slide left to discard", "松开发送，左滑取消";
    release_to_discard(): "Release to discard", "松开取消";
    microphone_refused(): "The microphone is not allowed for this page. Allow it in the address bar of your browser, then try again.",
        "浏览器未允许此页面使用麦克风。请在地址栏中允许后重试。";
    microphone_missing(): "No microphone was found. Connect one and try again.", "没有找到麦克风，请连接后重试。";
    microphone_busy(): "The microphone is used by another program.", "麦克风正被其他程序占用。";
    microphone_insecure(): "Browsers permit recording only on pages with a secure connection (https).",
        "浏览器只允许在安全连接（https）的页面上录音。";
    recording_unsupported(): "This browser cannot record sound.", "此浏览器不支持录音。";
    recording_too_short(): "That was too short. Hold the button, or click once and speak.", "录音时间太短。请按住按钮，或单击后说话。";
    play(): "Play", "播放";
    pause(): "Pause", "暂停";
    position(): "Position", "播放位置";
    speed(speed: &str): "Speed {speed}", "播放速度 {speed}";
    position_of(at: &str, of: &str): "{at} of {of}", "{at}，共 {of}";

    // Burn after reading.
    burn_on_reading(): "Burn after reading", "阅后即焚";
    burn_on(): "Messages are burned after they were read", "消息阅读后将自动销毁";
    burn_covered(): "Burns after reading", "阅后即焚";
    burn_uncover(): "Show message", "查看消息";
    burn_explanation(n: u64): ["It is shown for {n} second, then it is gone for both of you.",
        "It is shown for {n} seconds, then it is gone for both of you."], "将显示 {n} 秒，之后双方的消息都会被销毁。";
    burn_countdown(n: u64): ["Burns in {n} second", "Burns in {n} seconds"], "{n} 秒后销毁";
    burn_now(): "Burn now", "立即销毁";
    burning(): "Burning…", "正在销毁…";
    burn_waiting(): "Not read yet. It is burned as soon as it was.", "对方尚未阅读，阅读后将自动销毁。";

    // Attention.
    new_message(): "New message", "新消息";
    in_room(name: &str, room: &str): "{name} in {room}", "{name} 发自 {room}";

    // Text.
    copy_code(): "Copy code", "复制代码";
    link_leads_to(host: &str): "leads to {host}", "实际网址 {host}";
}
