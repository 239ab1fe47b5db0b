//! Tests wait for conditions and not for time, and none of them is switched off.

use crate::code::{Code, test_files};
use crate::house::{House, Source};
use crate::paths::paths;
use crate::report::Fault;

const LAW_SLEEP: &str = "a test waits for a condition, never for time";
const LAW_IGNORE: &str = "no test is switched off";

pub(crate) fn check(house: &House) -> Vec<Fault> {
    let tests = test_files(house);
    let mut faults = Vec::new();
    for source in house.rust() {
        let Ok(code) = Code::parse(source) else { continue };
        let all_is_test = tests.contains(&source.path);
        for path in paths(source) {
            let in_test = all_is_test || code.is_test_line(path.line);
            let sleeps = path.ends_with(&["thread", "sleep"]) || path.ends_with(&["time", "sleep"]);
            if in_test && sleeps {
                let remedy = "wait for an event, a line, a port or a state with a deadline";
                faults.push(Fault::new(&source.path, path.line, LAW_SLEEP, remedy));
            }
        }
        check_ignored(source, &mut faults);
    }
    faults
}

fn check_ignored(source: &Source, faults: &mut Vec<Fault>) {
    for (number, line) in source.lines() {
        let code = line.trim_start();
        if code.starts_with("#[ignore") || code.contains("ignore = \"") && code.starts_with("#[") {
            let remedy = "mend the test, or take it out and say why in the commit";
            faults.push(Fault::new(&source.path, number, LAW_IGNORE, remedy));
        }
    }
}

#[test]
fn no_test_sleeps_or_is_switched_off() -> Result<(), Box<dyn std::error::Error>> {
    crate::report::assert_kept(check(&House::load()?));
    Ok(())
}

#[test]
fn a_sleeping_test_is_named() {
    let house = House::specimen(&[
        (
            "a/src/retry.rs",
            "//! Backs off.\nuse tokio::time::sleep;\n#[cfg(test)]\nmod tests {\n\
             fn f() { std::thread::sleep(x); }\n}\n",
        ),
        (
            "a/tests/wire/main.rs",
            "//! Wire.\nuse tokio::time::{Duration, sleep};\n#[test]\n#[ignore]\nfn f() {}\n",
        ),
    ]);
    crate::report::assert_broken_at(
        &check(&house),
        &[("a/src/retry.rs", 5), ("a/tests/wire/main.rs", 2), ("a/tests/wire/main.rs", 4)],
    );
}
