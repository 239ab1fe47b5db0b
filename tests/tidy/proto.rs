//! The manners of our schemas: buf's STANDARD and COMMENTS rules, read from the descriptors, and
//! our own.

use std::collections::BTreeSet;

use prost_reflect::{
    DescriptorPool, EnumDescriptor, FileDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    ServiceDescriptor, Value,
};

use crate::proto_names::{check_enum, check_message, is_pascal};
use crate::report::Fault;

const LAW_PACKAGE: &str =
    "a schema lies in the folder of its versioned package, proto3, no odd imports";
const LAW_SERVICE: &str = "a package has at most one service, and it is called …Service";
const LAW_METHOD: &str = "an RPC has a request and a response of its own, named after it";
const LAW_ROLES: &str = "every method names the roles that may call it";
const LAW_PAGES: &str = "lists page from the start";
const LAW_COMMENT: &str = "every element has a comment, for callers read it through reflection";

const ROLES_OPTION: &str = "benefits.access.v1.roles";
/// Our own schemas; the others are imported.
const OURS: &str = "benefits/";

/// What the laws about schemas share: the set, and what was found so far.
pub(crate) struct Lint {
    pool: DescriptorPool,
    pub(crate) faults: Vec<Fault>,
}

impl Lint {
    /// Notes a fault at the element with this path in the file's descriptor.
    pub(crate) fn fault(
        &mut self,
        file: &FileDescriptor,
        path: &[i32],
        law: &'static str,
        remedy: impl Into<String>,
    ) {
        let line = location(file, path).map_or(0, |(line, _)| line);
        let name = format!("proto/{}", file.name());
        self.faults.push(Fault::new(&name, line, law, remedy));
    }

    pub(crate) fn commented(&mut self, file: &FileDescriptor, path: &[i32], name: &str) {
        if !location(file, path).is_some_and(|(_, has_comment)| has_comment) {
            let remedy = format!("tell the caller what `{name}` means, with units and reasons");
            self.fault(file, path, LAW_COMMENT, remedy);
        }
    }
}

/// The line of an element from one, and whether a comment stands above it.
fn location(file: &FileDescriptor, path: &[i32]) -> Option<(usize, bool)> {
    let info = file.file_descriptor_proto().source_code_info.as_ref()?;
    let found = info.location.iter().find(|location| location.path == path)?;
    let line = usize::try_from(*found.span.first()?).ok()? + 1;
    let comment = found.leading_comments();
    Some((line, !comment.trim().is_empty()))
}

pub(crate) fn check(pool: &DescriptorPool) -> Vec<Fault> {
    let mut lint = Lint { pool: pool.clone(), faults: Vec::new() };
    for file in pool.files().filter(|file| file.name().starts_with(OURS)) {
        check_file(&mut lint, &file);
        for service in file.services() {
            check_service(&mut lint, &service);
        }
        for message in file.messages() {
            walk_message(&mut lint, &message);
        }
        for item in file.enums() {
            check_enum(&mut lint, &item);
        }
        for extension in file.extensions() {
            lint.commented(&file, extension.path(), extension.name());
        }
    }
    lint.faults
}

fn walk_message(lint: &mut Lint, message: &MessageDescriptor) {
    check_message(lint, message);
    for inner in message.child_messages().filter(|inner| !inner.is_map_entry()) {
        walk_message(lint, &inner);
    }
    for item in message.child_enums() {
        check_enum(lint, &item);
    }
}

fn check_file(lint: &mut Lint, file: &FileDescriptor) {
    let package = file.package_name();
    let folder = file.name().rsplit_once('/').map_or("", |(folder, _)| folder);
    let raw = file.file_descriptor_proto();
    let mut wrong = Vec::new();
    if folder != package.replace('.', "/") {
        wrong.push(format!("package {package} belongs into {}", package.replace('.', "/")));
    }
    if !package.rsplit('.').next().is_some_and(is_version) {
        wrong.push(format!("package {package} ends with a version such as v1"));
    }
    if package.chars().any(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || ".".contains(c))) {
        wrong.push(format!("package {package} is lower case"));
    }
    let stem = file.name().rsplit('/').next().unwrap_or_default().trim_end_matches(".proto");
    if !crate::proto_names::is_lower_snake(stem) {
        wrong.push(format!("{stem} is lower_snake_case"));
    }
    if raw.syntax() != "proto3" {
        wrong.push("write `syntax = \"proto3\";`".to_owned());
    }
    if !raw.public_dependency.is_empty() || !raw.weak_dependency.is_empty() {
        wrong.push("imports are neither public nor weak".to_owned());
    }
    let used = used_files(file);
    for import in raw.dependency.iter().filter(|import| !used.contains(*import)) {
        wrong.push(format!("nothing of {import} is used: take the import out"));
    }
    if file.services().len() > 1 {
        lint.fault(file, &[6, 1], LAW_SERVICE, "give the second service a package of its own");
    }
    for remedy in wrong {
        lint.fault(file, &[2], LAW_PACKAGE, remedy);
    }
}

/// Names of the files whose types or options this file uses.
fn used_files(file: &FileDescriptor) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let mut messages: Vec<MessageDescriptor> = file.messages().collect();
    while let Some(message) = messages.pop() {
        for field in message.fields() {
            match field.kind() {
                Kind::Message(kind) => used.insert(kind.parent_file().name().to_owned()),
                Kind::Enum(kind) => used.insert(kind.parent_file().name().to_owned()),
                _ => false,
            };
        }
        messages.extend(message.child_messages());
    }
    for extension in file.extensions() {
        used.insert(extension.containing_message().parent_file().name().to_owned());
    }
    for method in file.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        used.insert(method.input().parent_file().name().to_owned());
        used.insert(method.output().parent_file().name().to_owned());
        for (extension, _) in method.options().extensions() {
            used.insert(extension.parent_file().name().to_owned());
        }
    }
    used
}

fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|digits| {
        !digits.is_empty() && digits.chars().all(|digit| digit.is_ascii_digit())
    })
}

fn check_service(lint: &mut Lint, service: &ServiceDescriptor) {
    let file = service.parent_file();
    lint.commented(&file, service.path(), service.name());
    if !is_pascal(service.name()) || !service.name().ends_with("Service") {
        let remedy = format!("`{}`: call it …Service", service.name());
        lint.fault(&file, service.path(), LAW_SERVICE, remedy);
    }
    for method in service.methods() {
        check_method(lint, &method);
    }
}

fn check_method(lint: &mut Lint, method: &MethodDescriptor) {
    let file = method.parent_file();
    let path = method.path().to_vec();
    let name = method.name();
    lint.commented(&file, &path, name);
    if !is_pascal(name) {
        lint.fault(&file, &path, LAW_METHOD, format!("`{name}` is PascalCase"));
    }
    for (message, ending) in [(method.input(), "Request"), (method.output(), "Response")] {
        let wanted = format!("{name}{ending}");
        if message.name() != wanted {
            let remedy = format!("`{name}` wants a message `{wanted}`, not `{}`", message.name());
            lint.fault(&file, &path, LAW_METHOD, remedy);
        }
    }
    if !names_roles(&lint.pool, method) {
        let remedy = format!("add `option ({ROLES_OPTION}) = ROLE_…;` to `{name}`");
        lint.fault(&file, &path, LAW_ROLES, remedy);
    }
    if name.starts_with("List") {
        check_pages(lint, method);
    }
}

fn names_roles(pool: &DescriptorPool, method: &MethodDescriptor) -> bool {
    let Some(option) = pool.get_extension_by_name(ROLES_OPTION) else { return false };
    let options = method.options();
    let value = options.get_extension(&option);
    let Value::List(roles) = value.as_ref() else { return false };
    !roles.is_empty() && roles.iter().all(|role| role.as_enum_number().is_some_and(|n| n > 0))
}

fn check_pages(lint: &mut Lint, method: &MethodDescriptor) {
    let has = |message: &MessageDescriptor, name: &str, kind: &Kind| {
        message.get_field_by_name(name).is_some_and(|field| field.kind() == *kind)
    };
    let (input, output) = (method.input(), method.output());
    let pages = has(&input, "page_size", &Kind::Int32)
        && has(&input, "page_token", &Kind::String)
        && has(&output, "next_page_token", &Kind::String)
        && output.fields().any(|field| field.is_list());
    if !pages {
        let remedy = "request: int32 page_size, string page_token; response: a repeated field and \
                      string next_page_token";
        lint.fault(&method.parent_file(), method.path(), LAW_PAGES, remedy);
    }
}

/// Where an enum is declared, for the rules about names.
pub(crate) fn file_of(item: &EnumDescriptor) -> FileDescriptor {
    item.parent_file()
}

#[cfg(test)]
mod specimens {
    //! The schemas keep their manners, and a schema without any is told so.

    use std::error::Error;

    use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

    use super::*;

    struct Specimens(Vec<(&'static str, String)>);

    impl FileResolver for Specimens {
        fn open_file(&self, name: &str) -> Result<File, protox::Error> {
            match self.0.iter().find(|(own, _)| *own == name) {
                Some((_, text)) => File::from_source(name, text),
                None => Err(protox::Error::file_not_found(name)),
            }
        }
    }

    const ACCESS: &str = "benefits/access/v1/access.proto";

    fn compile(name: &'static str, text: &str) -> Result<DescriptorPool, Box<dyn Error>> {
        let access = std::fs::read_to_string(crate::house::root()?.join("proto").join(ACCESS))?;
        let mut resolver = ChainFileResolver::new();
        resolver.add(Specimens(vec![(ACCESS, access), (name, text.to_owned())]));
        resolver.add(GoogleFileResolver::new());
        let mut compiler = protox::Compiler::with_file_resolver(resolver);
        compiler.include_imports(true).include_source_info(true).open_file(name)?;
        Ok(DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice())?)
    }

    #[test]
    fn our_schemas_have_manners() -> Result<(), Box<dyn Error>> {
        let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET)?;
        assert!(pool.services().len() >= 2, "the descriptor set holds the services");
        crate::report::assert_kept(check(&pool));
        Ok(())
    }

    #[test]
    fn the_table_of_roles_has_every_method() -> Result<(), Box<dyn Error>> {
        let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET)?;
        let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        let paths: BTreeSet<String> =
            methods.map(|m| format!("/{}/{}", m.parent_service().full_name(), m.name())).collect();
        let rows: BTreeSet<String> =
            proto::METHOD_ROLES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(paths, rows);
        assert!(proto::METHOD_ROLES.iter().all(|(_, roles)| !roles.is_empty()));
        Ok(())
    }

    #[test]
    fn a_mannerly_specimen_passes() -> Result<(), Box<dyn Error>> {
        let text = MANNERS.replace("benefits.wrong", "benefits.tea.v1");
        let pool = compile("benefits/tea/v1/tea.proto", &text)?;
        crate::report::assert_kept(check(&pool));
        Ok(())
    }

    #[test]
    fn bad_manners_are_named() -> Result<(), Box<dyn Error>> {
        for (good, bad, law) in CHANGES {
            assert!(MANNERS.contains(good), "the specimen has `{good}`");
            let text = MANNERS.replace("benefits.wrong", "benefits.tea.v1").replacen(good, bad, 1);
            let pool = compile("benefits/tea/v1/tea.proto", &text)?;
            let laws: BTreeSet<&str> = check(&pool).into_iter().map(|fault| fault.law).collect();
            assert!(laws.contains(law), "`{bad}` breaks `{law}`, found {laws:?}");
        }
        let pool = compile("benefits/tea/v1/tea.proto", MANNERS)?;
        let laws: BTreeSet<&str> = check(&pool).into_iter().map(|fault| fault.law).collect();
        assert_eq!(laws, BTreeSet::from([LAW_PACKAGE]));
        Ok(())
    }

    /// A schema that keeps every law, but for its package.
    const MANNERS: &str = r#"// Tea.
syntax = "proto3";
package benefits.wrong;
import "benefits/access/v1/access.proto";
// Serves tea.
service TeaService {
  // The teas.
  rpc ListTeas(ListTeasRequest) returns (ListTeasResponse) {
    option (benefits.access.v1.roles) = ROLE_OPS_READ;
  }
}
// Asks for teas.
message ListTeasRequest {
  // Most teas.
  int32 page_size = 1;
  // From the page before.
  string page_token = 2;
}
// A page.
message ListTeasResponse {
  // The page.
  repeated TeaKind teas = 1;
  // For the next page.
  string next_page_token = 2;
}
// Kinds of tea.
enum TeaKind {
  // Never answered.
  TEA_KIND_UNSPECIFIED = 0;
  // Green.
  TEA_KIND_GREEN = 1;
}
"#;

    const NAMES: &str = crate::proto_names::LAW;
    /// One change each to the specimen, and the law that it breaks.
    const CHANGES: [(&str, &str, &str); 14] = [
        ("service TeaService", "service Tea", LAW_SERVICE),
        ("// Serves tea.\n", "", LAW_COMMENT),
        ("  // The teas.\n", "", LAW_COMMENT),
        ("  // Most teas.\n", "", LAW_COMMENT),
        ("  // Green.\n", "", LAW_COMMENT),
        ("option (benefits.access.v1.roles) = ROLE_OPS_READ;", "", LAW_ROLES),
        ("= ROLE_OPS_READ;", "= ROLE_UNSPECIFIED;", LAW_ROLES),
        ("option (benefits.access.v1.roles) = ROLE_OPS_READ;", "", LAW_PACKAGE),
        ("returns (ListTeasResponse)", "returns (ListTeasRequest)", LAW_METHOD),
        ("string page_token", "string token", LAW_PAGES),
        ("string next_page_token", "bytes next_page_token", LAW_PAGES),
        ("string page_token", "string pageToken", NAMES),
        ("TEA_KIND_UNSPECIFIED", "TEA_KIND_NONE", NAMES),
        ("TEA_KIND_GREEN", "GREEN", NAMES),
    ];
}
