//! Keys of model providers that do not stay as they are: tokens that end, and secrets that are read anew.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use palisade_core::{BoxFuture, ExposeSecret, SecretString};
use palisade_inference::{AwsFeed, AwsKeys, HeaderCredential, KeyFeed, KnownSecret};
use palisade_policy::SecretSource;
use tokio::sync::Mutex;

use crate::{
    order::Operator,
    secret::{self, Reading, Stderr},
};

/// A token is had anew by a tenth of its life before it ends, and at most this.
const BEFORE_END: Duration = Duration::from_secs(60);
/// What is not to be had is not asked for more often.
const PAUSE: Duration = Duration::from_secs(5);

/// What becomes of a secret that is read.
pub(crate) trait Key: Sized {
    /// The key in this text.
    fn of(header: &str, secret: SecretString) -> Result<Self, String>;

    /// What of it is secret.
    fn secrets(&self) -> Vec<&SecretString>;
}

impl Key for HeaderCredential {
    fn of(header: &str, secret: SecretString) -> Result<Self, String> {
        HeaderCredential::new(header, secret).map_err(|error| error.to_string())
    }

    fn secrets(&self) -> Vec<&SecretString> {
        vec![self.secret()]
    }
}

impl Key for AwsKeys {
    fn of(_: &str, secret: SecretString) -> Result<Self, String> {
        AwsKeys::printed(secret.expose_secret()).map_err(|error| error.to_string())
    }

    fn secrets(&self) -> Vec<&SecretString> {
        [Some(&self.secret), self.session_token.as_ref()].into_iter().flatten().collect()
    }
}

/// A key that is read anew when it is old.
pub(crate) struct Fed<K> {
    name: String,
    source: SecretSource,
    header: String,
    refresh: Option<Duration>,
    operator: Operator,
    now: Mutex<Now<K>>,
}

struct Now<K> {
    key: Result<Arc<K>, String>,
    due: Option<Instant>,
    refresh_token: Option<SecretString>,
}

impl<K: Key> Fed<K> {
    pub(crate) async fn begin(
        credential: &palisade_policy::HeaderCredential,
        operator: &Operator,
    ) -> Self {
        let fed = Self {
            name: credential.name.clone(),
            source: credential.from.clone(),
            header: credential.header.clone(),
            refresh: credential.refresh,
            operator: operator.clone(),
            now: Mutex::new(Now {
                key: Err("it was not read yet".into()),
                due: None,
                refresh_token: None,
            }),
        };
        let mut now = fed.now.lock().await;
        fed.read(&mut now, Stderr::Operator).await;
        drop(now);
        fed
    }

    /// The secrets as they are now, to be kept out of prompts.
    pub(crate) async fn known(&self) -> Vec<KnownSecret> {
        let now = self.now.lock().await;
        let secrets = now.key.iter().flat_map(|key| key.secrets());
        secrets.map(KnownSecret::credential).collect()
    }

    async fn read(&self, now: &mut Now<K>, stderr: Stderr) {
        let token = now.refresh_token.clone();
        let read =
            secret::read_with(&self.name, &self.source, &self.operator, stderr, token.as_ref());
        let began = Instant::now();
        let key = read.await.and_then(|Reading { secret, lifetime, refresh_token }| {
            let ends = lifetime.map(|life| life.saturating_sub(BEFORE_END.min(life / 10)));
            let after = [ends, self.refresh].into_iter().flatten().min();
            now.due = after.and_then(|after| began.checked_add(after));
            now.refresh_token = refresh_token.or(now.refresh_token.take());
            K::of(&self.header, secret)
                .map(Arc::new)
                .map_err(|error| format!("the credential `{}` cannot be used: {error}", self.name))
        });
        match key {
            Ok(key) => now.key = Ok(key),
            Err(why) => {
                // What there is may still do.
                now.due = began.checked_add(PAUSE);
                if now.key.is_err() {
                    now.key = Err(why);
                }
            }
        }
    }
}

impl<K: Key> Fed<K> {
    async fn as_it_is(&self) -> Result<Arc<K>, String> {
        let mut now = self.now.lock().await;
        if now.due.is_some_and(|due| Instant::now() >= due) {
            self.read(&mut now, Stderr::Nobody).await;
        }
        now.key.clone()
    }
}

impl KeyFeed for Fed<HeaderCredential> {
    fn current(&self) -> BoxFuture<'_, Result<Arc<HeaderCredential>, String>> {
        Box::pin(self.as_it_is())
    }
}

impl AwsFeed for Fed<AwsKeys> {
    fn current(&self) -> BoxFuture<'_, Result<Arc<AwsKeys>, String>> {
        Box::pin(self.as_it_is())
    }
}
