//! Lists what a partner is entitled to through its active enrolments (R2), with the use of each
//! key.

use std::time::Duration;

use super::view::{self, BenefitView};
use super::{App, AppError, Caller, Cursor, PageRequest, start_over};
use crate::domain::benefit::{self, ListState};
use crate::domain::filter::{Filter, Order, Search};
use crate::domain::id::PartnerId;
use crate::domain::language::LanguageTag;
use crate::domain::name::BenefitName;
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
    /// What is left of the caller's time for asking the activation service.
    pub time_left: Option<Duration>,
}

/// A page of benefits.
#[derive(Debug, Clone)]
pub struct BenefitPage {
    /// Its rows.
    pub rows: Vec<BenefitView>,
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
        query: &BenefitQuery,
    ) -> Result<BenefitPage, AppError> {
        caller.must_act_for(&query.partner)?;
        let published = self.ports.shelf.current();
        let after = query.page.after_in(&published)?;
        let now_ms = self.now_ms();
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
        let mut rows: Vec<BenefitView> = page.rows.iter().map(row).collect();
        self.join_usage(&mut rows, query.time_left).await;
        let content = *published.content.fingerprint();
        Ok(BenefitPage {
            rows,
            next: page.next_after.map(|last_id| Cursor { content, last_id }),
            state: benefit::list_state(&enrolments, now_ms),
            total_size: page.total_size,
        })
    }
}
