//! Access notices: what was shown from memory, for the log of the organisation whose answer it was.
//!
//! They are made from the broker's own audit log, where the release is durable before anything leaves, and
//! stored nowhere else: what is pending after a restart is read back from there. Each organisation gets them
//! in the log's order, so that one number says how far it has come.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use weald_audit::{ChainError, Entry, Follow, Kind, RecordedEntry, Recorder};
use weald_proto::session::Viewed;
use weald_proto::{Digest, OdsCode, Timestamp, ViewId, limit};

/// Notices of one organisation that wait in memory. The rest waits in the log.
const WAITING: usize = 256;
/// Updates of watched views that are remembered until the view ends.
const UPDATES: usize = 8_192;

/// The access notices of every organisation.
#[derive(Default)]
pub(crate) struct Notices {
    outboxes: Mutex<HashMap<OdsCode, Outbox>>,
    updates: Mutex<Updates>,
    /// Held by whoever reads the log back: it is read once at a time, whoever asks for it.
    pub(super) reading: tokio::sync::Mutex<()>,
}

/// Those of one organisation.
#[derive(Default)]
struct Outbox {
    waiting: BTreeMap<u64, Box<Viewed>>,
    /// From this entry on there may be some that wait in the log alone.
    unread_from: Option<u64>,
    is_reading: bool,
    /// How far the organisation has written them down, by what it said last.
    recorded: u64,
    news: Arc<Notify>,
}

/// A watched view has an entry for each update and one at its end: its notices are made from the first.
#[derive(Default)]
struct Updates {
    known: HashSet<(ViewId, OdsCode)>,
    order: VecDeque<(ViewId, OdsCode)>,
}

impl Notices {
    /// Reads back what is pending, of one organisation or of every, from what was recorded at `since` or
    /// later. Blocks. The log may be in use.
    ///
    /// # Errors
    ///
    /// [`ChainError`] if the log is not sound.
    pub(crate) fn read_back(&self, log: &Path, since: Timestamp, only: Option<&OdsCode>) -> Result<(), ChainError> {
        let (mut updates, mut first) = (Updates::default(), None);
        for entry in weald_audit::entries(log)?.so_far() {
            let entry = entry?;
            let log = *first.get_or_insert(entry.digest);
            if entry.recorded_at >= since && shows_kept(&entry.entry) {
                let fresh = updates.fresh(&entry.entry);
                self.offer(fresh.iter().filter(|one| only.is_none_or(|only| only == *one)), &entry, log);
            }
        }
        Ok(())
    }

    /// The same for an organisation of which more waits in the log than in memory; nothing if that is not
    /// so, or somebody reads already. What comes of it is sent when this has ended.
    pub(crate) fn read_rest(&self, log: &Path, since: Timestamp, organisation: &OdsCode) -> Result<(), ChainError> {
        {
            let mut outboxes = self.lock();
            let outbox = outboxes.entry(organisation.clone()).or_default();
            if outbox.unread_from.is_none() || outbox.is_reading || !outbox.waiting.is_empty() {
                return Ok(());
            }
            (outbox.unread_from, outbox.is_reading) = (None, true);
        }
        let read = self.read_back(log, since, Some(organisation));
        let mut outboxes = self.lock();
        let outbox = outboxes.entry(organisation.clone()).or_default();
        outbox.is_reading = false;
        if read.is_err() {
            outbox.unread_from = Some(0);
        }
        outbox.news.notify_one();
        read
    }

    /// The first one after that entry, for this organisation, unless so many are ahead of what it has written
    /// down that no more may be; or what else is to be done.
    pub(crate) fn after(&self, organisation: &OdsCode, sequence: u64) -> Next {
        let mut outboxes = self.lock();
        let outbox = outboxes.entry(organisation.clone()).or_default();
        let next = outbox.waiting.range(sequence.saturating_add(1)..).next();
        match next {
            _ if outbox.is_reading => Next::Wait(Arc::clone(&outbox.news)),
            Some(_) if outbox.waiting.range(..=sequence).count() >= limit::NOTICES_AHEAD => {
                Next::Wait(Arc::clone(&outbox.news))
            }
            Some((_, notice)) => Next::Send(notice.clone()),
            None if outbox.unread_from.is_some() && outbox.waiting.is_empty() => Next::Read,
            None => Next::Wait(Arc::clone(&outbox.news)),
        }
    }

    /// The organisation has written down everything up to and with that entry.
    pub(crate) fn recorded(&self, organisation: &OdsCode, sequence: u64) {
        let mut outboxes = self.lock();
        let outbox = outboxes.entry(organisation.clone()).or_default();
        outbox.recorded = sequence.max(outbox.recorded);
        outbox.waiting = outbox.waiting.split_off(&sequence.saturating_add(1));
        outbox.news.notify_one();
    }

    /// A session begins: so far has the process with which it is written them down. One that knows less than
    /// another before it (its log was put back, say) is told what it lacks; nobody's word of having written
    /// down more than there is outlasts its session.
    pub(crate) fn begin(&self, organisation: &OdsCode, sequence: u64) {
        {
            let mut outboxes = self.lock();
            let outbox = outboxes.entry(organisation.clone()).or_default();
            if sequence < outbox.recorded {
                outbox.recorded = sequence;
                outbox.waiting.clear();
                outbox.unread_from = Some(sequence.saturating_add(1));
            }
        }
        self.recorded(organisation, sequence);
    }

    /// True if more than fit into memory are not written down: nothing more is to be shown from memory.
    pub(crate) fn is_behind(&self, organisation: &OdsCode) -> bool {
        self.lock().get(organisation).is_some_and(|outbox| outbox.unread_from.is_some())
    }

    /// Hands an entry to those organisations that are to be told of it.
    fn offer<'a>(&self, fresh: impl IntoIterator<Item = &'a OdsCode>, entry: &RecordedEntry, log: Digest) {
        let mut outboxes = self.lock();
        for organisation in fresh {
            match viewed(entry, organisation, log) {
                Some(viewed) => outboxes.entry(organisation.clone()).or_default().offer(viewed),
                None => tracing::error!(sequence = entry.sequence, "a release lacks what an access notice says"),
            }
        }
    }

    /// How many wait in memory.
    pub(crate) fn waiting(&self, organisation: &OdsCode) -> usize {
        self.lock().get(organisation).map_or(0, |outbox| outbox.waiting.len())
    }

    /// True if there may be more, which wait in the log alone.
    pub(crate) fn wait_in_log(&self, organisation: &OdsCode) -> bool {
        self.lock().get(organisation).is_some_and(|outbox| outbox.unread_from.is_some())
    }

    /// A panic cannot leave the map half changed, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, HashMap<OdsCode, Outbox>> {
        self.outboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be done about the notices of one organisation.
pub(crate) enum Next {
    /// This one is the next.
    Send(Box<Viewed>),
    /// More wait in the log.
    Read,
    /// Nothing, until there is news.
    Wait(Arc<Notify>),
}

impl Follow for Notices {
    fn wants(&self, entry: &Entry) -> bool {
        shows_kept(entry)
    }

    fn recorded(&self, log: Digest, entry: RecordedEntry) {
        let fresh = self.updates.lock().unwrap_or_else(PoisonError::into_inner).fresh(&entry.entry);
        self.offer(&fresh, &entry, log);
    }
}

impl Outbox {
    /// Takes one more, unless it was written down or one before it waits in the log alone.
    fn offer(&mut self, notice: Viewed) {
        let sequence = notice.sequence;
        if sequence <= self.recorded || self.unread_from.is_some_and(|unread| sequence >= unread) {
            return;
        }
        self.waiting.insert(sequence, Box::new(notice));
        if self.waiting.len() > WAITING
            && let Some((last, _)) = self.waiting.pop_last()
        {
            self.unread_from = Some(last);
        }
        self.news.notify_one();
    }
}

impl Updates {
    /// The organisations of which this entry says for the first time that this view shows a kept answer.
    fn fresh(&mut self, entry: &Entry) -> Vec<OdsCode> {
        let Recorder::Broker { view: Some(view), .. } = entry.recorder else { return Vec::new() };
        let is_last = entry.plan_digest.is_some();
        let kept = entry.outcomes.iter().filter(|came| came.cached).map(|came| came.organisation.clone());
        kept.filter(|organisation| {
            let shown = (view, organisation.clone());
            if is_last { !self.known.remove(&shown) } else { self.note(shown) }
        })
        .collect()
    }

    fn note(&mut self, shown: (ViewId, OdsCode)) -> bool {
        self.order.push_back(shown.clone());
        if self.order.len() > UPDATES
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.known.insert(shown)
    }
}

fn shows_kept(entry: &Entry) -> bool {
    entry.kind == Kind::Release && entry.outcomes.iter().any(|came| came.cached)
}

/// What that organisation is told of an entry of the log whose first entry has that digest. Nothing if the
/// entry lacks what every release of a view says.
fn viewed(recorded: &RecordedEntry, organisation: &OdsCode, log: Digest) -> Option<Viewed> {
    let entry = &recorded.entry;
    let came = entry.outcomes.iter().find(|came| came.cached && came.organisation == *organisation)?;
    let Recorder::Broker { view: Some(view), .. } = entry.recorder else { return None };
    Some(Viewed {
        log,
        sequence: recorded.sequence,
        viewed_at: recorded.recorded_at,
        query: came.query_digest?,
        view,
        jti: entry.jti.clone()?,
        assertion: entry.assertion_digest?,
        requester: entry.requester.clone()?,
        purpose: entry.inputs.as_ref()?.purpose?,
        viewer: entry.peer.clone()?,
    })
}

#[cfg(test)]
mod tests {
    use weald_audit::{AuditedOutcome, Inputs, Log};
    use weald_proto::{Jti, ManualClock, Outcome, Purpose, Requester, SpiffeId};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

    fn ods(code: &str) -> OdsCode {
        OdsCode::parse(code).unwrap()
    }

    /// A release of that view, which showed a kept answer of each of these; the last of a view has a plan.
    fn release(view: u8, kept: &[&str], is_last: bool) -> Entry {
        let id = SpiffeId::parse("spiffe://kent.weald.example/broker/b1").unwrap();
        let view = Some(ViewId::parse(&[view; 16]).unwrap());
        let mut entry = Entry::new(Kind::Release, Recorder::Broker { id, view, patient: None });
        let came = |code: &&str| AuditedOutcome {
            organisation: ods(code),
            outcome: Outcome::Answered,
            cached: true,
            query_digest: Some(Digest::of(code.as_bytes())),
            reason: None,
        };
        entry.outcomes = kept.iter().map(came).collect();
        entry.plan_digest = is_last.then_some(Digest::ZERO);
        entry.jti = Some(Jti::parse("jti-1").unwrap());
        entry.assertion_digest = Some(Digest::ZERO);
        entry.requester =
            Some(Requester::PrivacyOfficer { user: "u-1".into(), name: "A Test".into(), organisation: ods("G99001") });
        entry.inputs = Some(Inputs { purpose: Some(Purpose::PatientRequest), ..Inputs::default() });
        entry.peer = Some(SpiffeId::parse("spiffe://kent.weald.example/viewer/G99001/record").unwrap());
        entry
    }

    struct Followed {
        folder: tempfile::TempDir,
        log: Log,
        notices: Arc<Notices>,
    }

    fn followed() -> Followed {
        let (folder, notices) = (tempfile::tempdir().unwrap(), Arc::new(Notices::default()));
        let clock = Arc::new(ManualClock::at(NOW));
        let log = Log::open(&folder.path().join("broker.audit"), clock).unwrap();
        assert!(log.follow(Arc::clone(&notices) as Arc<dyn Follow>));
        Followed { folder, log, notices }
    }

    /// Delivers all that waits, as a session would, and gives the numbers.
    fn deliver(notices: &Notices, log: &Path, to: &str) -> Vec<u64> {
        let (mut delivered, mut sent) = (Vec::new(), 0);
        loop {
            match notices.after(&ods(to), sent) {
                Next::Send(notice) => {
                    assert_eq!(notice.log, weald_audit::entries(log).unwrap().next().unwrap().unwrap().digest);
                    sent = notice.sequence;
                    delivered.push(sent);
                }
                Next::Read => notices.read_rest(log, NOW, &ods(to)).unwrap(),
                Next::Wait(_) if notices.waiting(&ods(to)) > 0 => notices.recorded(&ods(to), sent),
                Next::Wait(_) => return delivered,
            }
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_into_memory_is_read_from_the_log_in_its_order() {
        let Followed { folder, log, notices } = followed();
        let path = folder.path().join("broker.audit");
        let many = u64::try_from(2 * WAITING + 50).unwrap();
        for view in 0..many {
            log.append(release(u8::try_from(view % 251).unwrap(), &["RVV"], true)).await.unwrap();
        }
        assert_eq!(notices.waiting(&ods("RVV")), WAITING);
        assert_eq!(deliver(&notices, &path, "RVV"), (1..=many).collect::<Vec<_>>());
        log.append(release(1, &["RVV"], true)).await.unwrap();
        assert_eq!(deliver(&notices, &path, "RVV"), [many + 1]);
    }

    #[tokio::test]
    async fn what_is_pending_is_read_back_and_what_is_too_old_or_shown_fresh_is_not() {
        let Followed { folder, log, .. } = followed();
        let path = folder.path().join("broker.audit");
        log.append(release(1, &["RVV", "RYY"], true)).await.unwrap();
        log.append(release(2, &[], true)).await.unwrap();
        log.append(release(3, &["RYY"], true)).await.unwrap();
        let again = Notices::default();
        again.recorded(&ods("RYY"), 1);
        again.read_back(&path, NOW, None).unwrap();
        assert_eq!(deliver(&again, &path, "RVV"), [1]);
        assert_eq!(deliver(&again, &path, "RYY"), [3], "the first was written down");
        let late = Notices::default();
        late.read_back(&path, NOW.plus(std::time::Duration::from_millis(1)), None).unwrap();
        assert_eq!(late.waiting(&ods("RVV")), 0);
    }

    #[tokio::test]
    async fn a_watched_view_is_told_of_once_and_of_whom_its_end_shows_first_too() {
        let Followed { folder, log, notices } = followed();
        let path = folder.path().join("broker.audit");
        log.append(release(1, &["RVV"], false)).await.unwrap();
        log.append(release(2, &["RVV"], true)).await.unwrap();
        log.append(release(1, &["RVV", "RYY"], true)).await.unwrap();
        let again = Notices::default();
        again.read_back(&path, NOW, None).unwrap();
        for notices in [&*notices, &again] {
            assert_eq!(deliver(notices, &path, "RVV"), [1, 2]);
            assert_eq!(deliver(notices, &path, "RYY"), [3]);
        }
    }

    #[tokio::test]
    async fn no_more_are_sent_ahead_than_may_be_and_more_when_some_are_written_down() {
        let Followed { log, notices, .. } = followed();
        for view in 0..=u8::try_from(limit::NOTICES_AHEAD).unwrap() {
            log.append(release(view, &["RVV"], true)).await.unwrap();
        }
        let mut sent = 0;
        while let Next::Send(notice) = notices.after(&ods("RVV"), sent) {
            sent = notice.sequence;
        }
        assert_eq!(sent, u64::try_from(limit::NOTICES_AHEAD).unwrap());
        notices.recorded(&ods("RVV"), 1);
        assert!(matches!(notices.after(&ods("RVV"), sent), Next::Send(notice) if notice.sequence == sent + 1));
    }

    #[tokio::test]
    async fn a_node_whose_log_was_put_back_is_told_again_and_a_lie_of_having_more_ends_with_its_session() {
        let Followed { folder, log, notices } = followed();
        let path = folder.path().join("broker.audit");
        for view in 1..=4 {
            log.append(release(view, &["RVV"], true)).await.unwrap();
        }
        assert_eq!(deliver(&notices, &path, "RVV"), [1, 2, 3, 4]);
        notices.begin(&ods("RVV"), 2);
        assert!(notices.is_behind(&ods("RVV")));
        assert_eq!(deliver(&notices, &path, "RVV"), [3, 4]);
        assert!(!notices.is_behind(&ods("RVV")));
        notices.begin(&ods("RVV"), u64::MAX);
        log.append(release(5, &["RVV"], true)).await.unwrap();
        assert!(deliver(&notices, &path, "RVV").is_empty(), "it says that it knows");
        notices.begin(&ods("RVV"), 4);
        assert_eq!(deliver(&notices, &path, "RVV"), [5]);
    }
}
