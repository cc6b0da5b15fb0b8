//! From settings to the server that gets events and observables over HTTPS.

use std::hash::BuildHasher as _;

use sensor::settings::PushSettings;

use crate::arguments::SensorArguments;
use crate::config::{Config, LogServer, Problem, Weight};

/// Least SPOOL_SIZE, bytes: some batches.
const LEAST_SPOOL: u64 = 16 << 20;

/// What the sensor is told of it; none where nothing is to be sent.
///
/// # Errors
/// A setting is missing, or does not fit another.
pub(crate) fn settings(config: &Config, arguments: &SensorArguments) -> Result<Option<PushSettings>, Problem> {
    let values = &config.values;
    let problem = |place: &str, what: &str| Problem { weight: Weight::Error, place: place.into(), what: what.into() };
    let mut servers = values.log_server.iter().filter_map(|server| match server {
        LogServer::Https(url) => Some(url),
        LogServer::Datagrams(_) => None,
    });
    let (server, more) = (servers.next(), servers.next());
    let Some(server) = server else {
        let what = "sends to the https:// server of LOG_SERVER, which names none";
        return if arguments.send { Err(problem("--send", what)) } else { Ok(None) };
    };
    if more.is_some() {
        return Err(problem("LOG_SERVER", "one https:// server can be named, not several"));
    }
    if values.spool_size.0 < LEAST_SPOOL {
        return Err(problem("SPOOL_SIZE", "16MB are needed at least"));
    }
    let Some(token_file) = values.sensor_token_file.clone() else {
        let what = "is needed for the https:// server of LOG_SERVER: a file with the token of this sensor, made there";
        return Err(problem("SENSOR_TOKEN_FILE", what));
    };
    if !arguments.read.is_empty() && !arguments.send {
        return Ok(None);
    }
    Ok(Some(PushSettings {
        server: server.clone(),
        token_file,
        authorities: values.log_server_ca.clone(),
        directory: values.spool_dir.clone(),
        limit_bytes: values.spool_size.0,
        seed: std::hash::RandomState::new().hash_one(0u8),
    }))
}
