use crate::{at::At, document::Document};

/// Names of credentials that a document uses.
pub(super) fn uses(document: &Document) -> Vec<At<String>> {
    let rules = document.network.iter().flat_map(|network| &network.rules);
    let by_rules = rules.filter_map(|rule| rule.value.credential.clone());
    let providers = document.inference.iter().flat_map(|inference| inference.providers.values());
    let by_providers = providers.filter_map(|provider| provider.value.credential.clone());
    let commands = document.commands.iter().flat_map(|commands| commands.value.values());
    let by_commands = commands.flat_map(|command| command.value.credentials.clone());
    by_rules.chain(by_providers).chain(by_commands).collect()
}
