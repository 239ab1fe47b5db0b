//! What tonic and we answer before or instead of a handler, always with details.

use std::time::Duration;

use tonic::Code;

use crate::status::Fault;

/// Delay that callers are told when the server cannot serve them for now.
const UNAVAILABLE_RETRY_DELAY: Duration = Duration::from_secs(1);

/// How tonic and prost begin the message when a request cannot be read. Tests over sockets hold
/// them.
const MALFORMED: [&str; 5] = [
    "failed to decode Protobuf message",
    "protocol error",
    "Missing request message",
    "Unexpected EOF decoding stream",
    "Error decompressing",
];

/// Details for a bare status, which only tonic or a fault of ours produces; its text stays in the
/// log.
pub(super) fn of_bare(code: Code, message: &str) -> Fault {
    match code {
        Code::OutOfRange if message.starts_with("Error, encoded") => response_too_large(),
        Code::OutOfRange => message_too_large(message),
        Code::ResourceExhausted if message.starts_with("Error, de") => message_too_large(message),
        Code::ResourceExhausted => overloaded(UNAVAILABLE_RETRY_DELAY),
        Code::Internal if MALFORMED.iter().any(|start| message.starts_with(start)) => malformed(),
        Code::Unimplemented if message.contains("compressed") => compressed(message),
        Code::Unimplemented => unknown_method(),
        Code::DeadlineExceeded => super::deadline::exceeded(),
        Code::Unavailable => draining(),
        Code::Internal | Code::Unknown | Code::DataLoss => internal(),
        Code::Ok
        | Code::Cancelled
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unauthenticated => Fault::new(code, name(code), message),
    }
}

pub(super) fn unknown_method() -> Fault {
    Fault::new(Code::Unimplemented, "METHOD_UNKNOWN", "this server has no such method").localized(
        "The server does not know this action. The program may be newer than the server.",
        "De server kent deze actie niet. Het programma is mogelijk nieuwer dan de server.",
    )
}

pub(super) fn overloaded(retry_delay: Duration) -> Fault {
    Fault::new(Code::ResourceExhausted, "OVERLOADED", "more calls than the server works on at once")
        .localized(
            "The server is busy. Send the same request again in a moment.",
            "De server is druk. Verstuur hetzelfde verzoek zo dadelijk opnieuw.",
        )
        .retry_after(retry_delay)
}

pub(super) fn draining() -> Fault {
    Fault::new(Code::Unavailable, "UNAVAILABLE", "the server cannot answer now or is stopping")
        .localized(
            "The server cannot answer now. Send the same request again in a moment.",
            "De server kan nu niet antwoorden. Verstuur hetzelfde verzoek zo dadelijk opnieuw.",
        )
        .retry_after(UNAVAILABLE_RETRY_DELAY)
}

pub(super) fn internal() -> Fault {
    Fault::new(Code::Internal, "INTERNAL_FAULT", "a fault of the server; its log says more")
        .localized(
            "Something went wrong on the server. If it stays so, contact support.",
            "Er ging iets mis op de server. Neem contact op met ondersteuning als dit zo blijft.",
        )
}

fn message_too_large(message: &str) -> Fault {
    Fault::new(Code::OutOfRange, "MESSAGE_TOO_LARGE", message).localized(
        "The request is larger than the server takes.",
        "Het verzoek is groter dan de server aanneemt.",
    )
}

fn response_too_large() -> Fault {
    Fault::new(
        Code::OutOfRange,
        "RESPONSE_TOO_LARGE",
        "the answer is too large; ask for less at once",
    )
    .localized(
        "The answer is too large. Ask for less at once.",
        "Het antwoord is te groot. Vraag minder tegelijk op.",
    )
}

fn malformed() -> Fault {
    Fault::new(Code::InvalidArgument, "MESSAGE_MALFORMED", "the request is not one framed message")
        .localized(
            "The server cannot read the request that the program sent.",
            "De server kan het verzoek van het programma niet lezen.",
        )
}

fn compressed(message: &str) -> Fault {
    Fault::new(Code::Unimplemented, "COMPRESSION_NOT_SUPPORTED", message).localized(
        "The server does not take compressed requests.",
        "De server neemt geen gecomprimeerde verzoeken aan.",
    )
}

/// The code's name in the specification; also the reason of a bare status of that code.
pub(super) fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
