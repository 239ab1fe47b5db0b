//! benefitsctl: the hardware of this computer, activations, benefits and keys, for people.

fn main() {}
