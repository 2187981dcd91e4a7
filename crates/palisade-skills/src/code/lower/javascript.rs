//! Filled below.

use tree_sitter::Node as Syntax;

use super::super::ir::Id;
use super::Lowering;

pub(super) fn lower(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    l.mix(node)
}
