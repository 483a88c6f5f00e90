//! What a complete set of policies consists of.

use std::collections::BTreeMap;
use std::path::Path;

use weald_proto::Digest;

use crate::PolicyError;

/// The name of the manifest within its folder.
const MANIFEST: &str = "manifest.json";

/// A set of policy files that is complete by its manifest: every file is there, none else, and each
/// is exactly the one that the manifest names.
#[derive(Debug)]
pub(crate) struct CompleteSet {
    files: BTreeMap<String, String>,
    version: String,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    version: String,
    files: BTreeMap<String, String>,
}

impl CompleteSet {
    /// Checks files against the manifest among them.
    pub(crate) fn check(mut files: BTreeMap<String, String>) -> Result<Self, PolicyError> {
        let text = files.remove(MANIFEST).ok_or_else(|| PolicyError::Missing { file: MANIFEST.to_owned() })?;
        let manifest: Manifest = serde_json::from_str(&text).map_err(PolicyError::Manifest)?;
        if let Some(file) = files.keys().find(|file| !manifest.files.contains_key(*file)) {
            return Err(PolicyError::Unnamed { file: file.clone() });
        }
        for (file, expected) in &manifest.files {
            let content = files.get(file).ok_or_else(|| PolicyError::Missing { file: file.clone() })?;
            let found = Digest::of(content.as_bytes()).to_string();
            if found != *expected {
                return Err(PolicyError::Changed { file: file.clone(), found });
            }
        }
        let version = format!("{}+{}", manifest.version, short(Digest::of(text.as_bytes())));
        Ok(CompleteSet { files, version })
    }

    /// Reads every file of a folder and checks them. Folders within it are refused like any other
    /// file that the manifest does not name.
    pub(crate) fn read(folder: &Path) -> Result<Self, PolicyError> {
        let unreadable = |file: &Path, source| PolicyError::Unreadable { file: file.display().to_string(), source };
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
            let path = entry.map_err(|error| unreadable(folder, error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(name, std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?);
        }
        CompleteSet::check(files)
    }

    /// The manifest's version and the digest of the manifest, which pins every file.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// One file of the set.
    pub(crate) fn file(&self, name: &str) -> Result<&str, PolicyError> {
        self.files.get(name).map(String::as_str).ok_or_else(|| PolicyError::Missing { file: name.to_owned() })
    }

    /// The files of policies, in order of name.
    pub(crate) fn policies(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter(|(name, _)| Path::new(name).extension().is_some_and(|extension| extension == "cedar"))
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

/// The first 16 bytes of a digest in hexadecimal: enough that no two versions share a name.
pub(crate) fn short(digest: Digest) -> String {
    digest.as_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_of(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn manifest_of(file: &str, text: &str) -> String {
        format!(r#"{{"version": "1", "files": {{"{file}": "{}"}}}}"#, Digest::of(text.as_bytes()))
    }

    #[test]
    fn a_set_with_each_file_as_its_manifest_names_it_is_complete() {
        let set = CompleteSet::check(set_of(&[("a.cedar", "x"), (MANIFEST, &manifest_of("a.cedar", "x"))])).unwrap();
        assert_eq!(set.policies().collect::<Vec<_>>(), [("a.cedar", "x")]);
        assert!(set.version().starts_with("1+"));
    }

    #[test]
    fn a_missing_file_is_refused() {
        let error = CompleteSet::check(set_of(&[(MANIFEST, &manifest_of("a.cedar", "x"))])).unwrap_err();
        assert!(matches!(error, PolicyError::Missing { file } if file == "a.cedar"));
    }

    #[test]
    fn an_extra_file_is_refused() {
        let files = set_of(&[("a.cedar", "x"), ("b.cedar", "y"), (MANIFEST, &manifest_of("a.cedar", "x"))]);
        let error = CompleteSet::check(files).unwrap_err();
        assert!(matches!(error, PolicyError::Unnamed { file } if file == "b.cedar"));
    }

    #[test]
    fn a_changed_file_is_refused() {
        let files = set_of(&[("a.cedar", "x "), (MANIFEST, &manifest_of("a.cedar", "x"))]);
        let error = CompleteSet::check(files).unwrap_err();
        assert!(matches!(error, PolicyError::Changed { file, .. } if file == "a.cedar"));
    }

    #[test]
    fn a_set_without_a_manifest_or_with_an_unknown_member_in_it_is_refused() {
        assert!(matches!(CompleteSet::check(set_of(&[("a.cedar", "x")])), Err(PolicyError::Missing { .. })));
        let odd = r#"{"version": "1", "files": {}, "signed": false}"#;
        assert!(matches!(CompleteSet::check(set_of(&[(MANIFEST, odd)])), Err(PolicyError::Manifest(_))));
    }

    #[test]
    fn another_version_of_a_file_makes_another_version_of_the_set() {
        let version = |text: &str| {
            let files = set_of(&[("a.cedar", text), (MANIFEST, &manifest_of("a.cedar", text))]);
            CompleteSet::check(files).unwrap().version().to_owned()
        };
        assert_ne!(version("x"), version("y"));
    }
}
