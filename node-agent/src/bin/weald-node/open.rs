//! From a configuration to nodes that serve.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tonic::service::Routes;
use weald_certs::{AttachNobody, Entrance, Limits, Listener, Register};
use weald_node::door::DoorRecord;
use weald_node::service::NodeService;
use weald_node::{Node, NodeParts};
use weald_process::load::{bind, open_log};
use weald_process::{Faults, Key, Program, Service, Table, Watched};
use weald_proto::FederationName;
use weald_proto::env::Env;

use crate::configuration::Configuration;
use crate::load::{Loaded, LoadedOrganisation, load};
use crate::organisation::Organisation;

impl Program for Configuration {
    const NAME: &'static str = "weald-node";
    const KEYS: &'static [Key] = Configuration::KEYS;
    type Loaded = Loaded;

    fn read(root: &Table<'_>) -> Option<Self> {
        Configuration::read(root)
    }

    fn load(&self, env: &Env, faults: &Faults) -> Option<Loaded> {
        load(self, env, faults)
    }

    fn summary(&self, loaded: &Loaded) -> Vec<String> {
        let register = loaded.register.load();
        let members = register.active_members().count();
        let federation = &self.federation.value;
        let first =
            format!("federation {federation}: register version {}, {members} active members", register.version());
        let each = self.organisations.iter().zip(&loaded.organisations).map(|(one, loaded)| {
            format!(
                "node of {} listens on {}: {}, policies {}",
                one.code.value,
                one.listen.value,
                one.source,
                loaded.engine.version()
            )
        });
        std::iter::once(first).chain(each).collect()
    }

    async fn open(self, loaded: Loaded, env: &Env, faults: &Faults) -> Option<Vec<Service>> {
        let federation = self.federation.value;
        let mut services = Vec::new();
        for (one, parts) in self.organisations.into_iter().zip(loaded.organisations) {
            services.push(open(one, parts, &federation, &loaded.register, env, faults).await);
        }
        services.into_iter().collect()
    }
}

async fn open(
    one: Organisation,
    parts: LoadedOrganisation,
    federation: &FederationName,
    register: &Arc<ArcSwap<Register>>,
    env: &Env,
    faults: &Faults,
) -> Option<Service> {
    let code = one.code.value;
    let (log, replay) = open_log(faults, &one.audit_log, &env.clock)?;
    let log = Arc::new(log);
    let entrance = Entrance {
        listener: Listener::Node,
        credentials: Arc::clone(&parts.party.credentials),
        trust: Arc::clone(&parts.party.trust),
        clock: Arc::clone(&env.clock),
        attach: Arc::new(AttachNobody),
        watch: Arc::new(DoorRecord::new(Arc::clone(&log), code.clone())),
        limits: Limits::default(),
    };
    let acceptor = bind(faults, &one.listen, entrance).await?;
    let node = Arc::new(Node::new(NodeParts {
        organisation: code.clone(),
        federation: federation.clone(),
        register: Arc::clone(register),
        engine: parts.engine,
        store: parts.store,
        log: Arc::clone(&log),
        replay,
        key: parts.key,
        // Until nodes can send notices, a broker that keeps an answer would not hear that it has changed.
        cache_seconds: 0,
        env: env.clone(),
    }));
    let routes = Routes::new(NodeService::serve(Arc::clone(&node)));
    let watched = Watched {
        register: Arc::clone(register),
        log,
        party: parts.party,
        occupancy: acceptor.occupancy(),
        observe: Box::new(move || node.observe()),
    };
    Some(Service { acceptor, routes, what: format!("the node of {code}"), watched })
}
