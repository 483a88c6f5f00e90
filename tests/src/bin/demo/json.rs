//! One view as a JSON document. Its form is described in docs/view-json.md and held by a snapshot test.

use anyhow::Context as _;
use weald_tests::document::document;

use crate::options::Options;
use crate::world::World;
use crate::{patient, terminal};

/// Who looks if nobody is named: a general medical practitioner.
const GP: &str = "R0260";

/// Prints the view of --patient for --role.
///
/// # Errors
///
/// When the person is not known here, the view is refused, or it does not hold.
pub(crate) async fn one_view(world: World, options: &Options) -> anyhow::Result<()> {
    let number = options.patient.as_ref().context("--json needs --patient")?;
    let patient = patient::find(number, &world.people, options)?;
    let view = world.view(options.role.as_deref().unwrap_or(GP), &patient).await??;
    let register = world.federation.register();
    terminal::line(&serde_json::to_string_pretty(&document(&view, &register)?)?);
    world.stop().await?;
    Ok(())
}
