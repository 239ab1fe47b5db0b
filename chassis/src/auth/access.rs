//! Who may call what: denied unless the table says otherwise.

use tonic::Code;

use super::Principal;
use crate::status::Fault;

/// Who may call one method.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Access {
    /// Health and reflection.
    Open,
    /// Holders of one of the roles.
    Roles(&'static [&'static str]),
}

/// Why `principal` may not call the method, or nothing when it may.
pub(crate) fn refusal(access: Access, principal: &Principal) -> Option<Fault> {
    let roles = match access {
        Access::Open => return None,
        Access::Roles(roles) if roles.iter().any(|role| principal.has(role)) => return None,
        Access::Roles(roles) => roles,
    };
    let wanted = roles.join(",");
    Some(if principal.is_anonymous() {
        Fault::new(Code::Unauthenticated, "CREDENTIALS_MISSING", "this method needs credentials")
            .localized(
                "Sign in first: this action is not open to everyone.",
                "Meld u eerst aan: deze actie is niet voor iedereen beschikbaar.",
            )
            .metadata("roles", wanted)
    } else {
        Fault::new(Code::PermissionDenied, "ROLE_MISSING", "none of the caller's roles suffices")
            .localized(
                "Your account lacks the role that this action needs. Ask an administrator of your \
                 organisation.",
                "Uw account heeft niet de rol die voor deze actie nodig is. Vraag een beheerder \
                 van uw organisatie.",
            )
            .metadata("roles", wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denied_unless_the_table_names_a_role_of_the_caller() {
        let nobody = Principal::anonymous(["GUEST"]);
        let user = Principal::new("alice", ["READER"], None);
        let reason = |access, who| refusal(access, who).map(|fault| fault.reason());
        assert_eq!(reason(Access::Open, &nobody), None);
        assert_eq!(reason(Access::Roles(&["GUEST"]), &nobody), None);
        assert_eq!(reason(Access::Roles(&["READER", "X"]), &user), None);
        assert_eq!(reason(Access::Roles(&["READER"]), &nobody), Some("CREDENTIALS_MISSING"));
        assert_eq!(reason(Access::Roles(&["WRITER"]), &user), Some("ROLE_MISSING"));
        assert_eq!(reason(Access::Roles(&[]), &user), Some("ROLE_MISSING"));
    }
}
