//! Changes of a good bundle, of its trusted root or of its certificate: each is refused at the step that it is about.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use palisade_sigstore::{
    Failed,
    Step::{self, *},
    TrustedRoot,
};
use palisade_testkit::{Sigstore, WORKFLOW_ISSUER};
use rcgen::{CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType};
use serde_json::{Value, json};

use crate::stage::{NAME, SIGNED, Stage, leaf, provenance, verify};

fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

fn proof(bundle: &mut Value) -> &mut Value {
    &mut entry(bundle)["inclusionProof"]
}

fn without(value: &mut Value, member: &str) {
    value.as_object_mut().unwrap().remove(member).unwrap();
}

/// The last byte of these is another.
fn spoil(value: &mut Value) {
    let mut bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    *value = STANDARD.encode(bytes).into();
}

/// The body of the log's entry is another, which the log has signed.
fn body(stage: &Stage, bundle: &mut Value, change: impl FnOnce(&mut Value)) {
    let encoded = entry(bundle)["canonicalizedBody"].as_str().unwrap().to_owned();
    let mut body: Value = serde_json::from_slice(&STANDARD.decode(encoded).unwrap()).unwrap();
    change(&mut body);
    let (kind, version) = {
        let named = &entry(bundle)["kindVersion"];
        (named["kind"].as_str().unwrap().to_owned(), named["version"].as_str().unwrap().to_owned())
    };
    *entry(bundle) = stage.sigstore.entry(&kind, &version, body.to_string().as_bytes()).unwrap();
}

#[track_caller]
fn refused(what: &str, found: Result<impl std::fmt::Debug, Failed>, step: Step) {
    match found {
        Err(failed) if failed.step == step => {}
        other => panic!("{what}: {other:?}, and not {step:?}"),
    }
}

type Change = fn(&Stage, &mut Value);

const OF_MESSAGE: &[(&str, Step, Change)] = &[
    ("an unknown version", Bundle, |_, it| {
        it["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.4+json".into()
    }),
    ("no version", Bundle, |_, it| without(it, "mediaType")),
    ("an older version with the newer's certificate", Bundle, |_, it| {
        it["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2".into();
    }),
    ("an unknown member", Bundle, |_, it| it["trusted"] = true.into()),
    ("a key in place of the certificate", Bundle, |_, it| {
        let material = &mut it["verificationMaterial"];
        without(material, "certificate");
        material["publicKey"] = json!({"hint": "me"});
    }),
    ("both a certificate and a chain", Bundle, |_, it| {
        let material = &mut it["verificationMaterial"];
        material["x509CertificateChain"] = json!({"certificates": [material["certificate"]]});
    }),
    ("no entry of the log", Bundle, |_, it| it["verificationMaterial"]["tlogEntries"] = json!([])),
    ("two entries of the log", Bundle, |_, it| {
        let entry = entry(it).clone();
        it["verificationMaterial"]["tlogEntries"] = json!([entry, entry]);
    }),
    ("neither signature nor envelope", Bundle, |_, it| without(it, "messageSignature")),
    ("both signature and envelope", Bundle, |stage, it| {
        it["dsseEnvelope"] = stage.statement["dsseEnvelope"].clone();
    }),
    ("a digest of another kind", Bundle, |_, it| {
        it["messageSignature"]["messageDigest"]["algorithm"] = "SHA1".into();
    }),
    ("a negative number", Bundle, |_, it| entry(it)["logIndex"] = "-1".into()),
    ("a number that is too large", Bundle, |_, it| {
        entry(it)["logIndex"] = "9223372036854775808".into();
    }),
    ("a number with a zero before it", Bundle, |_, it| entry(it)["logIndex"] = "01000004".into()),
    ("no base64", Bundle, |_, it| entry(it)["canonicalizedBody"] = "%%".into()),
    ("many hashes", Bundle, |_, it| {
        proof(it)["hashes"] = json!(vec![STANDARD.encode([0; 32]); 65]);
    }),
    ("many time-stamps", Bundle, |_, it| {
        let stamp = json!({"signedTimestamp": ""});
        it["verificationMaterial"]["timestampVerificationData"] =
            json!({"rfc3161Timestamps": vec![stamp; 9]});
    }),
    ("too large", Bundle, |_, it| {
        proof(it)["checkpoint"]["envelope"] = "x".repeat(300 * 1024).into();
    }),
    ("a log that nobody knows", Log, |_, it| spoil(&mut entry(it)["logId"]["keyId"])),
    ("no proof of inclusion", Inclusion, |_, it| without(entry(it), "inclusionProof")),
    ("no checkpoint", Checkpoint, |_, it| without(proof(it), "checkpoint")),
    ("a checkpoint of another log", Checkpoint, |_, it| {
        let root = proof(it)["rootHash"].as_str().unwrap().to_owned();
        let other = Sigstore::new().unwrap().checkpoint(7, &root).unwrap();
        proof(it)["checkpoint"]["envelope"] = other.into();
    }),
    ("a checkpoint that was changed", Checkpoint, |_, it| {
        let text = proof(it)["checkpoint"]["envelope"].as_str().unwrap().replace("\n7\n", "\n8\n");
        proof(it)["checkpoint"]["envelope"] = text.into();
        proof(it)["treeSize"] = "8".into();
    }),
    ("a checkpoint that is signed twice", Checkpoint, |_, it| {
        let text = proof(it)["checkpoint"]["envelope"].as_str().unwrap().to_owned();
        let line = text.lines().last().unwrap();
        proof(it)["checkpoint"]["envelope"] = format!("{text}{line}\n").into();
    }),
    ("a checkpoint without its signature", Checkpoint, |_, it| {
        let text = proof(it)["checkpoint"]["envelope"].as_str().unwrap().to_owned();
        let note = text.split_once("\n\n").unwrap().0;
        proof(it)["checkpoint"]["envelope"] = format!("{note}\n\n").into();
    }),
    ("another size than the checkpoint's", Inclusion, |_, it| proof(it)["treeSize"] = "8".into()),
    ("another root than the checkpoint's", Inclusion, |_, it| spoil(&mut proof(it)["rootHash"])),
    ("another place in the tree", Inclusion, |_, it| proof(it)["logIndex"] = "5".into()),
    ("a place outside of the tree", Inclusion, |_, it| proof(it)["logIndex"] = "7".into()),
    ("a hash less", Inclusion, |_, it| drop(proof(it)["hashes"].as_array_mut().unwrap().pop())),
    ("a hash more", Inclusion, |_, it| {
        let hashes = proof(it)["hashes"].as_array_mut().unwrap();
        hashes.push(hashes[0].clone());
    }),
    ("another hash", Inclusion, |_, it| spoil(&mut proof(it)["hashes"][0])),
    ("a hash of another length", Inclusion, |_, it| proof(it)["hashes"][0] = "AAAA".into()),
    ("a body that is not in the tree", Inclusion, |_, it| {
        spoil(&mut entry(it)["canonicalizedBody"]);
    }),
    ("another time than the promised one", Promise, |_, it| {
        entry(it)["integratedTime"] = "1795176001".into();
    }),
    ("no time in the promise", Promise, |_, it| without(entry(it), "integratedTime")),
    ("another index than the promised one", Promise, |_, it| {
        entry(it)["logIndex"] = "1000005".into()
    }),
    ("a promise that was changed", Promise, |_, it| {
        spoil(&mut entry(it)["inclusionPromise"]["signedEntryTimestamp"]);
    }),
    ("no promise: a time that nobody signed", Time, |_, it| without(entry(it), "inclusionPromise")),
    ("a certificate that cannot be read", Certificate, |_, it| {
        it["verificationMaterial"]["certificate"]["rawBytes"] = "AAAA".into();
    }),
    ("a certificate that was changed", Chain, |_, it| {
        spoil(&mut it["verificationMaterial"]["certificate"]["rawBytes"]);
    }),
    ("another certificate of the same signer", Signature, |stage, it| {
        let other = STANDARD.encode(leaf(&stage.sigstore).der);
        it["verificationMaterial"]["certificate"]["rawBytes"] = other.into();
    }),
    ("another signature", Signature, |_, it| spoil(&mut it["messageSignature"]["signature"])),
    ("the digest of something else", Artifact, |_, it| {
        spoil(&mut it["messageSignature"]["messageDigest"]["digest"]);
    }),
    ("an entry of another kind than it says", Entry, |_, it| {
        entry(it)["kindVersion"]["kind"] = "dsse".into();
    }),
    ("an entry of another version than it says", Entry, |_, it| {
        entry(it)["kindVersion"]["version"] = "0.0.2".into();
    }),
    ("an entry of an unknown version", Entry, |stage, it| {
        entry(it)["kindVersion"]["version"] = "0.0.3".into();
        body(stage, it, |body| body["apiVersion"] = "0.0.3".into());
    }),
    ("an entry of a statement", Entry, |stage, it| {
        *entry(it) = entry(&mut stage.statement.clone()).clone();
    }),
    ("an entry of another text", Entry, |stage, it| {
        body(stage, it, |body| {
            body["spec"]["data"]["hash"]["value"] = "00".repeat(32).into();
        })
    }),
    ("an entry with another hash's name", Entry, |stage, it| {
        body(stage, it, |body| {
            body["spec"]["data"]["hash"]["algorithm"] = "sha512".into();
        })
    }),
    // CVE-2022-36056: the log's word about something else.
    ("an entry of another signature", Entry, |stage, it| {
        body(stage, it, |body| {
            spoil(&mut body["spec"]["signature"]["content"]);
        })
    }),
    ("an entry of another certificate", Entry, |stage, it| {
        body(stage, it, |body| {
            let other = STANDARD.encode(leaf(&stage.sigstore).pem());
            body["spec"]["signature"]["publicKey"]["content"] = other.into();
        })
    }),
    ("an entry with an unknown member", Entry, |stage, it| {
        body(stage, it, |body| {
            body["spec"]["more"] = true.into();
        })
    }),
    ("an entry that is no JSON", Entry, |stage, it| {
        *entry(it) = stage.sigstore.entry("hashedrekord", "0.0.1", b"{").unwrap();
    }),
    ("an entry with a key twice", Entry, |stage, it| {
        let encoded = entry(it)["canonicalizedBody"].as_str().unwrap();
        let text = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
        let twice = text.replacen('{', r#"{"kind":"hashedrekord","#, 1);
        *entry(it) = stage.sigstore.entry("hashedrekord", "0.0.1", twice.as_bytes()).unwrap();
    }),
];

#[test]
fn a_changed_message_is_refused_where_it_was_changed() {
    let stage = Stage::new();
    stage.verify(&stage.message).unwrap();
    for (what, step, change) in OF_MESSAGE {
        let mut bundle = stage.message.clone();
        change(&stage, &mut bundle);
        refused(what, stage.verify(&bundle), *step);
    }
}

const OF_STATEMENT: &[(&str, Step, Change)] = &[
    ("two signatures", Bundle, |_, it| {
        let signatures = it["dsseEnvelope"]["signatures"].as_array_mut().unwrap();
        signatures.push(signatures[0].clone());
    }),
    ("no signature", Bundle, |_, it| it["dsseEnvelope"]["signatures"] = json!([])),
    ("another payload", Signature, |_, it| spoil(&mut it["dsseEnvelope"]["payload"])),
    ("another type", Signature, |_, it| it["dsseEnvelope"]["payloadType"] = "text/plain".into()),
    ("another signature", Signature, |_, it| {
        spoil(&mut it["dsseEnvelope"]["signatures"][0]["sig"]);
    }),
    ("an entry of another payload", Entry, |stage, it| {
        body(stage, it, |body| {
            body["spec"]["payloadHash"]["value"] = "00".repeat(32).into();
        })
    }),
    ("an entry with two signatures", Entry, |stage, it| {
        body(stage, it, |body| {
            let signatures = body["spec"]["signatures"].as_array_mut().unwrap();
            signatures.push(signatures[0].clone());
        })
    }),
    ("an entry of another signature", Entry, |stage, it| {
        body(stage, it, |body| {
            spoil(&mut body["spec"]["signatures"][0]["signature"]);
        })
    }),
    ("an entry of another certificate", Entry, |stage, it| {
        body(stage, it, |body| {
            body["spec"]["signatures"][0]["verifier"] =
                STANDARD.encode(leaf(&stage.sigstore).pem()).into();
        })
    }),
    ("an entry of a message", Entry, |stage, it| {
        *entry(it) = entry(&mut stage.message.clone()).clone();
    }),
];

type Said = fn(&mut Value);

/// What was truly signed says something else.
const SAID: &[(&str, Step, Said)] = &[
    ("an unknown version of statements", Statement, |it| {
        it["_type"] = "https://in-toto.io/Statement/v2".into()
    }),
    ("an unknown member", Statement, |it| it["more"] = true.into()),
    ("that a scan found something", Statement, |it| {
        it["predicateType"] = "https://cosign.sigstore.dev/attestation/vuln/v1".into();
    }),
    ("nothing", Artifact, |it| it["subject"] = json!([])),
    ("something about another file", Artifact, |it| {
        it["subject"][1]["digest"] = json!({"sha256": "00".repeat(32)});
    }),
    ("one digest of two", Artifact, |it| {
        it["subject"][1]["digest"]["sha512"] = "00".repeat(64).into();
    }),
    ("digests that nobody knows", Artifact, |it| {
        it["subject"][1]["digest"] = json!({"sha1": "00".repeat(20), "gitCommit": "00".repeat(20)});
    }),
    ("the digest in capitals", Artifact, |it| {
        let digest = &mut it["subject"][1]["digest"];
        without(digest, "sha512");
        digest["sha256"] = digest["sha256"].as_str().unwrap().to_uppercase().into();
    }),
];

#[test]
fn a_changed_statement_is_refused_where_it_was_changed() {
    let stage = Stage::new();
    stage.verify(&stage.statement).unwrap();
    for (what, step, change) in OF_STATEMENT {
        let mut bundle = stage.statement.clone();
        change(&stage, &mut bundle);
        refused(what, stage.verify(&bundle), *step);
    }
    let leaf = leaf(&stage.sigstore);
    for (what, step, change) in SAID {
        let mut statement = provenance();
        change(&mut statement);
        refused(what, stage.verify(&stage.sigstore.statement(&leaf, &statement).unwrap()), *step);
    }
}

type Issued = fn(&mut rcgen::CertificateParams);

fn of_issuer(last: u64, content: &[u8]) -> CustomExtension {
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, last], content.to_vec())
}

/// What Fulcio truly issued, and its log promised.
const ISSUED: &[(&str, Step, Issued)] = &[
    ("was over", Chain, |it| it.not_after = it.not_before + std::time::Duration::from_secs(30)),
    ("was not yet good", Chain, |it| it.not_before += std::time::Duration::from_secs(120)),
    ("is an authority", Chain, |it| it.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained)),
    ("has a critical extension that nobody knows", Chain, |it| {
        let mut more = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        more.set_criticality(true);
        it.custom_extensions.push(more);
    }),
    ("is for servers", Chain, |it| {
        it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    }),
    ("is for nothing that it says", Certificate, |it| it.extended_key_usages.clear()),
    ("may not sign", Certificate, |it| it.key_usages = vec![KeyUsagePurpose::KeyEncipherment]),
    ("does not say whether it may sign", Certificate, |it| it.key_usages.clear()),
    ("is nobody's", Certificate, |it| it.subject_alt_names.clear()),
    ("is of two", Certificate, |it| {
        it.subject_alt_names.push(SanType::Rfc822Name("a@acme.example".try_into().unwrap()));
    }),
    ("is a host's", Certificate, |it| {
        it.subject_alt_names = vec![SanType::DnsName("acme.example".try_into().unwrap())];
    }),
    ("has a name that steers a terminal", Certificate, |it| {
        it.subject_alt_names = vec![SanType::URI("https://a/\u{1b}[2J".try_into().unwrap())];
    }),
    ("has no issuer of the name", Certificate, |it| it.custom_extensions.clear()),
    ("has two issuers of the name", Certificate, |it| {
        it.custom_extensions =
            vec![of_issuer(1, b"https://accounts.google.com"), of_issuer(8, b"\x0c\x0ahttps://a/")];
    }),
    ("has an issuer in another form", Certificate, |it| {
        it.custom_extensions = vec![of_issuer(8, WORKFLOW_ISSUER.as_bytes())];
    }),
    ("has built what cannot be read", Certificate, |it| {
        it.custom_extensions.push(of_issuer(12, b"https://github.com/acme/skills"));
    }),
    ("has the same extension twice", Certificate, |it| {
        let first = it.custom_extensions[0].clone();
        it.custom_extensions.push(first);
    }),
];

#[test]
fn a_certificate_of_another_kind_is_refused() {
    let stage = Stage::new();
    stage.verify(&stage.with_certificate(|_| {})).unwrap();
    for (what, step, change) in ISSUED {
        refused(what, stage.verify(&stage.with_certificate(change)), *step);
    }
}

type Trusted = fn(&mut Value);

const TRUSTED: &[(&str, Step, Trusted)] = &[
    ("of an unknown version", Root, |it| {
        it["mediaType"] = "application/vnd.dev.sigstore.trustedroot.v0.9+json".into()
    }),
    ("with an unknown member", Root, |it| it["more"] = true.into()),
    ("without logs", Root, |it| it["tlogs"] = json!([])),
    ("without authorities", Root, |it| it["certificateAuthorities"] = json!([])),
    ("with one log twice", Root, |it| {
        let log = it["tlogs"][0].clone();
        it["tlogs"].as_array_mut().unwrap().push(log);
    }),
    ("with a key of another kind than it says", Root, |it| {
        it["tlogs"][0]["publicKey"]["keyDetails"] = "PKIX_ED25519".into();
    }),
    ("with a log that is in use at no time", Root, |it| {
        it["tlogs"][0]["publicKey"]["validFor"] = Value::Null;
    }),
    ("with a certificate that cannot be read", Root, |it| {
        it["certificateAuthorities"][0]["certChain"]["certificates"][1]["rawBytes"] = "AAAA".into();
    }),
    ("whose log was no longer in use", Log, |it| {
        it["tlogs"][0]["publicKey"]["validFor"]["end"] = "2026-11-20T11:59:59Z".into();
    }),
    ("whose log was not yet in use", Log, |it| {
        it["tlogs"][0]["publicKey"]["validFor"]["start"] = "2026-11-20T12:00:01Z".into();
    }),
    ("whose authority was no longer in use", Chain, |it| {
        it["certificateAuthorities"][0]["validFor"]["end"] = "2026-11-20T11:59:59Z".into();
    }),
    ("without what lies between", Chain, |it| {
        let chain = &mut it["certificateAuthorities"][0]["certChain"]["certificates"];
        chain.as_array_mut().unwrap().remove(0);
    }),
    ("with another authority", Chain, |it| {
        it["certificateAuthorities"] =
            Sigstore::new().unwrap().trusted_root()["certificateAuthorities"].clone();
    }),
    ("with another certificate log", CertificateLog, |it| {
        it["ctlogs"] = Sigstore::new().unwrap().trusted_root()["ctlogs"].clone();
    }),
    ("whose certificate log cannot be used", CertificateLog, |it| {
        it["ctlogs"][0]["publicKey"]["keyDetails"] = "PKCS1_RSA_PKCS1V5".into();
    }),
    ("whose certificate log was no longer in use", CertificateLog, |it| {
        it["ctlogs"][0]["publicKey"]["validFor"]["end"] = "2026-11-20T11:59:59Z".into();
    }),
    ("whose certificate log has another key", CertificateLog, |it| {
        let other = Sigstore::new().unwrap().trusted_root();
        it["ctlogs"][0]["publicKey"] = other["ctlogs"][0]["publicKey"].clone();
    }),
    ("whose log has another key", Checkpoint, |it| {
        let other = Sigstore::new().unwrap().trusted_root();
        it["tlogs"][0]["publicKey"] = other["tlogs"][0]["publicKey"].clone();
    }),
];

#[test]
fn another_trusted_root_trusts_others() {
    let stage = Stage::new();
    for (what, step, change) in TRUSTED {
        let mut root = stage.root.clone();
        change(&mut root);
        refused(what, verify(&root, &stage.message, SIGNED), *step);
    }
    // Another instance's, altogether.
    let other = Sigstore::new().unwrap().trusted_root();
    refused("another instance", verify(&other, &stage.message, SIGNED), Log);
}

#[test]
fn two_lists_of_promises_are_refused() {
    let stage = Stage::new();
    let other = stage.sigstore.issue(NAME, WORKFLOW_ISSUER, |it| {
        let promise = CustomExtension::from_oid_content(
            &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2],
            vec![4, 2, 0, 0],
        );
        it.custom_extensions.push(promise);
    });
    let bundle = stage.sigstore.message(&other.unwrap(), SIGNED).unwrap();
    refused("two lists", stage.verify(&bundle), Certificate);
}

#[test]
fn a_stamp_counts_only_if_it_holds() {
    let stage = Stage::new();
    let good = stage.stamped(stage.message.clone());
    stage.verify(&good).unwrap();
    let place =
        "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";
    let with = |stamp: Vec<u8>| {
        let mut bundle = good.clone();
        *bundle.pointer_mut(place).unwrap() = STANDARD.encode(stamp).into();
        bundle
    };
    refused(
        "of something else",
        stage.verify(&with(stage.sigstore.stamp(b"other").unwrap())),
        Stamp,
    );
    let signature =
        STANDARD.decode(good["messageSignature"]["signature"].as_str().unwrap()).unwrap();
    let other = Sigstore::new().unwrap();
    refused("of another authority", stage.verify(&with(other.stamp(&signature).unwrap())), Stamp);
    refused("none", stage.verify(&with(Vec::new())), Stamp);
    let stamp = stage.sigstore.stamp(&signature).unwrap();
    // No byte of it can be changed: what is not covered by the signature is read as one form only.
    let mut taken = Vec::new();
    for at in 0..stamp.len() {
        let mut changed = stamp.clone();
        changed[at] ^= 1;
        if stage.verify(&with(changed)).is_ok() {
            taken.push(at);
        }
    }
    // Only what says who signed, which is a hint, and numbers of versions.
    let text: Vec<u8> = taken.iter().map(|at| stamp[*at]).collect();
    assert!(taken.len() < 150, "{} of {}: {}", taken.len(), stamp.len(), text.escape_ascii());
    // With a good time of the log's beside it, a bad one is still refused.
    let mut both = stage.message.clone();
    both["verificationMaterial"]["timestampVerificationData"] =
        json!({"rfc3161Timestamps": [{"signedTimestamp": "AAAA"}]});
    refused("a bad one beside the log's", stage.verify(&both), Stamp);
    // Nobody trusts a time-stamping authority.
    let mut root = stage.root.clone();
    root["timestampAuthorities"] = json!([]);
    refused("nobody's", verify(&root, &good, SIGNED), Stamp);
    // It was not in use.
    let mut root = stage.root.clone();
    root["timestampAuthorities"][0]["validFor"]["end"] = "2026-11-20T11:59:59Z".into();
    refused("of one that was not in use", verify(&root, &good, SIGNED), Stamp);
}

#[test]
fn a_key_that_is_there_twice_is_refused_wherever_it_is() {
    let stage = Stage::new();
    let text = stage.message.to_string();
    for name in ["mediaType", "certificate", "logIndex", "rootHash", "signature", "digest"] {
        let key = format!("\"{name}\":");
        let twice = text.replacen(&key, &format!("{key}\"x\",{key}"), 1);
        assert_ne!(twice, text);
        refused(name, palisade_sigstore::Bundle::parse(&twice), Bundle);
    }
    let text = stage.root.to_string().replacen("\"tlogs\":", "\"tlogs\":[],\"tlogs\":", 1);
    refused("the root", TrustedRoot::parse(&text), Root);
    refused("no JSON", palisade_sigstore::Bundle::parse("{"), Bundle);
    refused("deep JSON", palisade_sigstore::Bundle::parse(&"[".repeat(100_000)), Bundle);
}

#[test]
fn other_bytes_were_not_signed() {
    let stage = Stage::new();
    let without_digest = {
        let mut bundle = stage.message.clone();
        without(&mut bundle["messageSignature"], "messageDigest");
        bundle
    };
    stage.verify(&without_digest).unwrap();
    for other in [&b"what was signee"[..], b"", b"what was signed\n"] {
        refused("message", verify(&stage.root, &stage.message, other), Artifact);
        refused("message", verify(&stage.root, &without_digest, other), Signature);
        refused("statement", verify(&stage.root, &stage.statement, other), Artifact);
    }
    let root = TrustedRoot::parse(&stage.root.to_string()).unwrap();
    let bundle = palisade_sigstore::Bundle::parse(&stage.message.to_string()).unwrap();
    assert!(bundle.verify(&root, &[]).is_err());
    let both =
        [palisade_sigstore::Artifact::new(b"other"), palisade_sigstore::Artifact::new(SIGNED)];
    assert_eq!(bundle.verify(&root, &both).unwrap().artifact, 1);
}

#[test]
fn no_byte_of_the_certificate_can_be_changed() {
    let stage = Stage::new();
    let certificate = stage.message["verificationMaterial"]["certificate"]["rawBytes"].as_str();
    let der = STANDARD.decode(certificate.unwrap()).unwrap();
    // Every seventh: each costs a whole verification.
    for at in (0..der.len()).step_by(7) {
        let mut changed = der.clone();
        changed[at] ^= 1;
        let mut bundle = stage.message.clone();
        bundle["verificationMaterial"]["certificate"]["rawBytes"] = STANDARD.encode(changed).into();
        assert!(stage.verify(&bundle).is_err(), "byte {at}");
    }
}
