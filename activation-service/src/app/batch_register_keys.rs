//! BatchRegisterKeys: make keys known; safe to repeat.

use super::{App, AppError, Caller, RegistrationFault};
use crate::domain::account::Head;
use crate::domain::command::{Command, Register};
use crate::domain::error::Refusal;
use crate::domain::event::{Client, Origin};
use crate::domain::ids::KeyId;
use crate::domain::product_key::ProductKey;
use crate::domain::terms::{Suspension, Terms};

/// Keys that are settled at the same time.
const AT_ONCE: usize = 64;

/// A key to register, valid by its shape.
pub struct Registration {
    /// The handle it gets.
    pub key_id: KeyId,
    /// The key; only its digest is kept.
    pub product_key: ProductKey,
    /// What was agreed.
    pub terms: Terms,
    /// The suspension it begins with.
    pub suspension: Suspension,
}

impl App {
    /// Registers each key; the error names those that are recorded otherwise, all others are
    /// registered.
    pub async fn batch_register_keys(
        &self,
        caller: &Caller,
        registrations: Vec<Registration>,
    ) -> Result<Vec<Head>, AppError> {
        let (mut heads, mut faults) = (Vec::new(), Vec::new());
        let mut waiting = registrations.into_iter().enumerate();
        loop {
            // Few enough that the queue has room for others; one after the other they would cost a
            // sync each.
            let settling: Vec<_> = waiting
                .by_ref()
                .take(AT_ONCE)
                .map(|(index, registration)| {
                    let (key_id, command) = self.registration(caller, registration);
                    (index, key_id, command)
                })
                .collect();
            if settling.is_empty() {
                break;
            }
            for (index, key_id, settled) in self.settle_all(settling).await {
                let settled = settled?;
                match (settled.result, settled.head) {
                    (Ok(_), Some(head)) => heads.push(head),
                    (Err(Refusal::AlreadyRegistered { fields }), _) => {
                        faults.push(RegistrationFault { index, key_id, fields });
                    }
                    (Err(refusal), head) => {
                        return Err(AppError::refused(refusal, head.as_ref()));
                    }
                    (Ok(_), None) => return Err(AppError::Unavailable),
                }
            }
        }
        if faults.is_empty() { Ok(heads) } else { Err(AppError::AlreadyRegistered(faults)) }
    }

    async fn settle_all(
        &self,
        settling: Vec<(usize, KeyId, Command)>,
    ) -> Vec<(usize, KeyId, Result<super::committer::Settled, AppError>)> {
        let one = |(index, key_id, command)| async move {
            (index, key_id, self.committer.settle(key_id, command).await)
        };
        futures_util::future::join_all(settling.into_iter().map(one)).await
    }

    fn registration(&self, caller: &Caller, registration: Registration) -> (KeyId, Command) {
        let Registration { key_id, product_key, terms, suspension } = registration;
        let origin = Origin {
            actor: caller.actor().to_owned(),
            reason: String::new(),
            client: Client::default(),
            time_ms: self.clock.now_ms(),
        };
        let lookups = self.peppers.digests(&product_key);
        let register = Register { key_id, terms, suspension, lookups, origin };
        (key_id, Command::Register(Box::new(register)))
    }
}
