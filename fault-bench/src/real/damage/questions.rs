//! Questions to the service, and what it replies, in a form that can be compared.

use anyhow::{Result, bail};
use proto::activation::v1 as act;
use system_tests::{Activation, Person, Refusal, World};
use tonic::{Code, Status};

/// Events and computers of a page; small, so that pages are turned.
const PAGE_SIZE: i32 = 40;
/// Most pages of one list.
const PAGES_MAX: usize = 100;

/// A question that changes nothing when it is asked again.
#[derive(Clone, Debug)]
pub(super) enum Question {
    Key(String),
    Computers(String),
    Events(String),
    Usage(Vec<String>),
    Head,
    /// A recorded request again, or a known computer.
    Activate(act::ActivateRequest),
    Release(act::ReleaseActivationRequest),
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// An answer, as it reads.
    Answer(String),
    /// A refusal of the service, by its reason.
    Refused(String),
}

/// Those who ask.
#[derive(Clone)]
pub(super) struct Askers {
    pub(super) installer: Activation,
    pub(super) operator: Activation,
}

impl Askers {
    pub(super) fn new(world: &World) -> Result<Self> {
        Ok(Self {
            installer: world.activation(&Person::installer())?,
            operator: world.activation(&Person::ops_admin())?,
        })
    }

    /// Asks; an error is an end without an answer or a refusal of the service.
    pub(super) async fn ask(&self, question: Question) -> Result<Reply> {
        let mut operator = self.operator.clone();
        let answer = match question {
            Question::Key(name) => {
                operator.get_key(act::GetKeyRequest { name }).await.map(|answer| shown(&answer))
            }
            Question::Computers(parent) => self.computers(parent).await,
            Question::Events(parent) => self.events(parent).await,
            Question::Usage(names) => {
                let request = act::BatchGetKeyUsageRequest { names };
                operator.batch_get_key_usage(request).await.map(|mut answer| {
                    // When it was read is told, and is never the same.
                    answer.get_mut().as_of_time = None;
                    shown(&answer)
                })
            }
            Question::Head => {
                let request = act::GetLedgerHeadRequest {};
                operator.get_ledger_head(request).await.map(|answer| shown(&answer))
            }
            Question::Activate(request) => {
                let mut installer = self.installer.clone();
                installer.activate(request).await.map(|answer| shown(&answer))
            }
            Question::Release(request) => {
                operator.release_activation(request).await.map(|answer| shown(&answer))
            }
        };
        match answer {
            Ok(answer) => Ok(Reply::Answer(answer)),
            Err(status) => Ok(Reply::Refused(reason(&status)?)),
        }
    }

    async fn computers(&self, parent: String) -> Result<String, Status> {
        let mut operator = self.operator.clone();
        let (mut told, mut page_token) = (String::new(), String::new());
        for _ in 0..PAGES_MAX {
            let request = act::ListActivationsRequest {
                parent: parent.clone(),
                page_size: PAGE_SIZE,
                page_token,
            };
            let page = operator.list_activations(request).await?.into_inner();
            told.push_str(&format!("{:?} as of {}\n", page.activations, page.as_of_sequence));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        Ok(told)
    }

    async fn events(&self, parent: String) -> Result<String, Status> {
        let mut operator = self.operator.clone();
        let (mut told, mut page_token) = (String::new(), String::new());
        for _ in 0..PAGES_MAX {
            let request = act::ListKeyEventsRequest {
                parent: parent.clone(),
                page_size: PAGE_SIZE,
                page_token,
                ..Default::default()
            };
            let page = operator.list_key_events(request).await?.into_inner();
            told.push_str(&format!("{:?} as of {}\n", page.events, page.as_of_sequence));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        Ok(told)
    }
}

/// The message without the metadata, which tells times.
fn shown<T: std::fmt::Debug>(answer: &tonic::Response<T>) -> String {
    format!("{:?}", answer.get_ref())
}

/// The reason of a refusal; what has none is no refusal of the service but the end of a call.
pub(super) fn reason(status: &Status) -> Result<String> {
    match Refusal::of(status) {
        Ok(refusal) if refusal.code != Code::Unknown => Ok(refusal.reason),
        _ => bail!("ended without a named refusal: {status:?}"),
    }
}
