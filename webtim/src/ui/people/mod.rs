//! Signing in, friends, groups, profile cards, settings.
