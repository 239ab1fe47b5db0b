//! Every method of both services, called with each role: only those whom its schema names get in,
//! and all others are refused before their message is read.

use anyhow::{Context as _, Result};
use prost_reflect::{DescriptorPool, MethodDescriptor, Value};
use system_tests::{RawCall, Service, World};
use tonic::Code;

/// No message of ours begins like this.
const GARBAGE: [u8; 4] = [0xff; 4];

/// The roles that the option of a method names.
fn roles_of(pool: &DescriptorPool, method: &MethodDescriptor) -> Result<Vec<i32>> {
    let option = pool.get_extension_by_name("benefits.access.v1.roles").context("the option")?;
    let options = method.options();
    let Value::List(numbers) = options.get_extension(&option).into_owned() else {
        anyhow::bail!("the option is a list");
    };
    numbers.iter().map(|number| number.as_enum_number().context("a number")).collect()
}

#[tokio::test]
async fn a_role_opens_the_methods_that_name_it_and_no_other() -> Result<()> {
    let world = World::start().await?;
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET)?;
    let role = pool.get_enum_by_name("benefits.access.v1.Role").context("the roles")?;
    let installer = role.get_value_by_name("ROLE_INSTALLER").context("installers")?.number();
    let mut methods = 0;
    for service in pool.services() {
        let (address, for_everyone) = match service.name() {
            "ActivationService" => (world.address(Service::Activation)?, vec![installer]),
            _ => (world.address(Service::Catalog)?, vec![]),
        };
        for method in service.methods() {
            methods += 1;
            let path = format!("/{}/{}", service.full_name(), method.name());
            let named = roles_of(&pool, &method)?;
            assert!(!named.is_empty(), "{path} can be called by nobody");
            for value in role.values() {
                let holds = named.contains(&value.number())
                    || for_everyone.iter().any(|number| named.contains(number));
                let short = value.name().trim_start_matches("ROLE_");
                let who = format!("subject=walker;roles={short};tenant=contoso");
                let call = RawCall::of(&path, &GARBAGE).with_header("x-dev-identity", &who);
                let told = call.send(address).await?.refusal()?;
                let wanted = match holds {
                    true => (Code::InvalidArgument, "MESSAGE_MALFORMED"),
                    false => (Code::PermissionDenied, "ROLE_MISSING"),
                };
                assert_eq!((told.code, &*told.reason), wanted, "{path} as {short}");
            }
            let told = RawCall::of(&path, &GARBAGE).send(address).await?.refusal()?;
            let wanted = match for_everyone.iter().any(|number| named.contains(number)) {
                true => (Code::InvalidArgument, "MESSAGE_MALFORMED"),
                false => (Code::Unauthenticated, "CREDENTIALS_MISSING"),
            };
            assert_eq!((told.code, &*told.reason), wanted, "{path} as nobody");
        }
    }
    assert!(methods >= 24, "{methods} methods were walked");
    Ok(())
}
