//! Files of the store in memory.

use std::collections::BTreeMap;

use crate::store::files::{FileContent, FileId, FilePlace, FileState, NewFile, StoredFile};
use crate::store::ids::{AccountId, ConversationId, Mid, Slot, Timestamp};

#[derive(Debug)]
struct File {
    record: NewFile,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Arriving,
    Arrived(FileState, FileContent),
    Deleted,
}

impl File {
    fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Arrived(FileState::Waiting, _))
    }

    fn is_picture(&self) -> bool {
        matches!(self.stage, Stage::Arrived(FileState::Picture, _))
    }

    fn go_to(&mut self, next: FileState) {
        if let Stage::Arrived(state, _) = &mut self.stage {
            *state = next;
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Files(BTreeMap<FileId, File>);

impl Files {
    pub(super) fn begin(&mut self, slot: Slot, file: NewFile) -> Option<FileId> {
        let live = self
            .0
            .values()
            .filter(|other| !matches!(other.stage, Stage::Deleted));
        let used: u64 = live
            .filter(|other| other.record.uploader == file.uploader)
            .map(|other| other.record.size)
            .sum();
        if used.saturating_add(file.size) > file.quota {
            return None;
        }
        let id = FileId::random(slot);
        let file = File {
            record: file,
            stage: Stage::Arriving,
        };
        self.0.insert(id, file);
        Some(id)
    }

    pub(super) fn finish(&mut self, id: &FileId, content: FileContent) -> bool {
        match self.0.get_mut(id) {
            Some(file) if matches!(file.stage, Stage::Arriving) => {
                file.stage = Stage::Arrived(FileState::Waiting, content);
                true
            }
            _ => false,
        }
    }

    pub(super) fn get(&self, id: &FileId) -> Option<StoredFile> {
        let file = self.0.get(id)?;
        let Stage::Arrived(state, content) = &file.stage else {
            return None;
        };
        let record = file.record.clone();
        Some(StoredFile {
            id: *id,
            conversation: record.conversation,
            uploader: record.uploader,
            domain: record.domain,
            place: record.place,
            state: *state,
            size: record.size,
            key: record.key,
            content: content.clone(),
        })
    }

    pub(super) fn delete(&mut self, id: &FileId, uploader: &AccountId) -> bool {
        let file = self
            .0
            .get_mut(id)
            .filter(|file| file.record.uploader == *uploader);
        match file {
            Some(file)
                if !matches!(
                    file.stage,
                    Stage::Deleted | Stage::Arrived(FileState::Linked(_), _)
                ) =>
            {
                file.stage = Stage::Deleted;
                true
            }
            _ => false,
        }
    }

    pub(super) fn use_picture(&mut self, id: &FileId) -> bool {
        let is_for_profile =
            |file: &File| matches!(file.record.place, FilePlace::Profile | FilePlace::RoomProfile(_));
        match self.0.get_mut(id) {
            Some(file) if file.is_waiting() && is_for_profile(file) => {
                file.go_to(FileState::Picture);
                true
            }
            _ => false,
        }
    }

    pub(super) fn retire_pictures(&mut self, keep: &FileId) {
        let Some(conversation) = self.0.get(keep).map(|file| file.record.conversation) else {
            return;
        };
        for (id, file) in &mut self.0 {
            if id != keep && file.is_picture() && file.record.conversation == conversation {
                file.stage = Stage::Deleted;
            }
        }
    }

    pub(super) fn expire(&mut self, before: Timestamp, limit: usize) -> u64 {
        let old = self
            .0
            .values_mut()
            .filter(|file| file.is_waiting() && file.record.created < before);
        let mut expired = 0;
        for file in old.take(limit) {
            file.stage = Stage::Deleted;
            expired += 1;
        }
        expired
    }

    pub(super) fn abandon(&mut self) -> u64 {
        let mut abandoned = 0;
        for file in self.0.values_mut() {
            if matches!(file.stage, Stage::Arriving) {
                file.stage = Stage::Deleted;
                abandoned += 1;
            }
        }
        abandoned
    }

    pub(super) fn deleted(&self, limit: usize) -> Vec<FileId> {
        let deleted = self
            .0
            .iter()
            .filter(|(_, file)| matches!(file.stage, Stage::Deleted));
        deleted.map(|(id, _)| *id).take(limit).collect()
    }

    pub(super) fn forget(&mut self, ids: &[FileId]) {
        self.0
            .retain(|id, file| !(matches!(file.stage, Stage::Deleted) && ids.contains(id)));
    }

    pub(super) fn unknown(&self, mut ids: Vec<FileId>) -> Vec<FileId> {
        ids.retain(|id| !self.0.contains_key(id));
        ids
    }

    /// Notes that a message names a file. `false` when it may not.
    pub(super) fn link(
        &mut self,
        id: &FileId,
        conversation: &ConversationId,
        author: &AccountId,
        mid: Mid,
    ) -> bool {
        match self.0.get_mut(id) {
            Some(file)
                if file.is_waiting()
                    && file.record.conversation == *conversation
                    && file.record.uploader == *author
                    && matches!(file.record.place, FilePlace::User(_) | FilePlace::Room(_)) =>
            {
                file.go_to(FileState::Linked(mid));
                true
            }
            _ => false,
        }
    }

    pub(super) fn delete_linked(&mut self, conversation: &ConversationId, mid: Mid) {
        for file in self.0.values_mut() {
            let is_linked =
                matches!(file.stage, Stage::Arrived(FileState::Linked(linked), _) if linked == mid);
            if is_linked && file.record.conversation == *conversation {
                file.stage = Stage::Deleted;
            }
        }
    }
}
