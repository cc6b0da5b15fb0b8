//! The edge: capture sources, workers, ordering, outputs, reload, metrics.

pub mod settings;

pub use settings::Settings;
