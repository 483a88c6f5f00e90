//! Who issued a certificate that was shown, for people to read.

use std::fmt;

/// The most characters that are shown of a name.
const SHOWN: usize = 100;

/// id-at-commonName, 2.5.4.3 (RFC 5280, appendix A.1), as DER content.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// id-at-organizationName, 2.5.4.10.
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];

/// `[0] EXPLICIT Version`, which certificates of version 1 leave out.
const VERSION: u8 = 0xa0;
const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const BMP_STRING: u8 = 0x1e;

/// What a certificate says of its issuer: whatever the other end likes, so it is only shown, and never
/// decides anything. At most 100 characters, letters, digits, spaces and ASCII punctuation.
#[derive(Clone, PartialEq, Eq)]
pub struct Issuer(String);

impl Issuer {
    /// What a certificate says, also one that webpki would not look at. Whatever does not parse is "nobody
    /// it names".
    pub(crate) fn of(certificate: &[u8]) -> Self {
        Issuer::of_name(name_of_issuer(certificate).unwrap_or_default())
    }

    fn of_name(name: &[u8]) -> Self {
        let mut common_name = None;
        let mut organisation = None;
        for (kind, value) in attributes(name) {
            match kind {
                COMMON_NAME => common_name = Some(value),
                ORGANISATION => organisation = Some(value),
                _ => {}
            }
        }
        let text = match (common_name, organisation) {
            (Some(name), Some(organisation)) if name != organisation => format!("{name} ({organisation})"),
            (Some(name), _) => name,
            (None, Some(organisation)) => organisation,
            (None, None) => "nobody it names".to_owned(),
        };
        Issuer(text.chars().take(SHOWN).collect())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({})", self.0)
    }
}

/// The issuer in a certificate (RFC 5280, 4.1), as the content of a `Name`.
pub(crate) fn name_of_issuer(certificate: &[u8]) -> Option<&[u8]> {
    let (_, signed, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, fields, _) = element(signed).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let fields = match element(fields)? {
        (VERSION, _, rest) => rest,
        _ => fields,
    };
    let (_, _serial, fields) = element(fields).filter(|(tag, ..)| *tag == INTEGER)?;
    let (_, _algorithm, fields) = element(fields).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, issuer, _) = element(fields).filter(|(tag, ..)| *tag == SEQUENCE)?;
    Some(issuer)
}

/// The attributes of a name that are not empty, as long as it parses.
fn attributes(mut name: &[u8]) -> Vec<(&[u8], String)> {
    let mut found = Vec::new();
    while let Some((SET, mut set, rest)) = element(name) {
        name = rest;
        while let Some((SEQUENCE, attribute, rest)) = element(set) {
            set = rest;
            let Some((OID, kind, value)) = element(attribute) else { continue };
            let Some((tag, value, _)) = element(value) else { continue };
            let value = readable(tag, value);
            if !value.is_empty() {
                found.push((kind, value));
            }
        }
    }
    found
}

/// The first element of DER: its tag, its content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// Text of any of the kinds of string, of which only what cannot deceive a terminal or a log is left.
fn readable(tag: u8, value: &[u8]) -> String {
    let text = if tag == BMP_STRING {
        let units: Vec<u16> = value.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
        String::from_utf16_lossy(&units)
    } else {
        String::from_utf8_lossy(value).into_owned()
    };
    let shown = text.chars().filter(|char| char.is_alphanumeric() || *char == ' ' || char.is_ascii_punctuation());
    shown.take(SHOWN).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, DnValue, KeyPair};

    use super::*;

    const TAGS_AND_LENGTHS: &[u8] = &[0, 1, 2, 3, 6, 8, BMP_STRING, SEQUENCE, SET, 0x55, 0x81, 0x82, VERSION, 0xff];

    proptest! {
        #[test]
        fn whatever_is_shown_instead_of_a_certificate_can_be_printed(
            bytes in prop::collection::vec(prop::sample::select(TAGS_AND_LENGTHS), 0..64),
        ) {
            for issuer in [Issuer::of(&bytes), Issuer::of_name(&bytes)] {
                prop_assert!(issuer.as_str().chars().count() <= SHOWN && !issuer.as_str().contains(char::is_control));
            }
        }
    }

    /// What a certificate that names itself so says of its issuer.
    fn issuer(attributes: &[(DnType, DnValue)]) -> Issuer {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in attributes {
            params.distinguished_name.push(kind.clone(), value.clone());
        }
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let read = webpki::EndEntityCert::try_from(certificate.der()).unwrap();
        assert_eq!(name_of_issuer(certificate.der()), Some(read.issuer()));
        Issuer::of(certificate.der())
    }

    fn text(value: &str) -> DnValue {
        DnValue::Utf8String(value.into())
    }

    #[test]
    fn an_issuer_is_shown_by_its_common_name_and_its_organisation() {
        let both = [(DnType::CommonName, text("Gateway CA")), (DnType::OrganizationName, text("Kent Trust"))];
        assert_eq!(issuer(&both).as_str(), "Gateway CA (Kent Trust)");
        assert_eq!(issuer(&both[..1]).as_str(), "Gateway CA");
        assert_eq!(issuer(&both[1..]).as_str(), "Kent Trust");
        let same = [(DnType::CommonName, text("Kent Trust")), both[1].clone()];
        assert_eq!(issuer(&same).as_str(), "Kent Trust");
        assert_eq!(issuer(&[(DnType::CountryName, text("GB"))]).as_str(), "nobody it names");
    }

    #[test]
    fn an_issuer_in_wide_characters_is_read_too() {
        let wide = rcgen::string::BmpString::try_from("Gateway CA").unwrap();
        assert_eq!(issuer(&[(DnType::CommonName, DnValue::BmpString(wide))]).as_str(), "Gateway CA");
    }

    #[test]
    fn an_issuers_name_is_cut_and_cannot_move_the_cursor_or_begin_a_line() {
        let hostile = issuer(&[(DnType::CommonName, text("A\u{1b}[2J\nB\u{202e}C\r"))]);
        assert_eq!(hostile.as_str(), "A[2JBC");
        let long = issuer(&[(DnType::CommonName, text(&"é".repeat(300)))]);
        assert_eq!(long.as_str().chars().count(), 100);
    }

    #[test]
    fn a_certificate_of_version_1_names_its_issuer_too() {
        // serial 1, an empty algorithm, CN=A
        let name = [0x30, 0x0c, SET, 0x0a, 0x30, 0x08, OID, 3, 0x55, 4, 3, 0x0c, 1, b'A'];
        let mut certificate = vec![0x30, 0x15, 0x30, 0x13, INTEGER, 1, 1, 0x30, 0];
        certificate.extend(name);
        assert_eq!(Issuer::of(&certificate).as_str(), "A");
    }

    #[test]
    fn a_name_that_does_not_parse_is_nobodys() {
        for broken in [&[][..], &[0x31], &[0x31, 0x85, 1], &[0x31, 0x20, 0x30], &[0x31, 0x02, 0x30, 0x7f]] {
            assert_eq!(Issuer::of_name(broken).as_str(), "nobody it names", "{broken:x?}");
            assert_eq!(Issuer::of(broken).as_str(), "nobody it names", "{broken:x?}");
        }
    }
}
