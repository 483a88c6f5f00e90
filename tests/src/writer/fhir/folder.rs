//! A folder of bundles, one file a person, with the list that maps local identifiers to NHS numbers.

use std::fs::File;
use std::path::Path;

use anyhow::Context as _;

use super::{BundleKind, write_bundle};
use crate::population::{Holding, Person};
use crate::silence;

/// The name of the list of identifiers in a folder.
pub const IDENTITIES: &str = "identities.csv";

/// Writes an organisation's holdings of some people into a folder: `<local id>.json` each, and
/// [`IDENTITIES`] with the columns `system,value,nhs_number,birth_date`. Gives the number of people written;
/// people whom the organisation does not know are passed over.
///
/// # Errors
///
/// Names the file that cannot be written.
pub fn write_folder<'a>(
    folder: &Path,
    organisation: &str,
    people: impl IntoIterator<Item = &'a Person>,
) -> anyhow::Result<usize> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let list = folder.join(IDENTITIES);
    let mut identities = csv::Writer::from_path(&list).with_context(|| format!("cannot write {}", list.display()))?;
    identities.write_record(["system", "value", "nhs_number", "birth_date"])?;
    let mut written = 0;
    for person in people {
        let Some(holding) = person.holding(organisation) else { continue };
        silence::know(|secrets| secrets.add_holding(holding))?;
        write_file(folder, BundleKind::for_person(person.index), holding)?;
        let (local, identity) = (&holding.local_id, &holding.identity);
        identities.write_record([&local.system, &local.value, &identity.nhs_number, &identity.birth_date])?;
        written += 1;
    }
    identities.flush().with_context(|| format!("cannot write {}", list.display()))?;
    Ok(written)
}

fn write_file(folder: &Path, kind: BundleKind, holding: &Holding) -> anyhow::Result<()> {
    let path = folder.join(format!("{}.json", holding.local_id.value));
    let bundle = write_bundle(kind, &holding.identity, &holding.local_id, &holding.sections);
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    serde_json::to_writer(std::io::BufWriter::new(file), &bundle)
        .with_context(|| format!("cannot write {}", path.display()))
}
