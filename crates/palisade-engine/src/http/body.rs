//! What a body asks for.

use palisade_core::{Body, BodyFacts, GraphqlOperation, Request, RpcMessage, one_variable};

use super::{
    BODY_BOUND,
    fit::calls_tool,
    graphql,
    json::Json,
    query::{self, Parameter},
};

/// Keys and parameters of a GraphQL request that has its document elsewhere.
const STORED: [&str; 6] = ["extensions", "documentId", "doc_id", "queryId", "id", "operationName"];
/// Those of them that no client gives beside a document.
const STORED_BY_ID: [&str; 3] = ["documentId", "doc_id", "queryId"];

/// Read a whole body, with what of the query belongs to it.
pub(crate) fn read(request: &Request, bytes: &[u8]) -> Body {
    facts(request, bytes).map_or_else(Body::Refused, Body::Read)
}

fn facts(request: &Request, bytes: &[u8]) -> Result<BodyFacts, String> {
    if bytes.len() > BODY_BOUND {
        return Err(format!("its body is longer than {BODY_BOUND} bytes"));
    }
    let twin = |(name, _): &(String, _)| {
        let of = |known: &str| name != known && one_variable(name.as_bytes(), known.as_bytes());
        of("content-type") || of("content-encoding")
    };
    if request.headers.iter().any(twin) {
        return Err(
            "it has a header that may be taken for the one that says what its body is".to_owned()
        );
    }
    let coded = |value: &[u8]| !value.eq_ignore_ascii_case(b"identity");
    if request.header("content-encoding").any(coded) {
        return Err("its body is compressed, so it is not read".to_owned());
    }
    let mut facts = BodyFacts::default();
    if let Some(raw) = &request.query {
        let parameters = query::parse(raw)
            .map_err(|why| format!("two servers may read its query differently: {why}"))?;
        facts.graphql =
            in_parameters(&parameters, &["extensions", "documentId", "doc_id", "queryId"])?;
    }
    if bytes.is_empty() {
        return Ok(facts);
    }
    let kind = content_type(request)?;
    // A body without a type is a form to some (CGI).
    let form = kind.is_empty() || kind.contains("form-urlencoded");
    // Servers that take JSON do not always ask what it is called.
    let json = match Json::parse(bytes) {
        Ok(_) if form && bytes.iter().any(|byte| matches!(byte, b'&' | b';')) => {
            return Err("its body is JSON, and may be read as a form too".to_owned());
        }
        Ok(json) => json,
        // Some parsers of JSON take more than the standard has.
        Err(_) if kind == "application/x-www-form-urlencoded" && !may_be_json(bytes) => {
            let parameters = query::parse(bytes)
                .map_err(|why| format!("two servers may read its form differently: {why}"))?;
            join(&mut facts.graphql, in_parameters(&parameters, &STORED)?);
            return Ok(facts);
        }
        Err(_) if kind == "application/graphql" => {
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            let Some(operations) = graphql::operations(text) else {
                return Err("its GraphQL document has an error".to_owned());
            };
            join(&mut facts.graphql, Some(operations));
            return Ok(facts);
        }
        Err(why) => return Err(format!("its body cannot be relied on: {why}")),
    };
    let wrong = |why: String| format!("its body cannot be relied on: {why}");
    facts.rpc = messages(&json).map_err(wrong)?;
    join(&mut facts.graphql, in_json(&json).map_err(wrong)?);
    Ok(facts)
}

/// Whether a generous parser may take it for JSON.
fn may_be_json(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    matches!(text.first(), Some(b'{' | b'[' | b'/'))
}

/// What a body is called, without parameters.
fn content_type(request: &Request) -> Result<String, String> {
    let mut all = request.header("content-type");
    let Some(first) = all.next() else { return Ok(String::new()) };
    if all.next().is_some() {
        return Err("it has two content types".to_owned());
    }
    let text =
        std::str::from_utf8(first).map_err(|_| "its content type is not UTF-8".to_owned())?;
    let text = text.to_ascii_lowercase();
    let (kind, parameters) = text.split_once(';').unwrap_or((&text, ""));
    let charset = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let mut charset = charset.filter(|(name, _)| name.trim() == "charset");
    if charset.any(|(_, value)| !["utf-8", "utf8"].contains(&value.trim().trim_matches('"'))) {
        return Err("its body is in another character set than UTF-8".to_owned());
    }
    Ok(kind.trim().to_owned())
}

/// JSON-RPC: one message, or a batch.
fn messages(json: &Json) -> Result<Option<Vec<RpcMessage>>, String> {
    let is_message = |json: &Json| {
        Ok::<_, String>(json.get("method")?.is_some() || json.get("jsonrpc")?.is_some())
    };
    let Json::List(items) = json else {
        return if is_message(json)? { Ok(Some(vec![message(json)?])) } else { Ok(None) };
    };
    let mut all = Vec::new();
    for item in items {
        if matches!(item, Json::List(_)) && messages(item)?.is_some() {
            return Err("it is a batch within a batch".to_owned());
        }
        if is_message(item)? {
            all.push(message(item)?);
        }
    }
    match all.len() {
        0 => Ok(None),
        count if count == items.len() => Ok(Some(all)),
        _ => Err("it is a batch with something that is no message".to_owned()),
    }
}

fn message(json: &Json) -> Result<RpcMessage, String> {
    let method = match json.get("method")? {
        Some(Json::Text(method)) => Some(method.clone()),
        Some(_) => return Err("its method is no text".to_owned()),
        None => None,
    };
    let tool = match (&method, json.get("params")?) {
        (Some(method), Some(params)) if calls_tool(method) => match params.get("name")? {
            Some(Json::Text(name)) => Some(name.clone()),
            Some(_) => return Err("the name of its tool is no text".to_owned()),
            None => None,
        },
        _ => None,
    };
    Ok(RpcMessage { method, tool })
}

/// GraphQL over HTTP: one request, or a batch.
fn in_json(json: &Json) -> Result<Option<Vec<GraphqlOperation>>, String> {
    let Json::List(items) = json else { return one(json) };
    let mut all = None;
    for item in items {
        join(&mut all, in_json(item)?);
    }
    Ok(all)
}

fn one(json: &Json) -> Result<Option<Vec<GraphqlOperation>>, String> {
    match json.get("query")? {
        Some(Json::Text(text)) => {
            // A server may take the stored document instead.
            for key in STORED_BY_ID {
                if json.get(key)?.is_some() {
                    return Ok(Some(Vec::new()));
                }
            }
            return Ok(Some(graphql::operations(text).unwrap_or_default()));
        }
        Some(_) => return Ok(Some(Vec::new())),
        None => {}
    }
    // A message of JSON-RPC has an id too.
    let rpc = json.get("method")?.is_some() || json.get("jsonrpc")?.is_some();
    for key in STORED {
        if json.get(key)?.is_some() && !(rpc && key == "id") {
            return Ok(Some(Vec::new()));
        }
    }
    Ok(None)
}

fn in_parameters(
    parameters: &[Parameter],
    stored: &[&str],
) -> Result<Option<Vec<GraphqlOperation>>, String> {
    let documents: Vec<&str> = query::all(parameters, "query").collect();
    match documents.as_slice() {
        [] if stored.iter().any(|name| query::all(parameters, name).next().is_some()) => {
            Ok(Some(Vec::new()))
        }
        [] => Ok(None),
        [_] if STORED_BY_ID.iter().any(|name| query::all(parameters, name).next().is_some()) => {
            Ok(Some(Vec::new()))
        }
        [one] => {
            // `+` is a space in a form; in a document it stands nowhere but in text.
            let text = one.replace('+', " ");
            Ok(Some(graphql::operations(&text).unwrap_or_default()))
        }
        _ => Err("it has the parameter `query` twice".to_owned()),
    }
}

/// What is asked in two places is asked; what cannot be told in one of them, cannot.
fn join(all: &mut Option<Vec<GraphqlOperation>>, more: Option<Vec<GraphqlOperation>>) {
    let Some(more) = more else { return };
    match all {
        None => *all = Some(more),
        Some(known) if known.is_empty() || more.is_empty() => known.clear(),
        Some(known) => known.extend(more),
    }
}
