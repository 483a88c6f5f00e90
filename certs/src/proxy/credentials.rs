//! The name and password by which a proxy knows us.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::settings::ProxySettingsError;

/// A user name and a password for Basic authentication (RFC 7617), in UTF-8. They print nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyCredentials {
    /// `user:password`.
    pair: String,
}

impl ProxyCredentials {
    /// Checks that they can be sent.
    ///
    /// # Errors
    ///
    /// [`ProxySettingsError`] if the name is empty or has a colon, or either has a control character.
    pub fn new(user: &str, password: &str) -> Result<Self, ProxySettingsError> {
        if user.is_empty() {
            return Err(ProxySettingsError::NoUser);
        }
        if user.contains(':') {
            return Err(ProxySettingsError::ColonInUser);
        }
        if user.chars().chain(password.chars()).any(char::is_control) {
            return Err(ProxySettingsError::ControlCharacter);
        }
        Ok(ProxyCredentials { pair: format!("{user}:{password}") })
    }

    /// The userinfo of a URL, percent-decoded (RFC 3986, 2.1).
    pub(super) fn of_userinfo(userinfo: &str) -> Result<Self, ProxySettingsError> {
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        ProxyCredentials::new(&decoded(user)?, &decoded(password)?)
    }

    /// What goes after `Proxy-Authorization: Basic `.
    pub(super) fn token(&self) -> String {
        STANDARD.encode(&self.pair)
    }

    /// Whether a text gives them away: then it is not shown.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let password = self.pair.split_once(':').map_or("", |(_, password)| password);
        text.contains(self.token().trim_end_matches('=')) || (!password.is_empty() && text.contains(password))
    }
}

fn decoded(text: &str) -> Result<String, ProxySettingsError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(ProxySettingsError::BadEscape);
        };
        bytes.push(u8::try_from(high << 4 | low).map_err(|_| ProxySettingsError::BadEscape)?);
    }
    String::from_utf8(bytes).map_err(|_| ProxySettingsError::BadEscape)
}

impl fmt::Debug for ProxyCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyCredentials")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_sent_as_the_rfc_has_them() {
        let example = ProxyCredentials::new("Aladdin", "open sesame").unwrap();
        assert_eq!(example.token(), "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(ProxyCredentials::new("test", "123\u{a3}").unwrap().token(), "dGVzdDoxMjPCow==");
    }

    #[test]
    fn credentials_in_a_url_are_decoded() {
        let written = ProxyCredentials::of_userinfo("kent%5Cweald:p%40ss%3a%c2%a3").unwrap();
        assert_eq!(written, ProxyCredentials::new("kent\\weald", "p@ss:\u{a3}").unwrap());
        assert_eq!(ProxyCredentials::of_userinfo("weald").unwrap(), ProxyCredentials::new("weald", "").unwrap());
    }

    #[test]
    fn credentials_that_cannot_be_sent_are_refused() {
        assert_eq!(ProxyCredentials::new("", "p"), Err(ProxySettingsError::NoUser));
        assert_eq!(ProxyCredentials::new("a:b", "p"), Err(ProxySettingsError::ColonInUser));
        assert_eq!(ProxyCredentials::of_userinfo("a%0d%0aX:p"), Err(ProxySettingsError::ControlCharacter));
        for broken in ["a%", "a%4", "a%zz", "a%+1", "a%ff"] {
            assert_eq!(ProxyCredentials::of_userinfo(broken), Err(ProxySettingsError::BadEscape), "{broken}");
        }
    }

    #[test]
    fn credentials_print_nowhere() {
        let credentials = ProxyCredentials::new("weald", "sesame").unwrap();
        assert_eq!(format!("{credentials:?}"), "ProxyCredentials");
        assert!(credentials.is_in("407 not sesame") && credentials.is_in(&credentials.token()));
        assert!(!credentials.is_in("407 Proxy Authentication Required"));
    }
}
