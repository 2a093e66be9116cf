//! The design system: buttons, fields, dialogs, menus, avatars, toasts, icons. It knows no chat.
