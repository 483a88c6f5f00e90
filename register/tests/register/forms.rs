//! One form, and no other: whatever else would read the same is refused, though the right keys have signed it.

use std::sync::Arc;

use weald_register::{Fault, RootFault, Trusted};

use crate::maker::*;

fn offered(maker: &Maker, timestamp: Vec<u8>) -> Fault {
    let mut mirror = maker.mirror.clone();
    mirror.insert("timestamp.json".to_owned(), Arc::from(timestamp));
    update(maker.newcomer(), &mirror, START).1.expect_err("it was accepted").fault
}

#[test]
fn a_document_that_the_right_key_has_signed_is_refused_for_what_it_says_too_much_or_too_little() {
    let maker = Maker::begin();
    let signed = signed_part(&maker.text("timestamp.json")).to_owned();
    for (from, to) in [
        (r#""version":1,"x"#, r#""version":1,"w":1,"x"#),
        (r#""spec_version":"1.0.31","#, ""),
        (r#""spec_version":"1.0.31""#, r#""spec_version":"2.0.0""#),
        (r#""version":1,"x"#, r#""version":0,"x"#),
        (r#""version":1,"x"#, r#""version":-1,"x"#),
        (r#""version":1,"x"#, r#""version":1.0,"x"#),
        (r#""version":1,"x"#, r#""version":"1","x"#),
        (r#""version":1,"x"#, r#""version":18446744073709551616,"x"#),
        (r#""version":1,"x"#, r#""version":1,"version":1,"x"#),
        (r#""snapshot.json""#, r#""other.json""#),
        (r#""sha256""#, r#""sha512""#),
        (r#""length":"#, r#""length":99"#),
        ("2030-01-01T00:15:00Z", "soon"),
    ] {
        assert!(signed.contains(from), "{from}");
        let fault = offered(&maker, forge(&signed.replacen(from, to, 1), &all(&maker.timestamp)));
        let fits = matches!(fault, Fault::Unreadable(_) | Fault::TooLong { .. });
        assert!(fits, "{to}: {fault}");
    }
}

#[test]
fn another_spelling_of_the_same_document_is_refused() {
    let maker = Maker::begin();
    let file = maker.text("timestamp.json");
    let signed = signed_part(&file).to_owned();
    let keys = all(&maker.timestamp);
    let resigned = |from: &str, to: &str| {
        assert!(signed.contains(from), "{from}");
        forge(&signed.replacen(from, to, 1), &keys)
    };
    for (what, bytes) in [
        ("a space", resigned(",", ", ")),
        ("an escape", resigned("snapshot.json", "snapsh\\u006ft.json")),
        ("another order", resigned(r#""version":1,"x-weald-root":1"#, r#""x-weald-root":1,"version":1"#)),
        ("an offset", resigned("00:15:00Z", "00:15:00+00:00")),
        ("another separator", resigned("T00:15:00Z", " 00:15:00Z")),
        ("a line feed at the end", format!("{file}\n").into_bytes()),
        ("the members the other way round", {
            let (signatures, _) = file.split_once(r#","signed""#).unwrap();
            format!("{{\"signed\":{signed},{}}}", signatures.strip_prefix('{').unwrap()).into_bytes()
        }),
        (
            "upper case",
            file.replacen(&maker.timestamp[0].id().to_string(), &maker.timestamp[0].id().to_string().to_uppercase(), 1)
                .into_bytes(),
        ),
    ] {
        let fault = offered(&maker, bytes);
        assert!(matches!(fault, Fault::NotCanonical | Fault::Unreadable(_)), "{what}: {fault}");
    }
}

#[test]
fn delegations_are_refused() {
    let maker = Maker::begin();
    let signed = signed_part(&maker.text("1.targets.json")).replacen(
        r#""expires""#,
        r#""delegations":{"keys":{},"roles":[]},"expires""#,
        1,
    );
    let targets = forge(&signed, &all(&maker.targets));
    let snapshot = snapshot_naming(&maker, &targets, 1, 1);
    let mut mirror = maker.mirror.clone();
    mirror.insert("timestamp.json".to_owned(), Arc::from(timestamp_naming(&maker, &snapshot, 1, 1)));
    mirror.insert("1.snapshot.json".to_owned(), Arc::from(snapshot));
    mirror.insert("1.targets.json".to_owned(), Arc::from(targets));
    let refused = update(maker.newcomer(), &mirror, START).1.unwrap_err();
    assert!(refused.to_string().contains("`1.targets.json`: does not parse: unknown field `delegations`"), "{refused}");
}

#[test]
fn roots_that_read_otherwise_than_they_look_are_refused_though_enough_have_signed() {
    let maker = Maker::begin();
    let signed = signed_part(std::str::from_utf8(maker.root.bytes()).unwrap()).to_owned();
    let first = maker.root_keys[0].id().to_string();
    for (from, to) in [
        (r#""consistent_snapshot":true"#.to_owned(), r#""consistent_snapshot":false"#.to_owned()),
        (r#""scheme":"ed25519""#.to_owned(), r#""scheme":"rsassa-pss-sha256""#.to_owned()),
        (r#""scheme":"ed25519""#.to_owned(), r#""scheme":"ed25519","x":1"#.to_owned()),
        (r#""version":1"#.to_owned(), r#""version":1,"x":1"#.to_owned()),
        (format!(r#""{first}""#), format!(r#""{}""#, "0".repeat(64))),
        (r#""x-weald-federation":"kent"#.to_owned(), r#""x-weald-federation":"Kent"#.to_owned()),
    ] {
        assert!(signed.contains(&from), "{from}");
        let bytes = forge(&signed.replacen(&from, &to, 1), &all(&maker.root_keys));
        assert!(Trusted::begin(&federation(), &bytes).is_err(), "{to}");
    }
    assert!(Trusted::begin(&federation(), &forge(&signed, &all(&maker.root_keys))).is_ok(), "unaltered it is accepted");
}

/// Under a weak key one signature fits many messages.
#[test]
fn a_weak_key_is_refused_though_it_has_its_right_name() {
    let maker = Maker::begin();
    let weak = format!("01{}", "0".repeat(62));
    let canonical = format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{weak}"}},"scheme":"ed25519"}}"#);
    let name = weald_proto::Digest::of(canonical.as_bytes()).to_string();
    let signed = signed_part(std::str::from_utf8(maker.root.bytes()).unwrap()).to_owned();
    let key = &maker.timestamp[0];
    let public: String = key.verifying_key().unwrap().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let entry = |name: &str, public: &str| {
        format!(r#""{name}":{{"keytype":"ed25519","keyval":{{"public":"{public}"}},"scheme":"ed25519"}}"#)
    };
    let (_, keys) = signed.split_once(r#""keys":{"#).unwrap();
    let (keys, _) = keys.split_once(r#"},"roles""#).unwrap();
    let mut entries: Vec<String> = keys.replace("ed25519\"},\"", "ed25519\"}\n\"").lines().map(str::to_owned).collect();
    entries.retain(|listed| *listed != entry(&key.id().to_string(), &public));
    entries.push(entry(&name, &weak));
    entries.sort();
    let signed = signed.replace(keys, &entries.join(",")).replace(&key.id().to_string(), &name);
    let refused = Trusted::begin(&federation(), &forge(&signed, &all(&maker.root_keys))).unwrap_err();
    assert!(matches!(refused.fault, Fault::Root(RootFault::WeakKey { .. })), "{refused}");
}
