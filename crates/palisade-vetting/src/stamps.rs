use std::time::Instant;

use palisade_sandbox::linux::cell::{Cell, CellLimits, Inside};
use palisade_skills::read::{Limits, Opened, Stamp, Tree};

use crate::cells::PATIENCE;

/// The stamp of a package is asked for.
const WHOLE: u8 = b'W';
/// Only its state is.
const STATE: u8 = b'S';

/// Who tells what there is to be read, so that reports are remembered by it: a cell that never looks at what the bytes
/// mean, and so stays ours. A reader that was taken over has no say in it.
#[derive(Debug)]
pub(crate) struct Stamps {
    cell: Cell,
    outline: Vec<u8>,
}

/// A package as it lies there.
#[derive(Debug)]
pub(crate) struct Stamped {
    pub(crate) stamp: Stamp,
    /// Its path and its name, with a zero between them.
    pub(crate) named: Vec<u8>,
}

impl Stamps {
    /// Starts it. There may be none; then nothing is remembered.
    pub(crate) fn start(opened: &Opened, limits: &CellLimits, outline: u8) -> Option<Self> {
        use std::os::fd::AsFd;
        let mut cell =
            Cell::start(Some(opened.as_fd()), limits, |inside| work(inside, opened, outline))
                .ok()?;
        let outline = cell.answer(Instant::now() + PATIENCE).ok()?;
        Some(Self { cell, outline })
    }

    /// Which packages its numbers mean.
    pub(crate) fn outline(&self) -> &[u8] {
        &self.outline
    }

    /// What there is of a package.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn of(&mut self, at: usize) -> Result<Option<Stamped>, Ended> {
        let answer = self.ask(WHOLE, at)?;
        let Some((content, rest)) = answer.split_first_chunk::<32>() else { return Ok(None) };
        let Some((state, named)) = rest.split_first_chunk::<32>() else { return Ok(None) };
        let stamp = Stamp { content: *content, state: *state };
        Ok(Some(Stamped { stamp, named: named.to_vec() }))
    }

    /// Is it still in this state?
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn is_still(&mut self, at: usize, state: &[u8; 32]) -> Result<bool, Ended> {
        Ok(self.ask(STATE, at)? == state)
    }

    fn ask(&mut self, what: u8, at: usize) -> Result<Vec<u8>, Ended> {
        let number = u64::try_from(at).unwrap_or(u64::MAX).to_le_bytes();
        self.cell.order(&[&[what], &number[..]].concat()).map_err(|_| Ended)?;
        self.cell.answer(Instant::now() + PATIENCE).map_err(|_| Ended)
    }
}

/// It is gone.
#[derive(Debug)]
pub(crate) struct Ended;

/// What it does.
fn work(mut inside: Inside, opened: &Opened, outline: u8) {
    let tree = Tree::of(opened.clone(), Limits::default());
    inside.answer(&crate::batch::outline(&tree, outline));
    while let Some(order) = inside.order() {
        let Some((what, number)) = order.split_first() else { return };
        let Ok(at) = number.try_into().map(u64::from_le_bytes) else { return };
        let Ok(at) = usize::try_from(at) else { return };
        let answer = match *what {
            STATE => tree.state(at).map(|state| state.to_vec()),
            _ => tree.stamp(at).map(|stamp| {
                let (path, name) = tree.named(at);
                [&stamp.content, &stamp.state, path.as_bytes(), b"\0", name.as_bytes()].concat()
            }),
        };
        inside.answer(&answer.unwrap_or_default());
    }
}
