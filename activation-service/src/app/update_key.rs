//! UpdateKey: change terms or standing of a key, each field by those who may.

use super::{App, AppError, Caller};
use crate::domain::account::Head;
use crate::domain::command::{Command, Settings, Update};
use crate::domain::error::Refusal;
use crate::domain::event::{Client, Origin};
use crate::domain::ids::KeyId;

/// A change, valid by its shape.
pub struct KeyUpdate {
    /// The key.
    pub key_id: KeyId,
    /// What changes.
    pub settings: Settings,
    /// Why.
    pub reason: String,
}

impl App {
    /// Changes a key; the catalog sets the suspension, administrators everything else.
    pub async fn update_key(&self, caller: &Caller, update: KeyUpdate) -> Result<Head, AppError> {
        let KeyUpdate { key_id, settings, reason } = update;
        let refused = not_permitted(caller, &settings);
        if !refused.is_empty() {
            return Err(AppError::FieldsNotPermitted(refused));
        }
        self.visible(caller, key_id).await?;
        let origin = Origin {
            actor: caller.actor().to_owned(),
            reason,
            client: Client::default(),
            time_ms: self.clock.now_ms(),
        };
        let command = Command::Update(Box::new(Update { settings, origin }));
        let settled = self.committer.settle(key_id, command).await?;
        match (settled.result, settled.head) {
            (Ok(_), Some(head)) => Ok(head),
            (Ok(_), None) => Err(AppError::refused(Refusal::KeyNotFound, None)),
            (Err(refusal), head) => Err(AppError::refused(refusal, head.as_ref())),
        }
    }
}

/// The fields that this caller may not set.
fn not_permitted(caller: &Caller, settings: &Settings) -> Vec<&'static str> {
    let catalog = matches!(caller, Caller::Catalog { .. });
    let admin = matches!(caller, Caller::OpsAdmin { .. });
    let asked = [
        ("limit", settings.limit.is_some(), admin),
        ("blocked", settings.blocked.is_some(), admin),
        ("platforms", settings.platforms.is_some(), admin),
        ("release_policy", settings.releases_max.is_some(), admin),
        ("activate_by_time", settings.activate_by_ms.is_some(), admin),
        ("help_uri", settings.help_uri.is_some(), admin),
        ("operator_handle_allowed", settings.handle_allowed.is_some(), admin),
        ("suspension", settings.suspension.is_some(), catalog),
    ];
    asked.into_iter().filter(|(_, set, may)| *set && !may).map(|(name, ..)| name).collect()
}
