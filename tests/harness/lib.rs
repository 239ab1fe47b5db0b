//! Starts the real services for tests and gives typed ways to call them.
