//! The protobuf schemas of both services and what is generated from them; no logic.

/// Who may call what.
pub mod access {
    /// Package `benefits.access.v1`.
    #[allow(
        missing_docs,
        unused_qualifications,
        clippy::all,
        clippy::allow_attributes_without_reason,
        clippy::too_many_lines,
        reason = "generated code follows other laws"
    )]
    pub mod v1 {
        tonic::include_proto!("benefits.access.v1");
    }
}

/// The activation service.
pub mod activation {
    /// Package `benefits.activation.v1`.
    #[allow(
        missing_docs,
        unused_qualifications,
        clippy::all,
        clippy::allow_attributes_without_reason,
        clippy::too_many_lines,
        reason = "generated code follows other laws"
    )]
    pub mod v1 {
        tonic::include_proto!("benefits.activation.v1");
    }
}

/// The catalog service.
pub mod catalog {
    /// Package `benefits.catalog.v1`.
    #[allow(
        missing_docs,
        unused_qualifications,
        clippy::all,
        clippy::allow_attributes_without_reason,
        clippy::too_many_lines,
        reason = "generated code follows other laws"
    )]
    pub mod v1 {
        tonic::include_proto!("benefits.catalog.v1");
    }
}

/// All schemas with their comments and imports, an encoded `google.protobuf.FileDescriptorSet`;
/// feeds reflection and the laws about schemas.
pub const FILE_DESCRIPTOR_SET: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));

/// Each method's gRPC path (`/package.Service/Method`) and the roles that may call it, without the
/// `ROLE_` prefix.
pub const METHOD_ROLES: &[(&str, &[&str])] = include!(concat!(env!("OUT_DIR"), "/method_roles.rs"));
