//! A leaf as names and texts, for people and for comparing implementations.

use super::{Activated, Change, Event, Leaf, Registered, Released, Suspension};

type Fields = Vec<(String, String)>;

impl Leaf {
    /// Its fields in the order of its bytes: names as in `docs/receipts.md`, numbers in decimal,
    /// ids and hashes in lower-case hexadecimal, `none` for what is not there.
    ///
    /// Texts are as they were recorded; who prints them to a terminal takes control characters out.
    #[must_use]
    pub fn fields(&self) -> Vec<(String, String)> {
        let mut fields = Fields::new();
        let mut put = |name: &str, value: String| fields.push((name.to_owned(), value));
        put("key_id", hex(&self.key_id));
        put("account_version", self.account_version.to_string());
        put("sequence", self.sequence.to_string());
        put("shown_ms", self.shown_ms.to_string());
        put("raw_ms", self.raw_ms.to_string());
        put("actor", self.actor.clone());
        put("reason", self.reason.clone());
        put("client_name", self.client.name.clone());
        put("client_version", self.client.version.clone());
        put("request_id", or_none(self.request_id.map(|id| hex(&id))));
        match &self.event {
            Event::Registered(registered) => put_registered(&mut put, registered),
            Event::Activated(activated) => put_activated(&mut put, activated),
            Event::Released(released) => put_released(&mut put, released),
            Event::Updated(changes) => {
                put("event", "UPDATED".to_owned());
                for (index, change) in changes.iter().enumerate() {
                    put(&format!("change_{}", index + 1), shown_change(change));
                }
            }
            Event::Refused(refused) => {
                put("event", "REFUSED".to_owned());
                put("refusal_reason", refused.reason.name().to_owned());
                put("platform", or_none(refused.platform.map(|platform| platform.to_string())));
            }
        }
        fields
    }
}

fn put_registered(put: &mut impl FnMut(&str, String), registered: &Registered) {
    put("event", "REGISTERED".to_owned());
    put("owner", registered.owner.clone());
    put("product", registered.product.clone());
    put("platforms", registered.platforms.to_string());
    put("limit", registered.limit.to_string());
    put("counting_mode", registered.counting_mode.name().to_owned());
    put("releases_max", registered.releases_max.to_string());
    put("activate_by_ms", or_none(registered.activate_by_ms.map(|time_ms| time_ms.to_string())));
    put("help_uri", registered.help_uri.clone());
    put("handle_allowed", registered.handle_allowed.to_string());
    put("suspended", registered.suspension.suspended.to_string());
    put("suspension_generation", registered.suspension.generation.to_string());
    put("look_up_commitment", hex(&registered.look_up));
}

fn put_activated(put: &mut impl FnMut(&str, String), activated: &Activated) {
    let kinds: Vec<String> =
        activated.kinds.iter().map(|(kind, verdict)| format!("{kind}={verdict}")).collect();
    put("event", "ACTIVATED".to_owned());
    put("outcome", activated.outcome.name().to_owned());
    put("activation_id", hex(&activated.activation_id));
    put("count", activated.count.to_string());
    put("platform", activated.platform.name().to_owned());
    put("used", activated.used.to_string());
    put("limit", activated.limit.to_string());
    put("policy_version", activated.policy_version.clone());
    put("score", or_none(activated.score.map(|score| score.to_string())));
    put("threshold", activated.threshold.to_string());
    put("kinds", kinds.join(" "));
    put("weak", activated.weak.to_string());
    put("clone_suspected", activated.clone_suspected.to_string());
    put("evidence_commitment", or_none(activated.evidence.map(|commitment| hex(&commitment))));
}

fn put_released(put: &mut impl FnMut(&str, String), released: &Released) {
    put("event", "RELEASED".to_owned());
    put("activation_id", hex(&released.activation_id));
    put("count", released.count.to_string());
    put("last", released.last.to_string());
    put("by_policy", released.by_policy.to_string());
    put("used", released.used.to_string());
    put("limit", released.limit.to_string());
}

/// `field: old -> new`.
fn shown_change(change: &Change) -> String {
    let time = |time_ms: &Option<i64>| or_none(time_ms.map(|time_ms| time_ms.to_string()));
    let suspension = |Suspension { suspended, generation }: &Suspension| {
        format!("{suspended} (generation {generation})")
    };
    match change {
        Change::Limit(old, new) => format!("limit: {old} -> {new}"),
        Change::Blocked(old, new) => format!("blocked: {old} -> {new}"),
        Change::Platforms(old, new) => format!("platforms: {old} -> {new}"),
        Change::ReleasesMax(old, new) => format!("releases_max: {old} -> {new}"),
        Change::ActivateBy(old, new) => format!("activate_by_ms: {} -> {}", time(old), time(new)),
        Change::HelpUri(old, new) => format!("help_uri: {old} -> {new}"),
        Change::HandleAllowed(old, new) => format!("handle_allowed: {old} -> {new}"),
        Change::Suspension(old, new) => {
            format!("suspended: {} -> {}", suspension(old), suspension(new))
        }
        Change::LookUp(commitment) => format!("look_up_commitment: {}", hex(commitment)),
    }
}

fn or_none(value: Option<String>) -> String {
    value.unwrap_or_else(|| "none".to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
