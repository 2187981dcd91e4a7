//! The lock, advisories, keys and signatures: read and written again they are the same, and no signature holds that this key
//! did not make.

use palisade_skill_store::{
    Advisories, Lock, SkillName,
    minisign::{PublicKey, SecretKey, signer},
};

use crate::input::text;

pub(crate) fn target(data: &[u8]) {
    let text = text(data);
    if let Ok(lock) = serde_json::from_str::<Lock>(&text)
        && let Ok(written) = serde_json::to_string(&lock)
    {
        assert!(serde_json::from_str::<Lock>(&written).is_ok_and(|again| again == lock));
    }
    if let Ok(list) = Advisories::parse(&text) {
        let _trusts = list.trusts("key");
    }
    if let Ok(name) = text.parse::<SkillName>() {
        let name = name.as_str();
        assert!(!name.contains('/') && !name.starts_with('.'), "{name:?}");
    }
    drop((SkillName::like(&text), SecretKey::parse(&text).is_ok(), signer(&text)));
    if let Ok(key) = PublicKey::parse(&text) {
        assert!(PublicKey::parse(&key.file()).is_ok_and(|again| again.id() == key.id()));
    }
    let key = KEY.with(|key| key.as_ref().map(SecretKey::public));
    if let Some(key) = key {
        assert!(key.check(b"a message", &text).is_err(), "a signature that nobody made");
    }
}

thread_local! {
    static KEY: Option<SecretKey> = SecretKey::generate().ok();
}
