//! A federation that publishes its register, a mirror that has it, and parties that follow it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::Signer as _;
use weald_proto::{Digest, FederationName, OdsCode, Timestamp};
use weald_register::publish::{
    Edition, EditionKeys, EditionTerms, Previous, RoleHolders, RootDraft, RootPlan, member_shards,
};
use weald_register::{Refused, Revocations, RoleKey, Root, TargetName, Trusted, Update};

/// The first moment of the tests: 2030-01-01.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_893_456_000);

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The files of a mirror, by name.
pub(crate) type Mirror = BTreeMap<String, Arc<[u8]>>;

pub(crate) fn key(seed: u8) -> RoleKey {
    RoleKey::from_seed(&[seed; 32])
}

pub(crate) fn federation() -> FederationName {
    FederationName::parse("kent.weald.example").unwrap()
}

/// Whoever makes the register: five root keys of which three must sign, and a key for each online role.
#[derive(Clone)]
pub(crate) struct Maker {
    pub(crate) root_keys: Vec<RoleKey>,
    pub(crate) timestamp: Vec<RoleKey>,
    pub(crate) snapshot: Vec<RoleKey>,
    pub(crate) targets: Vec<RoleKey>,
    pub(crate) first: Root,
    pub(crate) root: Root,
    pub(crate) edition: Edition,
    pub(crate) members: BTreeMap<OdsCode, String>,
    pub(crate) revocations: Revocations,
    pub(crate) mirror: Mirror,
}

impl Maker {
    /// Root 1 and the first edition, published.
    pub(crate) fn begin() -> Self {
        let root_keys: Vec<RoleKey> = (1..=5).map(key).collect();
        let (timestamp, snapshot, targets) = (vec![key(11)], vec![key(12)], vec![key(13)]);
        let plan = plan(&root_keys, 3, &timestamp, &snapshot, &targets);
        let root = signed(RootDraft::first(&plan).unwrap(), None, &root_keys[..3]);
        let members =
            ["RVV", "RWF", "G82001", "G82002"].map(|code| (OdsCode::parse(code).unwrap(), member(code, "one")));
        let members = BTreeMap::from(members);
        let revocations = Revocations::none();
        let keys = EditionKeys { timestamp: &[&timestamp[0]], snapshot: &[&snapshot[0]], targets: &[&targets[0]] };
        let files = files(&members, &revocations);
        let edition = Edition::make(&root, files, Previous::default(), terms(START), keys).unwrap();
        let first = root.clone();
        let mirror = Mirror::new();
        let mut maker =
            Maker { root_keys, timestamp, snapshot, targets, first, root, edition, members, revocations, mirror };
        maker.publish();
        maker
    }

    /// A root like the newest, to be changed.
    pub(crate) fn plan(&self) -> RootPlan {
        plan(&self.root_keys, 3, &self.timestamp, &self.snapshot, &self.targets)
    }

    /// The root that follows, signed by `signers`, published.
    pub(crate) fn rotate(&mut self, plan: &RootPlan, signers: &[RoleKey]) {
        let draft = RootDraft::succeeding(&self.root, plan).unwrap();
        self.root = signed(draft, Some(&self.root), signers);
        self.publish();
    }

    /// The next edition, with another name for one member.
    pub(crate) fn edit(&mut self, now: Timestamp) {
        let code = OdsCode::parse("RVV").unwrap();
        let name = format!("edition {}", self.edition.versions().targets + 1);
        self.members.insert(code, member("RVV", &name));
        self.make(now);
    }

    /// The next edition, as things are.
    pub(crate) fn make(&mut self, now: Timestamp) {
        let (timestamp, snapshot, targets) = (all(&self.timestamp), all(&self.snapshot), all(&self.targets));
        let keys = EditionKeys { timestamp: &timestamp, snapshot: &snapshot, targets: &targets };
        let files = files(&self.members, &self.revocations);
        self.edition = Edition::make(&self.root, files, self.edition.versions(), terms(now), keys).unwrap();
        self.publish();
    }

    /// The same edition under a newer timestamp.
    pub(crate) fn renew(&mut self, now: Timestamp) {
        self.edition = self.edition.renew(&self.root, now, &all(&self.timestamp)).unwrap();
        self.publish();
    }

    fn publish(&mut self) {
        self.mirror.insert(format!("{}.root.json", self.root.version()), Arc::clone(self.root.bytes()));
        for file in self.edition.published() {
            self.mirror.insert(file.name, file.bytes);
        }
    }

    /// A party that knows the first root and nothing else.
    pub(crate) fn newcomer(&self) -> Trusted {
        Trusted::begin(&federation(), self.first.bytes()).unwrap()
    }

    /// A party that has followed until now.
    pub(crate) fn follower(&self, now: Timestamp) -> Trusted {
        let (trusted, result) = update(self.newcomer(), &self.mirror, now);
        result.unwrap();
        trusted
    }

    /// The text of a file on the mirror.
    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.mirror[name].to_vec()).unwrap()
    }
}

pub(crate) fn all(keys: &[RoleKey]) -> Vec<&RoleKey> {
    keys.iter().collect()
}

pub(crate) fn terms(now: Timestamp) -> EditionTerms {
    EditionTerms { now, life: 30 * DAY }
}

fn holders(keys: &[RoleKey], threshold: u32) -> RoleHolders {
    RoleHolders { keys: keys.iter().map(|key| key.verifying_key().unwrap()).collect(), threshold }
}

pub(crate) fn plan(
    root: &[RoleKey],
    threshold: u32,
    timestamp: &[RoleKey],
    snapshot: &[RoleKey],
    targets: &[RoleKey],
) -> RootPlan {
    RootPlan {
        federation: federation(),
        expires: START.plus(365 * DAY),
        root: holders(root, threshold),
        timestamp: holders(timestamp, 1),
        snapshot: holders(snapshot, 1),
        targets: holders(targets, 1),
    }
}

/// The draft, signed by one after the other and published.
pub(crate) fn signed(mut draft: RootDraft, before: Option<&Root>, signers: &[RoleKey]) -> Root {
    for signer in signers {
        draft = RootDraft::read(&draft.sign(before, signer).unwrap().bytes()).unwrap();
    }
    draft.publish(before).unwrap()
}

pub(crate) fn member(code: &str, name: &str) -> String {
    format!(r#"{{"organisation":"{code}","name":"{name}"}}"#)
}

pub(crate) fn files(members: &BTreeMap<OdsCode, String>, revocations: &Revocations) -> BTreeMap<TargetName, Arc<[u8]>> {
    let mut files = member_shards(members).unwrap();
    files.insert(TargetName::Revocations, Arc::from(revocations.write().unwrap()));
    files.insert(
        TargetName::policy("clinical.cedar").unwrap(),
        Arc::from(b"permit (principal, action, resource);".as_slice()),
    );
    let digest = "0".repeat(64);
    let general = format!(
        r#"{{"federation":"kent.weald.example","issued_at_ms":1,"policy_digest":"{digest}","roots":["AA=="],"brokers":[]}}"#
    );
    files.insert(TargetName::Federation, Arc::from(general.into_bytes()));
    files
}

/// Drives an update with what a mirror has.
pub(crate) fn update(trusted: Trusted, mirror: &Mirror, now: Timestamp) -> (Trusted, Result<(), Refused>) {
    let mut update = Update::begin(trusted, now);
    while let Some(wanted) = update.wants() {
        let result = match mirror.get(&wanted.name) {
            Some(bytes) => update.take(bytes),
            None => update.absent(),
        };
        if result.is_err() {
            return (update.finish(), result);
        }
    }
    (update.finish(), Ok(()))
}

/// Drives an update until it wants the file of that name.
pub(crate) fn update_until(trusted: Trusted, mirror: &Mirror, now: Timestamp, name: &str) -> Update {
    let mut update = Update::begin(trusted, now);
    while let Some(wanted) = update.wants().filter(|wanted| !wanted.name.ends_with(name)) {
        match mirror.get(&wanted.name) {
            Some(bytes) => update.take(bytes).unwrap(),
            None => update.absent().unwrap(),
        }
    }
    assert!(update.wants().is_some(), "{name} was never wanted");
    update
}

/// What stands in a file under its signatures.
pub(crate) fn signed_part(file: &str) -> &str {
    file.split_once(r#","signed":"#).unwrap().1.strip_suffix('}').unwrap()
}

/// A file that these keys have signed, whatever it says.
pub(crate) fn forge(signed: &str, keys: &[&RoleKey]) -> Vec<u8> {
    let mut signatures: Vec<(String, String)> = keys
        .iter()
        .map(|key| {
            let signing = ed25519_dalek::SigningKey::from_bytes(key.expose_seed());
            let signature = signing.sign(signed.as_bytes()).to_bytes();
            (key.id().to_string(), signature.iter().map(|byte| format!("{byte:02x}")).collect())
        })
        .collect();
    signatures.sort();
    let signatures: Vec<String> =
        signatures.iter().map(|(id, sig)| format!(r#"{{"keyid":"{id}","sig":"{sig}"}}"#)).collect();
    format!(r#"{{"signatures":[{}],"signed":{signed}}}"#, signatures.join(",")).into_bytes()
}

/// A snapshot that the right key has signed, whatever it names.
pub(crate) fn snapshot_naming(maker: &Maker, targets: &[u8], targets_version: u64, version: u64) -> Vec<u8> {
    let (hash, length) = (Digest::of(targets), targets.len());
    let signed = format!(
        r#"{{"_type":"snapshot","expires":"2030-01-31T00:00:00Z","meta":{{"targets.json":{{"hashes":{{"sha256":"{hash}"}},"length":{length},"version":{targets_version}}}}},"spec_version":"1.0.31","version":{version}}}"#
    );
    forge(&signed, &all(&maker.snapshot))
}

/// A timestamp that the right key has signed, whatever it names.
pub(crate) fn timestamp_naming(maker: &Maker, snapshot: &[u8], snapshot_version: u64, version: u64) -> Vec<u8> {
    let (hash, length, root) = (Digest::of(snapshot), snapshot.len(), maker.root.version());
    let signed = format!(
        r#"{{"_type":"timestamp","expires":"2030-01-01T00:15:00Z","meta":{{"snapshot.json":{{"hashes":{{"sha256":"{hash}"}},"length":{length},"version":{snapshot_version}}}}},"spec_version":"1.0.31","version":{version},"x-weald-root":{root}}}"#
    );
    forge(&signed, &all(&maker.timestamp))
}
