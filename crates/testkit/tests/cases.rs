//! Every case of `cases/` as a test of its own.

use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use testkit::case::{self, Case};

fn main() -> std::io::Result<()> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases").canonicalize()?;
    let trials = case::list(&cases)?.into_iter().map(|path| {
        let name = path.strip_prefix(&cases).unwrap_or(&path).with_extension("").display().to_string();
        let cases = cases.clone();
        Trial::test(name, move || {
            let case = Case::read(&cases, &path).map_err(|e| Failed::from(format!("{}: {e}", path.display())))?;
            let update = std::env::var_os("UPDATE_EXPECT").is_some_and(|v| v == "1");
            case::run(&case, update).map_err(Failed::from)
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit()
}
