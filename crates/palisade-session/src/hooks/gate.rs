use palisade_core::{Action, Body, TlsName};
use palisade_hooks::{Common, Event};
use serde_json::{Map, Value};

/// Header fields that a hook is told of.
const MOST_HEADERS: usize = 200;

/// What hooks of the layers below are told of an act; `None` if there is no event for it.
pub(crate) fn about(action: &Action, common: &Common) -> Option<(Event, Map<String, Value>)> {
    match action {
        Action::Connect { host, port, address, tls, caller } => {
            let mut fields = common.event(Event::PRE_CONNECT);
            // A matcher has the address where there is no name.
            let name = host.as_ref().map(ToString::to_string);
            let name = name.or_else(|| address.map(|address| address.ip().to_string()));
            fields.insert("host".into(), name.unwrap_or_default().into());
            fields.insert("port".into(), (*port).into());
            fields.insert("address".into(), address.map(|it| it.to_string()).into());
            if let TlsName::Named(name) = tls {
                fields.insert("tls_name".into(), name.to_string().into());
            }
            // Known only where a rule names programs.
            if let Some(program) = caller.shown() {
                fields.insert("program".into(), program.into());
            }
            Some((Event::PRE_CONNECT, fields))
        }
        Action::Request(request) => {
            let mut fields = common.event(Event::PRE_REQUEST);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            fields.insert("host".into(), request.host.to_string().into());
            fields.insert("port".into(), request.port.into());
            fields.insert("tls".into(), request.tls.into());
            fields.insert("method".into(), request.method.clone().into());
            fields.insert("path".into(), text(&request.path).into());
            fields.insert("query".into(), request.query.as_deref().map(text).into());
            // With placeholders: no secret is in them yet.
            let headers = request.headers.iter().take(MOST_HEADERS);
            let headers: Vec<Value> =
                headers.map(|(name, value)| vec![name.clone(), text(value)].into()).collect();
            fields.insert("headers".into(), headers.into());
            if let Body::Read(facts) = &request.body {
                let messages = facts.rpc.iter().flatten();
                let tools: Vec<Value> =
                    messages.filter_map(|message| message.tool.clone()).map(Value::from).collect();
                fields.insert("mcp_tools".into(), tools.into());
            }
            Some((Event::PRE_REQUEST, fields))
        }
        Action::SkillLoad { name, digest, verdict, .. } => {
            let mut fields = common.event(Event::PRE_SKILL_LOAD);
            fields.insert("skill".into(), name.clone().into());
            fields.insert("digest".into(), digest.clone().into());
            fields.insert("verdict".into(), verdict.clone().into());
            Some((Event::PRE_SKILL_LOAD, fields))
        }
        Action::Exec(exec) => {
            let mut fields = common.event(Event::PRE_EXEC);
            // A matcher has the name; the rest is for who looks closer.
            let path = exec.script.as_ref().map_or(&exec.program, |script| &script.path);
            let name = path.rsplit('/').next().unwrap_or_default();
            fields.insert("program".into(), name.into());
            fields.insert("path".into(), path.clone().into());
            if exec.script.is_some() {
                fields.insert("interpreter".into(), exec.program.clone().into());
            }
            fields.insert("argv".into(), exec.argv.clone().into());
            fields.insert("argv_whole".into(), exec.whole.into());
            fields.insert("names".into(), exec.names.clone().into());
            let loads = exec.loads.iter().map(|loaded| Value::from(loaded.path.clone()));
            fields.insert("loads".into(), loads.collect::<Vec<_>>().into());
            let digest = exec.digest.map(|digest| {
                let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("sha256:{hex}")
            });
            fields.insert("digest".into(), digest.into());
            Some((Event::PRE_EXEC, fields))
        }
        Action::ModelCall { endpoint, model } => {
            let mut fields = common.event(Event::PRE_MODEL_CALL);
            fields.insert("endpoint".into(), endpoint.clone().into());
            fields.insert("model".into(), model.clone().into());
            Some((Event::PRE_MODEL_CALL, fields))
        }
        _ => None,
    }
}
