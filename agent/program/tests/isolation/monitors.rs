//! Monitors that do whatever a monitor must not.

use std::fs;
use std::path::Path;
use std::time::Duration;

use scalyr_monitor::prelude::*;

/// Does in its samples what its option says.
#[scalyr_monitor(name = "broken")]
pub struct Broken {
    /// `hang`, `panic`, `fail`, `flood`, or nothing of it.
    #[config(required)]
    how: String,

    /// What it measures, before it breaks.
    #[metric]
    value: Metric<u64>,

    samples: u64,
}

impl Monitor for Broken {
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        self.samples += 1;
        out.emit(self.value, self.samples);
        match self.how.as_str() {
            "hang" => loop {
                std::thread::sleep(Duration::from_secs(60));
            },
            "panic" => panic!("the sensor fell off"),
            "fail" => Err(Error::new("the sensor answers nonsense")),
            "flood" => {
                (0..50_000).for_each(|n| out.emit(self.value, n));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Takes the whole agent with it, each time its trigger is there.
#[scalyr_monitor(name = "deadly")]
pub struct Deadly {
    /// `abort`, `memory` or `fail`.
    #[config(required)]
    how: String,

    /// The file that it waits for, and removes.
    #[config(required)]
    trigger: String,
}

impl Monitor for Deadly {
    fn run(&mut self, run: &mut Run) -> Result<()> {
        while !run.stop().wait(Duration::from_millis(20)) {
            if !Path::new(&self.trigger).exists() {
                continue;
            }
            fs::remove_file(&self.trigger)?;
            match self.how.as_str() {
                "abort" => std::process::abort(),
                "memory" => {
                    let mut hoard: Vec<Vec<u8>> = Vec::new();
                    // Never touched, so that it is the agent's own limit that is met and not the machine's memory.
                    while !run.stop().is_stopped() {
                        hoard.push(vec![0; 64 << 20]);
                    }
                }
                _ => return Err(Error::new("out of ink")),
            }
        }
        Ok(())
    }
}
