use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

/// What runs beside one connection and ends with it.
#[derive(Clone, Default)]
pub(crate) struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that are done take up memory until they are asked for.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// End all of them. A task may hold what holds these tasks, so that dropping does not.
    pub(crate) fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
{
    fn execute(&self, future: F) {
        self.spawn(async move {
            future.await;
        });
    }
}
