use super::value::{Taint, Value};

/// A call whose parts are evaluated.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    /// The qualified name of what is called; starts with a dot for a method of something unknown.
    pub(crate) path: String,
    /// What a method is called on.
    pub(crate) receiver: Value,
    pub(crate) args: Vec<(Option<String>, Value)>,
}

impl Call {
    /// The argument at this position, named ones left out.
    pub(crate) fn at(&self, index: usize) -> Value {
        self.args
            .iter()
            .filter(|(name, _)| name.is_none())
            .nth(index)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    }

    pub(crate) fn named(&self, names: &[&str]) -> Option<Value> {
        self.args
            .iter()
            .find(|(name, _)| name.as_deref().is_some_and(|name| names.contains(&name)))
            .map(|(_, value)| value.clone())
    }

    /// The argument of one of these names, or else that at the position.
    pub(crate) fn arg(&self, index: usize, names: &[&str]) -> Value {
        self.named(names).unwrap_or_else(|| self.at(index))
    }

    /// How many arguments stand without a name.
    pub(crate) fn count(&self) -> usize {
        self.args.iter().filter(|(name, _)| name.is_none()).count()
    }

    /// Where its arguments and its receiver come from.
    pub(crate) fn taint(&self) -> Taint {
        let mut taint = self.receiver.taint.clone();
        for (_, value) in &self.args {
            taint.join(&value.taint);
        }
        taint
    }

    /// The last part of its name.
    pub(crate) fn method(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }
}
