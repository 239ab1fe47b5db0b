//! `benefits`: what a partner is entitled to, how to get it, and its keys.

use std::time::Duration;

use installer_client::{CatalogStub, Failure, RetryPolicy, call};
use proto::catalog::v1::{
    Benefit, BenefitListState, GetBenefitRequest, GetDownloadRequest, GetDownloadResponse,
    ListBenefitsRequest, ListBenefitsResponse, RevealProductKeyRequest, UsageState,
};
use tonic::{Request, Response, Status};

use crate::args::{BenefitsCommand, BenefitsListArgs, DownloadArgs, GlobalArgs, PlatformArg};
use crate::error::CliError;
use crate::names;
use crate::output::Printer;

const PAGE_ROWS: u32 = 200;

pub(crate) async fn run(
    global: &GlobalArgs,
    command: &BenefitsCommand,
    printer: &Printer,
) -> Result<(), CliError> {
    let json = printer.wants_json()?;
    let stub = global.catalog()?.catalog()?;
    match command {
        BenefitsCommand::List(args) => list(&stub, args, printer, json).await,
        BenefitsCommand::Show(args) => show(&stub, &args.name, printer, json).await,
        BenefitsCommand::Download(args) => download(&stub, args, printer, json).await,
        BenefitsCommand::RevealKey(args) => reveal_key(&stub, &args.name, printer, json).await,
    }
}

async fn list(
    stub: &CatalogStub,
    args: &BenefitsListArgs,
    printer: &Printer,
    json: bool,
) -> Result<(), CliError> {
    let mut request = ListBenefitsRequest {
        parent: names::partner(&args.partner),
        page_size: i32::try_from(args.rows_max.min(PAGE_ROWS)).unwrap_or(0),
        search: args.search.clone(),
        filter: args.filter.clone(),
        order_by: args.order_by.clone(),
        ..ListBenefitsRequest::default()
    };
    let rows_max = usize::try_from(args.rows_max).unwrap_or(usize::MAX);
    let mut whole: Option<ListBenefitsResponse> = None;
    // A page has a row or is the last one, so there are never more pages than rows.
    for _ in 0..args.rows_max {
        let page = read(stub, request.clone(), |mut stub, request| async move {
            stub.list_benefits(request).await
        })
        .await?;
        request.page_token.clone_from(&page.next_page_token);
        let whole = match &mut whole {
            None => whole.insert(page),
            Some(whole) => {
                whole.benefits.extend(page.benefits);
                whole.next_page_token = page.next_page_token;
                whole
            }
        };
        if request.page_token.is_empty() || whole.benefits.len() >= rows_max {
            break;
        }
    }
    let mut whole = whole.unwrap_or_default();
    whole.benefits.truncate(rows_max);
    if json {
        return printer.message("benefits.catalog.v1.ListBenefitsResponse", &whole, false);
    }
    print_list(&whole, printer)
}

fn print_list(list: &ListBenefitsResponse, printer: &Printer) -> Result<(), CliError> {
    if list.state() != BenefitListState::Active {
        let state = names::value(list.state().as_str_name(), "BENEFIT_LIST_STATE_");
        printer.fields(&[("state", state), ("note", names::or_dash(&list.state_note))])?;
    }
    let rows: Vec<Vec<String>> = list.benefits.iter().map(row).collect();
    let header = ["TITLE", "SOURCE", "LICENCES", "ACTIVATIONS", "ACTIVATE BY", "KEY", "NAME"];
    printer.table(&header, &rows)?;
    let shown = list.benefits.len();
    printer.note(&format!(
        "{shown} of {} benefits; manage them at {}",
        list.total_size, list.manage_uri
    ));
    Ok(())
}

fn row(benefit: &Benefit) -> Vec<String> {
    let quantity = benefit.licence_quantity.clone().unwrap_or_default();
    vec![
        benefit.title.clone(),
        benefit.source.clone(),
        format!("{} {}", quantity.value, quantity.unit),
        usage(benefit),
        names::time(benefit.activate_by_time.as_ref()),
        names::value(benefit.key_state().as_str_name(), "BENEFIT_KEY_STATE_").to_lowercase(),
        benefit.name.clone(),
    ]
}

fn usage(benefit: &Benefit) -> String {
    let usage = benefit.usage.unwrap_or_default();
    match usage.state() {
        UsageState::Available => format!("{} of {}", usage.used, usage.limit),
        UsageState::Unavailable => format!("? of {}", benefit.activation_limit),
        // No key yet, so nothing is used; the row still says how many activations come with it.
        _ if benefit.activation_limit > 0 => format!("- of {}", benefit.activation_limit),
        UsageState::NotApplicable | UsageState::Unspecified => "-".to_owned(),
    }
}

async fn show(
    stub: &CatalogStub,
    name: &str,
    printer: &Printer,
    json: bool,
) -> Result<(), CliError> {
    let request = GetBenefitRequest { name: name.to_owned(), ..GetBenefitRequest::default() };
    let response =
        read(stub, request, |mut stub, request| async move { stub.get_benefit(request).await })
            .await?;
    if json {
        return printer.message("benefits.catalog.v1.GetBenefitResponse", &response, false);
    }
    let benefit = response.benefit.unwrap_or_default();
    let quantity = benefit.licence_quantity.clone().unwrap_or_default();
    let limit = match benefit.activation_limit_sample {
        true => format!("{} (sample data)", benefit.activation_limit),
        false => benefit.activation_limit.to_string(),
    };
    printer.fields(&[
        ("benefit", benefit.name.clone()),
        ("title", benefit.title.clone()),
        ("product", benefit.product.clone()),
        ("source", benefit.source.clone()),
        ("enrolment", benefit.enrolment.clone()),
        (
            "enrolment state",
            names::value(benefit.enrolment_state().as_str_name(), "ENROLMENT_STATE_"),
        ),
        ("licences", format!("{} {} ({})", quantity.value, quantity.unit, quantity.printed)),
        ("activations", usage(&benefit)),
        ("activation limit", limit),
        ("counting", names::value(benefit.counting_mode().as_str_name(), "COUNTING_MODE_")),
        ("activate by", names::time(benefit.activate_by_time.as_ref())),
        ("needs a key", names::yes_no(benefit.key_required)),
        ("needs activation", names::yes_no(benefit.activation_required)),
        ("downloadable", names::yes_no(benefit.downloadable)),
        ("note", names::or_dash(&benefit.not_downloadable_note)),
        ("key state", names::value(benefit.key_state().as_str_name(), "BENEFIT_KEY_STATE_")),
        ("key", names::or_dash(&benefit.product_key_name)),
        ("first viewed", names::time(benefit.first_viewed_time.as_ref())),
    ])
}

async fn download(
    stub: &CatalogStub,
    args: &DownloadArgs,
    printer: &Printer,
    json: bool,
) -> Result<(), CliError> {
    let request = GetDownloadRequest {
        name: args.name.clone(),
        version: args.version.clone(),
        edition: args.edition.clone(),
        software_language_code: args.software_language.clone(),
        architecture: args.architecture.clone(),
        platform: args.platform.map_or(0, |platform| PlatformArg::catalog(platform).into()),
        ..GetDownloadRequest::default()
    };
    let response =
        read(stub, request, |mut stub, request| async move { stub.get_download(request).await })
            .await?;
    if json {
        return printer.message("benefits.catalog.v1.GetDownloadResponse", &response, false);
    }
    print_download(&response, printer)
}

fn print_download(pane: &GetDownloadResponse, printer: &Printer) -> Result<(), CliError> {
    printer.fields(&[
        ("version", pane.version.clone()),
        ("edition", pane.edition.clone()),
        ("language", pane.software_language_code.clone()),
        ("architecture", pane.architecture.clone()),
        ("needs a key", names::yes_no(pane.key_required)),
        ("key state", names::value(pane.key_state().as_str_name(), "BENEFIT_KEY_STATE_")),
    ])?;
    printer.text("")?;
    let file = |file: &proto::catalog::v1::DownloadFile| {
        vec![
            file.file_name.clone(),
            file.size_bytes.to_string(),
            file.sha256.clone(),
            file.uri.clone(),
        ]
    };
    let files: Vec<Vec<String>> = pane.files.iter().map(file).collect();
    printer.table(&["FILE", "BYTES", "SHA-256", "LINK"], &files)?;
    printer.text("")?;
    printer.table(&["VERSION", "EDITION", "LANGUAGE", "ARCHITECTURES"], &choices(pane))?;
    let Some(instructions) = &pane.instructions else { return Ok(()) };
    for step in &instructions.steps {
        printer.text(&format!("\n{}. {}\n\n{}", step.number, step.title, step.markdown))?;
    }
    printer.text(&format!(
        "\n{}\n\n{}",
        instructions.system_requirements, instructions.regional_limits
    ))
}

fn choices(pane: &GetDownloadResponse) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for version in &pane.choices {
        for edition in &version.editions {
            for language in &edition.languages {
                rows.push(vec![
                    version.version.clone(),
                    edition.edition.clone(),
                    language.language_code.clone(),
                    language.architectures.join(" "),
                ]);
            }
        }
    }
    rows
}

/// Reveals once: each reveal is recorded, so it is not repeated behind the person's back.
async fn reveal_key(
    stub: &CatalogStub,
    name: &str,
    printer: &Printer,
    json: bool,
) -> Result<(), CliError> {
    let request = RevealProductKeyRequest { name: name.to_owned() };
    let policy = RetryPolicy::interactive().once();
    let response = send(stub, request, policy, |mut stub, request| async move {
        stub.reveal_product_key(request).await
    })
    .await?;
    if json {
        return printer.message("benefits.catalog.v1.RevealProductKeyResponse", &response, false);
    }
    printer.fields(&[
        ("product key", response.product_key.clone()),
        ("key", response.product_key_name.clone()),
        ("first viewed", names::time(response.first_viewed_time.as_ref())),
        ("first viewed by", names::or_dash(&response.first_viewed_by)),
        ("reveal", response.reveal.clone()),
    ])
}

async fn read<Q: Clone, A, F>(
    stub: &CatalogStub,
    request: Q,
    rpc: impl Fn(CatalogStub, Request<Q>) -> F,
) -> Result<A, Box<Failure>>
where
    F: Future<Output = Result<Response<A>, Status>>,
{
    send(stub, request, RetryPolicy::interactive(), rpc).await
}

async fn send<Q: Clone, A, F>(
    stub: &CatalogStub,
    request: Q,
    policy: RetryPolicy,
    rpc: impl Fn(CatalogStub, Request<Q>) -> F,
) -> Result<A, Box<Failure>>
where
    F: Future<Output = Result<Response<A>, Status>>,
{
    let timeout: Duration = policy.call_timeout();
    call(&policy, || {
        let mut request = Request::new(request.clone());
        request.set_timeout(timeout);
        rpc(stub.clone(), request)
    })
    .await
}
