//! From a configuration to nodes that serve.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tonic::service::Routes;
use weald_certs::attachment::LINKS;
use weald_certs::proxy::{ProxiedNetwork, ProxySettings};
use weald_certs::{Acceptor, AttachNobody, Attachment, Broker, Connector, Entrance, Limits, Listener, Register};
use weald_node::door::DoorRecord;
use weald_node::service::NodeService;
use weald_node::session::History;
use weald_node::{Node, NodeParts};
use weald_process::load::{Party, bind, open_log};
use weald_process::{Beside, Faults, Key, Program, Service, Table, Watched, Way};
use weald_proto::env::Env;
use weald_proto::session::Pulse;
use weald_proto::{FederationName, SpiffeId};

use crate::configuration::Configuration;
use crate::load::{Loaded, LoadedOrganisation, load};
use crate::organisation::Organisation;
use crate::status::{Asked, NodeStatus};

impl Program for Configuration {
    const NAME: &'static str = "weald-node";
    const KEYS: &'static [Key] = Configuration::KEYS;
    type Loaded = Loaded;
    type Status = NodeStatus;

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
        let through = loaded.proxy.proxy().map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
        let first =
            format!("federation {federation}: register version {}, {members} active members", register.version());
        let each = self.organisations.iter().zip(&loaded.organisations).map(|(one, loaded)| {
            let way = match &one.listen {
                Some(listen) => format!("listens on {}", listen.value),
                None => format!("attaches to {}{through}", brokers(&register)),
            };
            let kept = match one.cache_seconds {
                0 => "brokers keep no answers".to_owned(),
                seconds => format!("brokers may keep answers for {seconds} s"),
            };
            format!("node of {} {way}: {}, policies {}, {kept}", one.code.value, one.source, loaded.engine.version())
        });
        std::iter::once(first).chain(each).collect()
    }

    async fn open(self, loaded: Loaded, env: &Env, faults: &Faults) -> Option<Vec<Service>> {
        let federation = self.federation.value;
        let network = Arc::new(ProxiedNetwork::new(Arc::clone(&env.network), loaded.proxy.clone()));
        let env = &Env { network, ..env.clone() };
        let register = loaded.register.load();
        let companies = register.brokers().map(|broker| (broker.id.clone(), Arc::default())).collect();
        let mut services = Vec::new();
        for (one, parts) in self.organisations.into_iter().zip(loaded.organisations) {
            let ground = Ground {
                federation: &federation,
                register: &loaded.register,
                companies: &companies,
                proxy: &loaded.proxy,
                env,
            };
            services.push(open(one, parts, &ground, faults).await);
        }
        services.into_iter().collect()
    }
}

/// The brokers to which nodes attach, by name and address.
fn brokers(register: &Register) -> String {
    let named = register.brokers().filter_map(|broker| Some(format!("{} at {}", broker.id, broker.address.as_ref()?)));
    named.collect::<Vec<_>>().join(", ")
}

/// What all organisations of a process share.
struct Ground<'a> {
    federation: &'a FederationName,
    register: &'a Arc<ArcSwap<Register>>,
    companies: &'a Companies,
    proxy: &'a ProxySettings,
    env: &'a Env,
}

async fn open(one: Organisation, parts: LoadedOrganisation, ground: &Ground<'_>, faults: &Faults) -> Option<Service> {
    let Ground { federation, register, companies, proxy, env } = *ground;
    let code = one.code.value;
    let (log, replay) = open_log(faults, &one.audit_log, &env.clock)?;
    let log = Arc::new(log);
    let history = History::read(&one.audit_log.value).map_err(|error| {
        let what = format!("the audit log `{}` cannot be read back: {error}", one.audit_log.value.display());
        faults.note(&one.audit_log.place, what, "keep the file as evidence, and restore it or begin another");
    });
    let history = history.ok()?;
    let acceptor = match &one.listen {
        Some(listen) => {
            let entrance = Entrance {
                listener: Listener::Node,
                credentials: Arc::clone(&parts.party.credentials),
                trust: Arc::clone(&parts.party.trust),
                clock: Arc::clone(&env.clock),
                attach: Arc::new(AttachNobody),
                watch: Arc::new(DoorRecord::new(Arc::clone(&log), code.clone())),
                limits: Limits::default(),
                strangers: None,
            };
            Some(bind(faults, listen, entrance).await?)
        }
        None => None,
    };
    let node = Arc::new(Node::new(NodeParts {
        organisation: code.clone(),
        federation: federation.clone(),
        register: Arc::clone(register),
        engine: parts.engine,
        store: parts.store,
        log: Arc::clone(&log),
        replay,
        key: parts.key,
        cache_seconds: one.cache_seconds,
        pulse: Pulse::default(),
        history,
        env: env.clone(),
    }));
    let routes = Routes::new(NodeService::serve(Arc::clone(&node)));
    let draining = Arc::clone(&node);
    let beside: Beside = Box::new(move |shutdown| {
        tokio::spawn(async move {
            shutdown.cancelled().await;
            draining.drain();
        })
    });
    let asked = Asked {
        node: Arc::clone(&node),
        register: Arc::clone(register),
        proxy: proxy.clone(),
        listens_at: one.listen.as_ref().map(|listen| listen.value),
        source: one.source.kind(),
        serves_since: env.clock.now(),
    };
    let watched = Watched {
        register: Arc::clone(register),
        log,
        party: parts.party.clone(),
        occupancy: acceptor.as_ref().map(Acceptor::occupancy),
        links: Vec::new(),
        describe: Box::new(move |links, now| asked.describe(links, now)),
        observe: Box::new(move || node.observe()),
    };
    let way = match acceptor {
        Some(acceptor) => Way::Port { acceptor, routes },
        None => Way::Links(links(&parts.party, register, &routes, companies, env)),
    };
    Some(Service { way, what: format!("the node of {code}"), watched, beside })
}

/// For each broker, what the links of this process to it share.
type Companies = BTreeMap<SpiffeId, Arc<Notify>>;

/// Two links to each broker to which the register lets nodes attach.
fn links(
    party: &Party,
    register: &ArcSwap<Register>,
    routes: &Routes,
    companies: &Companies,
    env: &Env,
) -> Vec<Attachment> {
    let register = register.load();
    let link = |broker: &Broker| {
        Some(Attachment {
            connector: Connector::new(Arc::clone(&party.credentials), Arc::clone(&party.trust), env.clone()),
            address: broker.address.clone()?,
            broker: broker.id.clone(),
            routes: routes.clone(),
            company: companies.get(&broker.id).cloned().unwrap_or_default(),
        })
    };
    register.brokers().flat_map(|broker| (0..LINKS).filter_map(move |_| link(broker))).collect()
}
