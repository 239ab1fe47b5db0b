//! Journeys against both real binaries over sockets: one file an RPC, and one a story.

#![expect(
    clippy::indexing_slicing,
    reason = "a journey that cannot go on fails, also in its helper functions"
)]

mod activate;
mod anchors;
mod bad_input;
mod bad_wire;
mod batch_get_key_usage;
mod batch_register_keys;
mod clients_buf;
mod clients_grpcurl;
mod clients_python;
mod content;
mod crash;
mod drain;
mod every_method;
mod get_activation_terms;
mod get_benefit;
mod get_download;
mod get_install_instructions;
mod get_key;
mod get_ledger_head;
mod get_product;
mod hardware_compare;
mod hot_key;
mod import_product_keys;
mod json;
mod list_activations;
mod list_benefits;
mod list_key_events;
mod list_key_reveals;
mod list_offers;
mod list_products;
mod overload;
mod preview_activation;
mod release_activation;
mod reload_content;
mod reveal_product_key;
mod secrets;
mod update_key;
mod upsert_enrolment;
mod upsert_partner;
