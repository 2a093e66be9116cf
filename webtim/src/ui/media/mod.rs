//! Pictures, files, voice messages and the viewer.
