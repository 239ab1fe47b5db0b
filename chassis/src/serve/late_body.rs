//! The message of a call that is refused by its headers: taken off the connection, read by nobody.
//!
//! Were it dropped, HTTP/2 would reset the stream, and what the client had sent before it learned
//! of that would count as its error: h2 remembers fifty streams that it reset, for a second, and
//! takes a frame of any other for a fault of the client. So a client whose calls were refused, for
//! whatever reason, some three hundred times lost its connection, with all that was open on it.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

/// Most of a refused message that is taken, as large as the windows of a stream are: a client
/// sends so much before it can know. Whoever goes on sending after the answer is reset.
const LATE_BYTES_MAX: usize = 64 * 1_024;

/// Takes what is on its way, until the message ends, for no longer than so much time. The answer
/// does not wait for it. Open streams, and so these tasks, are bounded for each connection by
/// `streams_per_connection_max`.
pub(super) fn take(mut body: Incoming, time_max: Duration) {
    if body.is_end_stream() {
        return;
    }
    let taking = async move {
        let mut taken = 0;
        while taken <= LATE_BYTES_MAX
            && let Some(Ok(frame)) = body.frame().await
        {
            taken += frame.data_ref().map_or(0, bytes::Bytes::len);
        }
    };
    tokio::spawn(tokio::time::timeout(time_max, taking));
}
