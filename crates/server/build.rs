//! Puts the page into the program: what `web/` was built to, or where that was not done a page that says so. Reads files
//! of this tree only; nothing is built or fetched here.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let built = here.join("../../web/dist");
    let page = built.join("page");
    let from = if page.join("index.html").exists() { page } else { here.join("src/http/page/unbuilt") };
    for watched in [&built, &from] {
        println!("cargo:rerun-if-changed={}", watched.display());
    }
    println!("cargo:rerun-if-changed=build.rs");
    let mut code = String::from("&[\n");
    for (name, path) in files(&from)? {
        code.push_str(&entry(&name, &path));
    }
    code.push_str("]\n");
    fs::write(out.join("page.rs"), code)
}

/// Files to serve by name: `index.html` and what lies in `assets`, without their packed forms.
fn files(from: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = vec![("index.html".to_owned(), from.join("index.html"))];
    let assets = from.join("assets");
    if assets.is_dir() {
        for entry in fs::read_dir(assets)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.ends_with(".br") && !name.ends_with(".gz") {
                found.push((name, entry.path()));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn entry(name: &str, path: &Path) -> String {
    let bytes = |path: &Path| format!("include_bytes!({:?})", path.display().to_string());
    let packed = |extension: &str| {
        let packed = PathBuf::from(format!("{}.{extension}", path.display()));
        if packed.exists() { format!("Some({})", bytes(&packed)) } else { "None".to_owned() }
    };
    let (plain, brotli, gzip) = (bytes(path), packed("br"), packed("gz"));
    format!("    File {{ name: {name:?}, plain: {plain}, brotli: {brotli}, gzip: {gzip} }},\n")
}
