//! Compiles the schemas with protox and generates the table method → roles from their method
//! options.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use prost::Message as _;
use prost_reflect::{DescriptorPool, Value};

const FILES: [&str; 3] = [
    "benefits/access/v1/access.proto",
    "benefits/activation/v1/activation.proto",
    "benefits/catalog/v1/catalog.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;

    // prost-types drops extensions, so the encoded set comes from protox itself.
    let encoded = compiler.encode_file_descriptor_set();
    std::fs::write(out.join("descriptors.binpb"), &encoded)?;
    std::fs::write(out.join("method_roles.rs"), method_roles(&encoded)?)?;

    let set = prost_types::FileDescriptorSet::decode(encoded.as_slice())?;
    tonic_prost_build::configure().bytes(".").compile_fds(set)?;
    for file in FILES {
        println!("cargo:rerun-if-changed={file}");
    }
    Ok(())
}

/// One entry a method: its gRPC path and the roles that may call it, without the `ROLE_` prefix.
fn method_roles(encoded: &[u8]) -> Result<String, Box<dyn Error>> {
    let pool = DescriptorPool::decode(encoded)?;
    let option = pool
        .get_extension_by_name("benefits.access.v1.roles")
        .ok_or("benefits.access.v1.roles is not declared")?;
    let role = pool.get_enum_by_name("benefits.access.v1.Role").ok_or("no enum Role")?;
    let mut table = String::from("&[\n");
    for method in pool.services().flat_map(|s| s.methods().collect::<Vec<_>>()) {
        let options = method.options();
        let value = options.get_extension(&option);
        let Value::List(numbers) = value.as_ref() else { return Err("roles is no list".into()) };
        let mut names = Vec::new();
        for number in numbers {
            let number = number.as_enum_number().ok_or("a role is no enum number")?;
            let name = role.get_value(number).ok_or("a role has no name")?;
            names.push(name.name().trim_start_matches("ROLE_").to_owned());
        }
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        writeln!(table, "    ({path:?}, &{names:?}),")?;
    }
    table.push(']');
    Ok(table)
}
