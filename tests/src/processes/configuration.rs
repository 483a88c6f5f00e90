//! The texts of configurations. Paths in them are relative, so that a whole estate can be copied.

use std::fmt::Write as _;
use std::net::SocketAddr;

use weald_certs::RegisterAnchor;
use weald_proto::{FederationName, KeyId, OdsCode};

/// The table of a source that is a folder of bundles.
pub(super) const BUNDLES: &str = r#"
[organisation.bundles]
folder = "bundles"
identities = "bundles/identities.csv"
"#;

/// The table of a source that is a database.
pub(super) const SQLITE: &str = r#"
[organisation.sqlite]
database = "records.sqlite"
mapping = "mapping.toml"
"#;

/// All that a process can say, so that whoever listens for what must not be said hears it.
pub(super) const EVERYTHING: &str = "trace";

/// A broker's.
pub(super) fn broker(
    federation: &FederationName,
    listen: SocketAddr,
    anchor: &RegisterAnchor,
    query_key: &KeyId,
    level: &str,
) -> String {
    let register = register(anchor);
    format!(
        r#"name = "b1"
federation = "{federation}"
listen = "{listen}"
pseudonym_key = "pseudonym.key"
audit_log = "broker.audit"

[log]
level = "{level}"

[tls]
certificate = "tls.pem"
key = "tls.key"
roots = "../roots.pem"

{register}
[query]
key_id = "{query_key}"
key = "query.key"
"#
    )
}

/// That of one organisation's node.
pub(super) fn node(
    federation: &FederationName,
    anchor: &RegisterAnchor,
    code: &OdsCode,
    listen: SocketAddr,
    statement_key: &KeyId,
    source: &str,
) -> String {
    let ground = ground(federation, anchor, EVERYTHING);
    format!(
        r#"{ground}
[[organisation]]
code = "{code}"
listen = "{listen}"
audit_log = "{code}.audit"

[organisation.tls]
certificate = "tls.pem"
key = "tls.key"

[organisation.statement]
key_id = "{statement_key}"
key = "statement.key"
{source}"#
    )
}

/// What every organisation of a process of nodes stands on.
pub(super) fn ground(federation: &FederationName, anchor: &RegisterAnchor, level: &str) -> String {
    let register = register(anchor);
    format!(
        "federation = \"{federation}\"\n\n[log]\nlevel = \"{level}\"\n\n[tls]\nroots = \"../roots.pem\"\n\n{register}"
    )
}

/// The table of an organisation that dials in, whose files are in a folder of its own.
pub(super) fn attaching(code: &OdsCode, statement_key: &KeyId) -> String {
    format!(
        r#"
[[organisation]]
code = "{code}"
audit_log = "{code}/{code}.audit"

[organisation.tls]
certificate = "{code}/tls.pem"
key = "{code}/tls.key"

[organisation.statement]
key_id = "{statement_key}"
key = "{code}/statement.key"

[organisation.bundles]
folder = "../bundles"
"#
    )
}

fn register(anchor: &RegisterAnchor) -> String {
    let mut text = "[register]\nfile = \"../register.json\"\n".to_owned();
    for (id, key) in anchor.keys() {
        // Writing into a text cannot fail.
        let _ = write!(text, "\n[[register.anchors]]\nkey_id = \"{id}\"\npublic_key = \"{key}\"\n");
    }
    text
}
