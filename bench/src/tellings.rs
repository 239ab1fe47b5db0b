//! Loads of Activate, and what clients were told: the counts that the ledger must hold in the end.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use prost::Message;
use proto::activation::v1::ActivationOutcome as Outcome;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::computers::Computers;
use crate::keys::Keys;
use crate::load::{Load, refuse_nothing};

/// What of an answer is looked at; the rest is skipped.
#[derive(Clone, PartialEq, Message)]
struct Told {
    #[prost(enumeration = "Outcome", tag = "1")]
    outcome: i32,
    #[prost(uint32, tag = "3")]
    used: u32,
    #[prost(bytes = "bytes", tag = "7")]
    receipt: Bytes,
}

/// Keys, computers, and how many counts of each key clients were told of.
pub struct Tellings {
    /// The keys.
    pub keys: Keys,
    /// Makes the requests.
    pub computers: Computers,
    counted: Vec<AtomicU32>,
    /// Request ids so far, over all loads.
    requests: AtomicU64,
}

/// Which computers are activated on which keys.
#[derive(Clone, Copy, Debug)]
pub enum Who {
    /// Each a new one, from this number on, on the keys in turn.
    New {
        /// The number of the first one.
        first: u64,
    },
    /// Each a new one, all on this key.
    NewOn {
        /// The number of the key.
        key: u64,
        /// The number of the first one.
        first: u64,
    },
    /// Those from this number on, so many, again and again, on the keys on which they are known.
    Known {
        /// The number of the first one.
        first: u64,
        /// How many.
        count: u64,
    },
}

/// Activate, with the same outcome each time.
pub struct Activations {
    tellings: Arc<Tellings>,
    who: Who,
    next: AtomicU64,
    most: u64,
    patience: Patience,
    /// Numbers of calls that are to be sent again.
    again: Mutex<Vec<u64>>,
}

/// What becomes of a call that is told to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// The run is no result.
    None,
    /// Its caller waits as it is told, and then calls for another computer.
    Waits,
    /// Its caller waits as it is told, and then asks the same of the same computer.
    Insists,
}

/// The same requests to the yardstick, which records nothing.
pub struct Echo {
    inner: Activations,
    answer: Bytes,
}

impl Tellings {
    /// Nothing told yet.
    #[must_use]
    pub fn new(keys: Keys, computers: Computers) -> Arc<Self> {
        let counted = (0..keys.len()).map(|_| AtomicU32::new(0)).collect();
        Arc::new(Self { keys, computers, counted, requests: AtomicU64::new(0) })
    }

    /// How many counts of a key clients were told of.
    #[must_use]
    pub fn counted(&self, key: u64) -> u32 {
        let place = self.keys.place(key);
        self.counted.get(place).map_or(0, |counted| counted.load(Ordering::Relaxed))
    }

    /// How many counts of all keys clients were told of.
    #[must_use]
    pub fn counted_in_all(&self) -> u64 {
        self.counted.iter().map(|counted| u64::from(counted.load(Ordering::Relaxed))).sum()
    }
}

impl Activations {
    /// A load of Activate.
    #[must_use]
    pub fn new(tellings: &Arc<Tellings>, who: Who) -> Self {
        let (next, most, again) = (AtomicU64::new(0), u64::MAX, Mutex::default());
        let (tellings, patience) = (Arc::clone(tellings), Patience::None);
        Self { tellings, who, next, most, patience, again }
    }

    /// Of so many calls and no more.
    #[must_use]
    pub fn at_most(mut self, most: u64) -> Self {
        self.most = most;
        self
    }

    /// In which callers who are told to come again wait as long as they are told, and are counted.
    /// What they asked for is asked for no more: another computer comes in its place.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.patience = Patience::Waits;
        self
    }

    /// In which callers who are told to come again do, until all is answered.
    #[must_use]
    pub fn insistent(mut self) -> Self {
        self.patience = Patience::Insists;
        self
    }

    /// Calls to be sent again.
    fn again(&self) -> MutexGuard<'_, Vec<u64>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Key and computer of a call.
    fn subject(&self, number: u64) -> (u64, u64) {
        match self.who {
            Who::New { first } => (first + number, first + number),
            Who::NewOn { key, first } => (key, first + number),
            Who::Known { first, count } => {
                let computer = first + number % count.max(1);
                (computer, computer)
            }
        }
    }

    fn message(&self, number: u64) -> Bytes {
        let (key, computer) = self.subject(number);
        let request = self.tellings.requests.fetch_add(1, Ordering::Relaxed);
        let Tellings { computers, keys, .. } = self.tellings.as_ref();
        // A request that cannot be made is empty, and refused as such.
        computers.request(keys, key, computer, request).unwrap_or_default()
    }
}

impl Load for Activations {
    fn next(&self) -> Option<(u64, Bytes)> {
        if self.patience == Patience::Insists
            && let Some(number) = self.again().pop()
        {
            return Some((number, self.message(number)));
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.most).then(|| (number, self.message(number)))
    }

    fn refused(&self, number: u64, status: &Status) -> Result<Duration> {
        if self.patience == Patience::None || status.code() != Code::ResourceExhausted {
            return refuse_nothing(number, status);
        }
        if self.patience == Patience::Insists {
            self.again().push(number);
        }
        let wait = status.get_details_retry_info().and_then(|info| info.retry_delay);
        wait.context("an overloaded service says when to come again")
    }

    fn accept(&self, number: u64, answer: &Bytes) -> Result<()> {
        let told = Told::decode(answer.clone())?;
        ensure!(!told.receipt.is_empty(), "call {number} was answered without a receipt");
        let is_known = matches!(self.who, Who::Known { .. });
        let expected =
            if is_known { Outcome::NotCountedSameComputer } else { Outcome::CountedNewComputer };
        let outcome = told.outcome();
        ensure!(outcome == expected, "call {number}: {outcome:?} in place of {expected:?}");
        if !is_known {
            let place = self.tellings.keys.place(self.subject(number).0);
            let counted = self.tellings.counted.get(place).context("a key")?;
            counted.fetch_add(1, Ordering::Relaxed);
        }
        ensure!(told.used > 0, "call {number}: activated, and none used");
        Ok(())
    }
}

impl Echo {
    /// A load whose answers are all these bytes.
    #[must_use]
    pub fn new(tellings: &Arc<Tellings>, answer: Bytes) -> Arc<Self> {
        Self::at_most(tellings, answer, u64::MAX)
    }

    /// The same of so many calls and no more.
    #[must_use]
    pub fn at_most(tellings: &Arc<Tellings>, answer: Bytes, most: u64) -> Arc<Self> {
        let inner = Activations::new(tellings, Who::New { first: 0 }).at_most(most);
        Arc::new(Self { inner, answer })
    }
}

impl Load for Echo {
    fn next(&self) -> Option<(u64, Bytes)> {
        self.inner.next()
    }

    fn refused(&self, number: u64, status: &Status) -> Result<Duration> {
        refuse_nothing(number, status)
    }

    fn accept(&self, number: u64, answer: &Bytes) -> Result<()> {
        // Decoded as the other answers are, so that both cost the generator the same.
        let told = Told::decode(answer.clone())?;
        ensure!(!told.receipt.is_empty(), "call {number} was answered without a receipt");
        ensure!(answer.len() == self.answer.len(), "call {number}: another answer");
        Ok(())
    }
}
