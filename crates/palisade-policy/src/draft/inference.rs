use std::collections::BTreeMap;

use regex_automata::meta::Regex;

use super::{
    Check, DraftHeld, DraftProvider, DraftRoute, credentials::named, model_limits, shown, url,
};
use crate::{
    at::{At, Place},
    cover,
    document::{
        ApiWord, GuardWord, Inference, LocalOnly as WrittenLocal, Provider as WrittenProvider,
        Redact, ResultsWord, Route as Written, SensitiveWord, ServerToolWord,
    },
    policy::{Api, Fallback, Guard, Hosting, LocalOnly, Provider, Route, ServerTool},
};

type Checked = (BTreeMap<String, At<DraftProvider>>, Vec<At<DraftRoute>>);

/// What of the section only ever takes something away, whoever wrote it.
pub(super) fn narrows(
    check: &mut Check<'_>,
    section: Option<&Inference>,
    scope: impl FnOnce() -> String,
) -> DraftHeld {
    let Some(section) = section else { return DraftHeld::default() };
    let limits = section.limits.as_ref();
    DraftHeld {
        limits: limits.map(|limits| model_limits::check(check, &limits.value, scope())),
        block_results: section
            .tool_results
            .as_ref()
            .is_some_and(|at| at.value == ResultsWord::Block),
        redact: section.redact.contains(&Redact::Secrets),
        guard: section.guard.as_ref().map(|guard| match guard.value {
            GuardWord::Observe => Guard::Observe,
            GuardWord::Annotate => Guard::Annotate,
            GuardWord::Block => Guard::Block,
        }),
        local_only: section.local_only.as_ref().map(|at| local_only(check, &at.value)),
    }
}

/// Who hosts the models of a provider, if its API says so.
fn hosting(check: &mut Check<'_>, provider: &WrittenProvider, place: Place) -> Option<Hosting> {
    let api = provider.api.value;
    for (key, given, belongs) in [
        ("region", &provider.region, ApiWord::Bedrock),
        ("project", &provider.project, ApiWord::Vertex),
        ("location", &provider.location, ApiWord::Vertex),
    ] {
        let Some(at) = given else { continue };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        if api != belongs {
            check.wrong(
                at.place,
                format!("`{key}` says nothing of a provider of this `api`"),
                "remove it, or write `api: bedrock` (region) or `api: vertex` (project, location)",
            );
        } else if at.value.is_empty() || at.value.len() > 100 || !at.value.bytes().all(plain) {
            check.wrong(
                at.place,
                format!("`{}` is no {key}", shown(&at.value)),
                "write it as the host's console has it, such as us-east-1",
            );
        }
    }
    match api {
        ApiWord::Anthropic | ApiWord::Openai | ApiWord::Gemini => None,
        ApiWord::Bedrock => {
            let named = provider.region.as_ref().map(|at| at.value.clone());
            let region = named.or_else(|| region_of(&provider.url.value));
            if region.is_none() {
                check.wrong(
                    place,
                    "the region of this provider is not known",
                    "write `region: us-east-1`, or a URL such as https://bedrock-runtime.us-east-1.amazonaws.com",
                );
            }
            region.map(|region| Hosting::Bedrock { region })
        }
        ApiWord::Vertex => {
            let (Some(project), Some(location)) = (&provider.project, &provider.location) else {
                check.wrong(
                    place,
                    "a provider with `api: vertex` has a `project` and a `location`",
                    "add them, such as `project: my-project, location: us-east5`",
                );
                return None;
            };
            let (project, location) = (project.value.clone(), location.value.clone());
            Some(Hosting::Vertex { project, location })
        }
    }
}

/// The region in `https://bedrock-runtime.us-east-1.amazonaws.com`.
fn region_of(url: &str) -> Option<String> {
    let host = url.strip_prefix("https://")?.split(['/', ':']).next()?;
    let rest =
        host.strip_prefix("bedrock-runtime.").or(host.strip_prefix("bedrock-runtime-fips."))?;
    let region = rest.strip_suffix(".amazonaws.com").or(rest.strip_suffix(".amazonaws.com.cn"))?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (!region.is_empty() && region.bytes().all(plain)).then(|| region.to_owned())
}

/// Words and patterns of one document, and bytes of each.
const MOST_MARKS: usize = 256;
const LONGEST_MARK: usize = 1000;
/// What may be compiled of them.
const MOST_COMPILED: usize = 4 << 20;

fn local_only(check: &mut Check<'_>, written: &WrittenLocal) -> LocalOnly {
    let find = |word: SensitiveWord| written.find.iter().any(|at| at.value == word);
    for (list, name) in [(&written.texts, "texts"), (&written.patterns, "patterns")] {
        if let Some(more) = list.get(MOST_MARKS) {
            let what = format!("`local_only.{name}` has at most {MOST_MARKS} entries");
            check.wrong(more.place, what, "say it with fewer");
        }
        for at in
            list.iter().filter(|at| at.value.trim().len() < 2 || at.value.len() > LONGEST_MARK)
        {
            check.wrong(
                at.place,
                format!("`{}` would be found everywhere, or nowhere", shown(&at.value)),
                format!("write 2 to {LONGEST_MARK} characters"),
            );
        }
    }
    for at in &written.patterns {
        let compiled = Regex::builder()
            .configure(Regex::config().nfa_size_limit(Some(MOST_COMPILED)))
            .build(&at.value);
        match compiled {
            // What is in every text says nothing of one.
            Ok(pattern) if pattern.is_match("") => check.wrong(
                at.place,
                format!("`{}` is in every text", shown(&at.value)),
                "write what has to stand there",
            ),
            Ok(_) => {}
            Err(error) => check.wrong(
                at.place,
                format!(
                    "`{}` is no regular expression: {}",
                    shown(&at.value),
                    shown(&error.to_string())
                ),
                "write one without backreferences and look-around, or name a word in `texts`",
            ),
        }
    }
    let all = |list: &[At<String>]| list.iter().map(|at| at.value.clone()).collect();
    LocalOnly {
        secrets: find(SensitiveWord::Secrets),
        cards: find(SensitiveWord::Cards),
        texts: all(&written.texts),
        patterns: all(&written.patterns),
    }
}

/// The longest name of a model that the gateway understands.
const LONGEST_MODEL: usize = 256;
const MOST_FALLBACKS: usize = 8;
const MOST_WEIGHT: u32 = 1000;

pub(super) fn check(check: &mut Check<'_>, section: Option<&Inference>) -> Checked {
    let Some(section) = section else { return Checked::default() };
    let mut providers = BTreeMap::new();
    for (name, provider) in section.providers.iter() {
        let place = provider.place;
        named(check, name, place, "a provider");
        let provider = &provider.value;
        if let Err(why) = url::check(&provider.url.value) {
            check.wrong(
                provider.url.place,
                format!("`{}` is no URL of a provider: {why}", shown(&provider.url.value)),
                "write one such as https://api.anthropic.com",
            );
        }
        let value = DraftProvider {
            provider: Provider {
                api: match provider.api.value {
                    ApiWord::Anthropic | ApiWord::Bedrock | ApiWord::Vertex => Api::Anthropic,
                    ApiWord::Openai => Api::OpenAi,
                    ApiWord::Gemini => Api::Gemini,
                },
                url: provider.url.value.clone(),
                credential: None,
                local: provider.local.unwrap_or_default(),
                hosting: hosting(check, provider, place),
            },
            credential: provider.credential.clone(),
        };
        providers.insert(name.clone(), At { value, place });
    }
    let mut routes: Vec<At<DraftRoute>> = Vec::new();
    for route in section.routes.iter().map(|route| &route.value) {
        let model = &route.model;
        if !is_model(&model.value) {
            check.wrong(
                model.place,
                format!("`{}` is no model's name", shown(&model.value)),
                "write a name without blanks, `*` for any characters",
            );
        }
        renamed(check, route.rename.as_ref());
        let takes =
            |earlier: &&At<DraftRoute>| cover::model(&earlier.value.route.model, &model.value);
        if let Some(earlier) = routes.iter().find(takes) {
            check.wrong(
                model.place,
                format!(
                    "the route for `{}` in line {} takes these models, so this never matches",
                    earlier.value.route.model, earlier.place.line
                ),
                "put it before that one, or remove it",
            );
        }
        let fallback = fallback(check, route);
        let value = Route {
            model: model.value.clone(),
            to: route.to.value.clone(),
            rename: route.rename.as_ref().map(|name| name.value.clone()),
            weight: weight(check, route.weight.as_ref(), 1),
            fallback,
        };
        let others = route.fallback.iter().map(|other| other.value.to.place).collect();
        let value = DraftRoute { route: value, to: route.to.place, others };
        routes.push(At { value, place: model.place });
    }
    (providers, routes)
}

/// The tools that may run at a provider.
pub(super) fn server_tools(section: Option<&Inference>) -> Vec<At<ServerTool>> {
    let named = section.iter().flat_map(|section| section.server_tools.iter());
    let tool = |word: ServerToolWord| match word {
        ServerToolWord::WebSearch => ServerTool::WebSearch,
        ServerToolWord::WebFetch => ServerTool::WebFetch,
        ServerToolWord::CodeExecution => ServerTool::CodeExecution,
        ServerToolWord::FileSearch => ServerTool::FileSearch,
        ServerToolWord::ImageGeneration => ServerTool::ImageGeneration,
        ServerToolWord::Mcp => ServerTool::Mcp,
        ServerToolWord::ToolSearch => ServerTool::ToolSearch,
    };
    named.map(|at| At { value: tool(at.value), place: at.place }).collect()
}

fn fallback(check: &mut Check<'_>, route: &Written) -> Vec<Fallback> {
    if let Some(more) = route.fallback.get(MOST_FALLBACKS) {
        check.wrong(
            more.place,
            format!("a route has at most {MOST_FALLBACKS} fallbacks"),
            "remove the last ones",
        );
    }
    let mut all = Vec::new();
    for other in route.fallback.iter().map(|other| &other.value) {
        renamed(check, other.rename.as_ref());
        all.push(Fallback {
            to: other.to.value.clone(),
            rename: other.rename.as_ref().map(|name| name.value.clone()),
            weight: weight(check, other.weight.as_ref(), 0),
        });
    }
    all
}

fn renamed(check: &mut Check<'_>, name: Option<&At<String>>) {
    if let Some(name) = name
        && (!is_model(&name.value) || name.value.contains('*'))
    {
        check.wrong(
            name.place,
            format!("`{}` cannot be sent as a model's name", shown(&name.value)),
            "write one name, without `*`",
        );
    }
}

fn weight(check: &mut Check<'_>, written: Option<&At<u64>>, default: u32) -> u32 {
    let Some(written) = written else { return default };
    match u32::try_from(written.value) {
        Ok(weight) if weight <= MOST_WEIGHT => weight,
        _ => {
            check.wrong(
                written.place,
                format!("{} is no weight", written.value),
                format!("write a number from 0 to {MOST_WEIGHT}"),
            );
            default
        }
    }
}

pub(super) fn is_model(text: &str) -> bool {
    (1..=LONGEST_MODEL).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic())
}
