//! The embedded store: SQLite through a query library, in SQL that PostgreSQL takes as well.
//!
//! One connection writes, several read (WAL), so a reader never waits for a writer; one more only
//! watches whether anything was committed. `synchronous = FULL` makes a committed transaction
//! durable before it is answered. A folder belongs to one process; a second one that writes waits
//! for the busy timeout and then gets an error.

mod changes;
mod keys;
mod memberships;
mod outbox;
mod row;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, Sqlite, SqliteConnection, Transaction};
use thiserror::Error;

use crate::ports::StoreError;
use changes::Watch;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Where the store lies and how it is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The database file; it and its folder are created.
    pub path: PathBuf,
    /// How long to wait for a lock of another process.
    pub busy_timeout: Duration,
    /// Connections that read.
    pub readers: u32,
}

/// Why the store could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The folder cannot be made.
    #[error("cannot create the folder of the store {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file cannot be opened or is no database.
    #[error("cannot open the store {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// A newer program wrote the file.
    #[error(
        "the store {path} has schema version {version}, which this program does not know: \
         use the newer program"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: i64,
    },
    /// The schema cannot be brought up to date.
    #[error("cannot bring the store {path} to the present schema: {source}")]
    Migrate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: MigrateError,
    },
}

/// The store.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    watch: Arc<Watch>,
}

impl SqliteStore {
    /// Opens the store, creates it if need be, and brings its schema up to date. A schema of a
    /// newer program is refused and left as it is.
    pub async fn open(options: &SqliteOptions) -> Result<Self, OpenError> {
        if let Some(folder) = options.path.parent() {
            let failed = |source| OpenError::Folder { path: folder.to_owned(), source };
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let connect = SqliteConnectOptions::new()
            .filename(&options.path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(options.busy_timeout);
        let open = |source| OpenError::Open { path: options.path.clone(), source };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(options.busy_timeout)
            .after_release(|connection, _| Box::pin(is_idle(connection)))
            .connect_with(connect.clone())
            .await
            .map_err(open)?;
        MIGRATIONS.run(&writer).await.map_err(|source| migrate_error(&options.path, source))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers)
            .acquire_timeout(options.busy_timeout)
            .connect_with(connect.clone())
            .await
            .map_err(open)?;
        Ok(Self { writer, readers, watch: Arc::new(Watch::new(connect)) })
    }

    /// Remembers a value under a name, or returns the one that is remembered already. It tells at
    /// start whether a secret is still the one that the rows were written with.
    pub async fn remember(&self, name: &str, value: &str) -> Result<String, StoreError> {
        sqlx::query("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(value)
            .execute(&self.writer)
            .await
            .map_err(row::unavailable)?;
        sqlx::query_scalar("SELECT value FROM meta WHERE name = $1")
            .bind(name)
            .fetch_one(&self.writer)
            .await
            .map_err(row::unavailable)
    }

    /// Closes all connections; what was answered is on disk already.
    pub async fn close(&self) {
        self.watch.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin().await.map_err(row::unavailable)
    }
}

/// Whether a connection is back in no transaction. A disk that fails at the commit makes SQLite end
/// the transaction by itself, which the query library does not notice: to it the next transaction
/// would be a part of that one and never committed. Such a connection is closed.
async fn is_idle(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // The roll-back of a transaction that was dropped is done before this is answered.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

fn migrate_error(path: &Path, source: MigrateError) -> OpenError {
    let path = path.to_owned();
    match source {
        MigrateError::VersionMissing(version) => OpenError::Newer { path, version },
        source => OpenError::Migrate { path, source },
    }
}
