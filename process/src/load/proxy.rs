//! The proxy through which other parties are reached.

use std::fmt::Display;
use std::path::PathBuf;

use weald_certs::proxy::{ProxyCredentials, ProxySettings};

use super::file;
use crate::configuration::{Faults, Key, Place, Placed, Table};

/// The table of the proxy.
pub const PROXY: Key = Key::new("proxy", "{ url = \"http://proxy.trust.example:3128\" }");

const URL: Key = Key::new("url", "\"http://proxy.trust.example:3128\"");
const EXCEPT: Key = Key::new("except", "\".trust.example,10.0.0.0/8\"");
const CREDENTIALS: Key = Key::new("credentials", "\"proxy.credentials\"");
/// More than a name and a password have.
const MOST_BYTES: u64 = 1024;

/// What a configuration says of the proxy.
#[derive(Debug)]
pub struct ProxyTable {
    url: Placed<String>,
    except: Option<Placed<String>>,
    credentials: Option<Placed<PathBuf>>,
}

impl ProxyTable {
    /// The keys of the table.
    pub const KEYS: &'static [Key] = &[URL, EXCEPT, CREDENTIALS];

    /// Reads the table.
    pub fn read(table: &Table<'_>) -> Option<Self> {
        let (url, except, credentials) = (table.text(URL), table.text_if_any(EXCEPT), table.path_if_any(CREDENTIALS));
        Some(ProxyTable { url: url?, except, credentials })
    }

    /// The settings, with the credentials from their file. None, with the fault noted, if anything does not hold.
    pub fn load(&self, faults: &Faults) -> Option<ProxySettings> {
        if self.url.value.contains('@') {
            let what = "holds a name and a password, which a configuration is no place for";
            let remedy = "write `user:password` into a file that only its owner may read, and name it as `credentials`";
            return faults.refuse(&self.url.place, what, remedy);
        }
        let wrong = |place: &Place, error: &dyn Display| faults.note(place, error.to_string(), "correct it");
        let of_url = ProxySettings::parse(Some(&self.url.value), None);
        of_url.map_err(|error| wrong(&self.url.place, &error)).ok()?;
        let except = self.except.as_ref();
        let settings = ProxySettings::parse(Some(&self.url.value), except.map(|except| except.value.as_str()));
        let place = except.map_or(&self.url.place, |except| &except.place);
        let settings = settings.map_err(|error| wrong(place, &error)).ok()?;
        match &self.credentials {
            Some(path) => Some(settings.with_credentials(credentials(faults, path)?)),
            None => Some(settings),
        }
    }
}

/// What the environment says, where a configuration says nothing: `HTTPS_PROXY` and `NO_PROXY`. A fault is noted at `place`.
pub fn proxy_of_environment(faults: &Faults, place: &Place) -> Option<ProxySettings> {
    let settings = ProxySettings::of_environment(|name| std::env::var(name).ok());
    let note = |error: &dyn Display| {
        let what = format!("the environment's HTTPS_PROXY or NO_PROXY does not hold: {error}");
        faults.note(place, what, "correct the variables, or set the table `proxy`, which goes before them");
    };
    settings.map_err(|error| note(&error)).ok()
}

/// One line, `user:password`, in a file that is closed to everybody else.
fn credentials(faults: &Faults, path: &Placed<PathBuf>) -> Option<ProxyCredentials> {
    let text = match file::read_secret(&path.value, MOST_BYTES) {
        Ok(text) => text,
        Err(problem) => return faults.refuse(&path.place, problem.what, problem.remedy),
    };
    let line = std::str::from_utf8(text.trim_ascii()).ok();
    let credentials =
        line.and_then(|line| line.split_once(':')).map(|(user, password)| ProxyCredentials::new(user, password));
    match credentials {
        Some(Ok(credentials)) => Some(credentials),
        Some(Err(error)) => {
            faults.refuse(&path.place, format!("`{}`: {error}", path.value.display()), "correct the file")
        }
        None => faults.refuse(
            &path.place,
            format!("`{}` does not hold one line of text with a colon", path.value.display()),
            "write one line into it: user:password",
        ),
    }
}
