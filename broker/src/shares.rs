//! Who holds how much of what viewer apps share. None ever has more than it leaves free, so that whoever comes next
//! finds some.

use std::collections::HashMap;

use weald_proto::{OdsCode, SpiffeId};

/// Bytes or places that are held, and by which viewer apps.
#[derive(Default)]
pub(crate) struct Held {
    all: usize,
    viewers: HashMap<SpiffeId, usize>,
}

/// What is held of each organisation's part.
#[derive(Default)]
pub(crate) struct Organisations(HashMap<OdsCode, Held>);

impl Organisations {
    /// True if nobody holds anything.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes so much of an organisation's part, which is `room`, if the viewer app then has no more of it than it leaves
    /// free. True if it did.
    pub(crate) fn take(&mut self, room: usize, organisation: &OdsCode, viewer: &SpiffeId, amount: usize) -> bool {
        let fits = self.0.get(organisation).unwrap_or(&Held::default()).leaves_free(room, viewer, amount);
        if fits {
            self.0.entry(organisation.clone()).or_default().add(viewer, amount);
        }
        fits
    }

    /// Gives that much back.
    pub(crate) fn give_back(&mut self, organisation: &OdsCode, viewer: &SpiffeId, amount: usize) {
        if let Some(its) = self.0.get_mut(organisation) {
            its.remove(viewer, amount);
            if its.is_empty() {
                self.0.remove(organisation);
            }
        }
    }
}

impl Held {
    /// How much is held by all.
    pub(crate) fn amount(&self) -> usize {
        self.all
    }

    /// True if nobody holds anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.viewers.is_empty()
    }

    /// True if, with so much more, the viewer app has no more than it leaves free of `room`.
    pub(crate) fn leaves_free(&self, room: usize, viewer: &SpiffeId, amount: usize) -> bool {
        let mine = self.viewers.get(viewer).copied().unwrap_or(0).saturating_add(amount);
        mine <= room.saturating_sub(self.all.saturating_add(amount))
    }

    /// Now the viewer app holds so much more.
    pub(crate) fn add(&mut self, viewer: &SpiffeId, amount: usize) {
        self.all = self.all.saturating_add(amount);
        let mine = self.viewers.entry(viewer.clone()).or_default();
        *mine = mine.saturating_add(amount);
    }

    /// Now it holds so much less.
    pub(crate) fn remove(&mut self, viewer: &SpiffeId, amount: usize) {
        self.all = self.all.saturating_sub(amount);
        if let Some(mine) = self.viewers.get_mut(viewer) {
            *mine = mine.saturating_sub(amount);
            if *mine == 0 {
                self.viewers.remove(viewer);
            }
        }
    }
}
