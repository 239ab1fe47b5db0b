//! Watches the database for commits, whoever makes them.
//!
//! SQLite counts, for each connection, how often it found that another one had committed
//! (`PRAGMA data_version`). So the watch has a connection of its own that never writes: the count
//! rises with every commit of our writer, of another process, and of an operator with a tool.
//! Nothing that writes has to remember to tell, and nothing that ends half-way can forget to.

use async_trait::async_trait;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::Mutex;

use super::SqliteStore;
use super::row::unavailable;
use crate::ports::{Changes, Mark, StoreError};

/// A connection that watches.
#[derive(Debug)]
pub(super) struct Watch {
    options: SqliteConnectOptions,
    watching: Mutex<Watching>,
}

#[derive(Debug, Default)]
struct Watching {
    /// Counts the connections: each counts from a number of its own.
    opened: u64,
    connection: Option<SqliteConnection>,
}

impl Watch {
    /// A watch that connects when it is first asked.
    pub(super) fn new(options: SqliteConnectOptions) -> Self {
        Self { options, watching: Mutex::default() }
    }

    pub(super) async fn close(&self) {
        if let Some(connection) = self.watching.lock().await.connection.take() {
            // It has written nothing, so an error on closing leaves nothing undone.
            let _ = connection.close().await;
        }
    }
}

#[async_trait]
impl Changes for SqliteStore {
    async fn mark(&self) -> Result<Mark, StoreError> {
        let mut watching = self.watch.watching.lock().await;
        // Taken out while it is asked: after an error, or if nobody waits for the answer any more,
        // the next one begins with a new connection and thereby with another mark.
        let mut connection = match watching.connection.take() {
            Some(connection) => connection,
            None => {
                watching.opened = watching.opened.saturating_add(1);
                self.watch.options.connect().await.map_err(unavailable)?
            }
        };
        let version = sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut connection)
            .await
            .map_err(unavailable)?;
        watching.connection = Some(connection);
        Ok(Mark { watch: watching.opened, version })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::SqliteOptions;
    use super::*;

    #[tokio::test]
    async fn a_watch_that_connects_anew_knows_nothing_of_what_it_saw_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("catalog.sqlite");
        let busy_timeout = Duration::from_secs(5);
        let options = SqliteOptions { path, busy_timeout, readers: 1 };
        let store = SqliteStore::open(&options).await.expect("opens");
        let first = store.mark().await.expect("a mark");
        assert_eq!(store.mark().await.expect("a mark"), first);
        store.watch.close().await;
        let second = store.mark().await.expect("a mark");
        assert_ne!(second.watch, first.watch);
        assert_eq!(store.mark().await.expect("a mark"), second);
    }
}
