//! `maltrail trails`: what a store holds and whether it is whole.

use std::path::Path;

use trails::Store;

use super::{complain, print};
use crate::arguments::TrailsCommand;
use crate::exit::Exit;

pub(crate) fn run(command: &TrailsCommand) -> Exit {
    let (file, verify) = match command {
        TrailsCommand::Verify { file } => (file, true),
        TrailsCommand::Info { file } => (file, false),
    };
    match look(file, verify) {
        Ok(text) => {
            print(&text);
            Exit::Success
        }
        Err(error) => {
            complain(&error.to_string());
            Exit::NoTrails
        }
    }
}

fn look(file: &Path, verify: bool) -> Result<String, trails::store::StoreError> {
    let store = Store::open(file)?;
    if verify {
        store.verify()?;
        return Ok(format!("{}: whole, {} trails\n", file.display(), store.len()));
    }
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
