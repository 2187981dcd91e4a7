use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response, header, response};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    Limits,
    answer::Payload,
    body::Share,
    endpoint::Wire,
    headers,
    hosted::{self, EVENT_STREAM, Frames},
    inspect::{MOST_WHOLE, Ruling, Unreadable, denied, one_spelling},
    observe::Finish,
    passage::{Checks, Passage},
    reading::Reading,
    restore::Restorer,
    scrub::Scrubber,
    strict_json,
    translate::Translation,
};

/// How an answer's body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    Events,
    /// Events in binary frames.
    Frames,
    Json,
}

/// The client's answer, made of the provider's. An error says why there is none.
pub(crate) async fn relay(
    response: Response<Incoming>,
    wire: Wire,
    mut checks: Checks,
    limits: &Limits,
) -> Result<Response<Payload>, String> {
    let (mut head, body) = response.into_parts();
    head.headers = headers::for_client(&head.headers);
    if let Some(scrubber) = &mut checks.scrubber {
        for value in head.headers.values_mut() {
            if let Some(clean) = scrubber.header(value) {
                *value = clean;
            }
        }
    }
    let translation = checks.translation;
    let of_client = wire;
    let wire = translation.map_or(wire, Translation::wire);
    // What an error says no client takes for an answer of the model.
    if !head.status.is_success() || wire.whole().is_none() {
        if translation.is_none() && !checks.hosted {
            return Ok(passed(head, body, (checks, of_client), limits));
        }
        let Checks { mut scrubber, mut watcher, budget, hosted, .. } = checks;
        let mut share = Share::of(&budget);
        let told = gathered(body, &mut scrubber, &mut share, limits).await;
        watcher.finished(if told.is_ok() { Finish::Whole } else { Finish::Broken });
        let told = if hosted { hosted::error(head.status, &told?) } else { told? };
        head.headers.remove(header::CONTENT_LENGTH);
        let json = HeaderValue::from_static("application/json");
        head.headers.insert(header::CONTENT_TYPE, json);
        let told = match translation {
            Some(translation) => {
                let told = serde_json::from_slice(&told).unwrap_or_default();
                translation.error(&told).to_string().into()
            }
            None => told,
        };
        return Ok(answered(head, Either::Left(Full::new(told))));
    }
    match media(&head.headers) {
        Some(Media::Frames) if checks.hosted => {
            checks.frames = Some(Frames::default());
            checks.reading = wire.stream().map(|stream| Reading::new(stream, &checks.budget));
            head.headers.remove(header::CONTENT_LENGTH);
            let events = HeaderValue::from_static("text/event-stream");
            head.headers.insert(header::CONTENT_TYPE, events);
            Ok(passed(head, body, (checks, of_client), limits))
        }
        Some(Media::Events) => {
            checks.reading = wire.stream().map(|stream| Reading::new(stream, &checks.budget));
            head.headers.remove(header::CONTENT_LENGTH);
            Ok(passed(head, body, (checks, of_client), limits))
        }
        Some(Media::Json) => {
            let body = whole(body, wire, checks, limits).await?;
            head.headers.remove(header::CONTENT_LENGTH);
            Ok(answered(head, Either::Left(Full::new(body))))
        }
        Some(Media::Frames) | None => Err("answered in a form that cannot be looked into".into()),
    }
}

fn passed(
    head: response::Parts,
    body: Incoming,
    (checks, wire): (Checks, Wire),
    limits: &Limits,
) -> Response<Payload> {
    answered(head, Either::Right(Passage::new(body, checks, wire, limits.answer_pause)))
}

fn answered(head: response::Parts, payload: Payload) -> Response<Payload> {
    let mut out = Response::new(payload);
    *out.status_mut() = head.status;
    *out.headers_mut() = head.headers;
    out
}

/// Only what every client reads as UTF-8, in one of two forms that no text has at the same time.
fn media(headers: &HeaderMap) -> Option<Media> {
    let mut all = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(told), None) = (all.next(), all.next()) else { return None };
    let told = told.to_str().ok()?.to_ascii_lowercase();
    let (kind, parameters) = told.split_once(';').unwrap_or((&told, ""));
    let foreign = parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .filter_map(|(name, value)| name.trim().starts_with("charset").then_some(value.trim()))
        .any(|charset| !matches!(charset.trim_matches('"'), "utf-8" | "utf8"));
    match kind.trim() {
        _ if foreign => None,
        "text/event-stream" => Some(Media::Events),
        EVENT_STREAM => Some(Media::Frames),
        "application/json" => Some(Media::Json),
        _ => None,
    }
}

/// A body that comes at once, inspected.
async fn whole(
    body: Incoming,
    wire: Wire,
    checks: Checks,
    limits: &Limits,
) -> Result<Bytes, String> {
    let Checks {
        mut scrubber,
        judge,
        mut watcher,
        subject,
        provider,
        translation,
        budget,
        restorer,
        ..
    } = checks;
    let mut share = Share::of(&budget);
    let said = |body: Bytes, value: &Value| match translation {
        None => Ok(body),
        Some(translation) if is_error(value) => Ok(translation.error(value).to_string().into()),
        Some(translation) => match translation.answer(value) {
            Ok(value) => Ok(value.to_string().into()),
            Err(why) => Err(format!("answered with what the other format cannot say: {why}")),
        },
    };
    let read = async {
        let body = gathered(body, &mut scrubber, &mut share, limits).await?;
        watcher.came(&body);
        if scrubber.is_some_and(|scrubber| scrubber.found() > 0) {
            let event = palisade_core::Event::observed(
                "key_in_answer",
                palisade_core::Layer::Inference,
                subject,
            );
            if !judge.authority.record(event.with("provider", provider)).await {
                return Err("answered, but the journal cannot take that".into());
            }
        }
        let unreadable = |why: Unreadable| format!("gave an answer that is not passed on: {why}");
        let text = std::str::from_utf8(&body).map_err(|_| "answered with no UTF-8".to_owned())?;
        let value = strict_json::parse(text).map_err(|why| unreadable(why.into()))?;
        let Some(format) = wire.whole() else { return said(body, &value) };
        one_spelling(&value).map_err(unreadable)?;
        if let Some(usage) = format.usage(&value) {
            watcher.usage(usage);
        }
        if is_error(&value) {
            return said(body, &value);
        }
        judge.stored(format.ids(&value));
        let asked = format.asked(&value).map_err(unreadable)?;
        let rulings = judge.rule(asked).await;
        watcher.ruled(rulings.len(), denied(&rulings));
        if rulings.iter().all(|ruling| *ruling == Ruling::Release) {
            return said(body, &value);
        }
        let value = format.ruled(value, &rulings);
        said(value.to_string().into(), &value)
    };
    let read = read.await;
    watcher.finished(if read.is_ok() { Finish::Whole } else { Finish::Broken });
    read.map(|body| match restorer.filter(|_| Restorer::may_be_in(&body)) {
        Some(restorer) => restored(&restorer, body),
        None => body,
    })
}

/// What is no JSON any more stays as it is.
fn restored(restorer: &Restorer, body: Bytes) -> Bytes {
    match serde_json::from_slice::<Value>(&body) {
        Ok(mut value) => {
            restorer.value(&mut value);
            value.to_string().into()
        }
        Err(_) => body,
    }
}

/// Some servers tell errors with a status that says nothing of them.
fn is_error(body: &Value) -> bool {
    body.get("error").is_some_and(Value::is_object)
        && ["content", "choices", "output", "candidates"].iter().all(|key| body.get(*key).is_none())
}

async fn gathered(
    mut body: Incoming,
    scrubber: &mut Option<Scrubber>,
    share: &mut Share,
    limits: &Limits,
) -> Result<Bytes, String> {
    let mut all = BytesMut::new();
    loop {
        let frame = match timeout(limits.answer_pause, body.frame()).await {
            Err(_) => return Err("paused for too long".into()),
            Ok(Some(Err(_))) => return Err("broke off its answer".into()),
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        let data = match scrubber {
            Some(scrubber) => scrubber.push(data),
            None => data,
        };
        if all.len().saturating_add(data.len()) > MOST_WHOLE {
            return Err(Unreadable::Large.to_string());
        }
        // It will also stand as a value.
        if !share.hold(all.len().saturating_add(data.len()).saturating_mul(2)) {
            return Err(Unreadable::Crowded.to_string());
        }
        all.extend_from_slice(&data);
    }
    if let Some(scrubber) = scrubber {
        all.extend_from_slice(&scrubber.finish());
    }
    Ok(all.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forms_that_are_inspected_are_known() {
        for (told, expected) in [
            ("application/json", Some(Media::Json)),
            ("Application/JSON; charset=UTF-8", Some(Media::Json)),
            ("text/event-stream;charset=\"utf-8\"", Some(Media::Events)),
            ("text/event-stream; charset=utf-16", None),
            ("text/event-stream; charset = utf-16", None),
            ("text/event-stream; charset*=utf-8''utf-16", None),
            ("text/plain", None),
            ("application/x-ndjson", None),
            ("", None),
        ] {
            let headers =
                HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(told))]);
            assert_eq!(media(&headers), expected, "{told}");
        }
        assert_eq!(media(&HeaderMap::new()), None);
    }
}
