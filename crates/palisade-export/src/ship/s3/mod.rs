use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use palisade_core::SecretString;
use palisade_journal::{Hash, Timestamp};
use palisade_policy::{AwsKey, ObjectLock, S3};
use palisade_sigv4::{DATE, ToSign, authorization, hash};

use super::{Item, Put};
use crate::sink::{Answer, Client, Failure, Payload, Server, judged};

/// AWS takes no more in one request.
const MOST_BYTES: u64 = 5 << 30;
const CHECKSUM: &str = "x-amz-checksum-sha256";
const CONTENT: &str = "x-amz-content-sha256";

/// A bucket: each object goes in one signed PUT with its digest, and only where none has its name.
#[derive(Debug)]
pub(super) struct Bucket {
    client: Client,
    /// The bucket, and what stands before each name.
    path: String,
    region: String,
    access_key: String,
    secret: SecretString,
    lock: Option<ObjectLock>,
}

impl Bucket {
    pub(super) fn new(s3: &S3, secret: Option<SecretString>) -> Result<Self, String> {
        let server = Server::of(&s3.endpoint, s3.ca.as_ref())
            .ok_or_else(|| format!("`{}` is no URL", s3.endpoint))?;
        let credential = s3.credential.as_ref().ok_or("there is no credential that signs")?;
        let key = match &credential.aws {
            Some(AwsKey::Named(key)) => Some(key.clone()),
            Some(AwsKey::Printed) | None => None,
        };
        let (Some(access_key), Some(secret)) = (key, secret) else {
            return Err(format!("the credential `{}` is missing", credential.name));
        };
        let path = match s3.prefix.as_str() {
            "" => format!("/{}", s3.bucket),
            prefix => format!("/{}/{prefix}", s3.bucket),
        };
        let (region, lock) = (s3.region.clone(), s3.lock);
        Ok(Self {
            client: Client::new(server, false, None),
            path,
            region,
            access_key,
            secret,
            lock,
        })
    }

    pub(super) async fn put(&mut self, item: &Item<'_>) -> Result<Put, Failure> {
        if item.bytes > MOST_BYTES {
            let why = format!("{} bytes are more than a server takes at once", item.bytes);
            return Err(Failure::Never(why));
        }
        let path = format!("{}/{}/{}", self.path, item.folders.join("/"), item.name);
        let now = Timestamp::now();
        let mut fields = HeaderMap::new();
        let mut set = |name: &'static str, text: &str| put_field(&mut fields, name, text);
        set("content-type", "application/octet-stream")?;
        // Nothing that is there is written over.
        set("if-none-match", "*")?;
        set("x-amz-sdk-checksum-algorithm", "SHA256")?;
        set(CHECKSUM, &base64(item.sha256))?;
        if let Some(lock) = self.lock {
            let mode = if lock.compliance { "COMPLIANCE" } else { "GOVERNANCE" };
            set("x-amz-object-lock-mode", mode)?;
            let until = seconds(now.plus_seconds(lock.seconds));
            set("x-amz-object-lock-retain-until-date", &until)?;
        }
        let content = item.sha256.to_string();
        self.sign((&Method::PUT, &path), &content, now, &mut fields)?;
        let sent = self.client.send((Method::PUT, &path), fields, item.payload.clone()).await?;
        match sent.status {
            // Another one was there, or is being made.
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT => {
                let Some(found) = self.look(&path).await? else {
                    let why = "it answered that the object is there, and that it is not";
                    return Err(Failure::after(why));
                };
                self.is_ours(item, &found).map(|()| Put::There)
            }
            _ => {
                judged(&sent)?;
                match checksum(&sent) {
                    Some(said) if said == base64(item.sha256) => Ok(Put::New),
                    Some(_) => {
                        Err(Failure::after("it says that it took other bytes than were sent"))
                    }
                    // It does not say what it took: it is asked what it has.
                    None => match self.look(&path).await? {
                        Some(found) => self.is_ours(item, &found).map(|()| Put::New),
                        None => Err(Failure::after("it took the object, and has it not")),
                    },
                }
            }
        }
    }

    /// What the server has by that name.
    async fn look(&mut self, path: &str) -> Result<Option<Answer>, Failure> {
        let mut fields = HeaderMap::new();
        put_field(&mut fields, "x-amz-checksum-mode", "ENABLED")?;
        let empty = hash(b"");
        self.sign((&Method::HEAD, path), &empty, Timestamp::now(), &mut fields)?;
        let none = Payload::Bytes(bytes::Bytes::new());
        let answer = self.client.send((Method::HEAD, path), fields, none).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        judged(&answer).map(|()| Some(answer)).map_err(|failure| {
            let why = format!("it does not say what it has of the object: {}", failure.why());
            Failure::after(why)
        })
    }

    /// Whether the object there is the one that was to go, by its digest, or else by its length.
    fn is_ours(&self, item: &Item<'_>, found: &Answer) -> Result<(), Failure> {
        let ours = [Some(item.sha256), item.before].into_iter().flatten();
        match checksum(found) {
            Some(said) if ours.map(base64).any(|one| one == said) => return Ok(()),
            Some(_) => {}
            None => {
                let length = found.headers.get(header::CONTENT_LENGTH);
                let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
                if length == Some(item.bytes) {
                    return Ok(());
                }
            }
        }
        let why = "another object has its name, which is not written over";
        Err(Failure::Never(format!("{}: {why}", item.name)))
    }

    fn sign(
        &self,
        (method, path): (&Method, &str),
        content: &str,
        now: Timestamp,
        fields: &mut HeaderMap,
    ) -> Result<(), Failure> {
        let unfit = || Failure::before("the request cannot be signed");
        let stamp: String = seconds(now).chars().filter(|c| !matches!(c, '-' | ':')).collect();
        let day = stamp.get(..8).ok_or_else(unfit)?;
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        put_field(fields, DATE, &stamp)?;
        put_field(fields, CONTENT, content)?;
        let mut signed = vec![("host".to_owned(), self.client.server.authority())];
        for (name, value) in fields.iter() {
            let value = value.to_str().map_err(|_| unfit())?;
            signed.push((name.as_str().to_owned(), value.trim().to_owned()));
        }
        signed.sort();
        let lines: String =
            signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        // Names of objects are such that they stand there as they are.
        let canonical = format!("{method}\n{path}\n\n{lines}\n{names}\n{content}");
        let to_sign = ToSign { stamp: &stamp, scope: &scope, names: &names, canonical: &canonical };
        let value = authorization(&to_sign, &self.access_key, &self.secret).map_err(|_| unfit())?;
        fields.insert(header::AUTHORIZATION, value);
        Ok(())
    }
}

fn put_field(fields: &mut HeaderMap, name: &'static str, text: &str) -> Result<(), Failure> {
    let value = HeaderValue::from_str(text);
    let value = value.map_err(|_| Failure::before("the request cannot be sent"))?;
    fields.insert(HeaderName::from_static(name), value);
    Ok(())
}

fn checksum(answer: &Answer) -> Option<String> {
    answer.headers.get(CHECKSUM).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn base64(hash: Hash) -> String {
    BASE64_STANDARD.encode(hash.bytes())
}

/// `2026-08-01T12:00:00Z`.
fn seconds(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{}Z", text.get(..19).unwrap_or(&text))
}
