//! What a person reads of the walk, or one JSON document of the same.

use std::net::SocketAddr;
use std::path::Path;

use installer_client::Failure;
use serde_json::{Map, Value, json};

use crate::output;

/// Collects the steps; prints them at once unless a document is asked for.
pub(super) struct Report {
    json: bool,
    services: Map<String, Value>,
    steps: Vec<Value>,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json, services: Map::new(), steps: Vec::new() }
    }

    /// A remark that is no step.
    pub(super) fn note(&self, text: &str) {
        if !self.json {
            output::line(text);
        }
    }

    pub(super) fn services(&mut self, catalog: SocketAddr, activation: SocketAddr) {
        self.services.insert("catalog".to_owned(), json!(catalog.to_string()));
        self.services.insert("activation".to_owned(), json!(activation.to_string()));
        self.note(&format!("catalog-service on {catalog}, activation-service on {activation}"));
    }

    /// A step that came out as the rules say: what it shows, in lines and as data.
    pub(super) fn step(&mut self, rules: &str, title: &str, lines: &[String], data: &Value) {
        self.note(&format!("\n[{rules}] {title}"));
        lines.iter().for_each(|line| self.note(&format!("    {line}")));
        self.steps.push(json!({ "rules": rules, "title": title, "shown": lines, "data": data }));
    }

    /// A refusal that came as the rules say.
    pub(super) fn refusal(&mut self, rules: &str, title: &str, failure: &Failure) {
        let mut lines = vec![format!("refused: {} ({:?})", failure.reason, failure.code)];
        lines.push(failure.message.clone());
        lines.extend(
            failure.help.iter().map(|link| format!("→ {}: {}", link.description, link.url)),
        );
        let help: Vec<_> = failure.help.iter().map(|link| link.url.clone()).collect();
        let data = json!({
            "reason": failure.reason,
            "code": format!("{:?}", failure.code),
            "message": failure.message,
            "help": help,
            "facts": failure.facts,
        });
        self.step(rules, title, &lines, &data);
    }

    /// Lines that a person may paste into another terminal.
    pub(super) fn paste(&self, catalog: SocketAddr, activation: SocketAddr, certs: &Path) {
        let alice = "-H 'x-dev-identity: subject=alice;roles=GLOBAL_ADMIN;tenant=contoso'";
        let operator = "-H 'x-dev-identity: subject=operator;roles=OPS_ADMIN'";
        let (catalog_service, activation_service) =
            ("benefits.catalog.v1.CatalogService", "benefits.activation.v1.ActivationService");
        let benefits = r#"-H 'accept-language: nl' -d '{"parent":"partners/contoso"}'"#;
        self.note("\nTo look around with grpcurl:");
        for call in [
            format!("{catalog} list"),
            format!("{activation} describe {activation_service}.Activate"),
            format!("{alice} {benefits} {catalog} {catalog_service}/ListBenefits"),
            format!("{operator} {catalog} {catalog_service}/ListOffers"),
            format!("{activation} {activation_service}/GetActivationTerms"),
        ] {
            self.note(&format!("    grpcurl -plaintext {call}"));
        }
        self.note(&format!("Identities for TLS lie in {}.", certs.display()));
    }

    /// Prints the document, if one was asked for.
    pub(super) fn finish(&self) {
        let steps = self.steps.len();
        self.note(&format!("\n{steps} steps, all as the rules say."));
        if self.json {
            let document = json!({ "ok": true, "services": self.services, "steps": self.steps });
            output::line(&format!("{document:#}"));
        }
    }
}
