//! The client against services that answer, refuse, hang and die: nothing is sent twice in two
//! forms, nothing leaks.

#[cfg(test)]
mod commands;
#[cfg(test)]
mod encrypted;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod hardware;
#[cfg(test)]
mod lost_answers;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod receipts;
