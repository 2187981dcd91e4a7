use rustix::termios::Winsize;

/// Sees what a relay shows. It is called on the relay's thread, and dropped when that ends.
pub trait Watch: Send {
    /// The terminal gets this.
    fn output(&mut self, bytes: &[u8]);

    /// The window has this size from now on.
    fn resized(&mut self, size: Winsize);
}
