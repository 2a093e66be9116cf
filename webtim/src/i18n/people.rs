//! Signing in, people, groups and settings.

use super::texts;

texts! {
    show_password(): "Show password", "显示密码";
    hide_password(): "Hide password", "隐藏密码";
}
