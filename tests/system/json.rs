//! Messages as canonical proto JSON, for clients that are typed by reflection.

use anyhow::{Context as _, Result};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use proto::activation::v1::ActivateRequest;

/// The request as a person would hand it to `-d`.
pub(crate) fn activate(request: &ActivateRequest) -> Result<String> {
    of("benefits.activation.v1.ActivateRequest", request)
}

fn of(name: &str, message: &impl Message) -> Result<String> {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET)?;
    let descriptor = pool.get_message_by_name(name).with_context(|| format!("no {name}"))?;
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())?;
    Ok(serde_json::to_string(&message)?)
}
