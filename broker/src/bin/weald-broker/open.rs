//! From a configuration to a broker that serves.

use std::sync::Arc;

use tonic::service::Routes;
use weald_broker::ask::AskNode;
use weald_broker::attached::AttachedNodes;
use weald_broker::bootstrap::{AuthorityPlace, Bootstrap, BootstrapParts};
use weald_broker::dial::Nodes;
use weald_broker::door::DoorRecord;
use weald_broker::room::Capacity;
use weald_broker::service::BrokerService;
use weald_broker::session::Keeper;
use weald_broker::{Broker, BrokerParts};
use weald_certs::{Connector, Entrance, Limits, Links, Listener, RegisterFiles, Strangers};
use weald_process::load::{bind, open_log};
use weald_process::{Beside, Describe, Faults, Key, Program, Service, Table, Watched, Way};
use weald_proto::env::Env;
use weald_proto::limit;
use weald_proto::session::Pulse;

use crate::configuration::{AuthoritySettings, Configuration};
use crate::load::{Loaded, load};
use crate::status::{BrokerStatus, describe};

impl Program for Configuration {
    const NAME: &'static str = "weald-broker";
    const KEYS: &'static [Key] = Configuration::KEYS;
    type Loaded = Loaded;
    type Status = BrokerStatus;

    fn read(root: &Table<'_>) -> Option<Self> {
        Configuration::read(root)
    }

    fn load(&self, env: &Env, faults: &Faults) -> Option<Loaded> {
        load(self, env, faults)
    }

    fn summary(&self, loaded: &Loaded) -> Vec<String> {
        let register = loaded.register.load();
        let members = register.active_members().count();
        vec![
            format!(
                "federation {}: register version {}, {members} active members",
                self.federation,
                register.version()
            ),
            format!("baseline policies: {}", loaded.engine.version()),
            format!("broker {} listens on {}", self.id.value, self.listen.value),
        ]
    }

    async fn open(self, loaded: Loaded, env: &Env, faults: &Faults) -> Option<Vec<Service>> {
        let Loaded { party, register, engine, key, pseudonyms } = loaded;
        let name = self.id.value;
        let (log, replay) = open_log(faults, &self.audit_log, &env.clock)?;
        let log = Arc::new(log);
        let attached = AttachedNodes::new(Arc::clone(&env.clock));
        let (own, trust) = (Arc::clone(&party.credentials), Arc::clone(&party.trust));
        let links = Links::new(Connector::new(own, trust, env.clone()), limit::CONNECT_DEADLINE);
        let bootstrap = BootstrapParts {
            name: name.clone(),
            files: Arc::clone(&register) as Arc<dyn RegisterFiles>,
            authority: self
                .authority
                .map(|AuthoritySettings { address }| AuthorityPlace { address, links: links.clone() }),
            log: Arc::clone(&log),
        };
        let entrance = Entrance {
            listener: Listener::Broker,
            credentials: Arc::clone(&party.credentials),
            trust: Arc::clone(&party.trust),
            clock: Arc::clone(&env.clock),
            attach: Arc::new(attached.clone()),
            watch: Arc::new(DoorRecord::new(Arc::clone(&log), name.clone())),
            limits: Limits::default(),
            strangers: Some(Strangers {
                routes: Routes::new(Bootstrap::serve(bootstrap)),
                limits: Limits::of_strangers(),
            }),
        };
        let acceptor = bind(faults, &self.listen, entrance).await?;
        let nodes = Arc::new(Nodes::new(attached.clone(), links, self.federation.clone()));
        let broker = Arc::new(Broker::new(BrokerParts {
            name: name.clone(),
            federation: self.federation.clone(),
            register: Arc::clone(&register),
            engine,
            log: Arc::clone(&log),
            replay,
            key,
            pseudonyms,
            nodes: Arc::clone(&nodes) as Arc<dyn AskNode>,
            pulse: Pulse::default(),
            env: env.clone(),
            capacity: Capacity::default(),
        }));
        let keeper = Keeper { broker: Arc::clone(&broker), nodes, log: self.audit_log.value.clone() };
        let routes = Routes::new(BrokerService::serve(Arc::clone(&broker)));
        let (observed, links, strangers) = (Arc::clone(&broker), attached.clone(), acceptor.strangers());
        let observe = Box::new(move || {
            observed.observe();
            links.observe();
            if let Some(strangers) = &strangers {
                weald_certs::metrics::strangers(strangers);
            }
        });
        let (registered, id) = (Arc::clone(&register), name.clone());
        let describe: Describe = Box::new(move |_, now| describe(&broker, &id, &attached, &registered.load(), now));
        let occupancy = Some(acceptor.occupancy());
        let watched = Watched { register, log, party, occupancy, links: Vec::new(), describe, observe };
        let beside: Beside = Box::new(move |shutdown| keeper.keep(shutdown));
        let way = Way::Port { acceptor, routes };
        Some(vec![Service { way, what: format!("views as {name}"), watched, beside }])
    }
}
