//! The metrics, and which figure each one tells.

use scalyr_monitor::prelude::*;

use super::figures::{Figures, Series};

/// What is told of the processes. What is told as a total begins with 0.
#[derive(MetricSet)]
pub(super) struct ProcessMetrics {
    /// Processor time that the processes spent themselves, in hundredths of a second.
    #[metric(name = "app.cpu", unit = "secs:0.01", cumulative, fields(type = "user"))]
    cpu_user: Metric<i64, App<'static>>,
    /// Processor time that the kernel spent for them, in hundredths of a second.
    #[metric(name = "app.cpu", unit = "secs:0.01", cumulative, fields(type = "system"))]
    cpu_system: Metric<i64, App<'static>>,
    /// How long the process has been running since it was first measured, in milliseconds; of several, the one that gained
    /// most since the sample before.
    #[metric(name = "app.uptime", unit = "milliseconds", cumulative)]
    uptime: Metric<i64, App<'static>>,
    /// The nice value; of several processes, the lowest.
    #[metric(name = "app.nice")]
    nice: Metric<f64, App<'static>>,
    /// Threads.
    #[metric(name = "app.threads")]
    threads: Metric<i64, App<'static>>,
    /// Page faults that had to read from disk.
    #[metric(name = "app.mem.majflt", cumulative)]
    majflt: Metric<i64, App<'static>>,
    /// Time spent waiting for disks, in ticks of the kernel's clock (hundredths of a second, as a rule).
    #[metric(name = "app.io.wait", unit = "secs:0.01", cumulative)]
    io_wait: Metric<i64, App<'static>>,
    /// The most that the address space ever was.
    #[metric(name = "app.mem.bytes", unit = "bytes", fields(type = "peak_vmsize"))]
    peak_address_space: Metric<i64, App<'static>>,
    /// The address space.
    #[metric(name = "app.mem.bytes", unit = "bytes", fields(type = "vmsize"))]
    address_space: Metric<i64, App<'static>>,
    /// The most memory that was ever resident.
    #[metric(name = "app.mem.bytes", unit = "bytes", fields(type = "peak_resident"))]
    peak_resident: Metric<i64, App<'static>>,
    /// Memory that is resident.
    #[metric(name = "app.mem.bytes", unit = "bytes", fields(type = "resident"))]
    resident: Metric<i64, App<'static>>,
    /// Bytes that were read by system calls; also from the page cache, from pipes and from sockets.
    #[metric(name = "app.disk.bytes", unit = "bytes", cumulative, fields(type = "read"))]
    bytes_read: Metric<i64, App<'static>>,
    /// Bytes that were written by system calls; also to the page cache, to pipes and to sockets.
    #[metric(name = "app.disk.bytes", unit = "bytes", cumulative, fields(type = "write"))]
    bytes_written: Metric<i64, App<'static>>,
    /// System calls that read.
    #[metric(name = "app.disk.requests", cumulative, fields(type = "read"))]
    reads: Metric<i64, App<'static>>,
    /// System calls that wrote.
    #[metric(name = "app.disk.requests", cumulative, fields(type = "write"))]
    writes: Metric<i64, App<'static>>,
    /// Bytes that were fetched from disks and other storage.
    #[metric(name = "app.disk.storage_bytes", unit = "bytes", cumulative, fields(type = "read"))]
    storage_read: Metric<i64, App<'static>>,
    /// Bytes that are to be stored on disks and other storage.
    #[metric(name = "app.disk.storage_bytes", unit = "bytes", cumulative, fields(type = "write"))]
    storage_written: Metric<i64, App<'static>>,
    /// Descriptors that are open; for the agent itself with the one that counts them.
    #[metric(name = "app.io.fds", fields(type = "open"))]
    descriptors: Metric<i64, App<'static>>,
}

/// Extra field of all metrics.
#[derive(Clone, Copy, Fields)]
struct App<'a> {
    /// The monitor's id.
    app: &'a str,
}

impl ProcessMetrics {
    /// Tells all figures that are known.
    pub(super) fn emit(&self, figures: &Figures, app: &str, out: &mut Sample) {
        for series in Series::ALL {
            let Some(value) = figures[series as usize] else { continue };
            let metric = match series {
                Series::Nice => {
                    out.emit_with(self.nice, value as f64, App { app });
                    continue;
                }
                Series::CpuUser => self.cpu_user,
                Series::CpuSystem => self.cpu_system,
                Series::Uptime => self.uptime,
                Series::Threads => self.threads,
                Series::MajorFaults => self.majflt,
                Series::IoWait => self.io_wait,
                Series::PeakAddressSpace => self.peak_address_space,
                Series::AddressSpace => self.address_space,
                Series::PeakResident => self.peak_resident,
                Series::Resident => self.resident,
                Series::BytesRead => self.bytes_read,
                Series::BytesWritten => self.bytes_written,
                Series::Reads => self.reads,
                Series::Writes => self.writes,
                Series::StorageRead => self.storage_read,
                Series::StorageWritten => self.storage_written,
                Series::Descriptors => self.descriptors,
            };
            out.emit_with(metric, value, App { app });
        }
    }
}
