//! Every text that people read: typed functions per area, in every language.
