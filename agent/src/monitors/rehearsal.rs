//! What only `initialize` finds wrong with an entry, found before a start: instances are built and initialised as a start
//! would do it, and let go again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::bounded;
use scalyr_monitor::registry::Problem;
use scalyr_monitor::rules::SeriesBudget;
use scalyr_monitor::{Clock, LogFiles, Logger};

use super::back_off::RestartPolicy;
use super::contribution;
use super::instance::{Refused, Surroundings, construct};
use crate::config::plan::MonitorPlan;
use crate::config::{Draft, Loaded};
use crate::reference;
use crate::threads::Threads;

/// How long all of them may take together; as at a start.
const BUDGET: Duration = Duration::from_secs(5);

/// Tries the monitors of a draft; those that refuse are refused in it.
pub fn rehearse(draft: &mut Draft, loaded: &Loaded, clock: &Clock) {
    let plan = draft.plan();
    for Refused { origin, problems, .. } in refusals(&plan.monitors, &plan.log_path, clock, &Threads::new()) {
        draft.refuse_monitor(loaded, &origin, &problems);
    }
}

/// Those of these monitors that a start would refuse, in their order. Only monitors that come with every agent are tried:
/// their `initialize` opens and changes nothing, while that of another may take a port or a file from a running agent.
fn refusals(monitors: &[MonitorPlan], log_path: &Path, clock: &Clock, threads: &Threads) -> Vec<Refused> {
    let surroundings = Arc::new(Surroundings {
        clock: clock.clone(),
        logger: Logger::none(),
        log_files: LogFiles::none(),
        contribution: contribution::none(),
        log_path: log_path.to_owned(),
        data_path: None,
        restart: RestartPolicy::default(),
        rate_series: SeriesBudget::default(),
        monitors: None,
    });
    let is_tried = |plan: &MonitorPlan| !plan.disabled && reference::is_builtin(plan.registration);
    let (done, tried) = bounded(monitors.len());
    let mut waiting = BTreeMap::new();
    for (index, plan) in monitors.iter().enumerate().filter(|(_, plan)| is_tried(plan)) {
        let (done, building, surroundings) = (done.clone(), plan.clone(), Arc::clone(&surroundings));
        let work = move || _ = done.send((index, construct(&building, &surroundings).err()));
        // Without a thread nothing can be said of it; the start will tell.
        if threads.spawn(&format!("rehearse {index}"), work).is_ok() {
            waiting.insert(index, plan);
        }
    }
    let deadline = clock.monotonic() + BUDGET;
    let mut refused = BTreeMap::new();
    while !waiting.is_empty() {
        let left = deadline.saturating_duration_since(clock.monotonic());
        let Ok((index, refusal)) = tried.recv_timeout(left) else { break };
        waiting.remove(&index);
        refused.extend(refusal.map(|refusal| (index, refusal)));
    }
    refused.extend(waiting.into_iter().map(|(index, plan)| (index, late(plan))));
    refused.into_values().collect()
}

fn late(plan: &MonitorPlan) -> Refused {
    let why = format!("did not initialise within {} s", BUDGET.as_secs());
    Refused { origin: plan.origin.clone(), name: plan.name(), problems: vec![Problem::refused("", why)] }
}
