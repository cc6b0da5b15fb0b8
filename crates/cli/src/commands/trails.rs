//! `maltrail trails`: what a store holds, whether it is whole, and all of it as a CSV.

use std::io::{self, BufWriter, ErrorKind};
use std::path::Path;

use trails::load::open_verified;
use trails::store::StoreError;
use trails::{Store, export};

use super::{complain, print};
use crate::arguments::TrailsCommand;
use crate::exit::Exit;

pub(crate) fn run(command: &TrailsCommand) -> Exit {
    let looked = match command {
        TrailsCommand::Verify { file } => look(file, true),
        TrailsCommand::Info { file } => look(file, false),
        TrailsCommand::Export { file } => return exported(file),
        TrailsCommand::Lint(arguments) => return super::lint::run(arguments),
    };
    match looked {
        Ok(text) => {
            print(&text);
            Exit::Success
        }
        Err(error) => unusable(&error),
    }
}

fn unusable(error: &StoreError) -> Exit {
    complain(&format!("error: {error}"));
    Exit::NoTrails
}

/// All trails to standard output; whoever reads it may have gone, which is no fault.
fn exported(file: &Path) -> Exit {
    // Damage would leave rows out.
    let store = match open_verified(file) {
        Ok(store) => store,
        Err(error) => return unusable(&error),
    };
    match export::csv(&store, BufWriter::with_capacity(1 << 20, io::stdout().lock())) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(&format!("error: cannot write the trails of {}: {error}", file.display()));
            Exit::Failure
        }
        _ => Exit::Success,
    }
}

fn look(file: &Path, verify: bool) -> Result<String, StoreError> {
    if verify {
        let store = open_verified(file)?;
        return Ok(format!("{}: whole, {} trails\n", file.display(), store.len()));
    }
    let store = Store::open(file)?;
    let listed = |known: bool| if known { "yes" } else { "no" };
    Ok(format!(
        "{}\ntrails        {}\ncertificates  {}\nJA3           {}\nJA4           {}\n",
        file.display(),
        store.len(),
        listed(store.has_certificates()),
        listed(store.has_ja3()),
        listed(store.has_ja4())
    ))
}
