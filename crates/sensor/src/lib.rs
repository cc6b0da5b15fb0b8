//! The edge: capture sources, workers, ordering, outputs, reload, metrics.

pub mod agents;
mod board;
mod canary;
pub mod capture;
mod clock;
mod error;
mod hooks;
mod live;
mod metrics;
mod observables;
mod output;
pub mod privileges;
pub mod push;
mod reload;
mod replay;
mod run;
pub mod settings;
mod signals;
mod sink;
pub mod summary;
mod worker;

pub use error::SensorError;
pub use hooks::{Control, Ending, EndingHook, EventHook, Hooks, Level, MessageHook, Progress, ProgressHook};
pub use run::run;
pub use settings::{Settings, Source};
pub use summary::Summary;
