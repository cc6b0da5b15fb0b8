//! `maltrail user`: accounts of the server's page, beside a running server too.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use server::access::{Access, AccountChange, AccountError, Policy};
use server::state::{AuditEntry, State, StateError};

use super::{Failure, print, usable};
use crate::arguments::{UserAddArguments, UserCommand, UserListArguments, UserPasswordArguments, UserSetArguments};
use crate::config::{Config, Environment};
use crate::exit::Exit;

/// Account numbers that stand for the two roles.
const ADMINISTRATOR: u32 = 0;
const READER: u32 = 1000;

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::State(error) => error.into(),
            AccountError::Random(_) => Failure::Running(error.to_string()),
            error => Failure::Usage(error.to_string()),
        }
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Failure::Running(error.to_string())
    }
}

pub(crate) fn run(command: &UserCommand) -> Exit {
    let done = match command {
        UserCommand::List(arguments) => list(arguments),
        UserCommand::Add(arguments) => add(arguments),
        UserCommand::Passwd(arguments) => password(arguments),
        UserCommand::Set(arguments) => set(arguments),
        UserCommand::Remove(arguments) => open(arguments.config.as_deref()).and_then(|access| {
            access.remove_account(&arguments.name, Timestamp::now())?;
            audit(&access, "account.remove", &arguments.name)
        }),
    };
    done.map_or_else(Failure::exit, |()| Exit::Success)
}

/// The accounts of the configured server.
fn open(file: Option<&Path>) -> Result<Access, Failure> {
    let config = Config::load(file, &Environment::of_process());
    usable(&config)?;
    let directory = &config.values.state_dir;
    server::make_directory(directory).map_err(|e| {
        Failure::Running(format!("cannot make {}: {e}; set STATE_DIR to another directory", directory.display()))
    })?;
    let state = Arc::new(State::open(directory)?);
    Ok(Access::new(state, &config.values.users.0, Policy::default())?)
}

fn audit(access: &Access, action: &str, subject: &str) -> Result<(), Failure> {
    let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_default();
    let entry = AuditEntry {
        id: 0,
        time: Timestamp::now(),
        who: format!("command line ({user})"),
        address: String::new(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: String::new(),
    };
    Ok(access.state().audit(&entry)?)
}

fn list(arguments: &UserListArguments) -> Result<(), Failure> {
    let accounts = open(arguments.config.as_deref())?.accounts()?;
    let mut text = String::new();
    if arguments.json {
        for account in &accounts {
            text.push_str(&serde_json::to_string(account).map_err(|e| Failure::Running(e.to_string()))?);
            text.push('\n');
        }
        print(&text);
        return Ok(());
    }
    for account in &accounts {
        let role = if account.uid < READER { "administrator" } else { "reader" };
        let networks = if account.netfilter.is_empty() { "all networks" } else { &account.netfilter };
        let source = if account.from_file { ", from the configuration file" } else { "" };
        let change = if account.must_change { ", must change the password" } else { "" };
        text.push_str(&format!("{:<20} {role:<13} {networks}{change}{source}\n", account.name));
    }
    if accounts.is_empty() {
        text.push_str("no accounts yet: the server makes `admin` at its first start\n");
    }
    print(&text);
    Ok(())
}

fn given(from_stdin: bool) -> Result<Option<String>, Failure> {
    if !from_stdin {
        return Ok(None);
    }
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|e| Failure::Usage(format!("no password on standard input: {e}")))?;
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn shown(name: &str, password: &str) {
    print(&format!("password of {name}, shown once and to be changed at the first login: {password}\n"));
}

fn add(arguments: &UserAddArguments) -> Result<(), Failure> {
    let UserPasswordArguments { account, password_stdin } = &arguments.account;
    let access = open(account.config.as_deref())?;
    let change = AccountChange {
        password: given(*password_stdin)?,
        uid: Some(if arguments.admin { ADMINISTRATOR } else { READER }),
        netfilter: arguments.networks.clone(),
    };
    if let Some(password) = access.add_account(&account.name, &change, Timestamp::now())? {
        shown(&account.name, &password);
    }
    audit(&access, "account.add", &account.name)
}

fn password(arguments: &UserPasswordArguments) -> Result<(), Failure> {
    let name = &arguments.account.name;
    let access = open(arguments.account.config.as_deref())?;
    match given(arguments.password_stdin)? {
        Some(password) => {
            let change = AccountChange { password: Some(password), ..AccountChange::default() };
            access.change_account(name, &change, Timestamp::now())?;
        }
        None => shown(name, &access.reset_password(name, Timestamp::now())?),
    }
    audit(&access, "account.password", name)
}

fn set(arguments: &UserSetArguments) -> Result<(), Failure> {
    let access = open(arguments.account.config.as_deref())?;
    let uid = arguments.admin.map(|admin| if admin { ADMINISTRATOR } else { READER });
    let change = AccountChange { password: None, uid, netfilter: arguments.networks.clone() };
    access.change_account(&arguments.account.name, &change, Timestamp::now())?;
    audit(&access, "account.change", &arguments.account.name)
}
