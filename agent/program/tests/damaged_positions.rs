//! "The positions on disk were damaged. Was anything lost, or sent again in silence?"

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;
use story::{
    AgentProcess, Lines, ReceiverProcess, Scratch, assert_repeats_are_numbered_alike, end_well, missing_and_repeated,
    seeded_rng, wait_for_lines, wait_until, write_config,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs an agent again and again over a growing file, damages its positions after each run, and judges what arrived. In
/// every other round the agent is killed, so that not only what a clean stop leaves is damaged.
fn no_line_is_lost(rounds: u32, damage: impl Fn(u32, &mut StdRng, &mut Vec<u8>)) {
    let scratch = Scratch::new();
    let mut chance = seeded_rng();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    let config = write_config(&scratch, &receiver.url(), json!([{ "path": log }]), json!({}));
    let mut first = AgentProcess::start(&scratch, &config);
    wait_until("the agent runs", PATIENCE, || first.status().is_some());
    assert_eq!(first.stop(PATIENCE), Some(0));
    let mut lines = Lines::new(&log, 60);
    for round in 0..rounds {
        let mut agent = AgentProcess::start(&scratch, &config);
        lines.append(100);
        wait_for_lines(&mut receiver, lines.written(), PATIENCE);
        wait_until("they are acknowledged", PATIENCE, || {
            agent.status().is_some_and(|status| status["totals"]["pending"] == 0)
        });
        if round % 2 == 0 {
            agent.kill();
        } else {
            assert_eq!(agent.stop(PATIENCE), Some(0));
        }
        lines.append(100);
        let newest = newest_positions(&scratch);
        let mut bytes = fs::read(&newest).unwrap();
        damage(round, &mut chance, &mut bytes);
        fs::write(&newest, bytes).unwrap();
    }
    let before = receiver.events().len();
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_for_lines(&mut receiver, lines.written(), PATIENCE);
    end_well(&mut agent, PATIENCE);
    let events = receiver.events();
    assert!(events.len() > before, "the last run sent what was written before it");
    let tally = missing_and_repeated(events, lines.written());
    assert!(tally.missing.is_empty() && tally.damaged.is_empty(), "of {} lines, {tally}", lines.written());
    let agent_log = fs::read_to_string(scratch.path("log/agent.log")).unwrap();
    let warned = agent_log
        .lines()
        .any(|line| ["WARN", "ERROR"].iter().any(|level| line.contains(level)) && line.contains("positions"));
    assert!(warned || tally.repeated.is_empty(), "lines are sent again in silence; {tally}\n{agent_log}");
    assert!(agent_log.contains("positions"), "{agent_log}");
    assert_repeats_are_numbered_alike_where_the_sequence_is_known(events);
}

/// Positions that were lost altogether begin a sequence of their own; within one each line has one number.
fn assert_repeats_are_numbered_alike_where_the_sequence_is_known(events: &[story::Event]) {
    let mut by_sequence = std::collections::BTreeMap::<_, Vec<story::Event>>::new();
    for event in events {
        by_sequence.entry(event.si.clone()).or_default().push(event.clone());
    }
    by_sequence.values().for_each(|events| assert_repeats_are_numbered_alike(events));
}

/// The file with positions that was written last.
fn newest_positions(scratch: &Scratch) -> PathBuf {
    let files = fs::read_dir(scratch.path("data")).unwrap().map(|entry| entry.unwrap());
    let positions = files.filter(|file| {
        let name = file.file_name().to_string_lossy().into_owned();
        name.starts_with("positions") && file.metadata().unwrap().len() > 0
    });
    positions.max_by_key(|file| file.metadata().unwrap().modified().unwrap()).expect("positions on disk").path()
}

#[test]
fn positions_that_are_cut_off_anywhere_lose_no_line() {
    // All of it, nearly all of it, half of it, and by chance.
    no_line_is_lost(12, |round, chance, bytes| {
        let length = bytes.len();
        bytes.truncate(match round {
            0 => 0,
            1 => 1,
            2 => length - 1,
            3 => length - 2,
            4 => length / 2,
            _ => chance.random_range(0..length),
        });
    });
}

#[test]
fn positions_with_a_flipped_bit_lose_no_line() {
    no_line_is_lost(12, |_, chance, bytes| {
        let (place, bit) = (chance.random_range(0..bytes.len()), chance.random_range(0..8));
        bytes[place] ^= 1 << bit;
    });
}
