//! The disk of this computer.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Call, Disk, DiskError, DiskErrorKind, DiskFile, LISTED_FILES_MAX};

/// Zeros are written in pieces of this size.
static ALLOCATE_PIECE: [u8; 256 * 1024] = [0; 256 * 1024];
/// Files hold digests of hardware, so only their owner reads them.
const FILE_MODE: u32 = 0o600;
/// The same for folders.
const FOLDER_MODE: u32 = 0o700;

/// Files of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

struct RealFile {
    file: File,
    path: PathBuf,
}

impl RealDisk {
    fn open_file(
        call: Call,
        path: &Path,
        options: &OpenOptions,
    ) -> Result<Arc<dyn DiskFile>, DiskError> {
        let file = options.open(path).map_err(|error| failed(call, path, error))?;
        Ok(Arc::new(RealFile { file, path: path.to_owned() }))
    }
}

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, DiskError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(FILE_MODE);
        Self::open_file(Call::Create, path, &options)
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, DiskError> {
        Self::open_file(Call::Open, path, OpenOptions::new().read(true).write(true))
    }

    fn create_folder(&self, folder: &Path) -> Result<(), DiskError> {
        match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
            made => made.map_err(|error| failed(Call::CreateFolder, folder, error)),
        }
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, DiskError> {
        let failed = |error| failed(Call::List, folder, error);
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if names.len() == LISTED_FILES_MAX {
                return Err(failed(io::Error::other("too many files")));
            }
            if entry.file_type().map_err(failed)?.is_file() {
                // A name that is no text is none of ours.
                names.extend(entry.file_name().into_string().ok());
            }
        }
        names.sort();
        Ok(names)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        fs::rename(from, to).map_err(|error| failed(Call::Rename, from, error))
    }

    fn remove(&self, path: &Path) -> Result<(), DiskError> {
        fs::remove_file(path).map_err(|error| failed(Call::Remove, path, error))
    }

    fn sync_dir(&self, folder: &Path) -> Result<(), DiskError> {
        // The parent of a relative name is the empty path, which no system call takes.
        let named = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let synced = File::open(named).and_then(|opened| opened.sync_all());
        synced.map_err(|error| failed(Call::SyncDir, folder, error))
    }

    fn free_bytes(&self, folder: &Path) -> Result<u64, DiskError> {
        let figures = rustix::fs::statvfs(folder);
        let figures = figures.map_err(|error| failed(Call::FreeBytes, folder, error.into()))?;
        Ok(figures.f_bavail.saturating_mul(figures.f_frsize))
    }
}

impl DiskFile for RealFile {
    fn length(&self) -> Result<u64, DiskError> {
        self.file.metadata().map(|data| data.len()).map_err(|e| self.failed(Call::Length, e))
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), DiskError> {
        self.file.read_exact_at(into, offset).map_err(|error| self.failed(Call::Read, error))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.file.write_all_at(bytes, offset).map_err(|error| self.failed(Call::Write, error))
    }

    /// Writes zeros instead of reserving blocks: space that is only reserved is turned into written
    /// space at its first use, which makes every later fdatasync commit metadata as well.
    fn allocate(&self, bytes: u64) -> Result<(), DiskError> {
        let mut offset = 0;
        while offset < bytes {
            let left = usize::try_from(bytes - offset).unwrap_or(usize::MAX);
            let piece = ALLOCATE_PIECE.get(..left).unwrap_or(&ALLOCATE_PIECE);
            let written = self.file.write_all_at(piece, offset);
            written.map_err(|error| self.failed(Call::Allocate, error))?;
            offset += piece.len() as u64;
        }
        Ok(())
    }

    fn sync_data(&self) -> Result<(), DiskError> {
        self.file.sync_data().map_err(|error| self.failed(Call::SyncData, error))
    }

    fn sync_all(&self) -> Result<(), DiskError> {
        self.file.sync_all().map_err(|error| self.failed(Call::SyncAll, error))
    }

    fn try_lock(&self) -> Result<(), DiskError> {
        match self.file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => {
                Err(DiskError::new(Call::TryLock, &self.path, DiskErrorKind::InUse))
            }
            Err(TryLockError::Error(error)) => Err(self.failed(Call::TryLock, error)),
        }
    }
}

impl RealFile {
    fn failed(&self, call: Call, error: io::Error) -> DiskError {
        failed(call, &self.path, error)
    }
}

fn failed(call: Call, path: &Path, error: io::Error) -> DiskError {
    DiskError::new(call, path, error.into())
}
