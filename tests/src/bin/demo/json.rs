//! One view as a JSON document. Its form is described in docs/view-json.md and held by a snapshot test.
#![expect(clippy::print_stdout, reason = "the document is the output")]

use anyhow::Context as _;
use weald_tests::document::document;

use crate::options::Options;
use crate::patient;
use crate::world::World;

/// Prints the view of --patient for --role.
///
/// # Errors
///
/// When the person is not known here, the view is refused, or it does not hold.
pub(crate) async fn one_view(world: World, options: &Options) -> anyhow::Result<()> {
    let number = options.patient.as_ref().context("--json needs --patient")?;
    let patient = patient::find(number, &world.people, options)?;
    let view = world.view(&options.role, &patient).await??;
    let register = world.federation.register();
    println!("{}", serde_json::to_string_pretty(&document(&view, &register)?)?);
    let (federation, _, _folder) = world.into_parts();
    federation.stop().await?;
    Ok(())
}
