//! The folder that remembers a request until it is answered, so that a lost answer or a crash never
//! makes a second one.
//!
//! A stored request holds digests, no serials, and the product key; so its file is readable by its
//! owner alone, and it goes away with the answer. The answer holds no secret and stays.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use product_key::ProductKey;
use prost::Message;
use proto::activation::v1::{ActivateRequest, ActivateResponse};
use zeroize::Zeroizing;

/// Most unanswered requests in a folder.
pub const PENDING_MAX: usize = 16;

const FILE_BYTES_MAX: u64 = 64 << 10;
const ENTRIES_MAX: usize = 1024;
const MAGIC: [u8; 4] = *b"SBST";
const FORMAT_VERSION: u8 = 1;
const HEADER_BYTES: usize = MAGIC.len() + 2;
const SLUG_CHARS_MAX: usize = 100;

/// What a file holds; the byte after the version of the format.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Request = 1,
    Answer = 2,
}

/// A folder of stored requests and answers.
#[derive(Debug, Clone)]
pub struct StateDir {
    folder: PathBuf,
}

/// A request that was stored and not yet answered.
pub(crate) struct Pending {
    path: PathBuf,
    pub(crate) request: ActivateRequest,
}

/// Why the folder cannot be used. No variant holds any content.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file or the folder cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// A file is not what this program wrote. The request in it may have been counted, so it is for
    /// a person to decide what becomes of it.
    #[error("{path} is damaged or of a newer version; it may have been counted, so keep it")]
    Damaged {
        /// Which one.
        path: PathBuf,
    },
    /// Too many requests wait for an answer.
    #[error("more than {PENDING_MAX} requests in {path} wait for an answer")]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
}

impl StateDir {
    /// Opens the folder, and makes it for its owner alone if it is not there.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StateError> {
        let folder = folder.into();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).map_err(fault(&folder))?;
        Ok(Self { folder })
    }

    /// The last answer for a product, `products/{product}`.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is damaged.
    pub fn answer(&self, product: &str) -> Result<Option<ActivateResponse>, StateError> {
        let path = self.answer_path(product);
        match load(&path, Content::Answer) {
            Err(StateError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    /// Requests that wait for an answer.
    ///
    /// # Errors
    ///
    /// A file cannot be read, is damaged, or there are too many.
    pub fn pending_count(&self) -> Result<usize, StateError> {
        Ok(self.pending()?.len())
    }

    /// The stored request for the key, product and platform, if there is one.
    pub(crate) fn find(
        &self,
        key: &ProductKey,
        product: &str,
        platform: i32,
    ) -> Result<Option<Pending>, StateError> {
        let fits = |pending: &Pending| {
            let request = &pending.request;
            request.product == product
                && request.platform == platform
                && ProductKey::parse(&request.product_key)
                    .is_ok_and(|stored| stored.expose() == key.expose())
        };
        Ok(self.pending()?.into_iter().find(fits))
    }

    /// Stores a request; when this returns it survives a power failure.
    pub(crate) fn store(&self, request: ActivateRequest) -> Result<Pending, StateError> {
        if self.pending()?.len() >= PENDING_MAX {
            return Err(StateError::TooMany { path: self.folder.clone() });
        }
        let id: String = request.request_id.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self.folder.join(format!("pending-{id}.bin"));
        self.save(&path, Content::Request, &request)?;
        Ok(Pending { path, request })
    }

    /// Keeps the answer, then forgets the request; a crash between the two only sends the request
    /// once more.
    pub(crate) fn finish(
        &self,
        pending: &Pending,
        answer: &ActivateResponse,
    ) -> Result<(), StateError> {
        self.save(&self.answer_path(&pending.request.product), Content::Answer, answer)?;
        self.discard(pending)
    }

    /// Forgets a request that was decided.
    pub(crate) fn discard(&self, pending: &Pending) -> Result<(), StateError> {
        fs::remove_file(&pending.path).map_err(fault(&pending.path))?;
        self.sync_folder()
    }

    fn pending(&self) -> Result<Vec<Pending>, StateError> {
        let mut found = Vec::new();
        let entries = fs::read_dir(&self.folder).map_err(fault(&self.folder))?;
        for entry in entries.take(ENTRIES_MAX) {
            let path = entry.map_err(fault(&self.folder))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            if !name.is_some_and(|name| name.starts_with("pending-") && name.ends_with(".bin")) {
                continue;
            }
            if found.len() >= PENDING_MAX {
                return Err(StateError::TooMany { path: self.folder.clone() });
            }
            let request = load(&path, Content::Request)?;
            found.push(Pending { path, request });
        }
        Ok(found)
    }

    fn answer_path(&self, product: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let slug: String = product.chars().take(SLUG_CHARS_MAX).map(plain).collect();
        self.folder.join(format!("answer-{slug}.bin"))
    }

    /// Writes a temporary file, syncs it, gives it its name, and syncs the folder.
    fn save(
        &self,
        path: &Path,
        content: Content,
        message: &impl Message,
    ) -> Result<(), StateError> {
        let length = HEADER_BYTES + message.encoded_len();
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[FORMAT_VERSION, content as u8]);
        bytes.extend_from_slice(&Zeroizing::new(message.encode_to_vec()));
        let temporary = path.with_extension("tmp");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let write = || -> io::Result<()> {
            let mut file = options.open(&temporary)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        };
        write().map_err(fault(path))?;
        self.sync_folder()
    }

    #[cfg(unix)]
    fn sync_folder(&self) -> Result<(), StateError> {
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(fault(&self.folder))
    }

    /// Elsewhere folders cannot be synced; the file system orders renames itself.
    #[cfg(not(unix))]
    fn sync_folder(&self) -> Result<(), StateError> {
        Ok(())
    }
}

fn load<M: Message + Default>(path: &Path, content: Content) -> Result<M, StateError> {
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(fault(path))?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(fault(path))?;
    let damaged = || StateError::Damaged { path: path.to_owned() };
    let (header, body) = bytes.split_at_checked(HEADER_BYTES).ok_or_else(damaged)?;
    let wanted = [MAGIC.as_slice(), &[FORMAT_VERSION, content as u8]].concat();
    if header != wanted {
        return Err(damaged());
    }
    M::decode(body).map_err(|_| damaged())
}

fn fault(path: &Path) -> impl Fn(io::Error) -> StateError + use<> {
    let path = path.to_owned();
    move |error| StateError::Io { path: path.clone(), error }
}
