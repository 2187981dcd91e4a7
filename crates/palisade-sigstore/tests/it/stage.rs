use base64::{Engine as _, engine::general_purpose::STANDARD};
use palisade_sigstore::{Artifact, Bundle, Failed, TrustedRoot, Verified};
use palisade_testkit::{Leaf, Sigstore, WORKFLOW_ISSUER};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

pub(crate) const SIGNED: &[u8] = b"what was signed";
pub(crate) const NAME: &str =
    "https://github.com/acme/skills/.github/workflows/release.yml@refs/tags/v1";

/// An instance, what its clients trust, and a good bundle of each kind.
pub(crate) struct Stage {
    pub(crate) sigstore: Sigstore,
    pub(crate) root: Value,
    pub(crate) message: Value,
    pub(crate) statement: Value,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let sigstore = Sigstore::new().unwrap();
        let leaf = leaf(&sigstore);
        let message = sigstore.message(&leaf, SIGNED).unwrap();
        let statement = sigstore.statement(&leaf, &provenance()).unwrap();
        Self { root: sigstore.trusted_root(), sigstore, message, statement }
    }

    pub(crate) fn verify(&self, bundle: &Value) -> Result<Verified, Failed> {
        verify(&self.root, bundle, SIGNED)
    }

    /// The message's bundle with a certificate that is changed so.
    pub(crate) fn with_certificate(
        &self,
        change: impl FnOnce(&mut rcgen::CertificateParams),
    ) -> Value {
        let leaf = self.sigstore.issue(NAME, WORKFLOW_ISSUER, change).unwrap();
        self.sigstore.message(&leaf, SIGNED).unwrap()
    }

    /// The bundle with a time-stamp of its signature, and without the log's word for the time.
    pub(crate) fn stamped(&self, mut bundle: Value) -> Value {
        let signature = match &bundle["messageSignature"]["signature"] {
            Value::Null => &bundle["dsseEnvelope"]["signatures"][0]["sig"],
            of_message => of_message,
        };
        let signature = STANDARD.decode(signature.as_str().unwrap()).unwrap();
        let stamp = STANDARD.encode(self.sigstore.stamp(&signature).unwrap());
        let material = &mut bundle["verificationMaterial"];
        material["timestampVerificationData"] =
            json!({"rfc3161Timestamps": [{"signedTimestamp": stamp}]});
        let entry = material["tlogEntries"][0].as_object_mut().unwrap();
        entry.remove("inclusionPromise");
        entry.remove("integratedTime");
        bundle
    }
}

pub(crate) fn leaf(sigstore: &Sigstore) -> Leaf {
    sigstore.issue(NAME, WORKFLOW_ISSUER, |_| {}).unwrap()
}

pub(crate) fn verify(root: &Value, bundle: &Value, signed: &[u8]) -> Result<Verified, Failed> {
    let root = TrustedRoot::parse(&root.to_string())?;
    Bundle::parse(&bundle.to_string())?.verify(&root, &[Artifact::new(signed)])
}

/// A statement of how what was signed was built, as npm and PyPI have them.
pub(crate) fn provenance() -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "pkg:npm/other@1.0.0", "digest": {"sha512": "00".repeat(64)}},
            {"name": "pkg:npm/%40acme/skills@1.0.0", "digest": {
                "sha256": hex(&Sha256::digest(SIGNED)), "sha512": hex(&Sha512::digest(SIGNED)),
            }},
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"buildDefinition": {"buildType": "x"}},
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
