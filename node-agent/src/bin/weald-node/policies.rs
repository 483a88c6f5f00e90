//! An organisation's own policies.

use std::path::{Path, PathBuf};

use weald_policy::{Engine, PolicyError};
use weald_process::load::text;
use weald_process::{Faults, Placed};

/// The built-in policies, and those of a file or of every `*.cedar` file of a folder, which may only forbid more.
/// None, with each fault noted, if any does not hold.
pub(crate) fn engine(faults: &Faults, code: &Placed<impl Sized>, own: Option<&Placed<PathBuf>>) -> Option<Engine> {
    let engine = match Engine::baseline() {
        Ok(engine) => engine,
        Err(error) => {
            let what = format!("the built-in policies do not hold: {error}");
            return faults.refuse(&code.place, what, "report this fault of the program");
        }
    };
    let Some(own) = own else { return Some(engine) };
    files(faults, own)?.into_iter().try_fold(engine, |engine, file| {
        let text = text(faults, &Placed { value: file.clone(), place: own.place.clone() })?;
        let added = engine.with_local(&file.display().to_string(), &text);
        added.map_err(|error| faults.note(&own.place, error.to_string(), remedy(&error))).ok()
    })
}

fn remedy(error: &PolicyError) -> &'static str {
    match error {
        PolicyError::Syntax { .. } => "correct the file: it must be Cedar policies",
        _ => "correct the policy, or take it out",
    }
}

/// The file itself, or the policy files of a folder, by name.
fn files(faults: &Faults, own: &Placed<PathBuf>) -> Option<Vec<PathBuf>> {
    if !own.value.is_dir() {
        return Some(vec![own.value.clone()]);
    }
    let folder = own.value.display();
    let entries = std::fs::read_dir(&own.value).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let Ok(entries) = entries else {
        return faults.refuse(
            &own.place,
            format!("the folder `{folder}` cannot be listed"),
            "give the user that the process runs as access to it",
        );
    };
    let mut files: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).filter(|path| is_policy(path)).collect();
    files.sort();
    if files.is_empty() {
        return faults.refuse(
            &own.place,
            format!("the folder `{folder}` holds no .cedar file"),
            "name the folder with your policies, or remove `policies` if there are none",
        );
    }
    Some(files)
}

fn is_policy(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "cedar")
}
