//! Journeys against both real binaries over sockets: one file an RPC, and one a story.

mod activate;
mod batch_get_key_usage;
mod batch_register_keys;
mod get_activation_terms;
mod get_benefit;
mod get_download;
mod get_install_instructions;
mod get_key;
mod get_product;
mod import_product_keys;
mod list_activations;
mod list_benefits;
mod list_key_events;
mod list_key_reveals;
mod list_offers;
mod list_products;
mod preview_activation;
mod release_activation;
mod reload_content;
mod reveal_product_key;
mod update_key;
mod upsert_enrolment;
mod upsert_partner;
