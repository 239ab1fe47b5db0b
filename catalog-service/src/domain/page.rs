//! Cuts a sorted list into pages that neither repeat nor skip a row while the list stands still.

use thiserror::Error;

/// Rows on a page if the caller does not say.
pub const PAGE_SIZE_DEFAULT: usize = 50;
/// Most rows on a page, whatever the caller says.
pub const PAGE_SIZE_MAX: usize = 200;

/// Why no page can be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PageError {
    /// A size below zero.
    #[error("must not be negative")]
    NegativeSize,
    /// The row after which the page begins is gone: the reader has to start over.
    #[error("the list has changed: start over without a page token")]
    Stale,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// The id of its last row if more rows follow; the next page begins after it.
    pub next_after: Option<String>,
    /// Rows on all pages.
    pub total_size: usize,
}

/// The size of a page: the default for 0, never more than the most.
pub fn page_size(wanted: i32) -> Result<usize, PageError> {
    match usize::try_from(wanted) {
        Err(_) => Err(PageError::NegativeSize),
        Ok(0) => Ok(PAGE_SIZE_DEFAULT),
        Ok(size) => Ok(size.min(PAGE_SIZE_MAX)),
    }
}

/// The page after the row with the id `after`, or the first page. Ids must be unique in the list.
pub fn cut<T>(
    mut rows: Vec<T>,
    after: Option<&str>,
    size: usize,
    id: impl Fn(&T) -> String,
) -> Result<Page<T>, PageError> {
    let total_size = rows.len();
    let start = match after {
        None => 0,
        Some(after) => {
            rows.iter().position(|row| id(row) == after).ok_or(PageError::Stale)?.saturating_add(1)
        }
    };
    let mut rows = rows.split_off(start);
    let more = rows.len() > size;
    rows.truncate(size);
    let next_after = if more { rows.last().map(id) } else { None };
    Ok(Page { rows, next_after, total_size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_clamped_and_never_negative() {
        for (wanted, size) in [(0, 50), (1, 1), (200, 200), (201, 200), (i32::MAX, 200)] {
            assert_eq!(page_size(wanted), Ok(size));
        }
        assert_eq!(page_size(-1), Err(PageError::NegativeSize));
    }

    #[test]
    fn pages_put_together_are_the_list() {
        let rows: Vec<u32> = (0..23).collect();
        for size in [1, 5, 22, 23, 24] {
            let mut walked = Vec::new();
            let mut after: Option<String> = None;
            loop {
                let page =
                    cut(rows.clone(), after.as_deref(), size, u32::to_string).expect("a page");
                assert!(page.rows.len() <= size && page.total_size == 23);
                walked.extend(page.rows);
                after = page.next_after;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(walked, rows, "size {size}");
        }
    }

    #[test]
    fn a_row_that_is_gone_means_start_over() {
        assert_eq!(cut(vec![1, 2], Some("3"), 5, i32::to_string), Err(PageError::Stale));
    }

    #[test]
    fn an_empty_list_has_one_empty_page() {
        let page = cut(Vec::<i32>::new(), None, 5, i32::to_string).expect("a page");
        assert_eq!((page.rows.len(), page.next_after, page.total_size), (0, None, 0));
    }
}
