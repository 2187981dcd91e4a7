mod parts;

use std::{fs::File, path::PathBuf, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use palisade_core::SecretString;
use palisade_journal::{Hash, Timestamp};
use palisade_policy::{AwsKey, ObjectLock, S3};
use palisade_sigv4::{DATE, ToSign, authorization, hash};

use super::{Item, Put, cursor};
use crate::sink::{Answer, Client, Failure, Payload, Server, judged};
use parts::{PART, Sent, Upload, element, encoded, name, spans};

/// AWS takes no longer object.
const MOST_BYTES: u64 = 5 << 40;
/// The file of the upload in parts that was begun last, in the place's folder.
const UPLOAD: &str = "_upload.json";
const CHECKSUM: &str = "x-amz-checksum-sha256";
const CONTENT: &str = "x-amz-content-sha256";

/// A bucket: each object goes in a signed PUT with its digest, or in parts with one each, and only where none has its name.
#[derive(Debug)]
pub(super) struct Bucket {
    client: Client,
    /// The bucket, and what stands before each name.
    path: String,
    region: String,
    access_key: String,
    secret: SecretString,
    lock: Option<ObjectLock>,
    /// Where an upload in parts is noted, so that the next attempt goes on with it.
    noted: PathBuf,
}

impl Bucket {
    pub(super) fn new(
        s3: &S3,
        secret: Option<SecretString>,
        noted: PathBuf,
    ) -> Result<Self, String> {
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
            noted,
        })
    }

    pub(super) async fn put(&mut self, item: &Item<'_>) -> Result<Put, Failure> {
        if item.bytes > MOST_BYTES {
            let why = format!("{} bytes are more than a server takes at once", item.bytes);
            return Err(Failure::Never(why));
        }
        let path = format!("{}/{}/{}", self.path, item.folders.join("/"), item.name);
        match &item.payload {
            Payload::File(file, 0, end) if item.bytes > PART && *end == item.bytes => {
                let file = Arc::clone(file);
                self.put_parts(item, &path, &file).await
            }
            _ => self.put_whole(item, path).await,
        }
    }

    async fn put_whole(&mut self, item: &Item<'_>, path: String) -> Result<Put, Failure> {
        let now = Timestamp::now();
        let mut fields = self.new_object(now)?;
        let mut set = |name: &'static str, text: &str| put_field(&mut fields, name, text);
        // Nothing that is there is written over.
        set("if-none-match", "*")?;
        set("x-amz-sdk-checksum-algorithm", "SHA256")?;
        set(CHECKSUM, &base64(item.sha256))?;
        let content = item.sha256.to_string();
        self.sign((&Method::PUT, &path), &content, now, &mut fields)?;
        let sent = self.client.send((Method::PUT, &path), fields, item.payload.clone()).await?;
        match sent.status {
            // Another one was there, or is being made.
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT => {
                self.there(item, &path).await.map(Put::There)
            }
            _ => {
                judged(&sent)?;
                match checksum(&sent) {
                    Some(said) if said == base64(item.sha256) => Ok(Put::New),
                    Some(_) => {
                        Err(Failure::after("it says that it took other bytes than were sent"))
                    }
                    // It does not say what it took: it is asked what it has.
                    None => self.taken(item, &path).await,
                }
            }
        }
    }

    /// The digest of what stands where the server says that something does, if it is ours.
    async fn there(&mut self, item: &Item<'_>, path: &str) -> Result<Hash, Failure> {
        match self.look(path).await? {
            Some(found) => self.is_ours(item, &found),
            None => Err(Failure::after("it answered that the object is there, and that it is not")),
        }
    }

    /// Ask for an object that the server took without a word of what it took.
    async fn taken(&mut self, item: &Item<'_>, path: &str) -> Result<Put, Failure> {
        match self.look(path).await? {
            Some(found) => self.is_ours(item, &found).map(|_| Put::New),
            None => Err(Failure::after("it took the object, and has it not")),
        }
    }

    /// What is said of an object where it begins.
    fn new_object(&self, now: Timestamp) -> Result<HeaderMap, Failure> {
        let mut fields = HeaderMap::new();
        let mut set = |name: &'static str, text: &str| put_field(&mut fields, name, text);
        set("content-type", "application/octet-stream")?;
        if let Some(lock) = self.lock {
            let mode = if lock.compliance { "COMPLIANCE" } else { "GOVERNANCE" };
            set("x-amz-object-lock-mode", mode)?;
            let until = seconds(now.plus_seconds(lock.seconds));
            set("x-amz-object-lock-retain-until-date", &until)?;
        }
        Ok(fields)
    }

    /// An object in parts. Each that the server took is noted, and not sent again by the next attempt, in another process either.
    async fn put_parts(
        &mut self,
        item: &Item<'_>,
        path: &str,
        file: &Arc<File>,
    ) -> Result<Put, Failure> {
        let mut upload = match self.recall()? {
            Some(upload) if upload.path == path && upload.sha256 == item.sha256 => upload,
            other => {
                if let Some(other) = other.filter(|other| !other.done && other.path != path) {
                    self.abandon(&other).await;
                }
                let upload = self.begin(item, path).await?;
                self.note(&upload)?;
                upload
            }
        };
        let id = encoded(&upload.id);
        for (number, span) in (1_u32..).zip(spans(item.bytes)).skip(upload.parts.len()) {
            let read = |error: std::io::Error| Failure::before(error.to_string());
            let sha256 = parts::digest(file, span).map_err(read)?;
            let target = format!("{path}?partNumber={number}&uploadId={id}");
            let mut fields = HeaderMap::new();
            put_field(&mut fields, CHECKSUM, &base64(sha256))?;
            self.sign((&Method::PUT, &target), &sha256.to_string(), Timestamp::now(), &mut fields)?;
            let body = Payload::File(Arc::clone(file), span.from, span.to);
            let sent = self.client.send((Method::PUT, &target), fields, body).await?;
            if sent.status == StatusCode::NOT_FOUND {
                self.forget()?;
                return Err(Failure::after("it does not know the upload any more"));
            }
            judged(&sent)?;
            if checksum(&sent).is_some_and(|said| said != base64(sha256)) {
                return Err(Failure::after("it says that it took other bytes than were sent"));
            }
            let etag = sent.headers.get(header::ETAG).and_then(|value| value.to_str().ok());
            let Some(etag) = etag.and_then(name) else {
                return Err(Failure::after("it has no name for the part that it took"));
            };
            upload.parts.push(Sent { etag: etag.to_owned(), sha256 });
            self.note(&upload)?;
        }
        self.complete(item, upload).await
    }

    async fn begin(&mut self, item: &Item<'_>, path: &str) -> Result<Upload, Failure> {
        let now = Timestamp::now();
        let mut fields = self.new_object(now)?;
        put_field(&mut fields, "x-amz-checksum-algorithm", "SHA256")?;
        let answer = self.post(&format!("{path}?uploads="), fields, String::new()).await?;
        judged(&answer)?;
        let id = element(&answer.body, "UploadId");
        let Some(id) = id.as_deref().and_then(name) else {
            return Err(Failure::after("it has no name for the upload that it began"));
        };
        let (path, id, sha256) = (path.to_owned(), id.to_owned(), item.sha256);
        Ok(Upload { v: 1, path, sha256, id, parts: Vec::new(), done: false })
    }

    /// All parts are there: have them put together, where nothing has the name.
    async fn complete(&mut self, item: &Item<'_>, mut upload: Upload) -> Result<Put, Failure> {
        let path = upload.path.clone();
        let digests: Vec<Hash> = upload.parts.iter().map(|part| part.sha256).collect();
        let ours = parts::checksum(&digests);
        let mut fields = HeaderMap::new();
        put_field(&mut fields, "if-none-match", "*")?;
        let target = format!("{path}?uploadId={}", encoded(&upload.id));
        let answer = self.post(&target, fields, upload.complete()).await?;
        let put = match answer.status {
            // Another one was there, or is being made.
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT => {
                let there = self.there(item, &path).await?;
                self.abandon(&upload).await;
                Put::There(there)
            }
            // It was put together before, or was given up.
            StatusCode::NOT_FOUND => match self.look(&path).await? {
                Some(found) => self.is_ours(item, &found).map(Put::There)?,
                None => {
                    self.forget()?;
                    return Err(Failure::after("it does not know the upload any more"));
                }
            },
            status => {
                if status.is_client_error() && status != StatusCode::FORBIDDEN {
                    // It has not the parts that it said it has: all of them go again.
                    self.forget()?;
                }
                judged(&answer)?;
                // An error can come behind a status that says there is none.
                if let Some(code) = element(&answer.body, "Code") {
                    let code = palisade_core::shown(&code, 60);
                    return Err(Failure::after(format!(
                        "it did not put the parts together: {code}"
                    )));
                }
                match element(&answer.body, "ChecksumSHA256") {
                    Some(said) if parts::means(&said, &ours) => Put::New,
                    Some(_) => {
                        let why = "it says that it put together other bytes than were sent";
                        return Err(Failure::after(why));
                    }
                    // It does not say what it has now: it is asked.
                    None => self.taken(item, &path).await?,
                }
            }
        };
        // It stays there: until it is noted elsewhere that the object is there, this knows its digest.
        upload.done = true;
        self.note(&upload)?;
        Ok(put)
    }

    async fn post(
        &mut self,
        target: &str,
        mut fields: HeaderMap,
        body: String,
    ) -> Result<Answer, Failure> {
        let content = hash(body.as_bytes());
        self.sign((&Method::POST, target), &content, Timestamp::now(), &mut fields)?;
        let body = Payload::Bytes(bytes::Bytes::from(body));
        self.client.send((Method::POST, target), fields, body).await
    }

    /// Nobody needs what the server has of this upload. If it keeps that all the same, it is the server's rule that removes it.
    async fn abandon(&mut self, upload: &Upload) {
        let target = format!("{}?uploadId={}", upload.path, encoded(&upload.id));
        let (mut fields, none) = (HeaderMap::new(), Payload::Bytes(bytes::Bytes::new()));
        let (empty, now) = (hash(b""), Timestamp::now());
        if self.sign((&Method::DELETE, &target), &empty, now, &mut fields).is_ok() {
            self.client.send((Method::DELETE, &target), fields, none).await.ok();
        }
    }

    fn recall(&self) -> Result<Option<Upload>, Failure> {
        let known = cursor::read(&self.noted.join(UPLOAD), |upload: &Upload| upload.v);
        // What cannot be read is begun anew.
        Ok(known.unwrap_or_default())
    }

    fn note(&self, upload: &Upload) -> Result<(), Failure> {
        let kept = cursor::keep(&self.noted, UPLOAD, upload);
        kept.map_err(|error| Failure::before(error.to_string()))
    }

    fn forget(&self) -> Result<(), Failure> {
        match std::fs::remove_file(self.noted.join(UPLOAD)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Failure::before(error.to_string()))
            }
            _ => Ok(()),
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

    /// Whether the object there is the one that was to go, or the one that was begun under its name: its digest. Where the
    /// server says none, the length decides.
    fn is_ours(&self, item: &Item<'_>, found: &Answer) -> Result<Hash, Failure> {
        let ours = [Some(item.sha256), item.before].into_iter().flatten();
        match checksum(found) {
            Some(said) => {
                for one in ours {
                    let means = |parts: String| parts::means(&said, &parts);
                    if base64(one) == said || self.in_parts(item, one)?.is_some_and(means) {
                        return Ok(one);
                    }
                }
            }
            None => {
                let length = found.headers.get(header::CONTENT_LENGTH);
                let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
                if length == Some(item.bytes) {
                    return Ok(item.sha256);
                }
            }
        }
        let why = "another object has its name, which is not written over";
        Err(Failure::Never(format!("{}: {why}", item.name)))
    }

    /// What a server calls the digest of an object in parts, if these bytes would be one: those that are to go, or those of
    /// the upload that was begun last.
    fn in_parts(&self, item: &Item<'_>, sha256: Hash) -> Result<Option<String>, Failure> {
        if let Payload::File(file, 0, end) = &item.payload
            && *end > PART
            && sha256 == item.sha256
        {
            let ours = parts::checksum_of(file, *end);
            return ours.map(Some).map_err(|error| Failure::before(error.to_string()));
        }
        let end = format!("/{}/{}", item.folders.join("/"), item.name);
        let begun = self.recall()?.filter(|it| it.path.ends_with(&end) && it.sha256 == sha256);
        let digests = |it: Upload| it.parts.iter().map(|part| part.sha256).collect::<Vec<_>>();
        Ok(begun.map(|it| parts::checksum(&digests(it))))
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
        // Names of objects are such that they stand there as they are, and so is what is asked, in its order.
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{content}");
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
