//! `keys`: terms, computers and history of a product key, by its handle.

use installer_client::{ActivationClient, RetryPolicy};
use proto::activation::v1::{
    Activation, GetKeyRequest, KeyEvent, ListActivationsRequest, ListActivationsResponse,
    ListKeyEventsRequest, ListKeyEventsResponse,
};

use crate::args::{GlobalArgs, KeyHistoryArgs, KeyListArgs, KeysCommand};
use crate::error::CliError;
use crate::names;
use crate::output::Printer;

const PAGE_ROWS: u32 = 200;

pub(crate) async fn run(
    global: &GlobalArgs,
    command: &KeysCommand,
    printer: &Printer,
) -> Result<(), CliError> {
    let json = printer.wants_json()?;
    let client = ActivationClient::new(&global.activation()?, RetryPolicy::interactive())?;
    match command {
        KeysCommand::Show(args) => show(&client, &args.name, printer, json).await,
        KeysCommand::Activations(args) => activations(&client, args, printer, json).await,
        KeysCommand::History(args) => history(&client, args, printer, json).await,
    }
}

async fn show(
    client: &ActivationClient,
    name: &str,
    printer: &Printer,
    json: bool,
) -> Result<(), CliError> {
    let response = client.key(GetKeyRequest { name: names::key(name) }).await?;
    if json {
        return printer.message("benefits.activation.v1.GetKeyResponse", &response, false);
    }
    let key = response.key.unwrap_or_default();
    let platforms: Vec<String> =
        key.platforms().map(|platform| names::value(platform.as_str_name(), "PLATFORM_")).collect();
    let releases_max = key.release_policy.map_or(0, |policy| policy.releases_max);
    let suspended = key.suspension.is_some_and(|suspension| suspension.suspended);
    printer.fields(&[
        ("key", key.name.clone()),
        ("owner", key.owner.clone()),
        ("product", key.product.clone()),
        ("platforms", if platforms.is_empty() { "all".into() } else { platforms.join(" ") }),
        ("used", format!("{} of {}", key.used, key.limit)),
        ("remaining", key.remaining.to_string()),
        ("counting", names::value(key.counting_mode().as_str_name(), "COUNTING_MODE_")),
        ("released", format!("{} of {releases_max}", key.released)),
        ("activate by", names::time(key.activate_by_time.as_ref())),
        ("operator handle", names::yes_no(key.operator_handle_allowed)),
        ("suspended", names::yes_no(suspended)),
        ("blocked", names::yes_no(key.blocked)),
        ("version", key.account_version.to_string()),
        ("created", names::time(key.create_time.as_ref())),
        ("updated", names::time(key.update_time.as_ref())),
        ("help", names::or_dash(&key.help_uri)),
    ])
}

async fn activations(
    client: &ActivationClient,
    args: &KeyListArgs,
    printer: &Printer,
    json: bool,
) -> Result<(), CliError> {
    let mut request = ListActivationsRequest {
        parent: names::key(&args.name),
        page_size: page_rows(args.rows_max),
        page_token: String::new(),
    };
    let rows_max = usize::try_from(args.rows_max).unwrap_or(usize::MAX);
    let mut whole = ListActivationsResponse::default();
    // A page has a row or is the last one, so there are never more pages than rows.
    for _ in 0..args.rows_max {
        let page = client.activations(request.clone()).await?;
        request.page_token.clone_from(&page.next_page_token);
        whole.activations.extend(page.activations);
        whole.next_page_token = page.next_page_token;
        whole.as_of_sequence = page.as_of_sequence;
        if request.page_token.is_empty() || whole.activations.len() >= rows_max {
            break;
        }
    }
    whole.activations.truncate(rows_max);
    if json {
        let name = "benefits.activation.v1.ListActivationsResponse";
        return printer.message(name, &whole, false);
    }
    let rows: Vec<Vec<String>> = whole.activations.iter().map(activation_row).collect();
    let header = ["STATE", "COUNTS", "PLATFORM", "FIRST", "LAST SEEN", "CLONE?", "NAME"];
    printer.table(&header, &rows)
}

fn activation_row(activation: &Activation) -> Vec<String> {
    let held = activation.counts.iter().filter(|count| !count.released).count();
    vec![
        names::value(activation.state().as_str_name(), "ACTIVATION_STATE_").to_lowercase(),
        held.to_string(),
        names::value(activation.platform().as_str_name(), "PLATFORM_").to_lowercase(),
        names::time(activation.create_time.as_ref()),
        names::time(activation.last_seen_time.as_ref()),
        names::yes_no(activation.clone_suspected),
        activation.name.clone(),
    ]
}

async fn history(
    client: &ActivationClient,
    args: &KeyHistoryArgs,
    printer: &Printer,
    json: bool,
) -> Result<(), CliError> {
    let order_by = if args.newest_first { "account_version desc" } else { "account_version" };
    let rows_max = usize::try_from(args.list.rows_max).unwrap_or(usize::MAX);
    let mut request = ListKeyEventsRequest {
        parent: names::key(&args.list.name),
        page_size: page_rows(args.list.rows_max),
        page_token: String::new(),
        order_by: order_by.to_owned(),
    };
    let mut whole = ListKeyEventsResponse::default();
    for _ in 0..args.list.rows_max {
        let page = client.key_events(request.clone()).await?;
        request.page_token.clone_from(&page.next_page_token);
        whole.events.extend(page.events);
        whole.next_page_token = page.next_page_token;
        whole.as_of_sequence = page.as_of_sequence;
        if request.page_token.is_empty() || whole.events.len() >= rows_max {
            break;
        }
    }
    whole.events.truncate(rows_max);
    if json {
        let name = "benefits.activation.v1.ListKeyEventsResponse";
        return printer.message(name, &whole, false);
    }
    let rows: Vec<Vec<String>> = whole.events.iter().map(event_row).collect();
    printer.table(&["VERSION", "TIME", "EVENT", "USED", "SCORE", "ACTOR", "DETAIL"], &rows)
}

fn event_row(event: &KeyEvent) -> Vec<String> {
    let score = event.explanation.as_ref().and_then(|explanation| explanation.score);
    vec![
        event.account_version.to_string(),
        names::time(event.event_time.as_ref()),
        names::value(event.r#type().as_str_name(), "KEY_EVENT_TYPE_"),
        format!("{} of {}", event.used, event.limit),
        score.map_or_else(|| "-".to_owned(), |score| score.to_string()),
        names::or_dash(&event.actor),
        names::or_dash(&detail(event)),
    ]
}

/// Outcome or reason, the changes, and the words of who caused them.
fn detail(event: &KeyEvent) -> String {
    let outcome = match event.outcome {
        0 => String::new(),
        _ => names::value(event.outcome().as_str_name(), "ACTIVATION_OUTCOME_"),
    };
    let parts = [
        outcome,
        event.refusal_reason.clone(),
        event.changes.join(", "),
        event.actor_reason.clone(),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

fn page_rows(rows_max: u32) -> i32 {
    i32::try_from(rows_max.min(PAGE_ROWS)).unwrap_or(0)
}
