//! Starts, kills and restarts real tim servers and tests them over sockets.
