//! Lists what a partner is entitled to through its active enrolments (R2); the use of the keys is
//! joined to the page each time it is shown.

use std::sync::Arc;

use super::moment::{Moment, Stamp};
use super::view::{self, BenefitView, Usage};
use super::{App, AppError, Caller, Cursor, PageRequest, start_over};
use crate::domain::benefit::{self, ListState};
use crate::domain::filter::{Filter, Order, Search};
use crate::domain::id::PartnerId;
use crate::domain::language::LanguageTag;
use crate::domain::name::{BenefitName, Handle};
use crate::domain::page;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct BenefitQuery {
    /// The partner.
    pub partner: PartnerId,
    /// Words that must occur.
    pub search: Search,
    /// Comparisons that must hold.
    pub filter: Filter,
    /// The order of the rows.
    pub order: Order,
    /// The reader's language.
    pub reader: LanguageTag,
    /// The page.
    pub page: PageRequest,
}

/// A page of benefits, the use of their keys still open.
#[derive(Debug, Clone)]
pub struct BenefitPage {
    /// Its rows.
    pub rows: Vec<BenefitView>,
    /// The keys whose use belongs to it, in the order of the rows.
    pub counted: Arc<[Handle]>,
    /// How long it holds.
    pub stamp: Stamp,
    /// Where the next page begins.
    pub next: Option<Cursor>,
    /// Why the list is as it is (F9).
    pub state: ListState,
    /// Rows on all pages.
    pub total_size: usize,
}

impl App {
    /// A page of the benefits of a partner. A partner that is not recorded has no offer, so its
    /// list is empty.
    pub async fn list_benefits(
        &self,
        caller: &Caller,
        moment: &Moment,
        query: &BenefitQuery,
    ) -> Result<BenefitPage, AppError> {
        caller.must_act_for(&query.partner)?;
        let (published, now_ms) = (&moment.published, moment.now_ms);
        let after = query.page.after_in(published)?;
        let stored = self.ports.memberships.enrolments(&query.partner).await?;
        let enrolments: Vec<_> = stored.into_iter().map(|row| row.enrolment).collect();
        let keys = self.keys_by_benefit(&query.partner).await?;

        let mut found: Vec<_> = benefit::visible(&published.content, &enrolments, now_ms)
            .into_iter()
            .map(|benefit| view::with_key(benefit, &keys, &query.partner))
            .filter(|benefit| query.filter.passes(benefit))
            .filter(|benefit| query.search.finds(benefit, &query.reader))
            .collect();
        query.order.sort(&mut found, &query.reader);
        let page = page::cut(found, after, query.page.size, |benefit| benefit.id.to_string())
            .map_err(|_| start_over())?;

        let row = |benefit: &benefit::Benefit<'_>| {
            let name = BenefitName::of(query.partner.clone(), benefit.id.clone());
            view::row(benefit, keys.get(&name), name, &query.reader, now_ms)
        };
        let rows: Vec<BenefitView> = page.rows.iter().map(row).collect();
        let content = *published.content.fingerprint();
        Ok(BenefitPage {
            counted: rows.iter().filter_map(counted).cloned().collect(),
            rows,
            stamp: moment.stamp(&enrolments),
            next: page.next_after.map(|last_id| Cursor { content, last_id }),
            state: benefit::list_state(&enrolments, now_ms),
            total_size: page.total_size,
        })
    }
}

/// The key of a row whose use is counted.
fn counted(row: &BenefitView) -> Option<&Handle> {
    row.key_id.as_ref().filter(|_| row.usage != Usage::NotApplicable)
}
