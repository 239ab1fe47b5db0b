//! Fuzzes the target `request` of `fault_bench::fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fault_bench::fuzzing::run("request", input));
