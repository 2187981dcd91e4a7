use base64::{Engine as _, engine::general_purpose::STANDARD};
use palisade_sigstore::{Identity, Name};
use palisade_testkit::WORKFLOW_ISSUER;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::stage::{NAME, SIGNED, Stage, hex, provenance, verify};

#[test]
fn a_message_proves_who_signed_and_when() {
    let stage = Stage::new();
    let proved = stage.verify(&stage.message).unwrap();
    assert_eq!(proved.name, Name::Uri(NAME.into()));
    assert_eq!(proved.issuer, WORKFLOW_ISSUER);
    assert_eq!(proved.time, stage.sigstore.time);
    assert!(proved.certificate_logged && proved.predicate.is_none());
    let any_tag = NAME.replace("v1", "*");
    for (identity, issuer, admitted) in [
        (NAME, WORKFLOW_ISSUER, true),
        (&any_tag, WORKFLOW_ISSUER, true),
        ("releases@acme.example", WORKFLOW_ISSUER, false),
        (NAME, "https://accounts.google.com", false),
    ] {
        let identity = Identity::new(identity, issuer, None).unwrap();
        assert_eq!(identity.admits(&proved).is_ok(), admitted, "{identity} {issuer}");
    }
}

#[test]
fn a_statement_is_about_what_it_names() {
    let stage = Stage::new();
    let proved = stage.verify(&stage.statement).unwrap();
    assert_eq!(proved.predicate.as_deref(), Some("https://slsa.dev/provenance/v1"));
    // npm's have SHA-512 alone.
    let leaf = crate::stage::leaf(&stage.sigstore);
    let mut statement = provenance();
    statement["subject"][1]["digest"].as_object_mut().unwrap().remove("sha256");
    let bundle = stage.sigstore.statement(&leaf, &statement).unwrap();
    stage.verify(&bundle).unwrap();
}

#[test]
fn the_time_may_be_a_stamps() {
    let stage = Stage::new();
    for bundle in [&stage.message, &stage.statement] {
        let proved = stage.verify(&stage.stamped(bundle.clone())).unwrap();
        assert_eq!(proved.time, stage.sigstore.time);
    }
}

#[test]
fn people_sign_by_their_address() {
    let stage = Stage::new();
    let issuer = "https://accounts.google.com";
    let leaf = stage.sigstore.issue("a@acme.example", issuer, |_| {}).unwrap();
    let bundle = stage.sigstore.message(&leaf, SIGNED).unwrap();
    let proved = stage.verify(&bundle).unwrap();
    assert_eq!(
        (proved.name, proved.issuer.as_str()),
        (Name::Email("a@acme.example".into()), issuer)
    );
}

/// A certificate log is not asked for where there is none.
#[test]
fn a_root_without_a_certificate_log_says_so() {
    let mut stage = Stage::new();
    stage.root["ctlogs"] = json!([]);
    assert!(!stage.verify(&stage.message).unwrap().certificate_logged);
}

#[test]
fn older_versions_are_read_too() {
    let stage = Stage::new();
    for version in ["0.1", "0.2"] {
        let mut bundle = stage.message.clone();
        bundle["mediaType"] =
            format!("application/vnd.dev.sigstore.bundle+json;version={version}").into();
        let material = bundle["verificationMaterial"].as_object_mut().unwrap();
        let certificate = material.remove("certificate").unwrap();
        material.insert("x509CertificateChain".into(), json!({"certificates": [certificate]}));
        stage.verify(&bundle).unwrap();
    }
}

/// The entries of npm's first provenance, and of the log's second version.
#[test]
fn other_kinds_of_entries_are_read() {
    let stage = Stage::new();
    let leaf = crate::stage::leaf(&stage.sigstore);
    let with = |bundle: &Value, kind: &str, version: &str, spec: Value| {
        let mut bundle = bundle.clone();
        let body = json!({"apiVersion": version, "kind": kind, "spec": spec}).to_string();
        bundle["verificationMaterial"]["tlogEntries"][0] =
            stage.sigstore.entry(kind, version, body.as_bytes()).unwrap();
        bundle
    };
    let statement = stage.sigstore.statement(&leaf, &provenance()).unwrap();
    let envelope = &statement["dsseEnvelope"];
    let (sig, payload) = (envelope["signatures"][0]["sig"].as_str().unwrap(), &envelope["payload"]);
    let payload = STANDARD.decode(payload.as_str().unwrap()).unwrap();
    let hash = json!({"algorithm": "sha256", "value": hex(&Sha256::digest(&payload))});
    let first = json!({"content": {
        "envelope": {"payloadType": envelope["payloadType"], "signatures": [
            {"sig": STANDARD.encode(sig), "publicKey": STANDARD.encode(leaf.pem())},
        ]},
        "hash": hash, "payloadHash": hash,
    }});
    stage.verify(&with(&statement, "intoto", "0.0.2", first)).unwrap();
    let second = |digest: &[u8], sig: &Value| {
        let certificate = json!({"rawBytes": STANDARD.encode(&leaf.der)});
        let verifier =
            json!({"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": certificate});
        json!({"hashedRekordV002": {
            "data": {"algorithm": "SHA2_256", "digest": STANDARD.encode(digest)},
            "signature": {"content": sig, "verifier": verifier},
        }})
    };
    let kind = envelope["payloadType"].as_str().unwrap();
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    let digest = Sha256::digest([head.as_bytes(), &payload].concat());
    let spec = second(&digest, &envelope["signatures"][0]["sig"]);
    stage.verify(&stage.stamped(with(&statement, "hashedrekord", "0.0.2", spec))).unwrap();
    let message = stage.sigstore.message(&leaf, SIGNED).unwrap();
    let spec = second(&Sha256::digest(SIGNED), &message["messageSignature"]["signature"]);
    stage.verify(&stage.stamped(with(&message, "hashedrekord", "0.0.2", spec))).unwrap();
}

#[test]
fn the_clock_is_not_asked() {
    let mut stage = Stage::new();
    // Long ago, and long hence.
    for time in [1_767_232_800, 1_860_000_000] {
        stage.sigstore.time = time;
        let leaf = crate::stage::leaf(&stage.sigstore);
        let bundle = stage.sigstore.message(&leaf, SIGNED).unwrap();
        assert_eq!(verify(&stage.root, &bundle, SIGNED).unwrap().time, time);
    }
}

#[test]
fn a_workflow_says_what_it_has_built() {
    let stage = Stage::new();
    let of = |last, content: &[u8]| {
        rcgen::CustomExtension::from_oid_content(
            &[1, 3, 6, 1, 4, 1, 57264, 1, last],
            content.to_vec(),
        )
    };
    let named =
        stage.with_certificate(|it| it.custom_extensions.push(of(12, b"\x0c\x0ahttps://b/")));
    assert_eq!(stage.verify(&named).unwrap().repository.as_deref(), Some("https://b/"));
    let older = stage.with_certificate(|it| it.custom_extensions.push(of(5, b"acme/skills")));
    let proved = stage.verify(&older).unwrap();
    assert_eq!(proved.repository.as_deref(), Some("https://github.com/acme/skills"));
    assert!(stage.verify(&stage.message).unwrap().repository.is_none());
}
