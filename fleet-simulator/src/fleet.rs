//! The kinds of fleets, how many computers each has, and how a fleet falls into sites.

use crate::dice::Dice;

/// A kind of fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fleet {
    /// Laptops, one model a site.
    Laptops,
    /// Desktops put together from parts, whose boards know few serial numbers.
    WhiteBoxes,
    /// Workstations and laptops of a vendor that are moved between docks.
    Docked,
    /// Servers with several network adapters.
    Servers,
    /// Virtual machines.
    Guests,
    /// Desktops of a vendor, installed from one image.
    Imaged,
}

impl Fleet {
    /// All kinds, in the order of the tables.
    pub const ALL: [Self; 6] =
        [Self::Laptops, Self::WhiteBoxes, Self::Docked, Self::Servers, Self::Guests, Self::Imaged];

    /// How many of a hundred computers are of each kind, in the same order. Assumed: the hard kinds
    /// have a larger part than in the world.
    pub const SHARES: [u64; 6] = [30, 20, 15, 10, 15, 10];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Laptops => "laptops",
            Self::WhiteBoxes => "white_boxes",
            Self::Docked => "docked_workstations",
            Self::Servers => "servers",
            Self::Guests => "virtual_machines",
            Self::Imaged => "imaged_desktops",
        }
    }

    /// The value of this kind in a row of a table.
    #[must_use]
    pub fn of<T: Copy + Default>(self, row: &[T; 6]) -> T {
        Self::ALL.iter().zip(row).find(|(kind, _)| **kind == self).map_or_else(T::default, |r| *r.1)
    }
}

/// Fewest computers of a site, where the fleet has so many.
const SITE_MIN: u64 = 20;
/// Most computers of a site.
const SITE_MAX: u64 = 60;
/// The stream of the dice that lay out sites; each site has the one of its number.
const LAYOUT: u64 = u64::MAX;

/// The computers that one key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Which site; also the stream of its dice.
    pub number: u64,
    /// What its computers are.
    pub fleet: Fleet,
    /// How many there are.
    pub computers: u64,
}

/// Lays out the sites of so many computers.
#[must_use]
pub fn sites(computers: u64, seed: u64) -> Vec<Site> {
    let mut dice = Dice::new(seed, LAYOUT);
    let mut sites = Vec::new();
    let (mut given, mut percent) = (0, 0);
    for (fleet, share) in Fleet::ALL.into_iter().zip(Fleet::SHARES) {
        percent += share;
        let mut left = computers * percent / 100 - given;
        given += left;
        while left > 0 {
            let size = (SITE_MIN + dice.below(SITE_MAX - SITE_MIN + 1)).min(left);
            sites.push(Site { number: sites.len() as u64, fleet, computers: size });
            left -= size;
        }
    }
    sites
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_computer_has_a_site_and_every_fleet_its_share() {
        assert_eq!(Fleet::SHARES.iter().sum::<u64>(), 100);
        for computers in [0, 1, 99, 1_000] {
            let sites = sites(computers, 5);
            assert_eq!(sites.iter().map(|site| site.computers).sum::<u64>(), computers);
            assert!(sites.iter().all(|site| (1..=SITE_MAX).contains(&site.computers)));
        }
        let laptops = sites(1_000, 5).into_iter().filter(|site| site.fleet == Fleet::Laptops);
        assert_eq!(laptops.map(|site| site.computers).sum::<u64>(), 300);
    }
}
