//! Receipts as third parties meet them: the published vectors, every damage, and any leaf at all.

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod chain;
#[cfg(test)]
mod crafted;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod specimen;
#[cfg(test)]
mod spoils;
#[cfg(test)]
mod tree;
#[cfg(test)]
mod vectors;
