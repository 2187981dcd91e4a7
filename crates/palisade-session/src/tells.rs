//! Tells others of a question: the desktop, and a server that may answer it with a signature.
//!
//! The server is posted the question, with a random number and the digest of the very act. An answer names the SHA-256
//! of what was posted, and is signed with the policy's key: so it is for this question of this session, and for no other
//! act, sandbox or time. What is not signed so counts for nothing.

use std::{ffi::OsString, path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::Full;
use palisade_core::{Event, Layer, SessionId, Verdict, shown};
use palisade_hooks::{environment, starter};
use palisade_policy::AnswersBy;
use ring::signature::{ED25519, UnparsedPublicKey};
use rustix::rand::{GetRandomFlags, getrandom};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use crate::{
    approvals::{Pending, Scope},
    live::Live,
    order::Operator,
    plan,
    secret::http::call_within,
};

/// What is signed begins so, so that a signature of something else is none of an answer.
const SIGNED: &[u8] = b"palisade approval 1\n";
/// For one answer of the server, which may wait so long for a person.
const WITHIN: Duration = Duration::from_secs(60);
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(2);
/// Bytes of an answer.
const MOST_BYTES: usize = 16 << 10;
/// Answers to one question that are not signed as they have to be.
const MOST_WRONG: u32 = 3;
/// For the desktop.
const DESKTOP: Duration = Duration::from_secs(5);
/// Variables that lead to the operator's desktop.
const OF_DESKTOP: [&str; 4] =
    ["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"];
/// Characters of what the desktop shows.
const MOST_SHOWN: usize = 300;

/// Who is told of a sandbox's questions.
pub(crate) struct Tells {
    which: String,
    session: SessionId,
    live: Arc<Live>,
    operator: Operator,
}

/// A question, as a server is told.
#[derive(Debug, Serialize)]
struct Question<'a> {
    palisade: &'static str,
    session: &'a SessionId,
    sandbox: &'a str,
    nonce: String,
    #[serde(flatten)]
    pending: &'a Pending,
}

/// What a server sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    /// An [`Answer`] as text, which is what is signed.
    answer: String,
    /// Of [`SIGNED`] and the answer, in base64.
    signature: String,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// `sha256:` and the SHA-256 of the question's bytes.
    question: String,
    allow: bool,
    scope: Scope,
}

impl Tells {
    pub(crate) fn new(
        which: String,
        session: SessionId,
        live: Arc<Live>,
        operator: Operator,
    ) -> Self {
        Self { which, session, live, operator }
    }

    /// Tell of a question, by the policy in force. Nobody waits for it.
    pub(crate) fn tell(&self, question: &Pending) {
        let approvals = self.live.policy().approvals.clone();
        if approvals.desktop {
            self.on_desktop(question);
        }
        if let Some(server) = approvals.webhook {
            self.by_server(server, question.clone());
        }
    }

    fn on_desktop(&self, question: &Pending) {
        let policy = self.live.policy();
        let here = self.operator.directory.clone();
        let mut all = environment(&self.operator.environment, &plan::writable(&policy), &here, "");
        // Not one that the agent has put there.
        let path = all.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
        let Some(program) = found("notify-send", path.unwrap_or_default()) else { return };
        all.extend(OF_DESKTOP.iter().filter_map(|name| {
            let name = OsString::from(name);
            self.operator.environment.get(&name).cloned().map(|value| (name, value))
        }));
        let title = format!("{}: a question ({})", self.which, question.id);
        let by = question.program.as_deref().unwrap_or("the sandbox");
        // Some desktops take it for markup.
        let text = shown(&format!("{by} wants {}", question.subject), MOST_SHOWN);
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let mut command = tokio::process::Command::new(program);
        command
            .args(["--app-name=Palisade", "--urgency=critical", "--", &title, &text])
            .env_clear()
            .envs(all)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        if let Ok(mut child) = starter::start(command) {
            tokio::spawn(async move {
                tokio::time::timeout(DESKTOP, child.wait()).await.map(drop).unwrap_or_default();
            });
        }
    }

    fn by_server(&self, server: AnswersBy, pending: Pending) {
        let mut nonce = [0; 16];
        if getrandom(&mut nonce, GetRandomFlags::empty()).is_err() {
            return;
        }
        let question = Question {
            palisade: "question",
            session: &self.session,
            sandbox: &self.which,
            nonce: STANDARD.encode(nonce),
            pending: &pending,
        };
        let Ok(text) = serde_json::to_vec(&question) else { return };
        let live = Arc::clone(&self.live);
        tokio::spawn(async move {
            tokio::select! {
                () = asked(&live, &server, pending.id, text.into()) => {}
                () = settled(&live, pending.id) => {}
            }
        });
    }
}

/// Post it until there is an answer that counts.
async fn asked(live: &Live, server: &AnswersBy, id: u32, text: Bytes) {
    let digest = digest_of(&text);
    let mut wrong = 0;
    loop {
        let request = Request::post(&server.url)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(text.clone()));
        let Ok(request) = request else { return };
        match call_within(request, WITHIN, MOST_BYTES).await {
            Ok(said) if said.status == StatusCode::OK => {
                // Told of, and nobody may answer.
                let Some(key) = &server.key else { return };
                match verified(key, &said.body, &digest) {
                    Ok(answer) => {
                        // Another policy may have taken its key away.
                        if live.policy().approvals.webhook.as_ref() != Some(server) {
                            return;
                        }
                        let principal = principal(server, key);
                        live.answer(id, answer.allow, answer.scope, &principal)
                            .await
                            .map(drop)
                            .unwrap_or_default();
                        return;
                    }
                    Err(why) => {
                        live.told_wrong(wrong_answer(server, id, why)).await;
                        wrong += 1;
                        if wrong >= MOST_WRONG {
                            return;
                        }
                    }
                }
            }
            // Nobody has answered yet, or it cannot be reached.
            Ok(said) if server.key.is_none() && said.status.is_success() => return,
            Ok(_) | Err(_) => {}
        }
        sleep(PAUSE).await;
    }
}

async fn settled(live: &Live, id: u32) {
    while live.approvals().subject(id).is_some() {
        sleep(Duration::from_millis(200)).await;
    }
}

fn digest_of(text: &[u8]) -> String {
    let hex: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// What is answered, if it is for this question and signed with this key.
fn verified(key: &[u8; 32], said: &[u8], question: &str) -> Result<Answer, &'static str> {
    let signed: Signed =
        serde_json::from_slice(said).map_err(|_| "it is no answer with a signature")?;
    let signature = STANDARD.decode(&signed.signature).map_err(|_| "its signature is no base64")?;
    let message = [SIGNED, signed.answer.as_bytes()].concat();
    UnparsedPublicKey::new(&ED25519, key)
        .verify(&message, &signature)
        .map_err(|_| "its signature is not of the policy's key")?;
    let answer: Answer =
        serde_json::from_str(&signed.answer).map_err(|_| "what is signed is no answer")?;
    if answer.question != question {
        return Err("it answers another question");
    }
    Ok(answer)
}

fn principal(server: &AnswersBy, key: &[u8; 32]) -> String {
    let host = host(server);
    let hex: String = key.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("webhook {host} (key {hex})")
}

fn host(server: &AnswersBy) -> String {
    let url: Option<Uri> = server.url.parse().ok();
    url.as_ref().and_then(Uri::host).unwrap_or_default().to_owned()
}

fn wrong_answer(server: &AnswersBy, id: u32, why: &str) -> Event {
    let subject = format!("question {id}");
    let mut event = Event::observed("approval", Layer::Supervisor, subject)
        .with("principal", format!("webhook {}", host(server)));
    event.decision = Verdict::Deny;
    event.reason = format!("an answer does not count: {why}");
    event
}

fn found(name: &str, path: OsString) -> Option<PathBuf> {
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use ring::{
        rand::SystemRandom,
        signature::{Ed25519KeyPair, KeyPair},
    };
    use serde_json::json;

    use super::*;

    fn pair() -> (Ed25519KeyPair, [u8; 32]) {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let key = pair.public_key().as_ref().try_into().unwrap();
        (pair, key)
    }

    fn signed(pair: &Ed25519KeyPair, answer: &str, begins: &[u8]) -> Vec<u8> {
        let signature = pair.sign(&[begins, answer.as_bytes()].concat());
        let signature = STANDARD.encode(signature.as_ref());
        json!({"answer": answer, "signature": signature}).to_string().into_bytes()
    }

    #[test]
    fn only_a_signed_answer_to_this_very_question_counts() {
        let ((pair, key), (other, _)) = (pair(), pair());
        let question = digest_of(b"one");
        let answer = |question: &str| {
            json!({"question": question, "allow": true, "scope": "once"}).to_string()
        };
        let good = signed(&pair, &answer(&question), SIGNED);
        assert_eq!(
            verified(&key, &good, &question),
            Ok(Answer { question: question.clone(), allow: true, scope: Scope::Once })
        );
        let more = answer(&question).replace("\"once\"", "\"once\", \"more\": 1");
        for (bad, why) in [
            (signed(&other, &answer(&question), SIGNED), "not of the policy's key"),
            (signed(&pair, &answer(&question), b""), "not of the policy's key"),
            // One that was good for another question.
            (signed(&pair, &answer(&digest_of(b"two")), SIGNED), "another question"),
            (signed(&pair, &more, SIGNED), "no answer"),
            (signed(&pair, "{}", SIGNED), "no answer"),
            (b"{\"allow\": true}".to_vec(), "no answer with a signature"),
            (Vec::new(), "no answer with a signature"),
        ] {
            let said = verified(&key, &bad, &question).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
        let mut changed = String::from_utf8(good).unwrap();
        changed = changed.replace("true", "false");
        assert!(verified(&key, changed.as_bytes(), &question).is_err());
    }
}
