//! Fuzzes the target `receipt` of `fault_bench::fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fault_bench::fuzzing::run("receipt", input));
