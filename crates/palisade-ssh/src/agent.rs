use std::{
    convert::Infallible,
    fmt, io,
    os::fd::{AsFd, BorrowedFd},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use palisade_core::{Authority, Event, Layer, Verdict};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    task::JoinSet,
    time::sleep,
};

use crate::{
    Fingerprint, HostKeys,
    binding::{Binding, NotBound},
    operator, signed,
    wire::{Reader, Writer, receive, send},
};

/// Connections at a time; what comes on top waits.
const MOST_OPEN: usize = 32;
/// How long accepting pauses when the kernel has no descriptor left.
const PAUSE: Duration = Duration::from_millis(100);
/// What a client may ask of an RSA key: SHA-256 or SHA-512 in place of SHA-1.
const KNOWN_FLAGS: u32 = 2 | 4;

const FAILURE: u8 = 5;
const SUCCESS: u8 = 6;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGNATURE: u8 = 14;
const EXTENSION: u8 = 27;

/// Keys, and the hosts that they may be used for.
#[derive(Debug, Clone)]
pub struct Grant {
    /// How events name it, such as `credentials[deploy]`.
    pub rule: String,
    /// What the client sees as the keys' comment.
    pub name: String,
    /// The keys.
    pub keys: Vec<Fingerprint>,
    /// The hosts.
    pub hosts: Vec<HostKeys>,
}

/// For which server a connection is.
enum Bound {
    /// It has not been said.
    Not,
    /// For this one.
    To(Binding),
    /// For none, whatever is said later: a client that forwards the agent goes on when it is refused that, and
    /// what comes then on its connection is the server's own.
    Never(&'static str),
}

/// Tells of which skills the process is that connected at the other end of this socket. `None`: it cannot be told.
pub type SkillsOf = Arc<dyn Fn(BorrowedFd<'_>) -> Option<Vec<String>> + Send + Sync>;

/// The agent of one sandbox.
pub struct Agent {
    grants: Vec<Grant>,
    operator: Option<PathBuf>,
    authority: Arc<dyn Authority>,
    skills: Option<SkillsOf>,
}

impl Agent {
    /// One that signs by these grants. `operator` is the socket of the operator's agent.
    pub fn new(
        grants: Vec<Grant>,
        operator: Option<PathBuf>,
        authority: Arc<dyn Authority>,
    ) -> Self {
        Self { grants, operator, authority, skills: None }
    }

    /// One that asks for each key whether the skills that a client comes from may use it.
    #[must_use]
    pub fn with_skills(self, skills: SkillsOf) -> Self {
        Self { skills: Some(skills), ..self }
    }

    /// Serve what connects. Does not end by itself.
    pub async fn serve(self: Arc<Self>, listener: UnixListener) -> Infallible {
        let open = Arc::new(Semaphore::new(MOST_OPEN));
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok(permit) = Arc::clone(&open).acquire_owned().await else { continue };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let agent = Arc::clone(&self);
                    connections.spawn(async move {
                        // A client that breaks off has what it wanted.
                        agent.connection(stream).await.unwrap_or_default();
                        drop(permit);
                    });
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    async fn connection(&self, mut stream: UnixStream) -> io::Result<()> {
        let mut bound = Bound::Not;
        // Before anything is read: who connected may have ended by then.
        let of = self.skills.as_ref().map(|skills| skills(stream.as_fd()));
        while let Some(message) = receive(&mut stream).await? {
            let answer = match message.split_first() {
                Some((&REQUEST_IDENTITIES, [])) => self.identities().await,
                Some((&SIGN_REQUEST, body)) => self.sign(body, &bound, of.as_ref()).await,
                Some((&EXTENSION, body)) => self.bind(body, &mut bound).await,
                _ => None,
            };
            send(&mut stream, &answer.unwrap_or_else(|| vec![FAILURE])).await?;
        }
        Ok(())
    }

    async fn identities(&self) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        for key in self.keys().await {
            let grant =
                self.grants.iter().find(|grant| grant.keys.contains(&Fingerprint::of(&key)));
            if let Some(grant) = grant {
                all.push((key, grant.name.as_str()));
            }
        }
        let answer = Writer::of(IDENTITIES).number(u32::try_from(all.len()).ok()?);
        let add =
            |out: Writer, (key, name): &(Vec<u8>, &str)| out.string(key).string(name.as_bytes());
        Some(all.iter().fold(answer, add).0)
    }

    async fn keys(&self) -> Vec<Vec<u8>> {
        let why = match &self.operator {
            None => {
                "there is no ssh agent outside: set SSH_AUTH_SOCK where palisade is started".into()
            }
            Some(socket) => match operator::keys(socket).await {
                Ok(keys) => return keys,
                Err(error) => format!("the ssh agent outside does not answer: {error}"),
            },
        };
        let mut event = Event::observed("ssh_sign", Layer::Supervisor, "keys");
        event.reason = why;
        self.authority.record(event).await;
        Vec::new()
    }

    async fn bind(&self, body: &[u8], bound: &mut Bound) -> Option<Vec<u8>> {
        let mut reader = Reader(body);
        if reader.string()? != b"session-bind@openssh.com" {
            return None;
        }
        let why = match Binding::read(reader.0) {
            Ok(binding) if matches!(bound, Bound::Not) => {
                *bound = Bound::To(binding);
                return Some(vec![SUCCESS]);
            }
            // A second one is of another server, behind the first.
            Ok(_) | Err(NotBound::Forwarded) => "the agent is used from another server",
            Err(NotBound::Malformed) => "what it says of its session cannot be understood",
            Err(NotBound::NotVerified) => {
                "the server has not signed its session, or with a kind of key that is not known"
            }
        };
        *bound = Bound::Never(why);
        self.deny("bind", None, why).await;
        None
    }

    /// `of`: the skills that the client comes from, where that is asked.
    async fn sign(
        &self,
        body: &[u8],
        bound: &Bound,
        of: Option<&Option<Vec<String>>>,
    ) -> Option<Vec<u8>> {
        let mut reader = Reader(body);
        let (key, data, flags) = (reader.string()?, reader.string()?, reader.number()?);
        reader.end()?;
        let fingerprint = Fingerprint::of(key);
        let subject = format!("sign with {fingerprint}");
        let grants: Vec<&Grant> =
            self.grants.iter().filter(|grant| grant.keys.contains(&fingerprint)).collect();
        let Some(first) = grants.first() else {
            self.deny(&subject, None, "no credential of the policy names this key").await;
            return None;
        };
        let bound = match bound {
            Bound::To(binding) => binding,
            Bound::Never(why) => {
                self.deny(&subject, Some(first), why).await;
                return None;
            }
            Bound::Not => {
                let why = "the client does not say for which server it is; OpenSSH does from version 8.9 on";
                self.deny(&subject, Some(first), why).await;
                return None;
            }
        };
        let found = grants.iter().find_map(|grant| {
            let mut hosts = grant.hosts.iter();
            let host = hosts.find(|host| host.keys.contains(&bound.host_key))?;
            Some((*grant, &host.host))
        });
        let Some((grant, host)) = found else {
            let server = Fingerprint::of(&bound.host_key);
            let why =
                format!("the server with the host key {server} is none of the credential's hosts");
            self.deny(&subject, Some(first), &why).await;
            return None;
        };
        let Some(user) = signed::login(data, key, bound) else {
            let why = "what is to be signed is not the log-in of this session";
            self.deny(&subject, Some(grant), why).await;
            return None;
        };
        let subject = format!("sign for {user}@{host} with {fingerprint}");
        if let Some(of) = of
            && let Err(denial) = self.authority.may_use(&grant.name, of.as_deref())
        {
            let mut event = Event::observed("ssh_sign", Layer::Supervisor, subject.as_str());
            event.decision = Verdict::Deny;
            event.rule = denial.rule;
            event.reason = denial.reason;
            self.authority.record(event).await;
            return None;
        }
        let mut event = Event::observed("ssh_sign", Layer::Supervisor, subject.as_str());
        event.decision = Verdict::Allow;
        event.rule = Some(grant.rule.clone());
        event.reason = format!("{} permits it", grant.rule);
        if !self.authority.record(event).await {
            return None;
        }
        let socket = self.operator.as_ref()?;
        let signature = operator::sign(socket, key, data, flags & KNOWN_FLAGS).await;
        Some(Writer::of(SIGNATURE).string(&signature.ok()??).0)
    }

    async fn deny(&self, subject: &str, grant: Option<&Grant>, why: &str) {
        let mut event = Event::observed("ssh_sign", Layer::Supervisor, subject);
        event.decision = Verdict::Deny;
        event.rule = grant.map(|grant| grant.rule.clone());
        event.reason = why.to_owned();
        self.authority.record(event).await;
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("grants", &self.grants).finish_non_exhaustive()
    }
}
