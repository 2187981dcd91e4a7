//! How much models may be used: requests, tokens and money.
//!
//! A call is reserved for before it is sent, at what it may cost at most, and settled after it with
//! what it did cost. So calls that run side by side cannot together pass a limit, and a call that is
//! broken off has paid. Minutes and days are counted in a file of the state folder, which all
//! sandboxes of one user share under a lock; sessions and calls under way in memory.
//!
//! Trusted: the operator's limits and prices, the kernel's clocks. Not trusted: what a client says
//! that it wants, and what a server says that it used: less than an own estimate's floor is not believed.

mod clock;
mod counts;
mod estimate;
mod exceeded;
mod limits;
mod meter;
mod price;
mod store;

pub(crate) use estimate::{Estimate, floor, of_answer, of_time};
pub(crate) use exceeded::Exceeded;
pub use limits::Quota;
pub(crate) use meter::{Meters, Reservation, Wanted};
pub(crate) use price::price_of;
pub use price::{PRICES_OF, Price, PriceFor, Usd, built_in};
pub use store::QuotaError;
