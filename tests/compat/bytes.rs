//! Bytes of the first release, kept as a specimen.

use anyhow::{Context as _, Result};
use prost::Message as _;
use proto::activation::v1::{ActivateRequest, ComponentKind, Platform};

/// A request of the first release, byte for byte as it was sent.
const ACTIVATE_REQUEST: &str = "0a0a4142434445464748494a120a70726f64756374732f781a180a1608041001\
    1a10000102030405060708090a0b0c0d0e0f20012a080a016e120376312e3210\
    0f0e0d0c0b0a09080706050403020100";

#[test]
fn bytes_of_the_first_release_mean_what_they_meant() -> Result<()> {
    let digits: Vec<u32> =
        ACTIVATE_REQUEST.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .map(u8::try_from)
        .collect::<Result<_, _>>()?;
    let request = ActivateRequest::decode(bytes.as_slice())?;
    assert_eq!((&*request.product_key, &*request.product), ("ABCDEFGHIJ", "products/x"));
    assert_eq!(request.platform(), Platform::Windows);
    let evidence = request.evidence.as_ref().context("evidence")?;
    let component = &evidence.components[0];
    assert_eq!((component.kind(), component.recipe_version), (ComponentKind::OsDisk, 1));
    assert_eq!(component.digests[0].to_vec(), (0..16).collect::<Vec<u8>>());
    let client = request.client.as_ref().context("a client")?;
    assert_eq!((&*client.name, &*client.version), ("n", "v1."));
    assert_eq!(request.request_id.to_vec(), (0..16).rev().collect::<Vec<u8>>());
    assert_eq!(request.encode_to_vec(), bytes, "and it is written as it was");
    Ok(())
}
