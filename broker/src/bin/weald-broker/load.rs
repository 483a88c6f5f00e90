//! What a broker's configuration points at.

use std::sync::Arc;

use arc_swap::ArcSwap;
use weald_audit::PseudonymKey;
use weald_certs::Register;
use weald_policy::Engine;
use weald_process::Faults;
use weald_process::load::{Party, check_key, check_log, roots, secret};
use weald_proto::env::Env;
use weald_proto::{Query, SigningKey};

use crate::configuration::Configuration;

/// Everything that a broker starts with, but its log and its port.
pub(crate) struct Loaded {
    pub(crate) party: Party,
    pub(crate) register: Arc<ArcSwap<Register>>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) key: SigningKey<Query>,
    pub(crate) pseudonyms: PseudonymKey,
}

/// Reads and checks all of it, whatever is wrong.
pub(crate) fn load(configuration: &Configuration, env: &Env, faults: &Faults) -> Option<Loaded> {
    let now = env.clock.now();
    let Configuration { federation, id, .. } = configuration;
    let trust = roots(faults, &configuration.roots, federation);
    let party = configuration.party.load(faults, &id.value, trust.as_ref(), now);
    let register = configuration.register.load(faults, federation, now);
    let key: Option<SigningKey<Query>> = configuration.query.load(faults);
    if let Some(register) = &register {
        check_registered(configuration, register, key.as_ref(), faults);
    }
    let pseudonyms = secret(faults, &configuration.pseudonym_key).map(|bytes| PseudonymKey::new(*bytes));
    check_log(faults, &configuration.audit_log);
    let engine = Engine::baseline().map_err(|error| {
        faults.note(
            &id.place,
            format!("the built-in policies do not hold: {error}"),
            "report this fault of the program",
        );
    });
    Some(Loaded {
        party: party?,
        register: Arc::new(ArcSwap::from_pointee(register?)),
        engine: Arc::new(engine.ok()?),
        key: key?,
        pseudonyms: pseudonyms?,
    })
}

fn check_registered(
    configuration: &Configuration,
    register: &Register,
    key: Option<&SigningKey<Query>>,
    faults: &Faults,
) {
    let id = &configuration.id;
    match (register.broker(&id.value), key) {
        (None, _) => faults.note(
            &id.place,
            format!("the register (version {}) has no broker {}", register.version(), id.value),
            "correct the name, or have the broker entered in the register",
        ),
        (Some(broker), Some(key)) => {
            check_key(faults, &configuration.query, key, "this broker", &broker.keys);
        }
        (Some(_), None) => {}
    }
}
