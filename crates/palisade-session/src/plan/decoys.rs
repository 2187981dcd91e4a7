use palisade_alarms::Decoys;
use palisade_sandbox::Content;

use super::tree::Tree;
use crate::{order::Operator, refusal::Refusal};

/// Put decoy files where nothing else is.
pub(super) fn add(
    decoys: Option<&Decoys>,
    operator: &Operator,
    tree: &mut Tree,
) -> Result<(), Refusal> {
    for (path, text) in decoys.iter().flat_map(|decoys| decoys.files()) {
        let taken = tree.iter().any(|(at, content)| {
            let inside = at != path && at.starts_with(path);
            let same = at == path;
            inside || (same && !matches!(content, Content::EmptyFolder))
        });
        if taken || tree.shows(path) {
            return Err(Refusal::new(
                format!("the decoy {} would be where something else is shown", path.display()),
                format!(
                    "name one in `alarms.canaries.files` that is in no folder of the host, such as {}/.aws/credentials",
                    operator.home.display()
                ),
            ));
        }
        tree.generate(path, text.as_bytes().to_vec());
    }
    Ok(())
}
