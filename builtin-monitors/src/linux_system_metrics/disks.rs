//! What disks and partitions read and wrote: `iostat.disk.*`, `iostat.part.*`.

use std::path::Path;

use scalyr_monitor::prelude::*;

use super::kernel_file::{KernelFile, Source, text, words};
use super::number::Number;
use super::turn::Turn;
use super::warnings::Warnings;

const DISKSTATS: Source = Source { name: "diskstats", metrics: "iostat.*", limit: 4 << 20 };
const FORM: &str = "MAJOR MINOR NAME, then 4 or at least 11 numbers";

/// Columns before the counters: major and minor number, name.
const HEAD: usize = 3;

/// Counters of a line; newer kernels write more (discards, flushes), which are not told.
const COUNTERS: usize = 11;

/// Counters that kernels before 2.6.25 wrote for a partition.
const OLD_COUNTERS: usize = 4;

/// Extra field of `iostat.*`.
#[derive(Clone, Copy, Fields)]
struct Device<'a> {
    /// The device's name, with `_` for `/`.
    dev: &'a str,
}

/// A device that was read from at least once.
#[derive(Debug, PartialEq)]
struct Row<'b> {
    name: String,
    counters: Counters<'b>,
}

#[derive(Debug, PartialEq)]
enum Counters<'b> {
    Disk([Number<'b>; COUNTERS]),
    Partition([Number<'b>; COUNTERS]),
    OldPartition([Number<'b>; OLD_COUNTERS]),
}

/// Metrics of the disks of `/proc/diskstats`.
#[derive(MetricSet)]
#[metrics(category = "Disk Requests")]
pub(super) struct DiskMetrics {
    /// Reads that a disk completed since boot.
    #[metric(name = "iostat.disk.read_requests", cumulative)]
    read_requests: Metric<Number<'static>, Device<'static>>,
    /// Reads of a disk that were merged with a neighbour since boot.
    #[metric(name = "iostat.disk.read_merged", cumulative)]
    read_merged: Metric<Number<'static>, Device<'static>>,
    /// Sectors read from a disk since boot.
    #[metric(name = "iostat.disk.read_sectors", cumulative)]
    read_sectors: Metric<Number<'static>, Device<'static>>,
    /// Milliseconds that reads of a disk took since boot.
    #[metric(name = "iostat.disk.msec_read", unit = "milliseconds", cumulative)]
    msec_read: Metric<Number<'static>, Device<'static>>,
    /// Writes that a disk completed since boot.
    #[metric(name = "iostat.disk.write_requests", cumulative)]
    write_requests: Metric<Number<'static>, Device<'static>>,
    /// Writes of a disk that were merged with a neighbour since boot.
    #[metric(name = "iostat.disk.write_merged", cumulative)]
    write_merged: Metric<Number<'static>, Device<'static>>,
    /// Sectors written to a disk since boot.
    #[metric(name = "iostat.disk.write_sectors", cumulative)]
    write_sectors: Metric<Number<'static>, Device<'static>>,
    /// Milliseconds that writes of a disk took since boot.
    #[metric(name = "iostat.disk.msec_write", unit = "milliseconds", cumulative)]
    msec_write: Metric<Number<'static>, Device<'static>>,
    /// Reads and writes of a disk that are under way right now.
    #[metric(name = "iostat.disk.ios_in_progress")]
    ios_in_progress: Metric<Number<'static>, Device<'static>>,
    /// Milliseconds that a disk was busy since boot.
    #[metric(name = "iostat.disk.msec_total", unit = "milliseconds", cumulative)]
    msec_total: Metric<Number<'static>, Device<'static>>,
    /// Milliseconds that a disk was busy since boot, times the reads and writes under way.
    #[metric(name = "iostat.disk.msec_weighted_total", unit = "milliseconds", cumulative)]
    msec_weighted_total: Metric<Number<'static>, Device<'static>>,
}

/// Metrics of the partitions of `/proc/diskstats`.
#[derive(MetricSet)]
#[metrics(category = "Disk Requests")]
pub(super) struct PartitionMetrics {
    /// Reads that a partition completed since boot.
    #[metric(name = "iostat.part.read_requests", cumulative)]
    read_requests: Metric<Number<'static>, Device<'static>>,
    /// Reads of a partition that were merged with a neighbour since boot.
    #[metric(name = "iostat.part.read_merged", cumulative)]
    read_merged: Metric<Number<'static>, Device<'static>>,
    /// Sectors read from a partition since boot.
    #[metric(name = "iostat.part.read_sectors", cumulative)]
    read_sectors: Metric<Number<'static>, Device<'static>>,
    /// Milliseconds that reads of a partition took since boot.
    #[metric(name = "iostat.part.msec_read", unit = "milliseconds", cumulative)]
    msec_read: Metric<Number<'static>, Device<'static>>,
    /// Writes that a partition completed since boot.
    #[metric(name = "iostat.part.write_requests", cumulative)]
    write_requests: Metric<Number<'static>, Device<'static>>,
    /// Writes of a partition that were merged with a neighbour since boot.
    #[metric(name = "iostat.part.write_merged", cumulative)]
    write_merged: Metric<Number<'static>, Device<'static>>,
    /// Sectors written to a partition since boot.
    #[metric(name = "iostat.part.write_sectors", cumulative)]
    write_sectors: Metric<Number<'static>, Device<'static>>,
    /// Milliseconds that writes of a partition took since boot.
    #[metric(name = "iostat.part.msec_write", unit = "milliseconds", cumulative)]
    msec_write: Metric<Number<'static>, Device<'static>>,
    /// Reads and writes of a partition that are under way right now.
    #[metric(name = "iostat.part.ios_in_progress")]
    ios_in_progress: Metric<Number<'static>, Device<'static>>,
    /// Milliseconds that a partition was busy since boot.
    #[metric(name = "iostat.part.msec_total", unit = "milliseconds", cumulative)]
    msec_total: Metric<Number<'static>, Device<'static>>,
    /// Milliseconds that a partition was busy since boot, times the reads and writes under way.
    #[metric(name = "iostat.part.msec_weighted_total", unit = "milliseconds", cumulative)]
    msec_weighted_total: Metric<Number<'static>, Device<'static>>,
    /// Reads of a partition since boot, as kernels before 2.6.25 count them.
    #[metric(name = "iostat.part.read_issued", cumulative)]
    read_issued: Metric<Number<'static>, Device<'static>>,
    /// Writes of a partition since boot, as kernels before 2.6.25 count them.
    #[metric(name = "iostat.part.write_issued", cumulative)]
    write_issued: Metric<Number<'static>, Device<'static>>,
}

/// A metric of a device.
type OfDevice = Metric<Number<'static>, Device<'static>>;

impl DiskMetrics {
    fn all(&self) -> [OfDevice; COUNTERS] {
        [
            self.read_requests,
            self.read_merged,
            self.read_sectors,
            self.msec_read,
            self.write_requests,
            self.write_merged,
            self.write_sectors,
            self.msec_write,
            self.ios_in_progress,
            self.msec_total,
            self.msec_weighted_total,
        ]
    }

    pub(super) fn emit(&self, partitions: &PartitionMetrics, turn: &mut Turn<'_>) {
        let class = turn.roots.sys("class/block");
        let Some((file, out, warnings)) = turn.read(&DISKSTATS) else { return };
        let (disk, partition, old_partition) = (self.all(), partitions.all(), partitions.old());
        for Row { name, counters } in parse(&file, &class, warnings) {
            let device = Device { dev: &name };
            match counters {
                Counters::Disk(counters) => emit_row(out, &disk, counters, device),
                Counters::Partition(counters) => emit_row(out, &partition, counters, device),
                Counters::OldPartition(counters) => emit_row(out, &old_partition, counters, device),
            }
        }
    }
}

impl PartitionMetrics {
    fn all(&self) -> [OfDevice; COUNTERS] {
        [
            self.read_requests,
            self.read_merged,
            self.read_sectors,
            self.msec_read,
            self.write_requests,
            self.write_merged,
            self.write_sectors,
            self.msec_write,
            self.ios_in_progress,
            self.msec_total,
            self.msec_weighted_total,
        ]
    }

    fn old(&self) -> [OfDevice; OLD_COUNTERS] {
        [self.read_issued, self.read_sectors, self.write_issued, self.write_sectors]
    }
}

fn emit_row<const N: usize>(out: &mut Sample, metrics: &[OfDevice; N], counters: [Number<'_>; N], device: Device<'_>) {
    for (&metric, counter) in metrics.iter().zip(counters) {
        out.emit_with(metric, counter, device);
    }
}

/// The devices of `/proc/diskstats` that were read from; `class` is `/sys/class/block`.
fn parse<'b>(file: &KernelFile<'b>, class: &Path, warnings: &mut Warnings) -> Vec<Row<'b>> {
    let mut rows = Vec::new();
    for line in file.lines() {
        match parse_line(line, class) {
            Some(Some(row)) => rows.push(row),
            Some(None) => {}
            None => file.odd_line(line, FORM, warnings),
        }
    }
    rows
}

/// `None` for an odd line, `Some(None)` for a device that nothing was ever read from.
fn parse_line<'b>(line: &'b [u8], class: &Path) -> Option<Option<Row<'b>>> {
    let words: Vec<_> = words(line).collect();
    let [major, minor, name] = words.get(..HEAD)?.try_into().ok()?;
    let (major, minor) = (decimal(major)?, decimal(minor)?);
    let columns = &words[HEAD..];
    let columns = match columns.len() {
        OLD_COUNTERS => columns,
        count if count >= COUNTERS => &columns[..COUNTERS],
        _ => return None,
    };
    let numbers: Vec<_> = columns.iter().map(|column| Number::parse(column)).collect::<Option<_>>()?;
    if numbers.first().is_none_or(Number::is_zero) {
        return Some(None);
    }
    let name = text(name);
    let counters = match <[Number<'_>; COUNTERS]>::try_from(numbers) {
        Ok(numbers) if is_partition(class, &name).unwrap_or(minor % 16 != 0 || major <= 1) => {
            Counters::Partition(numbers)
        }
        Ok(numbers) => Counters::Disk(numbers),
        Err(numbers) => Counters::OldPartition(numbers.try_into().ok()?),
    };
    Some(Some(Row { name: name.replace('/', "_"), counters }))
}

fn decimal(word: &[u8]) -> Option<u64> {
    str::from_utf8(word).ok()?.parse().ok()
}

/// What `/sys/class/block` says of a device; `None` when it does not know it, and the device's numbers must do.
fn is_partition(class: &Path, name: &str) -> Option<bool> {
    // The kernel writes `!` there for the `/` of names like `cciss/c0d0`.
    let entry = name.replace('/', "!");
    if matches!(entry.as_str(), "." | "..") {
        return None;
    }
    let device = class.join(entry);
    device.is_dir().then(|| device.join("partition").exists())
}

/// Reads any bytes.
#[cfg(test)]
pub(super) fn survive(content: &[u8]) {
    parse(&KernelFile::holding(&DISKSTATS, content), Path::new("/nowhere"), &mut Warnings::default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed<'b>(content: &'b [u8], class: &Path) -> (Vec<Row<'b>>, Vec<String>) {
        let mut warnings = Warnings::default();
        let rows = parse(&KernelFile::holding(&DISKSTATS, content), class, &mut warnings);
        (rows, warnings.take_fresh())
    }

    /// `name:d` for a disk, `name:p` for a partition, `name:o` for the old form of one.
    fn kinds(rows: &[Row<'_>]) -> Vec<String> {
        let kind = |row: &Row<'_>| match row.counters {
            Counters::Disk(_) => 'd',
            Counters::Partition(_) => 'p',
            Counters::OldPartition(_) => 'o',
        };
        rows.iter().map(|row| format!("{}:{}", row.name, kind(row))).collect()
    }

    #[test]
    fn sysfs_knows_what_the_numbers_mislabel() {
        let class = tempfile::tempdir().unwrap();
        for device in ["mmcblk1", "dm-3", "sdb16", "cciss!c0d0"] {
            std::fs::create_dir(class.path().join(device)).unwrap();
        }
        std::fs::write(class.path().join("sdb16/partition"), "16").unwrap();
        let content = b"179 8 mmcblk1 1 0 0 0 0 0 0 0 0 0 0\n 253 3 dm-3 1 0 0 0 0 0 0 0 0 0 0\n\
            8 32 sdb16 1 0 0 0 0 0 0 0 0 0 0\n 104 1 cciss/c0d0 1 0 0 0 0 0 0 0 0 0 0\n";
        let (rows, _) = parsed(content, class.path());
        assert_eq!(kinds(&rows), ["mmcblk1:d", "dm-3:d", "sdb16:p", "cciss_c0d0:d"]);
        let (rows, _) = parsed(content, &class.path().join("missing"));
        assert_eq!(kinds(&rows), ["mmcblk1:p", "dm-3:p", "sdb16:d", "cciss_c0d0:p"]);
    }

    #[test]
    fn lines_of_seven_or_at_least_fourteen_columns_are_taken() {
        let content = b"8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n3 1 hda1 5 6 7 8\n\
            8 1 sda1 1 2 3 4 5\n8 16 sdb 0 2 3 4 5 6 7 8 9 10 11\n8 32 sdc 1 2 3 4 x 6 7 8 9 10 11\n8 48\n";
        let (rows, warned) = parsed(content, Path::new("/nowhere"));
        assert_eq!(kinds(&rows), ["sda:d", "hda1:o"]);
        assert_eq!(warned.len(), 1);
        assert!(warned[0].contains("`8 1 sda1 1 2 3 4 5`"), "{}", warned[0]);
    }

    #[test]
    fn a_device_cannot_lead_out_of_sysfs() {
        let class = tempfile::tempdir().unwrap();
        assert_eq!(is_partition(class.path(), ".."), None);
        assert_eq!(is_partition(class.path(), "../.."), None);
        assert_eq!(is_partition(class.path(), "a\0b"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(content in proptest::collection::vec(any::<u8>(), 0..300)) {
            parsed(&content, Path::new("/nowhere"));
            parsed(&[b"8 0 ".as_slice(), &content, b" 1 2 3 4 5 6 7 8 9 10 11"].concat(), Path::new("/nowhere"));
        }
    }
}
