//! Documents that are made of the program itself.

use super::print;
use crate::arguments::GenerateCommand;
use crate::config;
use crate::exit::Exit;

pub(crate) fn run(command: GenerateCommand) -> Exit {
    print(&match command {
        GenerateCommand::ConfigReference => config::reference(),
        GenerateCommand::ConfigExample => config::example(),
    });
    Exit::Success
}
