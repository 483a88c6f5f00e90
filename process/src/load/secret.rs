//! A secret of 32 bytes in a file of its own.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::file;
use crate::configuration::{Faults, Placed};

/// More than a line of base64 with its end has.
const MOST_BYTES: u64 = 128;

/// Reads 32 bytes from a file with one line of base64, as `openssl rand -base64 32` writes it. The file must be
/// closed to everybody but its owner. None, with the fault noted, if it does not hold.
pub fn secret(faults: &Faults, path: &Placed<PathBuf>) -> Option<Zeroizing<[u8; 32]>> {
    let text = match file::read_secret(&path.value, MOST_BYTES) {
        Ok(text) => text,
        Err(problem) => return faults.refuse(&path.place, problem.what, problem.remedy),
    };
    let mut bytes = Zeroizing::new([0; 33]);
    match STANDARD.decode_slice(text.trim_ascii(), &mut *bytes) {
        Ok(32) => bytes.first_chunk().copied().map(Zeroizing::new),
        _ => {
            let file = path.value.display();
            faults.refuse(
                &path.place,
                format!("`{file}` does not hold one line of base64 of 32 bytes"),
                format!("make one: openssl rand -base64 32 > {file}; chmod 600 {file}"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::configuration::Place;

    fn read(content: &str) -> (Option<Zeroizing<[u8; 32]>>, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pseudonym.key");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let faults = Faults::default();
        let secret = secret(&faults, &Placed { value: path, place: Place::in_test("pseudonym_key") });
        (secret, faults.into_sorted().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_line_of_base64_is_read_with_or_without_its_end() {
        let line = STANDARD.encode([7; 32]);
        for content in [line.clone(), format!("{line}\n")] {
            let (secret, said) = read(&content);
            assert_eq!(secret.as_deref(), Some(&[7; 32]), "{said}");
        }
    }

    #[test]
    fn anything_else_is_refused_and_not_quoted() {
        for bytes in [0, 31, 33, 40] {
            let line = STANDARD.encode(vec![7; bytes]);
            let (secret, said) = read(&line);
            assert!(secret.is_none() && said.contains("openssl rand -base64 32"), "{said}");
            assert!(bytes == 0 || !said.contains(&line), "{said}");
        }
        assert!(read("correct horse battery staple").0.is_none());
    }
}
