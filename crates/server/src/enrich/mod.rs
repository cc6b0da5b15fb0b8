//! What is known of addresses, names and ports without asking anyone: files of places and networks that the user
//! gives, names that the user gave, which networks are the own, and tables of public resolvers and of services.
//! Nothing here uses the network.
//!
//! What is known of the own network is for those who may see it: facts are asked for with a [`Scope`].

mod aliases;
mod databases;
pub mod mmdb;
pub mod resolvers;
pub mod services;
#[cfg(test)]
mod tests;
#[cfg(test)]
#[allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, reason = "used by tests")]
#[path = "../../tests/http/support/mmdb.rs"]
mod writer;

use std::net::IpAddr;

use event::{Event, Kind};
use serde::Serialize;
use utoipa::ToSchema;

pub use aliases::{Aliases, MAX_ALIASES};
pub use databases::{Country, Databases, Opening, Place};

use crate::addresses::{AddressSet, Local, Range};
use crate::{Scope, Settings};

/// Everything that tells.
#[derive(Debug)]
pub struct Enrich {
    databases: Databases,
    aliases: Aliases,
    local: Local,
    home: Option<(f64, f64)>,
}

/// What is known of an address.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AddressFacts {
    /// In its normal form.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// What such addresses are for.
    pub range: Range,
    /// Whether it is of a network of one's own (HOME_NETWORKS).
    pub own: bool,
    /// The name that the configuration gives it (IP_ALIASES).
    pub alias: Option<String>,
    /// Two letters of ISO 3166.
    #[schema(min_length = 2, max_length = 2)]
    pub country: Option<String>,
    /// Where the files tell.
    pub city: Option<String>,
    /// Number of the autonomous system that it is routed by.
    pub asn: Option<u32>,
    /// Who runs that.
    pub organization: Option<String>,
    /// Who runs it, where it is a public DNS resolver.
    #[schema(value_type = Option<String>)]
    pub resolver: Option<&'static str>,
}

/// Where the own network is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Home {
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
}

/// What is known at a moment. Look-ups cost no system call.
pub struct Facts<'e> {
    enrich: &'e Enrich,
    files: Opening,
}

impl Enrich {
    /// As the settings say.
    #[must_use]
    pub fn new(settings: &Settings) -> Enrich {
        Enrich {
            databases: Databases::open(&settings.geo_files),
            aliases: Aliases::new(&settings.aliases),
            local: Local::new(AddressSet::of(&settings.home_networks)),
            home: settings.home,
        }
    }

    /// With the files as they are now: one that was replaced is read, which blocks.
    #[must_use]
    pub fn now(&self) -> Facts<'_> {
        Facts { enrich: self, files: self.databases.now() }
    }

    /// What is wrong with the files, and what to do.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.databases.problems()
    }

    /// Which addresses are on this side of the Internet.
    #[must_use]
    pub fn local(&self) -> &Local {
        &self.local
    }
}

/// A country as text.
#[must_use]
pub fn code(country: Country) -> String {
    country.iter().copied().map(char::from).collect()
}

impl Facts<'_> {
    /// What whoever may see `scope` may know of an address. What the configuration says of addresses outside of it
    /// is not told.
    #[must_use]
    pub fn address(&self, address: IpAddr, scope: &Scope) -> AddressFacts {
        let address = address.to_canonical();
        let place = self.files.place(address);
        let known = Some(self.enrich).filter(|_| scope.contains(address));
        AddressFacts {
            address,
            range: Range::of(address),
            own: known.is_some_and(|enrich| enrich.local.own().contains(address)),
            alias: known.and_then(|enrich| enrich.aliases.of(address)).map(str::to_owned),
            country: place.country.map(code),
            city: place.city,
            asn: place.asn,
            organization: place.organization,
            resolver: resolvers::of_address(address),
        }
    }

    /// The country of an event: of the outer side, or of the address that is the indicator. Where a name was asked
    /// for, the resolver's place says nothing.
    #[must_use]
    pub fn country_of(&self, event: &Event) -> Option<Country> {
        let named: Option<IpAddr> = event.indicator.split('/').next().and_then(|text| text.parse().ok());
        let sides = event.dst.iter().chain(&event.src).copied().filter(|_| event.kind != Kind::Dns);
        let outside =
            |address: &IpAddr| Range::of(*address) == Range::Internet && !self.enrich.local.contains(*address);
        named.into_iter().chain(sides).filter(outside).find_map(|address| self.files.country(address))
    }

    /// A number for the files as they are: another one where one of them was replaced.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.files.number()
    }

    /// Where the own network is: as configured, or where the files place its first network.
    #[must_use]
    pub fn home(&self) -> Option<Home> {
        let placed = || self.files.place(self.enrich.local.own().first()?).point;
        self.enrich.home.or_else(placed).map(|(lat, lon)| Home { lat, lon })
    }
}
