//! Objects that are longer than a server takes at once, to servers that fail, forget, lie, or do it right.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{Method, StatusCode};
use palisade_core::{Event, Layer, SessionId};
use palisade_journal::{Durability, journal_dir};
use palisade_policy::ObjectLock;
use palisade_testkit::{Answer, Recorded, Upstream, answer};
use serde_json::json;

use crate::{
    ship::{Moto, PATIENCE, is_whole, s3, send, shipments},
    world::session,
};

const PART: usize = 8 << 20;

fn sha256(bytes: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec()
}

/// A session with a part and a bit of what was said.
fn long(state: &Path) -> (SessionId, Vec<u8>) {
    let journal = session(state, 1);
    let id = journal.session().clone();
    let bytes: Vec<u8> = [vec![1; PART], b"and a bit".repeat(9)].concat();
    fs::create_dir_all(state.join("content")).unwrap();
    fs::write(state.join(format!("content/{id}.sealed")), &bytes).unwrap();
    let digest: String = sha256(&bytes[..9]).iter().map(|byte| format!("{byte:02x}")).collect();
    let piece = json!([{"number": 0, "offset": 0, "length": 9, "sha256": digest}]);
    let said = Event::observed("content", Layer::Inference, "it").with("content", piece);
    journal.record_blocking(said, Durability::Written).unwrap();
    let last = Event::observed("end", Layer::Process, "exit 0");
    journal.close_blocking(last, Durability::Written).unwrap();
    (id, bytes)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// The second part is refused with this, the first time.
    Part(u16),
    /// It never answers to the second part.
    Hangs,
    /// It says that it took other bytes.
    OtherDigest,
    /// It has this name for each part.
    PartNamed(&'static str),
    /// It has this name for each upload.
    UploadNamed(&'static str),
    /// An error behind a status that says that there is none, the first time.
    ErrorInside,
    /// It says that it has not a part, the first time.
    LostPart,
    /// It puts together what it was not sent, and says so.
    OtherWhole,
    /// It puts it together, and breaks off.
    BreaksOff,
    /// Something else is there by the name.
    HasOther,
    /// It says of nothing what it has.
    Silent,
}

#[derive(Default)]
struct Server {
    objects: BTreeMap<String, (Vec<u8>, String)>,
    uploads: BTreeMap<String, BTreeMap<usize, Vec<u8>>>,
    begun: usize,
    locked: Vec<String>,
    given_up: usize,
    sent: Vec<usize>,
    completed: usize,
}

impl Server {
    fn start(flaw: Flaw) -> (Upstream, Arc<Mutex<Self>>) {
        let state = Arc::new(Mutex::new(Self::default()));
        let inner = Arc::clone(&state);
        let server = Upstream::start(move |request: Recorded| {
            let inner = Arc::clone(&inner);
            async move {
                let answered = inner.lock().unwrap().handled(flaw, &request);
                match answered {
                    Some(answered) if answered.status() == StatusCode::IM_A_TEAPOT => {
                        // The connection ends in the middle of the answer's body.
                        let (tell, parts) = tokio::sync::mpsc::channel(1);
                        drop(tell.send(Err(std::io::Error::other("gone"))).await);
                        palisade_testkit::stream("text/plain", parts)
                    }
                    Some(answered) => answered,
                    None => std::future::pending().await,
                }
            }
        });
        (server.unwrap(), state)
    }

    fn handled(&mut self, flaw: Flaw, request: &Recorded) -> Option<Answer> {
        let says = |status: u16, text: String| {
            answer(StatusCode::from_u16(status).unwrap(), "application/xml", text)
        };
        let digest = |bytes: &[u8]| BASE64_STANDARD.encode(sha256(bytes));
        let with = |mut answered: Answer, name: &'static str, value: &str| {
            if flaw != Flaw::Silent || name == "etag" {
                answered.headers_mut().insert(name, value.parse().unwrap());
            }
            Some(answered)
        };
        let name = request.uri.path().to_owned();
        let query = request.uri.query().unwrap_or("").to_owned();
        let asked = |wanted: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.into_iter().find(|pair| pair.0 == wanted).map(|pair| pair.1.to_owned())
        };
        if request.method == Method::HEAD {
            let Some((bytes, sum)) = self.objects.get(&name) else {
                return Some(says(404, String::new()));
            };
            let answered = answer(StatusCode::OK, "application/zstd", bytes.clone());
            return with(answered, "x-amz-checksum-sha256", sum);
        }
        if request.method == Method::DELETE {
            self.given_up += 1;
            self.uploads.remove(&asked("uploadId").unwrap());
            return Some(says(204, String::new()));
        }
        if asked("uploads").is_some() {
            self.begun += 1;
            assert_eq!(request.header("x-amz-checksum-algorithm"), "SHA256");
            self.locked.push(request.header("x-amz-object-lock-mode").to_owned());
            let id = match flaw {
                Flaw::UploadNamed(id) => id.to_owned(),
                _ => format!("upload-{}", self.begun),
            };
            self.uploads.insert(id.clone(), BTreeMap::new());
            let text = format!("<R><Key>k</Key><UploadId>{id}</UploadId></R>");
            return Some(says(200, text));
        }
        let Some(id) = asked("uploadId") else {
            // One that goes at once.
            assert_eq!(request.header("if-none-match"), "*");
            assert!(request.body.len() <= PART);
            let sum = digest(&request.body);
            if self.objects.contains_key(&name) {
                return Some(says(412, String::new()));
            }
            self.objects.insert(name, (request.body.to_vec(), sum.clone()));
            return with(says(200, String::new()), "x-amz-checksum-sha256", &sum);
        };
        if let Some(number) = asked("partNumber") {
            let number: usize = number.parse().unwrap();
            self.sent.push(number);
            let second = self.sent.iter().filter(|it| **it == 2).count();
            match flaw {
                Flaw::Part(status) if number == 2 && second == 1 => {
                    if status == 404 {
                        self.uploads.clear();
                    }
                    return Some(says(status, String::new()));
                }
                Flaw::Hangs if number == 2 && second == 1 => return None,
                _ => {}
            }
            assert_eq!(request.header("x-amz-checksum-sha256"), digest(&request.body));
            let Some(upload) = self.uploads.get_mut(&id) else {
                return Some(says(404, String::new()));
            };
            upload.insert(number, request.body.to_vec());
            let etag = match flaw {
                Flaw::PartNamed(etag) => etag.to_owned(),
                _ => format!("\"<&{number}\""),
            };
            let said = if flaw == Flaw::OtherDigest { b"".as_slice() } else { &request.body };
            let answered = with(says(200, String::new()), "etag", &etag)?;
            return with(answered, "x-amz-checksum-sha256", &digest(said));
        }
        assert_eq!((&request.method, request.header("if-none-match")), (&Method::POST, "*".into()));
        self.completed += 1;
        let Some(upload) = self.uploads.get(&id) else {
            return Some(says(404, "<Error><Code>NoSuchUpload</Code></Error>".into()));
        };
        match flaw {
            Flaw::ErrorInside if self.completed == 1 => {
                return Some(says(200, "<Error><Code>InternalError</Code></Error>".into()));
            }
            Flaw::LostPart if self.completed == 1 => {
                return Some(says(400, "<Error><Code>InvalidPart</Code></Error>".into()));
            }
            Flaw::HasOther => {
                self.objects.insert(name, (b"other".to_vec(), format!("{}-2", digest(b"other"))));
                return Some(says(412, String::new()));
            }
            _ => {}
        }
        let text = String::from_utf8(request.body.to_vec()).unwrap();
        for (number, bytes) in upload {
            let part = format!(
                "<Part><ChecksumSHA256>{}</ChecksumSHA256><ETag>&quot;&lt;&amp;{number}&quot;</ETag><PartNumber>{number}</PartNumber></Part>",
                digest(bytes)
            );
            assert!(text.contains(&part), "{text}");
        }
        let digests: Vec<u8> = upload.values().flat_map(|bytes| sha256(bytes)).collect();
        let count = upload.len();
        let whole: Vec<u8> = upload.values().flatten().copied().collect();
        let mut sum = format!("{}-{count}", digest(&digests));
        if flaw == Flaw::OtherWhole {
            sum = format!("{}-{count}", digest(b"other"));
        }
        self.objects.insert(name, (whole, sum.clone()));
        self.uploads.remove(&id);
        let said = match flaw {
            Flaw::Silent => String::new(),
            _ => format!("<ChecksumSHA256>{sum}</ChecksumSHA256>"),
        };
        let status = if flaw == Flaw::BreaksOff { 418 } else { 200 };
        Some(says(
            status,
            format!("<CompleteMultipartUploadResult>{said}</CompleteMultipartUploadResult>"),
        ))
    }
}

fn downloaded(server: &Mutex<Server>) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for (name, (bytes, _)) in &server.lock().unwrap().objects {
        let path = to.path().join(name.strip_prefix("/evidence/host-1/").unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    to
}

#[test]
fn servers_that_fail_forget_or_break_off_get_all_of_it_once() {
    for (flaw, sent, begun) in [
        (Flaw::None, vec![1, 2], 1),
        // What the server has is not sent again.
        (Flaw::Part(503), vec![1, 2, 2], 1),
        (Flaw::Part(404), vec![1, 2, 1, 2], 2),
        (Flaw::ErrorInside, vec![1, 2], 1),
        (Flaw::BreaksOff, vec![1, 2], 1),
        (Flaw::Silent, vec![1, 2], 1),
    ] {
        let state = tempfile::tempdir().unwrap();
        let (id, bytes) = long(state.path());
        let (server, held) = Server::start(flaw);
        let lock = ObjectLock { compliance: false, seconds: 86_400 };
        let place = s3(server.address().port(), "AKIA1", "secret", Some(lock));
        assert_eq!(send(state.path(), &place, PATIENCE), (1, vec![]), "{flaw:?}");
        let to = downloaded(&held);
        is_whole(state.path(), to.path());
        {
            let held = held.lock().unwrap();
            let name = |it: &&String| it.ends_with(&format!("_content/{id}.sealed"));
            let object = held.objects.keys().find(name).unwrap();
            assert!(held.objects[object].0 == bytes, "{flaw:?}");
            assert_eq!((&held.sent, held.begun), (&sent, begun), "{flaw:?}");
            assert!(held.locked.iter().all(|it| it == "GOVERNANCE"), "{flaw:?}");
        }
        assert_eq!(send(state.path(), &place, PATIENCE), (0, vec![]), "{flaw:?}");
    }
}

/// Killed in the middle, the next one goes on with the part that was on its way.
#[test]
fn an_upload_that_was_begun_is_gone_on_with_by_another_process() {
    let state = tempfile::tempdir().unwrap();
    long(state.path());
    let (server, held) = Server::start(Flaw::Hangs);
    let place = s3(server.address().port(), "AKIA1", "secret", None);
    // As long as it takes here until the second part is on its way.
    for seconds in [2, 5, 20, 60] {
        let (there, left) = send(state.path(), &place, Duration::from_secs(seconds));
        assert!(there == 0 && !left.is_empty(), "{left:?}");
        if held.lock().unwrap().sent.contains(&2) {
            break;
        }
    }
    assert_eq!(held.lock().unwrap().sent.last(), Some(&2));
    assert_eq!(send(state.path(), &place, PATIENCE), (1, vec![]));
    let sent = held.lock().unwrap().sent.clone();
    let behind = sent.iter().position(|it| *it == 2).unwrap();
    assert_eq!(sent[behind..], [2, 2]);
    {
        let held = held.lock().unwrap();
        assert_eq!((held.begun, held.given_up), (1, 0));
    }
    is_whole(state.path(), downloaded(&held).path());
}

#[test]
fn what_a_server_says_that_lies_is_not_believed() {
    for (flaw, why) in [
        (Flaw::OtherDigest, "other bytes than were sent"),
        (Flaw::PartNamed("a b"), "no name for the part"),
        (Flaw::UploadNamed("a b"), "no name for the upload"),
        (Flaw::UploadNamed("</UploadId>"), "no name for the upload"),
        (Flaw::LostPart, "InvalidPart"),
        (Flaw::OtherWhole, "other bytes than were sent"),
        (Flaw::HasOther, "another object has its name"),
    ] {
        let state = tempfile::tempdir().unwrap();
        long(state.path());
        let (server, _held) = Server::start(flaw);
        let place = s3(server.address().port(), "AKIA1", "secret", None);
        let (there, left) = send(state.path(), &place, Duration::from_secs(4));
        assert_eq!((there, left.len()), (0, 1), "{flaw:?}");
        let said = left[0].why.contains(why)
            || left[0].why.contains("no more time")
            || left[0].why.contains("another object has its name");
        assert!(said, "{flaw:?}: {left:?}");
        assert!(shipments(state.path()).iter().all(|it| it.shipped.is_none()), "{flaw:?}");
        let ledger = fs::read_to_string(journal_dir(state.path()).join("ledger.jsonl")).unwrap();
        assert!(!ledger.contains("\"shipped\""), "{flaw:?}");
        // Another server gets it.
        let (other, held) = Server::start(Flaw::None);
        let place = s3(other.address().port(), "AKIA1", "secret", None);
        assert_eq!(send(state.path(), &place, PATIENCE), (1, vec![]), "{flaw:?}");
        is_whole(state.path(), downloaded(&held).path());
    }
}

#[test]
fn a_server_that_is_not_ours_takes_parts_and_keeps_them_locked() {
    let Some(mut moto) = Moto::start() else { return };
    let state = tempfile::tempdir().unwrap();
    let (id, bytes) = long(state.path());
    let lock = ObjectLock { compliance: true, seconds: 30 * 86_400 };
    let place = s3(moto.port, &moto.access_key, &moto.secret, Some(lock));
    assert_eq!(send(state.path(), &place, PATIENCE), (1, vec![]));
    assert_eq!(send(state.path(), &place, PATIENCE), (0, vec![]));
    let to = tempfile::tempdir().unwrap();
    let held = moto.dump(to.path());
    for (name, object) in held.as_object().unwrap() {
        assert_eq!(object["versions"], 1, "{name}");
        // This server does not keep the lock that an upload in parts begins with.
        let parts = name.contains("/_content/");
        assert!(object["lock"] == "COMPLIANCE" || parts, "{name}");
    }
    let copy = to.path().join("host-1");
    is_whole(state.path(), &copy);
    let folder = fs::read_dir(&copy).unwrap().next().unwrap().unwrap().path();
    assert!(fs::read(folder.join(format!("_content/{id}.sealed"))).unwrap() == bytes);
}
