//! How much models may be used: the limits of each document hold, and a project's own widen nothing.

use palisade_policy::{Guard, ServerTool};

use crate::world::World;

const MODELS: &str = "inference:\n  providers: {a: {api: openai, url: \"https://a.example\"}}\n  routes: [{model: \"*\", to: a}]\n";

#[test]
fn those_of_each_document_hold_side_by_side() {
    let world = World::new();
    world.managed("inference: {limits: {usd_per_day: 20}, guard: observe}");
    world.user(&format!(
        "{MODELS}  limits: {{usd_per_day: 0.5, tokens_per_minute: 9, tools: []}}\n"
    ));
    // Nobody has trusted it, and it counts all the same: it can only take away.
    world.project("inference: {limits: {usd_per_day: 1000, prices: [{model: \"*\", input: 0, output: 0}]}, redact: [secrets], guard: block}");
    let policy = world.policy();
    let inference = policy.inference.as_ref().unwrap();
    let dollars: Vec<_> = inference.limits.iter().map(|limits| limits.usd_per_day).collect();
    assert_eq!(dollars, [Some(20_000_000_000), Some(1_000_000_000_000), Some(500_000_000)]);
    let user = &inference.limits[2];
    assert_eq!((user.tokens_per_minute, user.tools.as_deref()), (Some(9), Some(&[][..])));
    // Prices count for the limits that they stand beside, and for no others.
    assert!(user.prices.is_empty() && inference.limits[0].prices.is_empty());
    assert!(inference.redact);
    assert_eq!(inference.guard, Some(Guard::Block));
    let scopes: std::collections::BTreeSet<_> = inference.limits.iter().map(|l| &l.scope).collect();
    assert_eq!(scopes.len(), 3, "{scopes:?}");
    assert!(policy.not_built.is_empty());
}

#[test]
fn the_meaning_and_not_the_place_is_in_the_digest() {
    let (one, other) = (World::new(), World::new());
    let limited = format!("{MODELS}  limits: {{usd_per_day: 2}}\n");
    one.user(&limited);
    other.user(&limited);
    assert_eq!(one.policy().digest, other.policy().digest);
    other.user(&limited.replace("day: 2", "day: 3"));
    assert_ne!(one.policy().digest, other.policy().digest);
}

#[test]
fn each_limit_is_explained() {
    let world = World::new();
    world.user(&format!(
        "{MODELS}  limits: {{requests_per_minute: 1, tokens_per_minute: 2, tokens_per_day: 3, \
         tokens_per_session: 4, usd_per_day: 5.25, usd_per_session: 6, concurrent: 7, max_tokens: 8, \
         tools: [Bash], betas: []}}\n  redact: [secrets]\n  guard: annotate\n"
    ));
    let all = palisade_policy::explain(&world.policy());
    let said: Vec<_> = all
        .iter()
        .filter(|one| one.rule.starts_with("inference.limits."))
        .map(|one| one.says.split(" (").next().unwrap().to_owned())
        .collect();
    assert_eq!(
        said,
        [
            "1 calls in a minute",
            "2 tokens in a minute",
            "3 tokens in a day",
            "4 tokens in a session",
            "5.25 US dollars in a day",
            "6 US dollars in a session",
            "7 calls at one time",
            "8 tokens in an answer",
            "tools offered: Bash",
            "betas: none",
        ]
    );
    assert!(all.iter().all(|one| one.built && !one.advisory));
    assert!(all.iter().any(|one| one.rule == "inference.guard" && one.says.contains("told")));
}

#[test]
fn tools_at_providers_are_named_and_results_can_be_blocked() {
    let world = World::new();
    world.user(&format!("{MODELS}  server_tools: [web_search]\n"));
    let inference = world.load().unwrap().inference.unwrap();
    assert_eq!(inference.server_tools.into_iter().collect::<Vec<_>>(), [ServerTool::WebSearch]);
    assert!(!inference.block_results);
    // A project may narrow, and what it widens waits for trust.
    world.project("inference: {server_tools: [mcp]}");
    let error = world.load().unwrap_err().to_string();
    assert!(error.contains("it adds the tool `mcp` at providers"), "{error}");
    world.project("inference: {tool_results: block}");
    let policy = world.load().unwrap();
    let inference = policy.inference.unwrap();
    assert!(inference.block_results);
    assert_eq!(inference.server_tools.into_iter().collect::<Vec<_>>(), [ServerTool::WebSearch]);
    // What is managed is the most.
    world.managed("inference: {server_tools: []}");
    let error = world.load().unwrap_err().to_string();
    assert!(error.contains("the tool `web_search` at providers goes beyond"), "{error}");
}

#[test]
fn a_route_may_have_others_to_fall_back_to() {
    let world = World::new();
    let route = "{model: \"*\", to: a, weight: 3, fallback: [{to: a, as: b, weight: 1}]}";
    let models = MODELS.replace("{model: \"*\", to: a}", route);
    world.user(&models);
    let route = world.load().unwrap().inference.unwrap().routes.remove(0);
    assert_eq!((route.weight, route.fallback[0].weight), (3, 1));
    assert_eq!(route.fallback[0].rename.as_deref(), Some("b"));
    for (wrong, why) in [
        (models.replace("{to: a, as: b", "{to: x, as: b"), "there is no provider `x`"),
        (models.replace("weight: 3", "weight: 3000"), "3000 is no weight"),
        (models.replace("as: b", "as: \"b*\""), "cannot be sent as a model's name"),
    ] {
        world.user(&wrong);
        let error = world.load().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
