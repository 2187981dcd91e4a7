//! What a GraphQL document asks for at its root.

use std::collections::{HashMap, HashSet};

use apollo_parser::{
    Parser,
    cst::{CstChildren, Definition, Selection, SelectionSet},
};
use palisade_core::{GraphqlKind, GraphqlOperation};

/// Nested selections, and so nested calls.
const DEEPEST: usize = 64;
/// Tokens of a document.
const MOST_TOKENS: usize = 20_000;
/// Fields of the root, of all operations together.
const MOST_FIELDS: usize = 1000;

/// The operations of a document; `None` if it has an error, or something that is no question to a
/// server.
pub(super) fn operations(text: &str) -> Option<Vec<GraphqlOperation>> {
    let parser = Parser::new(text).recursion_limit(DEEPEST).token_limit(MOST_TOKENS);
    let tree = parser.parse();
    if tree.errors().next().is_some() {
        return None;
    }
    let mut fragments: HashMap<String, SelectionSet> = HashMap::new();
    let mut found = Vec::new();
    for definition in tree.document().definitions() {
        match definition {
            Definition::OperationDefinition(operation) => found.push(operation),
            Definition::FragmentDefinition(fragment) => {
                let name = fragment.fragment_name()?.name()?.text().to_string();
                if fragments.insert(name, fragment.selection_set()?).is_some() {
                    return None;
                }
            }
            _ => return None,
        }
    }
    let mut operations = Vec::new();
    for operation in found {
        let kind = match operation.operation_type() {
            None => GraphqlKind::Query,
            Some(kind) if kind.query_token().is_some() => GraphqlKind::Query,
            Some(kind) if kind.mutation_token().is_some() => GraphqlKind::Mutation,
            Some(kind) if kind.subscription_token().is_some() => GraphqlKind::Subscription,
            Some(_) => return None,
        };
        let mut root = Root { fragments: &fragments, seen: HashSet::new(), fields: Vec::new() };
        root.select(operation.selection_set()?.selections())?;
        let name = operation.name().map(|name| name.text().to_string());
        operations.push(GraphqlOperation { kind, name, fields: root.fields });
    }
    (!operations.is_empty()).then_some(operations)
}

struct Root<'a> {
    fragments: &'a HashMap<String, SelectionSet>,
    /// Each fragment is followed once, so that what spreads into itself ends.
    seen: HashSet<String>,
    fields: Vec<String>,
}

impl Root<'_> {
    fn select(&mut self, selections: CstChildren<Selection>) -> Option<()> {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    if self.fields.len() >= MOST_FIELDS {
                        return None;
                    }
                    self.fields.push(field.name()?.text().to_string());
                }
                Selection::InlineFragment(fragment) => {
                    self.select(fragment.selection_set()?.selections())?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.fragment_name()?.name()?.text().to_string();
                    let fragment = self.fragments.get(&name)?;
                    if self.seen.len() >= DEEPEST {
                        return None;
                    }
                    if self.seen.insert(name) {
                        self.select(fragment.selections())?;
                    }
                }
            }
        }
        Some(())
    }
}
