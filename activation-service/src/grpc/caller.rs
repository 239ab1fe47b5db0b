//! The principal of a call → the caller that the use cases know; one role decides, the strongest.

use chassis::auth::Principal;

use crate::app::Caller;

pub(super) fn caller(principal: &Principal) -> Caller {
    let subject = principal.subject().to_owned();
    if principal.has("OPS_ADMIN") {
        Caller::OpsAdmin { subject }
    } else if principal.has("CATALOG") {
        Caller::Catalog { subject }
    } else if principal.has("OPS_READ") {
        Caller::OpsRead { subject }
    } else if principal.has("GLOBAL_ADMIN") || principal.has("MPN_PARTNER_ADMIN") {
        // No key has an empty owner, so an admin of nobody sees nothing.
        let owner = principal.tenant().unwrap_or_default().to_owned();
        Caller::Owner { subject, owner }
    } else {
        Caller::KeyHolder
    }
}

/// True for callers whose failed look-ups are charged: everyone but our own services and operators.
pub(super) const fn is_charged(caller: &Caller) -> bool {
    match caller {
        Caller::KeyHolder | Caller::Owner { .. } => true,
        Caller::Catalog { .. } | Caller::OpsRead { .. } | Caller::OpsAdmin { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_the_strongest_role_decides() {
        let of = |roles: &[&str], tenant: Option<&str>| {
            caller(&Principal::new("s", roles.iter().copied(), tenant.map(str::to_owned)))
        };
        let subject = || "s".to_owned();
        assert_eq!(of(&["INSTALLER"], None), Caller::KeyHolder);
        assert_eq!(of(&["INSTALLER", "PORTAL"], Some("t")), Caller::KeyHolder);
        let owner = Caller::Owner { subject: subject(), owner: "t".to_owned() };
        assert_eq!(of(&["INSTALLER", "GLOBAL_ADMIN"], Some("t")), owner);
        assert_eq!(of(&["MPN_PARTNER_ADMIN"], Some("t")), owner);
        let nobody = Caller::Owner { subject: subject(), owner: String::new() };
        assert_eq!(of(&["GLOBAL_ADMIN"], None), nobody);
        let reader = Caller::OpsRead { subject: subject() };
        assert_eq!(of(&["GLOBAL_ADMIN", "OPS_READ"], Some("t")), reader);
        let catalog = Caller::Catalog { subject: subject() };
        assert_eq!(of(&["OPS_READ", "CATALOG"], None), catalog);
        let admin = Caller::OpsAdmin { subject: subject() };
        assert_eq!(of(&["CATALOG", "OPS_ADMIN"], None), admin);
    }
}
