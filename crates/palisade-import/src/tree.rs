//! A document of any format, with the line of each part.

use std::path::{Path, PathBuf};

use crate::{error::ImportError, note::Place};

/// A value, and the line that it begins in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: u32,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    /// No key is there twice.
    Table(Vec<Key>),
}

/// A key with what it has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) node: Node,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    pub(crate) path: PathBuf,
    pub(crate) root: Node,
}

impl Node {
    pub(crate) fn keys(&self) -> &[Key] {
        match &self.value {
            Value::Table(keys) => keys,
            _ => &[],
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.keys().iter().find(|key| key.name == name).map(|key| &key.node)
    }

    /// What `a.b.c` leads to.
    pub(crate) fn at(&self, way: &str) -> Option<&Node> {
        way.split('.').try_fold(self, |node, name| node.get(name))
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    fn is(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "`true` or `false`",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

impl Document {
    pub(crate) fn place(&self, node: &Node) -> Place {
        Place { file: self.path.display().to_string(), line: node.line }
    }

    pub(crate) fn wrong(&self, node: &Node, why: impl Into<String>) -> ImportError {
        ImportError::Malformed { file: self.path.clone(), line: node.line, why: why.into() }
    }

    fn other(&self, node: &Node, name: &str, expected: &str) -> ImportError {
        self.wrong(node, format!("`{name}` is {expected}, and this is {}", node.is()))
    }

    /// The table at this key; `None` if it is not there.
    pub(crate) fn table<'a>(
        &self,
        of: &'a Node,
        way: &str,
    ) -> Result<Option<&'a Node>, ImportError> {
        match of.at(way) {
            None => Ok(None),
            Some(node) => match node.value {
                Value::Table(_) => Ok(Some(node)),
                Value::Null => Ok(None),
                _ => Err(self.other(node, way, "a table")),
            },
        }
    }

    pub(crate) fn list<'a>(&self, of: &'a Node, way: &str) -> Result<&'a [Node], ImportError> {
        match of.at(way).map(|node| (node, &node.value)) {
            None | Some((_, Value::Null)) => Ok(&[]),
            Some((_, Value::List(items))) => Ok(items),
            Some((node, _)) => Err(self.other(node, way, "a list")),
        }
    }

    /// The texts of a list, each with its node.
    pub(crate) fn texts<'a>(
        &self,
        of: &'a Node,
        way: &str,
    ) -> Result<Vec<(&'a str, &'a Node)>, ImportError> {
        let text = |node: &'a Node| {
            node.text()
                .map(|text| (text, node))
                .ok_or_else(|| self.other(node, way, "a list of texts"))
        };
        self.list(of, way)?.iter().map(text).collect()
    }

    pub(crate) fn one_text<'a>(
        &self,
        of: &'a Node,
        way: &str,
    ) -> Result<Option<(&'a str, &'a Node)>, ImportError> {
        match of.at(way) {
            None => Ok(None),
            Some(node) if node.value == Value::Null => Ok(None),
            Some(node) => match node.text() {
                Some(text) => Ok(Some((text, node))),
                None => Err(self.other(node, way, "a text")),
            },
        }
    }

    pub(crate) fn flag<'a>(
        &self,
        of: &'a Node,
        way: &str,
    ) -> Result<Option<(bool, &'a Node)>, ImportError> {
        match of.at(way) {
            None => Ok(None),
            Some(node) => match node.bool() {
                Some(value) => Ok(Some((value, node))),
                None => Err(self.other(node, way, "`true` or `false`")),
            },
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}

/// The line, from 1, in which a byte stands.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    pub(crate) fn line(&self, offset: usize) -> u32 {
        let before = self.0.partition_point(|end| *end < offset);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}
