//! The wire, over real sockets.
