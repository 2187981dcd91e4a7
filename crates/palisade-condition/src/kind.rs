/// The kind of a value, as far as it is known before there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int,
    Double,
    String,
    Null,
    List(Box<Kind>),
    /// Of text to values of one kind.
    Map(Box<Kind>),
    /// Named members, each of its own kind.
    Record(&'static [(&'static str, Kind)]),
    /// Known only when there is one: what a tool is given.
    Any,
}

impl Kind {
    /// Whether values of the two may be compared, or stand for each other.
    pub(crate) fn agrees(&self, other: &Kind) -> bool {
        match (self, other) {
            (Kind::Any, _) | (_, Kind::Any) => true,
            (Kind::List(one), Kind::List(two)) | (Kind::Map(one), Kind::Map(two)) => {
                one.agrees(two)
            }
            (one, two) => one == two,
        }
    }

    /// How an error names it.
    pub(crate) fn name(&self) -> String {
        match self {
            Kind::Bool => "a truth value".into(),
            Kind::Int => "a whole number".into(),
            Kind::Double => "a number".into(),
            Kind::String => "text".into(),
            Kind::Null => "null".into(),
            Kind::List(of) if **of == Kind::Any => "a list".into(),
            Kind::List(of) => format!("a list of {}", of.name()),
            Kind::Map(_) => "a map".into(),
            Kind::Record(_) => "a group of values".into(),
            Kind::Any => "a value".into(),
        }
    }
}
