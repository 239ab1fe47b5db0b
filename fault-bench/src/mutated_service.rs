//! The activation service with a deliberate bug, served by the bench itself: what is delivered has
//! none of them in it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use activation_service::mutants::{Mutant, switch};
use anyhow::{Context as _, Result};
use xtask::pair::Process;

/// The first argument of a process that is a service and no bench.
const SERVICE: &str = "service";
/// Names the bug.
const VARIABLE: &str = "FAULTS_MUTANT";
/// Those that are tried on the whole service.
const SERVED: [Mutant; 2] = [Mutant::NoSync, Mutant::WideSyncWindow];

/// Serves, if that is what this process is for.
pub(crate) fn run() -> Option<ExitCode> {
    let mut arguments = std::env::args_os();
    let program = arguments.next()?;
    if arguments.next()? != SERVICE {
        return None;
    }
    let named = std::env::var_os(VARIABLE);
    switch(SERVED.into_iter().find(|mutant| named == Some(name(*mutant))));
    let arguments = std::iter::once(program).chain(arguments);
    Some(activation_service::commands::run_with(arguments))
}

/// A process that serves with this bug, or without any.
pub(crate) fn process(mutant: Option<Mutant>) -> Result<Process> {
    let own: PathBuf = std::env::current_exe().context("this program has no path")?;
    let variable = |mutant| (OsString::from(VARIABLE), name(mutant));
    Ok(Process {
        program: vec![own.into(), SERVICE.into()],
        environment: mutant.map(variable).into_iter().collect(),
    })
}

fn name(mutant: Mutant) -> OsString {
    format!("{mutant:?}").into()
}
