//! Keeps running, and writes what a viewer app needs.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use weald_certs::LeafTerms;
use weald_proto::{OdsCode, SpiffeId};
use weald_tests::federation::APP;
use weald_tests::population::HOPFIELD;

use crate::options::Options;
use crate::terminal;
use crate::world::World;

/// Marks a state folder as this demo's own, which may be emptied at the next start.
const MARK: &str = ".weald-demo";
/// What a viewer app reads first.
const STATE: &str = "state.json";

/// Makes a state folder ready: empty, or left by an earlier run. Whoever finds [`STATE`] in it finds a
/// federation that runs.
///
/// # Errors
///
/// When the folder holds anything that is not of this demo, or cannot be written.
pub(crate) fn prepare(state: &Path) -> anyhow::Result<()> {
    let place = || format!("--state {}", state.display());
    fs::create_dir_all(state).with_context(place)?;
    if !state.join(MARK).exists() && fs::read_dir(state).with_context(place)?.next().is_some() {
        bail!("{}: this folder holds something else; name one that is empty or does not exist", place());
    }
    fs::write(state.join(MARK), "").with_context(place)?;
    gone(fs::remove_file(state.join(STATE))).with_context(place)?;
    gone(fs::remove_dir_all(state.join("federation"))).with_context(place)
}

/// What is not there need not be removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Writes the state folder, and runs until it is interrupted or told to end.
///
/// # Errors
///
/// When a file cannot be written, or an audit log does not verify in the end.
pub(crate) async fn stay(world: World, options: &Options) -> anyhow::Result<()> {
    let state = options.state.as_deref().context("--stay needs --state")?;
    let mut end = signal(SignalKind::terminate())?;
    write(&world, state)?;
    terminal::line(&format!("The broker listens on {}.", world.federation.broker_address()));
    terminal::line(&format!("What a viewer app needs is in {}; start at {STATE}.", state.display()));
    terminal::line("Interrupt to stop.");
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = end.recv() => {}
    }
    gone(fs::remove_file(state.join(STATE)))?;
    let verified = world.stop().await?;
    terminal::line(&format!("Stopped; {} audit logs verified.", verified.len()));
    Ok(())
}

fn write(world: &World, state: &Path) -> anyhow::Result<()> {
    let federation = &world.federation;
    let organisation = OdsCode::parse(HOPFIELD.ods)?;
    let viewer = SpiffeId::viewer(federation.name(), &organisation, APP)?;
    let terms = LeafTerms::usual(&viewer, federation.env().clock.now());
    let (issued, key) = federation.authority().equip(&viewer, &terms)?;
    let assertion_key = federation.assertion_key(&organisation).context("the practice has no assertion key")?;
    public(&state.join("ca.pem"), federation.authority().root_pem().as_bytes())?;
    public(&state.join("client.pem"), issued.pem.as_bytes())?;
    private(&state.join("client-key.pem"), key.to_pem().as_bytes())?;
    private(&state.join("assertion-key.seed"), assertion_key.expose_seed())?;
    public(&state.join("register.json"), &federation.register_file())?;
    let (anchor_id, anchor_key) = federation.anchor().keys().next().context("the register has no anchor")?;
    let members: Vec<_> = federation
        .register()
        .active_members()
        .map(|member| json!({ "organisation": member.organisation, "name": member.name, "address": member.address }))
        .collect();
    let people: Vec<_> = world
        .people
        .iter()
        .map(|person| {
            json!({
                "nhs_number": person.identity.nhs_number,
                "birth_date": person.identity.birth_date,
                "family_name": person.identity.name.family,
            })
        })
        .collect();
    let document = json!({
        "federation": federation.name().as_str(),
        "broker": { "address": federation.broker_address(), "spiffe_id": federation.broker_id().to_string() },
        "ca": "ca.pem",
        "client": {
            "spiffe_id": viewer.to_string(),
            "certificate": "client.pem",
            "key": "client-key.pem",
            "expires_at": terms.not_after.to_string(),
        },
        "assertion": {
            "organisation": organisation,
            "key_id": assertion_key.id().as_str(),
            "ed25519_seed": "assertion-key.seed",
        },
        "register": { "file": "register.json", "anchor": { "key_id": anchor_id.as_str(), "ed25519_public_key": anchor_key } },
        "members": members,
        "people": people,
    });
    // Last: whoever waits for it finds everything else in place.
    public(&state.join(STATE), serde_json::to_string_pretty(&document)?.as_bytes())
}

fn public(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let written = path.with_extension("new");
    fs::write(&written, content).with_context(|| format!("cannot write {}", written.display()))?;
    fs::rename(&written, path).with_context(|| format!("cannot write {}", path.display()))
}

fn private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    gone(fs::remove_file(path)).with_context(|| format!("cannot replace {}", path.display()))?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(content).with_context(|| format!("cannot write {}", path.display()))
}
