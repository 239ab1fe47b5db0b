//! Does one part of the work of an activation again and again and nothing else, so that an
//! instrument can count what it costs: `counted PART ROUNDS`. All of it runs on one thread, from
//! fixed seeds, so the count is the same each time but for what hash tables are seeded with.

#![expect(clippy::expect_used, clippy::panic, reason = "an experiment ends where it finds a fault")]
#![expect(clippy::print_stdout, reason = "the instrument reads how many operations there were")]

mod activating;
mod committing;
mod deciding;
mod encoding;

/// The service's own; what allocation costs is a good part of the whole.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Computers of a usual key, and of a very large one.
const COMPUTERS: [u32; 2] = [5, 5_000];

/// What is counted.
pub(crate) struct Work {
    operations: u64,
    run: Box<dyn FnMut()>,
}

fn main() {
    let mut args = std::env::args().skip(1);
    let part = args.next().expect("PART");
    let rounds: u32 = args.next().and_then(|arg| arg.parse().ok()).expect("ROUNDS");
    let [few, many] = COMPUTERS;
    let mut work = match part.as_str() {
        "decide" => deciding::work(few, rounds, false),
        "decide-5000" => deciding::work(many, rounds, false),
        "record" => deciding::work(few, rounds, true),
        "record-5000" => deciding::work(many, rounds, true),
        "encode" => encoding::work(rounds),
        "commit" => committing::work(rounds),
        "activate" => activating::work(rounds),
        _ => panic!("there is no part `{part}`"),
    };
    measured(&mut work.run);
    println!("operations {}", work.operations);
}

/// What is counted: the instrument looks for this name.
#[inline(never)]
fn measured(run: &mut dyn FnMut()) {
    run();
}
