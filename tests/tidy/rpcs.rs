//! One RPC, one name, one file in every room.

use prost_reflect::DescriptorPool;

use crate::house::House;
use crate::report::Fault;

const LAW: &str = "an RPC's snake-case name is its file's name in app, grpc and the system tests";

/// The service crate of each proto service.
const HOMES: [(&str, &str); 2] =
    [("ActivationService", "activation-service"), ("CatalogService", "catalog-service")];

pub(crate) fn check(house: &House, pool: &DescriptorPool) -> Vec<Fault> {
    let mut faults = Vec::new();
    for service in pool.services() {
        let Some((_, home)) = HOMES.iter().find(|(name, _)| *name == service.name()) else {
            let remedy = "tell tests/tidy/rpcs.rs which crate serves it";
            faults.push(Fault::new(service.parent_file().name(), 0, LAW, remedy));
            continue;
        };
        let folders =
            [format!("{home}/src/grpc"), format!("{home}/src/app"), "tests/system".to_owned()];
        for folder in folders.iter().filter(|folder| house.has_folder(folder)) {
            for method in service.methods() {
                let path = format!("{folder}/{}.rs", snake_case(method.name()));
                if house.get(&path).is_none() {
                    let remedy =
                        format!("write it: the story of {} is missing here", method.name());
                    faults.push(Fault::new(&path, 0, LAW, remedy));
                }
            }
        }
    }
    faults
}

/// `BatchGetKeyUsage` → `batch_get_key_usage`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

#[test]
fn every_rpc_has_its_file_in_every_room() -> Result<(), Box<dyn std::error::Error>> {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET)?;
    let house = House::load()?;
    assert!(house.has_folder("tests/system"), "the journeys are missing: tests/system/<rpc>.rs");
    crate::report::assert_kept(check(&house, &pool));
    Ok(())
}

#[test]
fn a_missing_file_is_named() -> Result<(), Box<dyn std::error::Error>> {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET)?;
    let service = pool
        .get_service_by_name("benefits.catalog.v1.CatalogService")
        .ok_or("no CatalogService")?;
    let mut files: Vec<String> = service
        .methods()
        .map(|method| format!("catalog-service/src/grpc/{}.rs", snake_case(method.name())))
        .collect();
    files.retain(|file| !file.ends_with("/list_key_reveals.rs"));
    let specimen: Vec<(&str, &str)> =
        files.iter().map(|file| (file.as_str(), "//! An RPC.\n")).collect();
    crate::report::assert_broken_at(
        &check(&House::specimen(&specimen), &pool),
        &[("catalog-service/src/grpc/list_key_reveals.rs", 0)],
    );
    Ok(())
}
