//! A connection of HTTP/1 that is looked into: what passes is the same however it is cut, and a second, independent reader
//! finds the same requests in it, so that none is smuggled.

use palisade_egress::fuzz::{Passed, requests};

use crate::input::{pieces, two};

pub(crate) fn target(data: &[u8]) {
    let (lengths, stream) = two(data);
    let whole = requests(&[stream], 4096);
    let cut = requests(&pieces(stream, lengths), 1 + lengths.len());
    if breaks_later(&whole, &cut) || breaks_later(&cut, &whole) {
        return [&whole, &cut].into_iter().filter(|one| !one.failed).for_each(same_to_another);
    }
    assert_eq!(cut.told, whole.told);
    assert_eq!(cut.failed, whole.failed);
    // What a broken chunk lets pass before it breaks depends on how it comes.
    let shorter = cut.out.len().min(whole.out.len());
    assert_eq!(cut.out[..shorter], whole.out[..shorter]);
    if !whole.failed {
        assert_eq!(cut.out, whole.out);
        same_to_another(&whole);
    }
}

/// Whether the last request is refused in the one, for a chunk that came with its head, and breaks off in the other, where that
/// came later.
fn breaks_later(refused: &Passed, broken: &Passed) -> bool {
    match (refused.told.split_last(), broken.told.split_last()) {
        (Some((Err(_), before)), Some((Ok(_), same))) => {
            before == same && !refused.failed && broken.failed
        }
        _ => false,
    }
}

/// What another reader of HTTP finds: as many requests, and of the refused one nothing.
fn same_to_another(passed: &Passed) {
    let mut rest = passed.out.as_slice();
    for told in &passed.told {
        let mut headers = [httparse::EMPTY_HEADER; 200];
        let mut request = httparse::Request::new(&mut headers);
        let head = match request.parse(rest) {
            Ok(httparse::Status::Complete(head)) => head,
            other => panic!("another reader says {other:?} of {:?}", rest.escape_ascii().to_string()),
        };
        let all = |name: &'static str| {
            let same = move |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case(name);
            request.headers.iter().filter(same)
        };
        assert_eq!(all("host").count(), 1, "not one Host");
        let body = &rest[head..];
        if told.is_err() {
            assert!(all("host").all(|host| host.value == b"refused.invalid"));
            assert!(body.is_empty(), "something follows what was refused");
            return;
        }
        let lengths: Vec<_> = all("content-length").collect();
        let coded = all("transfer-encoding").count();
        assert!(lengths.len() + coded <= 1, "two ways to tell the end of the body");
        let taken = if coded == 1 {
            chunked(body)
        } else {
            let length = lengths.first().map_or("0", |length| {
                std::str::from_utf8(length.value).unwrap_or_default().trim()
            });
            let Ok(length) = length.parse::<usize>() else { panic!("a length of {length}") };
            length.min(body.len())
        };
        rest = &body[taken..];
    }
    assert!(rest.is_empty(), "a request that nobody was told of");
}

/// How many bytes a chunked body takes; all, if it is not whole.
fn chunked(body: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match httparse::parse_chunk_size(&body[at..]) {
            Ok(httparse::Status::Complete((line, 0))) => {
                at += line;
                loop {
                    let Some(end) = body[at..].windows(2).position(|two| two == b"\r\n") else {
                        return body.len();
                    };
                    at += end + 2;
                    if end == 0 {
                        return at;
                    }
                }
            }
            Ok(httparse::Status::Complete((line, size))) => {
                let end = usize::try_from(size)
                    .ok()
                    .and_then(|size| at.checked_add(line)?.checked_add(size)?.checked_add(2));
                match end {
                    Some(end) if end <= body.len() => at = end,
                    _ => return body.len(),
                }
            }
            Ok(httparse::Status::Partial) => return body.len(),
            // A line that is not whole is not judged yet.
            Err(_) if !body[at..].contains(&b'\n') => return body.len(),
            Err(_) => panic!("another reader finds no chunk in {:?}", body.escape_ascii().to_string()),
        }
    }
}
