//! The User-Agents that are reported: the built-in list, or the user's file in its place.

use std::path::Path;
use std::sync::Arc;

use detect::matcher::Agents;
use trails::UserAgents;

use crate::SensorError;
use crate::hooks::Level;

/// Reads the list. Lines that cannot be used are told, the others count.
///
/// # Errors
/// The file cannot be read.
pub fn load(file: Option<&Path>, message: &dyn Fn(Level, &str)) -> Result<Agents, SensorError> {
    let agents = match file {
        None => UserAgents::built_in(),
        Some(path) => {
            let bytes =
                std::fs::read(path).map_err(|source| SensorError::UserAgents { path: path.to_path_buf(), source })?;
            let (agents, errors) = UserAgents::from_text(&String::from_utf8_lossy(&bytes));
            for error in errors {
                message(Level::Warning, &format!("{}: {error}", path.display()));
            }
            agents
        }
    };
    Ok(Agents(Arc::new(move |agent| agents.find(agent))))
}
