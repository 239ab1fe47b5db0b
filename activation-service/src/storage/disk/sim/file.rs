//! Open files of the simulated disk.

use std::sync::{MutexGuard, PoisonError};

use super::super::{Call, DiskError, DiskErrorKind, DiskFile};
use super::node::Node;
use super::{SimFile, State, failure, powerless};

/// No part of a sector is written without the rest.
const SECTOR_BYTES: usize = 512;

impl DiskFile for SimFile {
    fn length(&self) -> Result<u64, DiskError> {
        let mut state = self.lock(Call::Length)?;
        state.begin_whole(Call::Length, &self.path)?.told()?;
        Ok(self.node(Call::Length, &mut state)?.seen().len() as u64)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), DiskError> {
        let mut state = self.lock(Call::Read)?;
        state.begin_whole(Call::Read, &self.path)?.told()?;
        let node = self.node(Call::Read, &mut state)?;
        let start = index(offset);
        let bytes = node.seen().get(start..start.saturating_add(into.len()));
        let bytes = bytes.ok_or_else(|| self.error(Call::Read, DiskErrorKind::PastEnd))?;
        into.copy_from_slice(bytes);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.write(Call::Write, offset, bytes)
    }

    fn allocate(&self, bytes: u64) -> Result<(), DiskError> {
        // Like the real one it is made of writes, so a full disk leaves a part of it behind.
        self.write(Call::Allocate, 0, &vec![0; index(bytes)])
    }

    fn sync_data(&self) -> Result<(), DiskError> {
        self.sync(Call::SyncData)
    }

    fn sync_all(&self) -> Result<(), DiskError> {
        self.sync(Call::SyncAll)
    }

    fn try_lock(&self) -> Result<(), DiskError> {
        let mut state = self.lock(Call::TryLock)?;
        state.begin_whole(Call::TryLock, &self.path)?.told()?;
        let node = self.node(Call::TryLock, &mut state)?;
        match node.locked_by {
            Some(holder) if holder != self.id => {
                Err(self.error(Call::TryLock, DiskErrorKind::InUse))
            }
            _ => {
                node.locked_by = Some(self.id);
                Ok(())
            }
        }
    }
}

impl SimFile {
    fn write(&self, call: Call, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let mut state = self.lock(call)?;
        let fault = state.begin(call, &self.path)?;
        let room = state.capacity_bytes.saturating_sub(state.used_bytes());
        let length = self.node(call, &mut state)?.seen().len();
        let room_end = length.saturating_add(index(room));
        let end = index(offset).saturating_add(bytes.len());
        let error = match fault {
            Some(kind) => Some(failure(kind)),
            None if end > room_end.max(length) => Some(DiskErrorKind::NoSpace),
            None => None,
        };
        let Some(error) = error else {
            self.node(call, &mut state)?.write(index(offset), bytes);
            return Ok(());
        };
        // Any front part of it may be written, as far as there is room; the system copies pages,
        // so a sector changes as a whole.
        let part = index(state.dice.below(bytes.len() as u64 + 1));
        let reached = index(offset).saturating_add(part).min(room_end);
        let reached = if part == bytes.len() { reached } else { reached - reached % SECTOR_BYTES };
        let part = reached.saturating_sub(index(offset)).min(part);
        let part = bytes.get(..part).unwrap_or_default();
        if !part.is_empty() {
            self.node(call, &mut state)?.write(index(offset), part);
        }
        Err(self.error(call, error))
    }

    fn sync(&self, call: Call) -> Result<(), DiskError> {
        let mut state = self.lock(call)?;
        let fault = state.begin(call, &self.path)?;
        let state = &mut *state;
        let Some(node) = state.nodes.get_mut(&self.node) else {
            return Err(self.error(call, DiskErrorKind::NotFound));
        };
        match fault {
            None => {
                node.sync();
                Ok(())
            }
            Some(kind) => {
                node.fail_sync(&mut state.dice, state.torn.bytes());
                Err(self.error(call, failure(kind)))
            }
        }
    }

    fn lock(&self, call: Call) -> Result<MutexGuard<'_, State>, DiskError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.boot == self.boot { Ok(state) } else { Err(self.error(call, powerless())) }
    }

    fn node<'a>(&self, call: Call, state: &'a mut State) -> Result<&'a mut Node, DiskError> {
        let node = state.nodes.get_mut(&self.node);
        node.ok_or_else(|| self.error(call, DiskErrorKind::NotFound))
    }

    fn error(&self, call: Call, kind: DiskErrorKind) -> DiskError {
        DiskError::new(call, &self.path, kind)
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = state.nodes.get_mut(&self.node)
            && node.locked_by == Some(self.id)
        {
            node.locked_by = None;
        }
    }
}

/// A simulated file fits into memory, so an offset beyond it is only ever past the end.
fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
