//! Turns what a connection and a call prove into a principal.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use tonic::Code;

use super::token::{TokenKeyError, Tokens};
use super::{IdentityConfig, Principal, certificate, development};
use crate::status::Fault;

/// What a connection proved, once for all its calls.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    principal: Principal,
    may_forward: bool,
}

/// The identity settings, ready for use.
#[derive(Debug)]
pub(crate) struct Authenticator {
    config: IdentityConfig,
    tokens: Option<Tokens>,
    everyone: &'static [&'static str],
    anonymous: Principal,
}

impl Authenticator {
    /// Reads the key files; `everyone` are the roles that all callers hold.
    pub(crate) fn new(
        mut config: IdentityConfig,
        everyone: &'static [&'static str],
    ) -> Result<Self, TokenKeyError> {
        let tokens = config.token.as_ref().map(Tokens::load).transpose()?;
        config.client_roles =
            config.client_roles.into_iter().map(|(n, r)| (n.to_ascii_lowercase(), r)).collect();
        let anonymous = Principal::anonymous(everyone.iter().copied());
        Ok(Self { config, tokens, everyone, anonymous })
    }

    /// The caller of a connection, by the certificate that its handshake verified, if there was
    /// one.
    pub(crate) fn caller(&self, certificate: Option<&[u8]>) -> Caller {
        let Some(der) = certificate else {
            return Caller { principal: self.anonymous.clone(), may_forward: false };
        };
        let names = certificate::dns_names(der);
        let listed: Vec<_> =
            names.iter().filter_map(|name| self.config.client_roles.get_key_value(name)).collect();
        let subject = listed.first().map(|(name, _)| *name).or(names.first());
        let roles: Vec<&str> =
            listed.iter().flat_map(|(_, roles)| roles.iter().map(String::as_str)).collect();
        let may_forward =
            roles.iter().any(|role| self.config.token_forwarders.iter().any(|f| f == role));
        let principal = Principal::new(
            subject.map_or("certificate without a name", String::as_str),
            roles.into_iter().chain(self.everyone.iter().copied()),
            None,
        );
        Caller { principal, may_forward }
    }

    /// The principal of one call: the forwarded user if there is a token, else whoever connected.
    pub(crate) fn principal(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
    ) -> Result<Principal, Fault> {
        if let Some(credentials) = headers.get(AUTHORIZATION) {
            if !caller.may_forward {
                return Err(token_fault("this client may not forward a user's token"));
            }
            let tokens =
                self.tokens.as_ref().ok_or_else(|| token_fault("no tokens are accepted"))?;
            return tokens
                .principal(credentials, self.everyone)
                .map_err(|why| token_fault(&why.to_string()));
        }
        if self.config.development
            && let Some(stated) = development::stated(headers, self.everyone)
        {
            return stated.map_err(token_fault);
        }
        Ok(caller.principal.clone())
    }
}

fn token_fault(why: &str) -> Fault {
    Fault::new(Code::Unauthenticated, "TOKEN_INVALID", why).localized(
        "Your sign-in is not valid here or has expired. Sign in again.",
        "Uw aanmelding is hier niet geldig of is verlopen. Meld u opnieuw aan.",
    )
}
