//! Replays the corpora of the fuzz targets: none of their inputs breaks a promise any more.

use std::path::Path;

use fault_bench::fuzzing::TARGETS;

#[test]
fn every_input_of_every_corpus_is_taken_without_a_panic() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{}: nothing to begin with", target.name);
        seeds.iter().for_each(|seed| (target.run)(seed));
        let folder = corpora.join(target.name);
        let files = std::fs::read_dir(&folder).expect("a corpus");
        let mut replayed = 0;
        for file in files {
            let path = file.expect("a file").path();
            println!("{}", path.display());
            (target.run)(&std::fs::read(&path).expect("readable"));
            replayed += 1;
        }
        assert!(replayed > 0, "{}: an empty corpus", target.name);
    }
}

/// With `SEEDS=1` writes the first inputs of every corpus.
#[test]
fn seeds_are_in_the_corpora() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for target in TARGETS {
        let folder = corpora.join(target.name);
        for (number, seed) in (target.seeds)().iter().enumerate() {
            let path = folder.join(format!("seed-{number}"));
            if std::env::var_os("SEEDS").is_some() {
                std::fs::create_dir_all(&folder).expect("made");
                std::fs::write(&path, seed).expect("written");
            }
            assert!(path.is_file(), "run it with SEEDS=1: {}", path.display());
        }
    }
}
