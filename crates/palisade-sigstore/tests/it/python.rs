//! Sigstore's own Python client reads the same bundles under the same trusted root (tests/sigstore/install.sh).

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use palisade_testkit::WORKFLOW_ISSUER;
use serde_json::{Value, json};

use crate::stage::{NAME, SIGNED, Stage};

#[test]
fn sigstores_own_client_takes_and_refuses_the_same() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let installed =
        std::env::var_os("PALISADE_SIGSTORE").map_or(top.join("target/sigstore"), PathBuf::from);
    if !installed.join("installed.txt").exists() {
        assert!(std::env::var_os("CI").is_none(), "tests/sigstore/install.sh was not run");
        println!("skipped: bundles in Sigstore's own client, which is not installed");
        return;
    }
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let changed = |bundle: &Value, at: &str, to: Value| {
        let mut bundle = bundle.clone();
        *bundle.pointer_mut(at).unwrap() = to;
        bundle
    };
    let entry = "/verificationMaterial/tlogEntries/0";
    let good = [
        stage.message.clone(),
        stage.statement.clone(),
        stage.stamped(stage.message.clone()),
        stage.stamped(stage.statement.clone()),
        stage.with_certificate(|_| {}),
    ];
    let bad = [
        changed(&stage.message, &format!("{entry}/integratedTime"), "1795176001".into()),
        changed(&stage.message, &format!("{entry}/inclusionProof/logIndex"), "5".into()),
        changed(&stage.message, &format!("{entry}/inclusionProof/hashes"), json!([])),
        changed(&stage.message, entry, stage.statement.pointer(entry).unwrap().clone()),
        stage.with_certificate(|it| it.extended_key_usages.clear()),
        stage.with_certificate(|it| {
            it.not_after = it.not_before + std::time::Duration::from_secs(30);
        }),
        stage.with_certificate(|it| it.custom_extensions.clear()),
    ];
    let mut command = Command::new("python3");
    command.arg(top.join("tests/sigstore/verify.py")).arg(&installed).args([NAME, WORKFLOW_ISSUER]);
    command.arg(put("root.json", stage.root.to_string().as_bytes())).env("HOME", folder.path());
    let file = put("file", SIGNED);
    for (number, bundle) in good.iter().chain(&bad).enumerate() {
        let path = put(&format!("{number}.json"), bundle.to_string().as_bytes());
        command.arg(path).arg(&file);
    }
    let ran = command.output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{told}{}", String::from_utf8_lossy(&ran.stderr));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), good.len() + bad.len(), "{told}");
    for ((number, bundle), line) in good.iter().chain(&bad).enumerate().zip(lines) {
        let own = stage.verify(bundle);
        assert_eq!(own.is_ok(), number < good.len(), "{number}: {own:?}");
        assert_eq!(own.is_ok(), line == "ok", "{number}: {own:?}, and Sigstore's own says: {line}");
    }
}
