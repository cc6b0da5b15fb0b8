//! The `maltrail` binary: arguments and `maltrail.conf` in, the parts of the program put together, exit status out.

mod arguments;
mod commands;
mod config;
mod console;
mod effective;
mod exit;
mod lists;
mod plan;
mod privileges;
mod pushing;
mod serving;
mod summary;
mod updater;

use clap::Parser;

use arguments::{Arguments, Command};
use exit::Exit;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Exit {
    // The allocator asks for huge pages, which make 42 MB of the 8 MB that a sensor needs; nothing is faster with them.
    // Where the kernel refuses, the program is merely larger.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let arguments = Arguments::parse();
    match &arguments.command {
        Command::Sensor(arguments) => commands::sensor::run(arguments),
        Command::Server(arguments) => commands::server::run(arguments),
        Command::Run(arguments) => commands::run::run(arguments),
        Command::Update(arguments) => commands::update::run(arguments),
        Command::Check(arguments) => commands::check::run(arguments),
        Command::Hunt(arguments) => commands::hunt::run(&arguments.query, &arguments.look),
        Command::Events(arguments) => commands::hunt::events(arguments),
        Command::Observables(arguments) => commands::observables::run(arguments),
        Command::Feeds(arguments) => commands::feeds::run(arguments),
        Command::Trails(command) => commands::trails::run(command),
        Command::User(command) => commands::user::run(command),
        Command::BuildStore(arguments) => commands::build::run(arguments),
        Command::Generate(command) => commands::generate::run(*command),
    }
}
