//! A terminal of the command's own, and the relay between it and the operator's.
//!
//! A command that shared the operator's terminal could push characters into its input
//! (CVE-2017-5226), change its modes, or read what is typed for the shell. So whichever of
//! standard input, output and error is a terminal is replaced by a pseudo-terminal; what is a
//! pipe or a file passes as it is.
//!
//! ```text
//! operator's terminal ── Relay (a thread) ── controller ┆ user side ── command
//! ```
//!
//! Keys pass as bytes: the inner line discipline turns Ctrl-C, Ctrl-Z and Ctrl-\ into signals for
//! the inner foreground group, so job control works inside. What the command prints passes
//! unchanged, escape sequences included, as it would from any program.
//!
//! - [`Terminal::detect`] finds the operator's terminal and how its keyboard is to be used.
//! - [`Pty::open`] makes a pair; a controller that comes from inside the sandbox does as well.
//! - [`Relay::start`] copies; [`Handle`] resizes, suspends and resumes; [`Relay::finish`] drains
//!   and restores. Dropping the relay restores too.
//! - [`Signals`] are those that a session with a terminal has to answer.

mod mode;
mod operator;
mod pty;
mod pump;
mod relay;
mod signals;
#[cfg(test)]
mod tests;
mod watch;

pub use operator::{Keyboard, Terminal};
pub use pty::Pty;
pub use relay::{Ended, Handle, Relay};
pub use rustix::termios::Winsize;
pub use signals::{Signal, Signals, stop_job};
pub use watch::Watch;
