//! What one writes with: text, emoji, attachments, voice, the reply bar.
