//! What a configuration of nodes points at.

use std::sync::Arc;

use arc_swap::ArcSwap;
use weald_certs::proxy::ProxySettings;
use weald_certs::{Register, Trust};
use weald_node::RecordStore;
use weald_node::sign::StatementKey;
use weald_policy::Engine;
use weald_process::Faults;
use weald_process::load::{Party, check_key, check_log, proxy_of_environment, roots};
use weald_proto::env::Env;
use weald_proto::{SigningKey, SpiffeId, Statement, Timestamp};

use crate::configuration::Configuration;
use crate::organisation::Organisation;
use crate::policies;

/// Everything that nodes start with, but their logs and ports.
pub(crate) struct Loaded {
    pub(crate) register: Arc<ArcSwap<Register>>,
    /// Through which brokers are reached.
    pub(crate) proxy: ProxySettings,
    /// As the configuration's organisations, one by one.
    pub(crate) organisations: Vec<LoadedOrganisation>,
}

/// What one organisation's node starts with.
pub(crate) struct LoadedOrganisation {
    pub(crate) party: Party,
    pub(crate) engine: Arc<Engine>,
    pub(crate) store: Arc<dyn RecordStore>,
    pub(crate) key: StatementKey,
}

/// Reads and checks all of it, whatever is wrong.
pub(crate) fn load(configuration: &Configuration, env: &Env, faults: &Faults) -> Option<Loaded> {
    let now = env.clock.now();
    let federation = &configuration.federation.value;
    let trust = roots(faults, &configuration.roots, federation);
    let register = configuration.register.load(faults, federation, now);
    let proxy = match &configuration.proxy {
        Some(table) => table.load(faults),
        None => proxy_of_environment(faults, &configuration.federation.place),
    };
    let ground = Ground { configuration, trust: trust.as_ref(), register: register.as_ref(), now, faults };
    let organisations: Vec<_> = configuration.organisations.iter().map(|one| ground.load(one)).collect();
    Some(Loaded {
        organisations: organisations.into_iter().collect::<Option<_>>()?,
        register: Arc::new(ArcSwap::from_pointee(register?)),
        proxy: proxy?,
    })
}

/// What all organisations stand on, as far as it could be read.
struct Ground<'a> {
    configuration: &'a Configuration,
    trust: Option<&'a Arc<Trust>>,
    register: Option<&'a Register>,
    now: Timestamp,
    faults: &'a Faults,
}

impl Ground<'_> {
    fn load(&self, one: &Organisation) -> Option<LoadedOrganisation> {
        let faults = self.faults;
        let id = SpiffeId::node(&self.configuration.federation.value, &one.code.value);
        let party = one.party.load(faults, &id, self.trust, self.now);
        let key: Option<SigningKey<Statement>> = one.statement.load(faults);
        if let Some(register) = self.register {
            self.check_registered(one, register, key.as_ref());
        }
        let engine = policies::engine(faults, &one.code, one.policies.as_ref());
        let store = one.source.open(faults);
        check_log(faults, &one.audit_log);
        Some(LoadedOrganisation {
            party: party?,
            engine: Arc::new(engine?),
            store: store?,
            key: StatementKey::new(key?),
        })
    }

    fn check_registered(&self, one: &Organisation, register: &Register, key: Option<&SigningKey<Statement>>) {
        let code = &one.code.value;
        let Some(member) = register.member(code) else {
            return self.faults.note(
                &one.code.place,
                format!("the register (version {}) has no member {code}", register.version()),
                "correct the code, or have the organisation entered in the register",
            );
        };
        if one.listen.is_none() && register.brokers().all(|broker| broker.address.is_none()) {
            let what = "there is no `listen`, and the register gives no broker an address to which nodes attach";
            self.faults.note(
                &one.code.place,
                what,
                "say where the node listens, or have the broker's address entered in the register",
            );
        }
        match (&one.listen, &member.address) {
            (None, Some(address)) => {
                let what = format!("there is no `listen`, and by the register brokers dial this node at {address}");
                self.faults.warn(
                    &one.code.place,
                    &what,
                    "have the address taken out of the register, or say where the node listens",
                );
            }
            (Some(listen), None) => {
                let what = "the register gives this node no address: no broker will dial it";
                self.faults.warn(
                    &listen.place,
                    what,
                    "remove `listen`, so that the node attaches, or have its address entered in the register",
                );
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        if !member.is_active() {
            let what = "the register has this organisation as suspended: nobody will ask it";
            self.faults.warn(&one.code.place, what, "have it made active in the register");
        }
        if let Some(key) = key {
            check_key(self.faults, &one.statement, key, code.as_str(), &member.keys);
        }
    }
}
